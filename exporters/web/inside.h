/* What the files of this room share. Start at web_turn in web.c and on_request in request.c. */
#ifndef EXPORTERS_WEB_INSIDE_H
#define EXPORTERS_WEB_INSIDE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "exporters/web/basic.h"
#include "exporters/web/web.h"

#define DIGITS "0123456789"

enum {
	HEAD_MAX = 16 << 10, /* bytes of a request's head, request line included */
	TARGET_MAX = 4 << 10,
	FIELDS_MAX = 100,    /* header fields of a request */
	ARGUMENTS_MAX = 256, /* of a query */
	BODY_MAX = 1 << 20,
	/* What a stream is asked for at once: a little less than the kernel's largest segment. While a larger one
	 * is made the reader sleeps, and then the sender; smaller ones wake the reader more often. */
	BLOCK = 63 << 10,
	CONNECTION_MEMORY = BLOCK + HEAD_MAX,
	RUNS_A_TURN = 4,        /* blocks of a stream in one turn of the loop */
	SEND_BYTES = 512 << 10, /* of the kernel, for one connection */
	LOBBY = 16,             /* connections above the limit that are let in to hear that the house is full */
	LOBBY_S = 2,            /* and may take so long to say what they want */
	REQUESTS_MAX = 1000,    /* of one connection, */
	AGE_MAX_S = 3600,       /* and how long it is kept: then its client looks where to go again */
};

struct listener {
	int fd;       /* -1 once it is closed */
	bool watched; /* in the epoll set */
	char *address;
};

/* Statuses that are counted; every other one shares the last row. */
enum { STATUS_ROWS = 13 };

struct web {
	const struct web_route *route;
	size_t route_n;
	void *arg;
	struct hall *hall;     /* newcomers go into the first; the others are left by and by */
	struct porter *porter; /* NULL: there were never users */
	unsigned max_connections, max_per_address, idle_timeout_s;
	int epoll_fd; /* holds the listeners, each hall's own epoll descriptor, the porter's and tick_fd */
	int tick_fd;  /* a timer that ticks once a second while there are guests */
	struct listener *listener;
	size_t listener_n;
	struct guest *guest; /* all of them */
	unsigned guest_n;
	bool quiet;                        /* nobody new, and nobody stays */
	uint64_t (*answered)[STATUS_ROWS]; /* by route, behind them for no route */
};

/* web.c: wakes the caller's loop when `fd` is readable. False: no memory in the kernel. */
bool web_watch(const struct web *w, int fd);

/* ---- address.c ---- */
/* A listening socket on `text`, "host:port", "[v6]:port" or ":port". Errors: ERR_CONFIG, ERR_SYSTEM. */
enum err address_listen(const char *text, int *ret_fd, struct why *why) MUST_USE;
/* "127.0.0.1:10058", "[::]:10058". */
void address_print(int fd, struct buf *out);

/* ---- accept.c ---- */
enum err listener_open(struct web *w, struct listener *l, const char *text, struct why *why) MUST_USE;
/* The same with a socket that listens already; takes it. */
enum err listener_adopt(struct web *w, struct listener *l, int fd, struct why *why) MUST_USE;
void listener_close(struct listener *l); /* keeps the address */
void listener_done(struct listener *l);
/* Takes in who waits, up to a bound. */
void listener_turn(struct web *w, struct listener *l);

/* ---- hall.c: the MHD daemon, one for each certificate that connections still use ---- */
struct hall {
	struct web *web;
	struct MHD_Daemon *daemon; /* accepts nothing itself: see accept.c */
	char *cert, *key, *client_ca;
	bool tls13;
	unsigned guest_n;
	struct hall *next; /* older */
};
/* Opens the hall that newcomers go into, unless the first is the same already. */
enum err halls_open(struct web *w, const struct web_secure *s, struct why *why) MUST_USE;
/* Back to the one before the last halls_open. */
void halls_return(struct web *w);
void halls_turn(struct web *w);
int64_t halls_wait_ms(const struct web *w);
void halls_close(struct web *w);
/* At the start of a connection: it must show a certificate where its hall wants one. False: it cannot be
 * asked. */
bool hall_ask_certificate(const struct hall *h, struct MHD_Connection *c);
/* Whether it showed one. True where none is wanted. */
bool hall_knows(const struct hall *h, struct MHD_Connection *c);

/* ---- guest.c: deadlines that idle time is not ---- */
struct guest {
	struct guest *next, **link;
	struct hall *hall;
	struct call *waiting;  /* its request, while a password is being checked or its answer is awaited: the
	                        * connection is suspended */
	struct in6_addr from;  /* of IPv4 the mapped form */
	unsigned asked, age_s; /* requests, and seconds since it came */
	int fd;                /* MHD's: never close it, only shut it down */
	unsigned left_s;       /* of the part of an exchange that is under way */
	bool late;             /* came to a full house */
};
bool guests_open(struct web *w); /* false: no timer */
void guests_close(struct web *w);
/* Ends those whose time is over. */
void guests_turn(struct web *w);
/* Everybody goes on, also who waits for a password or an answer: MHD wants nobody suspended at its end. */
void guests_wake(struct web *w, const struct hall *h);
/* How many came from the same address. */
unsigned guests_from(const struct web *w, const struct sockaddr *from);
/* MHD_NotifyConnectionCallback; `arg` is the hall. */
void guest_come_and_go(void *arg, struct MHD_Connection *c, void **socket_context,
                       enum MHD_ConnectionNotificationCode what);
struct guest *guest_of(struct MHD_Connection *c);
/* A head is awaited; an answer is under way, which may take `within_s` or, when that is 0 or more than usual,
 * the usual time. */
void guest_expect_head(const struct web *w, struct guest *g);
void guest_expect_end(const struct web *w, struct guest *g, unsigned within_s);
/* The rest of an answer that failed is not sent: the connection ends with a reset. */
void guest_forget(const struct guest *g);
/* Ends a connection for which nothing can be done any more; no answer is sent. */
void connection_cut(struct MHD_Connection *c);

/* ---- porter.c: whether a request comes from one of the users ---- */
enum pass { PASS_YES, PASS_NO, PASS_WAIT, PASS_BUSY };
struct call;
struct hash_job;
struct porter;
enum err porter_new(const struct web *w, struct porter **ret) MUST_USE;
/* Copies them; passwords are checked against these from now on. */
enum err porter_users(struct porter *p, const struct web_user *user, size_t n) MUST_USE;
bool porter_is_needed(const struct porter *p); /* NULL: no */
/* `field` is the Authorization field, NULL when absent. PASS_WAIT: the call is handed out by porter_take. */
enum pass porter_ask(struct porter *p, const char *field, struct call *call);
/* A call whose `pass` is known now, NULL when there is none. */
struct call *porter_take(struct porter *p);
/* The call ends before it is known. */
void porter_leave(struct call *call);
void porter_free(struct porter *p); /* waits for the password under way, if any */

/* ---- request.c ---- */
/* One request, from its target to its last byte. */
struct call {
	struct web *web;
	struct MHD_Connection *c;
	const char *path, *method, *version; /* borrowed from MHD */
	bool head, http10, body;             /* body: its head announces one */
	size_t target_len;                   /* before anything is decoded */
	bool target_odd;      /* bytes that no target has, %00, or more arguments than anybody needs */
	bool judged, waited;  /* waited: for its password, and was not looked at since */
	bool put_off;         /* it waits for its answer, or did */
	enum pass pass;       /* whether it may come in; PASS_WAIT: not known yet */
	struct call *next;    /* of those that wait for the same password */
	struct hash_job *job; /* which they wait for; NULL: none */
	struct guest *guest;
	struct web_later
		*later; /* its answer is somebody's to give; NULL: it is not, or he was told that it is over */
};
/* Those whose password was checked since the last turn go on. */
void calls_turn(struct web *w);
void *on_target(void *arg, const char *target, struct MHD_Connection *c);
enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                           const char *version, const char *upload, size_t *upload_len, void **state);
void on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how);

/* ---- later.c: answers that come later ---- */
struct web_later {
	struct call *call;
	void (*gone)(void *arg);
	void *arg;
	bool answered; /* with `reply`, which is not sent yet */
	struct web_reply reply;
};
/* Suspends the connection until the answer is there, or its time is over. */
void later_wait(struct call *call);
/* The answer, if there is one; the call has no `later` any more. */
bool later_take(struct call *call, struct web_reply *ret);
/* The answer will not be sent. */
void later_leave(struct call *call);
bool later_is_left(const struct call *call);
/* Frees what a reply owns that is not sent. */
void reply_done(struct web_reply *reply);

/* ---- count.c */
bool counts_open(struct web *w); /* false: no memory */
/* `route` NULL: none of them. */
void count_answer(struct web *w, const struct web_route *route, unsigned status);

/* ---- check.c: what libmicrohttpd lets through and this listener does not ---- */
/* Before MHD parses the header fields. False: out of memory, the connection must be cut. */
bool check_shield(struct MHD_Connection *c);
/* Reads the raw target and, when MHD could choke on its arguments, hides them from it. */
void check_target(struct call *call, char *target);
/* The status to refuse with, 0 for none. */
unsigned check_request(struct call *call, const char **ret_text);

/* ---- answer.c ---- */
struct manner {
	bool close;                    /* the connection ends afterwards */
	const char *allow, *challenge; /* Allow and WWW-Authenticate; constants or NULL */
};
/* Queues `reply` and takes everything it owns, whatever happens. */
enum MHD_Result answer_send(const struct call *call, struct web_reply *reply, const struct manner *how);

#endif
