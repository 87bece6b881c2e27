/* What the files of this room share. */
#ifndef EXPORTERS_WEB_INSIDE_H
#define EXPORTERS_WEB_INSIDE_H

#include <microhttpd.h>
#include <sys/socket.h>

#include "exporters/web/web.h"

enum {
	HEAD_MAX = 16 << 10, /* bytes of a request's head, target included */
	TARGET_MAX = 4 << 10,
	BODY_MAX = 1 << 20,
	BLOCK = 112 << 10, /* what a stream is asked for at once; must fit CONNECTION_MEMORY */
	CONNECTION_MEMORY = 128 << 10,
};

/* A listening socket on `text`, "host:port", "[v6]:port" or ":port". Errors: ERR_CONFIG, ERR_SYSTEM. */
enum err address_listen(const char *text, int *ret_fd, struct why *why) MUST_USE;
/* "127.0.0.1:10058", "[::]:10058". */
void address_print(int fd, struct buf *out);

/* One request, from its first byte to its last. */
struct call {
	size_t target_len;
	bool target_odd; /* bytes that no target has, or %00 */
	bool judged;
};

/* What libmicrohttpd 0.9.75 lets through and this listener does not: the status to refuse with, 0 for none.
 */
unsigned check_request(struct MHD_Connection *c, const struct call *call, const char *method,
                       const char *version, const char **ret_text);
/* Reads the raw target before it is decoded. */
void check_target(struct call *call, const char *target);

/* Queues `reply` and takes everything it owns, whatever happens. */
enum MHD_Result answer_send(struct MHD_Connection *c, struct web_reply *reply, bool http10, bool close,
                            const char *allow);

#endif
