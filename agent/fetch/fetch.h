/* Many POSTs at once over one curl multi handle. Results are pulled, never called back.
 * TLS 1.2 or newer is verified always; redirects, cookies, netrc and the environment's proxies are
 * never followed. URLs carry a signature: they are never logged and never part of an error text.
 *
 * A host name is looked up once a minute, by one look-up at a time, and apart from the calls: whoever has an
 * address goes on with the one it has. When the look-up fails, calls use the addresses that have answered,
 * for up to an hour. A call whose name has no address waits for one as long as connecting may take.
 *
 * An address that fails by itself (nobody there, silence, a handshake that fails) rests for a minute: calls
 * go to the others of its name, and to all when all of them rest. No call begins on a kept connection to an
 * address that rests or that the name does not have any more. */
#ifndef AGENT_FETCH_FETCH_H
#define AGENT_FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

struct fetch;

struct fetch_conf {
	size_t max_reply;      /* bytes of one decoded body; above: ERR_TOO_LARGE */
	size_t max_total;      /* bytes of all bodies in memory; above: ERR_LOCAL_RESOURCE */
	unsigned max_inflight; /* calls at once, at least 1 */
	long timeout_ms;       /* a whole call, connect included; connecting alone may take 3 s of it */
	const char *user_agent;
	/* Of kept connections, in the whole seconds that libcurl counts; 0: ten minutes, and 30 s. */
	long connection_life_s, connection_idle_s;
};

struct ask {
	size_t target; /* handed back in the reply, not looked at */
	const char *url;
	const char *body;
	size_t len;
	const char *ca_file; /* trust anchors beside the system's; NULL or "": the system's alone */
	const char *proxy;   /* "http://host:port", asked to CONNECT, https only; NULL or "": none */
	bool fresh;          /* on a connection of its own: kept ones may be as dead as the host was */
	int64_t mono_ms; /* the loop's clock when the call is made; 0: not known, every address counts as old */
	/* One is added when its request is written for the first time; fetch_wait does not sleep then, so that
	 * the caller can tell when that was. Lives until the reply is taken. NULL: nobody counts. */
	unsigned *written;
};

struct reply {
	size_t target;
	enum err err; /* ERR_OK: a whole body with HTTP status 200; else the reason */
	long status;  /* HTTP status, 0 when there was none */
	char *body;   /* writable, body[len] is NUL; borrowed until the next fetch_take */
	size_t len;
	uint64_t bytes;  /* received in the body, also when it is discarded */
	int64_t took_us; /* waiting for the name included */
	/* When each step was done, from the start of the call, never above took_us; 0: it did not happen, as on a
	 * kept connection. The name: what the call waited for it. First: a byte of the answer. */
	int64_t dns_us, connect_us, tls_us, first_us;
	unsigned sent;  /* requests begun for it; above 1: a kept connection died and libcurl sent it again */
	int64_t date_s; /* the Date of the answer, seconds since 1970; 0: none or not readable */
	int64_t retry_after_s; /* its Retry-After, 0..300; a date counts from its Date; -1: none */
	struct why why;        /* for the log, when err is not ERR_OK */
};

/* Errors: ERR_MEMORY, ERR_SYSTEM. */
enum err fetch_new(const struct fetch_conf *c, struct fetch **ret) MUST_USE;

/* From the next call on: so many at once, never fewer than before, and this long. Errors: ERR_MEMORY. */
enum err fetch_reserve(struct fetch *f, unsigned max_inflight) MUST_USE;
void fetch_timeout(struct fetch *f, long timeout_ms);

/* Room for one more call? The reply that is lent still takes its own. */
bool fetch_room(const struct fetch *f);
/* Starts a call; copies what it needs. Errors: ERR_LIMIT without room, ERR_MEMORY; then nothing was sent. */
enum err fetch_send(struct fetch *f, const struct ask *a) MUST_USE;
/* Drives the transfers (never blocks) and hands over one finished call; false when there is none. */
bool fetch_take(struct fetch *f, struct reply *ret);
enum { FETCH_FDS_MAX = 8 };
/* The program's only blocking call: returns when a transfer moved, one of the `n` descriptors (at most
 * FETCH_FDS_MAX) is readable or the time is over. Errors: ERR_SYSTEM; ERR_LIMIT: too many of them. */
enum err fetch_wait(struct fetch *f, const int *fds, size_t n, int64_t wait_ms) MUST_USE;
/* Calls in flight. */
unsigned fetch_inflight(const struct fetch *f);
/* Cancels what is in flight. NULL is fine. */
void fetch_free(struct fetch *f);

/* Version of the library in use, "7.88.1". */
const char *fetch_library(void);

#endif
