/* Listening sockets that systemd hands over, as sd_listen_fds(3) has it, without its library. Shared by the
 * files in agent/ only. */
#ifndef AGENT_PROCESS_ACTIVATION_H
#define AGENT_PROCESS_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"

enum { ACTIVATION_MAX = 16 };

struct activation {
	int fd[ACTIVATION_MAX]; /* each listens on a TCP port, does not block, is closed on exec */
	size_t n;
};

/* Takes the sockets over, or finds that there are none when none are `wanted`; LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES leave the environment. Errors: ERR_CONFIG, also for sockets that nobody wants: the port they
 * hold could not be listened on. */
enum err activation_take(bool wanted, struct activation *ret, struct why *why) MUST_USE;

#endif
