/* The listener: libmicrohttpd, routes, methods, negotiation headers, limits, deadlines. Knows no metric.
 * Everything happens inside web_turn, on the caller's thread. */
#ifndef EXPORTERS_WEB_WEB_H
#define EXPORTERS_WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

struct web;

/* A request, valid during the answer function only. */
struct web_request {
	const char *path;
	bool head;    /* HEAD: the answer's body is not sent; a stream is closed without being asked */
	bool http10;  /* no chunked bodies: a stream must know its size */
	void *inside; /* the listener's own */
};
/* NULL when absent; the first of several. Borrowed. */
const char *web_header(const struct web_request *q, const char *name);
const char *web_query(const struct web_request *q, const char *name);
/* All fields of that name, as one: joined by commas, as RFC 9110 5.3 has it. */
void web_headers(const struct web_request *q, const char *name, struct buf *out);
/* A header that is a decimal number of seconds, "10" or "9.5", rounded up; WEB_SECONDS_MAX at most. 0: it is
 * absent, nothing, or no such number. */
enum { WEB_SECONDS_MAX = 86400 };
unsigned web_header_seconds(const struct web_request *q, const char *name);
/* The same in milliseconds, rounded down. */
int64_t web_header_ms(const struct web_request *q, const char *name);
/* Each pair of the query in turn, decoded; a key without a value has "". */
typedef void web_pair(void *arg, const char *key, const char *value);
void web_queries(const struct web_request *q, web_pair *each, void *arg);

enum { WEB_SIZE_UNKNOWN = -1 };

/* A body made block by block while it is sent. */
struct web_stream {
	/* Writes up to `room` bytes (at least 16 KiB of room is offered at the first call) and returns how many;
	 * 0: the end; WEB_BROKEN: cut the connection so that the reader notices. Must not block. */
	size_t (*next)(void *arg, char *at, size_t room);
	void (*close)(void *arg); /* called exactly once, also after a broken connection */
	void *arg;
	int64_t size; /* bytes in all, or WEB_SIZE_UNKNOWN: sent chunked, and a HEAD ends the connection */
};
#define WEB_BROKEN SIZE_MAX

/* Filled by an answer function; starts as web_reply_init leaves it: 200, text/plain, no body. */
struct web_reply {
	unsigned status;
	const char *type; /* Content-Type; a constant */
	struct buf body;  /* used when stream.next is NULL; at most 1 MiB */
	struct web_stream stream;
	const char *encoding; /* Content-Encoding, which the body already has; a constant or NULL */
	const char *vary;     /* a constant or NULL */
	const char *etag;  /* a constant, with its quotes: the body may be kept, and is asked after with it; NULL:
	                    * nobody keeps it. Whoever sets it compares If-None-Match and says 304 */
	bool page;         /* HTML of ours, which loads the style and the script it comes with */
	int retry_after_s; /* 0: no header */
	unsigned within_s; /* the connection is cut when the answer takes longer; 0 or more than the listener's
	                    * own limit: that one */
};
typedef void web_answer(void *arg, const struct web_request *q, struct web_reply *reply);
void web_reply_init(struct web_reply *reply);

/* An answer that is not known yet. An answer function that asks for this leaves its reply alone, but for
 * `within_s`, and the request waits for that long, or for as long as any answer may take. It ends once: by
 * web_later_answer, or by `gone`: its reader left (which is seen within a second), its time is over, or the
 * listener ends. After either the handle is no more. `gone` is called from within web_turn, web_reload and
 * web_free. NULL: no memory; the reply is sent as usual. */
struct web_later;
struct web_later *web_later(const struct web_request *q, void (*gone)(void *arg), void *arg);
/* At any time, outside of web_turn too. Takes what `reply` owns, which web_reply_init made; its within_s
 * begins now. */
void web_later_answer(struct web_later *l, struct web_reply *reply);

/* GET and HEAD are allowed on a route, or POST and PUT, without a body; other methods get 405 with Allow,
 * unknown paths 404. */
struct web_route {
	const char *path; /* compared exactly */
	web_answer *answer;
	bool acts;  /* POST and PUT: it changes something */
	bool small; /* answered in a full house as well: a probe must not take a flood for a dead program */
};

/* Who may come in, and how. Borrowed during the call only. */
struct web_user {
	const char *name, *password_hash; /* "$2y$10$...", of bcrypt */
};
struct web_secure {
	const char *cert, *key; /* PEM texts; both NULL: plain HTTP */
	const char
		*client_ca; /* PEM text: clients must show a certificate of one of these; NULL: they need not */
	bool tls13;     /* 1.3 at least; else 1.2 */
	const struct web_user *user; /* every request needs the name and password of one */
	size_t user_n;               /* 0: no request needs any */
};

struct web_conf {
	const char *const *listen; /* "host:port", "[v6]:port", ":port" (dual stack); port 0: any */
	size_t listen_n;
	/* Sockets that listen already, used instead of `listen`. They are the listener's from the call on, also
	 * when it fails. */
	const int *fds;
	size_t fd_n;
	const struct web_secure *secure; /* NULL: plain HTTP for everybody */
	unsigned max_per_address; /* connections of one client address; whoever is above gets 503 unasked, with
	                             TLS nothing; 0: no limit */
	unsigned max_connections; /* over all addresses; whoever comes later gets 503 and Retry-After */
	unsigned idle_timeout_s;  /* silence; also the time for a whole head, and three of it for an answer */
};

/* Listens on every address, or on none. `routes` and `arg` are borrowed. Errors: ERR_SYSTEM, ERR_CONFIG (a
 * malformed address, a socket that does not listen, a certificate that is none), ERR_MEMORY; `why` names it.
 */
enum err web_new(const struct web_conf *c, const struct web_route *routes, size_t route_n, void *arg,
                 struct web **ret, struct why *why) MUST_USE;
/* Readable when web_turn has something to do. */
int web_fd(const struct web *w);
int64_t web_wait_ms(const struct web *w);
void web_turn(struct web *w);
/* Other certificates and users from now on. Connections with the old certificate end after their next answer;
 * requests are judged by the new users. On failure everything stays as it was. Errors: ERR_CONFIG,
 * ERR_SYSTEM, ERR_MEMORY. */
enum err web_reload(struct web *w, const struct web_secure *s, struct why *why) MUST_USE;
/* Accepts nobody new; requests under way are finished by further web_turn calls, and their connections end.
 */
void web_quiesce(struct web *w);
/* Connections open now, those that will get a 503 included. */
unsigned web_connections(const struct web *w);
/* Requests answered, by the route's path ("other": none of them) and status ("other": none that is sent
 * here). False past the last row. What libmicrohttpd answers without asking is not in it. */
struct web_count {
	const char *handler, *status;
	bool usual; /* the status one expects there */
	uint64_t n;
};
bool web_count(const struct web *w, size_t row, struct web_count *ret);
/* The address and port really bound by listener i, "127.0.0.1:10058"; NULL past the last. Borrowed. */
const char *web_address(const struct web *w, size_t i);
void web_free(struct web *w); /* closes everything; NULL is fine */

const char *web_library(void); /* "0.9.75" */

#endif
