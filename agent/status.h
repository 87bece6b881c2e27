/* What the operator's pages are told. Shared by the files status*.c only. */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "agent/daemon.h"
#include "exporters/pages/status.h"

/* One moment of the program for the pages; stays where it is while it is open. */
struct telling {
	struct status_source source;
	struct daemon *daemon;
	struct pin *pin;
	struct status_app *app; /* by number */
	struct why unready, unwell;
	struct buf curl;
};
/* Errors: ERR_MEMORY, and nothing is left. */
enum err telling_open(struct daemon *d, struct telling *ret) MUST_USE;
void telling_close(struct telling *t);

/* A line for a shell that makes the same call, with the signature left to $USERSIG. */
void status_curl(const struct poller_app *app, const struct topic_question *q, struct buf *out);

#endif
