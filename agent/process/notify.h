/* What a service manager hears from the program, in the protocol of sd_notify(3), without its library.
 * Without a manager every call does nothing. Nothing here waits: a message that cannot be sent at once is
 * lost. Shared by the files in agent/ only. */
#ifndef AGENT_PROCESS_NOTIFY_H
#define AGENT_PROCESS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/base/now.h"

enum { NOTIFY_STATUS_MAX = 160 };

struct notify {
	int fd; /* -1: no manager */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ms;          /* the manager ends us when it hears nothing for so long; 0: never */
	int64_t feed_ms, tell_ms;     /* mono, not before */
	char told[NOTIFY_STATUS_MAX]; /* the latest status */
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. To be called while there is one
 * thread and no sandbox. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* Listening, or done with a reload. */
void notify_ready(const struct notify *n);
/* A reload begins; notify_ready tells its end, whether it succeeded or not. */
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
/* Once a turn. The watchdog is fed at half of its time, and only when `well`. */
void notify_watchdog(struct notify *n, bool well, const struct now *now);
/* Whether it is time for a status, a few seconds after the one before; notify_status sends it if it differs.
 */
bool notify_wants_status(struct notify *n, const struct now *now);
void notify_status(struct notify *n, const char *status);
/* Until the watchdog has to be fed; INT64_MAX without. */
int64_t notify_wait_ms(const struct notify *n, const struct now *now);

#endif
