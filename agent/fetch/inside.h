/* What the files of this room share. Two kinds of easy handles live in the one multi handle: a slot's carries
 * a call, a place's looks a name up and never connects. */
#ifndef AGENT_FETCH_INSIDE_H
#define AGENT_FETCH_INSIDE_H

#include <curl/curl.h>

#include "agent/base/buf.h"
#include "agent/fetch/fetch.h"

enum {
	CONNECT_MS = 3000, /* also the longest wait for a name */
	PLACES_MAX = 64,   /* names remembered */
	LOOKUPS_MAX = 16,  /* names looked up at a time, hence resolver threads */
	LOOKUP_AGAIN_MS = 60000,
	ADDRESS_KEEP_MS = 3600000,
	ADDRESS_REST_MS = 60000,
	ADDRESSES_MAX = 8,                           /* of a name, more are left out; tries of a call */
	PLACE_NAME = 272,                            /* bytes of "host:port" */
	ADDRESS_TEXT = 48,                           /* of one address */
	ADDRESS_LIST = ADDRESSES_MAX * ADDRESS_TEXT, /* "a,b,c" */
};

struct address {
	char text[ADDRESS_TEXT];
	int64_t good_ms; /* when it answered last; -1: never */
	int64_t bad_ms;  /* when it failed last, and has not answered a later call; -1: never */
};

/* A name that calls connect to (the host's, or the proxy's) with its port, and where it is. */
struct place {
	struct fetch *fetch;
	char name[PLACE_NAME];                 /* "host:port"; "": free */
	struct address address[ADDRESSES_MAX]; /* to be used, in the order of the resolver */
	struct address found[ADDRESSES_MAX];   /* by the look-up under way */
	unsigned address_n, found_n;
	int64_t asked_ms;         /* start of the newest look-up; -1: there was none */
	int64_t listed_ms;        /* when the addresses were looked up; -1: a look-up failed since */
	CURL *lookup;             /* under way */
	int64_t lookup_us;        /* how long it has been, as libcurl saw it last */
	struct curl_slist forget; /* read by libcurl when the look-up begins */
	char forget_text[PLACE_NAME];
	unsigned users;              /* calls in flight */
	enum err err;                /* why there is no address */
	char fault[CURL_ERROR_SIZE]; /* in words */
};

/* An address that a call tried on a new connection. */
struct attempt {
	int fd; /* our own for the same socket; -1: closed, the fate is known */
	enum fate {
		FATE_WAITS,  /* no answer yet */
		FATE_SILENT, /* none in the second after which the kernel asks again */
		FATE_ENDED,  /* nobody there, no way to it, or reset */
		FATE_STANDS, /* there is a connection */
		FATE_SERVES, /* and the request began on it: what happens then is not the address's fault */
	} fate;
	char address[ADDRESS_TEXT];
};

/* One call, and the handle it reuses. */
struct slot {
	struct fetch *fetch;
	CURL *easy;
	struct slot *next; /* in the list of free, waiting or finished ones */
	struct buf question, body;
	size_t target;
	uint64_t bytes;
	size_t head_len;
	unsigned sent, *written;
	bool own_ca;         /* the handle carries a CA file */
	bool proxied;        /* and a proxy */
	bool started;        /* libcurl has seen the call */
	bool in_head;        /* the answer is awaited and its head is not complete */
	bool stale;          /* libcurl chose a kept connection that must not be used, and was stopped */
	unsigned refused;    /* memory_refused() when the call began */
	struct place *place; /* NULL: an address, there is nothing to look up */
	int64_t asked_ms;
	int64_t since_us;  /* age of the look-up when the wait for it began */
	int64_t named_us;  /* of which it waited for its name; 0: it was known */
	int64_t waited_us; /* until the call began, for the last time */
	enum err err;      /* what we found ourselves; ERR_OK: nothing */
	CURLcode code;
	char text[CURL_ERROR_SIZE];
	struct attempt attempt[ADDRESSES_MAX];
	unsigned attempt_n;
	struct curl_slist resolve; /* read by libcurl when the call begins */
	char resolve_text[PLACE_NAME + ADDRESS_LIST + 2];
};

struct fetch {
	struct fetch_conf conf;
	CURLM *multi;
	struct curl_slist *headers;
	struct slot **slot; /* conf.max_inflight of them; libcurl knows where each stands */
	struct slot *free, *waiting, *finished;
	struct slot *lent; /* whose body the caller reads */
	unsigned inflight;
	size_t total;  /* bytes in all bodies */
	bool restless; /* a look-up goes on only when it is driven again: libcurl 7.88 does not see to that */
	bool wrote;    /* a request since the last wait */
	unsigned connecting; /* attempts that are not settled */
	struct place place[PLACES_MAX];
	unsigned lookups;
};

/* fetch.c: how often libcurl was refused memory since the start. */
unsigned memory_refused(void);
CURLcode memory_init(void); /* of libcurl, with allocators that count */

static inline bool ask_proxied(const struct ask *a)
{
	return a->proxy != NULL && a->proxy[0] != '\0';
}

/* ---- options.c: every option of libcurl this program sets ---- */
bool options_multi(const struct fetch *f);
CURLcode options_fixed(struct slot *s);
CURLcode options_call(struct slot *s, const struct ask *a);
/* What is known only when the call begins: its time and where its host is. */
CURLcode options_begin(struct slot *s);
CURLcode options_lookup(struct place *p);
/* What a call may speak: "http" on this machine only. */
const char *options_protocol(const struct ask *a);

/* ---- address.c: names and where they are ---- */
/* The place a call connects to, NULL when that is an address. Errors: ERR_CONNECT: no URL; ERR_LIMIT: too
 * many names; ERR_MEMORY. */
enum err place_find(struct fetch *f, const struct ask *a, struct place **ret);
/* Starts a look-up when it is time for one. */
void place_refresh(struct fetch *f, struct place *p, int64_t mono_ms);
bool place_known(const struct place *p, int64_t mono_ms);
/* The look-up's end, or its progress. */
void place_ended(struct fetch *f, CURL *lookup, CURLcode code);
void places_age(struct fetch *f);
/* An address answered a call of that time, or failed at that time. */
void place_good(struct place *p, const char *address, int64_t mono_ms);
void place_bad(struct place *p, const char *address, int64_t mono_ms);
/* Is it one that a call may use? */
bool place_offers(const struct place *p, const char *address, int64_t mono_ms);
/* All of these as "a,b,c". */
void place_list(const struct place *p, int64_t mono_ms, char *ret, size_t room);
void places_done(struct fetch *f);

/* ---- attempt.c: which addresses a call tried, and how they fared ---- */
void attempts_opened(struct slot *s, int fd, const struct curl_sockaddr *a);
/* Sees how each fared and lets it go. `serves`: the address on which the request begins; "": none. */
void attempts_settle(struct slot *s, const char *serves);
/* The call of a place ended, for that reason: addresses that failed by themselves rest from now on. */
void attempts_judge(struct slot *s, enum err e, int64_t mono_ms);
/* An address in text; false when it is of neither family. */
bool address_text(const struct curl_sockaddr *a, char ret[ADDRESS_TEXT]);

/* ---- reason.c: what libcurl says in our words ---- */
enum err reason_of(const struct slot *s, long status);
/* Through a proxy: it made the tunnel, so that what fails is not its fault. */
bool reason_beyond_proxy(const struct slot *s);
/* Fills everything of the reply but its body. */
void reason_fill(const struct slot *s, struct reply *ret);

#endif
