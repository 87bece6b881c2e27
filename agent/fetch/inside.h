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
	PLACE_NAME = 272,                   /* bytes of "host:port" */
	PLACE_ADDRESS = 48,                 /* of one address */
	PLACE_ADDRESSES = 8 * PLACE_ADDRESS /* of a list, more are left out */
};

/* A name that calls connect to (the host's, or the proxy's) with its port, and where it is. */
struct place {
	char name[PLACE_NAME];           /* "host:port"; "": free */
	char addresses[PLACE_ADDRESSES]; /* to be used, "a,b,c"; "": none */
	char found[PLACE_ADDRESSES];     /* by the look-up under way */
	char good[PLACE_ADDRESS];        /* the one that answered last */
	int64_t asked_ms;                /* start of the newest look-up; -1: there was none */
	int64_t listed_ms, good_ms;      /* when `addresses` were looked up, `good` answered; -1: never */
	CURL *lookup;                    /* under way */
	int64_t lookup_us;               /* how long it has been, as libcurl saw it last */
	struct curl_slist forget;        /* read by libcurl when the look-up begins */
	char forget_text[PLACE_NAME];
	unsigned users;              /* calls in flight */
	enum err err;                /* why there is no address */
	char fault[CURL_ERROR_SIZE]; /* in words */
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
	unsigned sent;
	bool own_ca;         /* the handle carries a CA file */
	bool proxied;        /* and a proxy */
	bool started;        /* libcurl has seen the call */
	bool in_head;        /* the answer is awaited and its head is not complete */
	unsigned refused;    /* memory_refused() when the call began */
	struct place *place; /* NULL: an address, there is nothing to look up */
	int64_t asked_ms;
	int64_t since_us, waited_us; /* age of the look-up when the wait for it began; how long it was */
	enum err err;                /* what we found ourselves; ERR_OK: nothing */
	CURLcode code;
	char text[CURL_ERROR_SIZE];
	struct curl_slist resolve; /* read by libcurl when the call begins */
	char resolve_text[PLACE_NAME + PLACE_ADDRESSES];
};

struct fetch {
	struct fetch_conf conf;
	CURLM *multi;
	struct curl_slist *headers;
	struct slot *slot; /* conf.max_inflight of them */
	struct slot *free, *waiting, *finished;
	struct slot *lent; /* whose body the caller reads */
	unsigned inflight;
	size_t total; /* bytes in all bodies */
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
CURLcode options_begin(struct slot *s, const char *addresses);
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
/* An address that answered. */
void place_good(struct place *p, const char *address, int64_t mono_ms);
void places_done(struct fetch *f);

/* ---- reason.c: what libcurl says in our words ---- */
/* Fills everything of the reply but its body. */
void reason_fill(const struct slot *s, struct reply *ret);

#endif
