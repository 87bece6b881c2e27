/* The communities the program knows, configured and discovered, with what each half calls them: a slot of the
 * store is the number of a member, and the subject of its job in the poller. */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H

#include "agent/config/conf.h"
#include "agent/poll/poller.h"
#include "exporters/history/history.h"
#include "exporters/store/store.h"

/* Stays where it is while it is known. */
struct member {
	size_t slot;
	const struct conf_community *conf; /* its own, or what its app gives to all that are discovered */
	size_t app, job;
	uint64_t
		key; /* first 64 bits of SHA-256(sdkappid, id): place on the page, and phase on the polling grid */
	uint32_t listed; /* the listing that named it last */
	bool discovered;
	struct topic_way way;              /* how it has to be asked */
	struct topic_poll *poll;           /* under way; NULL: none, or what it asks for is configured no more */
	struct history_attempts *attempts; /* NULL: none so far */
	char id[];
};

/* An app as it is configured now. Its number is that of the poller. */
struct roster_app {
	const struct conf_app *conf; /* NULL: nobody has this number */
	struct span labels, info;    /* label text */
	struct poller_app poll;      /* owns the signer */
	size_t list_job;             /* of discovery, in the poller */
	bool listing;                /* there is one */
};

struct roster {
	size_t app_n, app_room; /* numbers of apps, some of them free; places for them */
	size_t community_n;
	struct roster_app *app; /* by number */
	struct member **member; /* by slot; NULL: nobody */
	size_t slots;
	uint32_t
		*index; /* slot + 1 by key, open addressing; a power of two of places, at most half of them used */
	size_t places;
};

/* The apps, without communities, numbered as they stand in `c`. Texts of the configuration are borrowed, by
 * members too. `seed` feeds the jitter of the signers. Errors: ERR_MEMORY. */
enum err roster_new(const struct conf *c, uint64_t seed, struct roster **ret) MUST_USE;
void roster_free(struct roster *r); /* NULL is fine */

/* Somebody to add. */
struct newcomer {
	size_t app;
	const struct conf_community *conf;
	const char *id; /* copied */
	bool discovered;
	uint32_t listed;
	size_t crowd; /* as many may come with it, in other calls too; see struct job */
};
/* Into roster, store and poller. Their ids are not known yet. Errors: ERR_MEMORY, and none was added. */
enum err roster_add(struct roster *r, struct store *s, struct poller *p, const struct newcomer *who, size_t n,
                    const struct now *now) MUST_USE;
void roster_remove(struct roster *r, struct store *s, struct poller *p, size_t slot);
/* The member as it would stand in the store with these settings; for store_apply. NULL: no memory. */
struct card *roster_draft(const struct roster *r, const struct member *m, const struct conf_community *c);
/* The same on its own; texts of `ret` stand in `texts`. Errors: ERR_MEMORY. */
enum err roster_card(const struct roster *r, const struct member *m, struct buf *texts,
                     struct store_community *ret) MUST_USE;
/* The poller's side of it. */
struct job roster_job(const struct member *m, const struct conf_community *c);
/* The member of this id, NULL: not known. */
struct member *roster_find(const struct roster *r, size_t app, const char *id);

/* ---- roster_app.c: the apps ---- */
/* One as it is configured, with a signer that has made nothing yet. Errors: ERR_MEMORY. */
enum err roster_app_fill(const struct conf *c, const struct conf_app *app, uint64_t seed,
                         struct roster_app *ret) MUST_USE;
void roster_app_done(struct roster_app *a);
/* Room for numbers below `n`; nobody has the new ones. Errors: ERR_MEMORY. */
enum err roster_app_room(struct roster *r, size_t n) MUST_USE;
/* How many apps there are. */
size_t roster_apps(const struct roster *r);

#endif
