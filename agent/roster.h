/* The communities the program knows, configured and discovered, with what each half calls them: a slot of the
 * store is the number of a member, and the subject of its job in the poller. */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H

#include "agent/config/conf.h"
#include "agent/poll/poller.h"
#include "exporters/store/store.h"

/* Stays where it is while it is known. */
struct member {
	size_t slot;
	const struct conf_community *conf; /* its own, or what its app gives to all that are discovered */
	const char *id;                    /* owned when it was discovered */
	size_t app, job;
	uint64_t
		key; /* first 64 bits of SHA-256(sdkappid, id): place on the page, and phase on the polling grid */
	uint32_t listed; /* the listing that named it last */
	bool discovered;
	struct topic_way way;    /* how it has to be asked */
	struct topic_poll *poll; /* under way; NULL: none */
};

struct roster {
	const struct conf *conf; /* borrowed */
	size_t app_n, community_n;
	struct poller_app *app;             /* by app; owns the signers */
	struct span *app_labels, *app_info; /* by app; label text */
	struct member **member;             /* by slot; NULL: nobody */
	size_t slots;
	uint32_t
		*index; /* slot + 1 by key, open addressing; a power of two of places, at most half of them used */
	size_t places;
};

/* The apps, without communities. `seed` feeds the jitter of the signers. Errors: ERR_MEMORY. */
enum err roster_new(const struct conf *c, uint64_t seed, struct roster **ret) MUST_USE;
void roster_free(struct roster *r); /* NULL is fine */

/* Somebody to add. */
struct newcomer {
	size_t app;
	const struct conf_community *conf;
	const char *id; /* copied when `discovered` */
	bool discovered;
	uint32_t listed;
	size_t crowd; /* as many may come with it, in other calls too; see struct job */
};
/* Into roster, store and poller. Their ids are not known yet. Errors: ERR_MEMORY, and none was added. */
enum err roster_add(struct roster *r, struct store *s, struct poller *p, const struct newcomer *who, size_t n,
                    const struct now *now) MUST_USE;
void roster_remove(struct roster *r, struct store *s, struct poller *p, size_t slot);
/* The member of this id, NULL: not known. */
struct member *roster_find(const struct roster *r, size_t app, const char *id);

#endif
