/* Facts and health of every community. Communities come and go; one writer, the loop. A scrape reads a pinned
 * generation: one moment, whatever happens while it is sent. */
#ifndef EXPORTERS_STORE_STORE_H
#define EXPORTERS_STORE_STORE_H

#include "exporters/health/health.h"
#include "exporters/topic/topic.h"

/* What a community is. The store copies the texts. */
struct store_community {
	size_t app;   /* below the count given to store_new */
	uint64_t key; /* its place on the page, hash(sdkappid, community id); ties in the order of ids */
	int64_t stale_after_ms;  /* facts older than this are not shown */
	enum metric_scope level; /* the finest series it has: METRIC_TOPIC, METRIC_COMMUNITY or METRIC_APP */
	struct health_settings settings; /* .interval_ms is the one it begins with */
	struct topic_place place;        /* last, beside its texts: most lines need nothing else */
};

struct store;

/* Errors: ERR_MEMORY. */
enum err store_new(size_t app_n, struct store **ret) MUST_USE;
void store_free(struct store *s); /* NULL is fine */
/* Room for this many apps, never fewer than before. Errors: ERR_MEMORY; nothing changed. */
enum err store_apps(struct store *s, size_t app_n) MUST_USE;

/* From the next pin on: at most `max_series` series of topics, 0: no cap, of which `families` are counted
 * (bit m: metric m). Starts with 0, so nothing is folded. */
void store_cap(struct store *s, uint64_t max_series, unsigned families);

/* ---- communities, by slot: a small number, valid until store_remove and used again afterwards ---- */
/* Cheap for many in a row: the next pin sorts them in. Errors: ERR_MEMORY; nothing changed. */
enum err store_add(struct store *s, const struct store_community *c, size_t *ret_slot) MUST_USE;
/* The same community with other settings or labels: facts and health stay, the interval begins anew. Errors:
 * ERR_MEMORY; nothing changed. */
enum err store_change(struct store *s, size_t slot, const struct store_community *c) MUST_USE;
/* The same in two steps, for many who change together or not at all: with room for `n` of them and their
 * drafts at hand nothing can fail. A draft is used once, or dropped. NULL: no memory. */
struct card;
enum err store_reserve(struct store *s, size_t n) MUST_USE;
struct card *store_draft(const struct store_community *c);
void store_draft_drop(struct card *draft); /* NULL is fine */
void store_apply(struct store *s, size_t slot, struct card *draft);
/* The community is configured no more: its facts and health end with the next pin; pins that exist keep them.
 */
void store_remove(struct store *s, size_t slot);

/* The interval in force changed. */
void store_interval(struct store *s, size_t slot, int64_t interval_ms);
/* How late the app's polls are, because it has more work than budget: facts stay for twice that longer, so
 * that series do not flap. A change makes the next pin anew as a whole: for coarse steps, not for every turn.
 */
void store_lag(struct store *s, size_t app, int64_t lag_ms);

/* ---- polls ---- */
/* The facts of the last usable answer, also when they are too old to be shown; NULL: there was none. Borrowed
 * until the next store_facts or store_remove. */
const struct facts *store_before(const struct store *s, size_t slot);
/* Takes `f`, the facts of a usable answer, which nobody else holds. */
void store_facts(struct store *s, size_t slot, struct facts *f, const struct now *now);
/* A poll ended: changes health only, except that a deleted community's facts are not shown any more. */
void store_ended(struct store *s, size_t slot, const struct outcome *o, int64_t took_us,
                 const struct now *now);
const struct health_community *store_health(const struct store *s, size_t slot);

/* ---- pins: one moment of the store, immutable, with counted references ---- */
struct pin;
/* Cheap: pointers and counts; shared while nothing changes. Errors: ERR_MEMORY. */
enum err store_pin(struct store *s, const struct now *now, struct pin **ret) MUST_USE;
void store_unpin(struct pin *p); /* NULL is fine; also after store_free */

/* Communities are numbered from 0 in page order: by key, ties by id. */
size_t pin_communities(const struct pin *p);
const struct store_community *pin_community(const struct pin *p, size_t i);
size_t pin_app(const struct pin *p, size_t i);
/* Its slot; another's, or nobody's, when it was removed after the pin was taken. */
size_t pin_slot(const struct pin *p, size_t i);
enum metric_scope pin_level(const struct pin *p, size_t i);
/* Asks the memory early for pin_community(p, i)->place and its texts. A hint: nothing depends on it. */
void pin_ahead(const struct pin *p, size_t i);
uint64_t pin_key(const struct pin *p, size_t i); /* of the community: pages are in this order */
/* A number that stands for what pin_community says: never again given to another, or to the same one after a
 * change. Not 0. */
uint64_t pin_serial(const struct pin *p, size_t i);
struct health_settings pin_settings(const struct pin *p, size_t i); /* with the interval in force */
int64_t pin_interval(const struct pin *p, size_t i);                /* ms, the one in force */
const struct facts *pin_facts(const struct pin *p, size_t i);       /* NULL: none to show */
const struct health_community *pin_health(const struct pin *p, size_t i);

/* Which topics of a pin have series of their own. A topic that talks is shown at once; what is shown stays
 * until the series pass the cap, and then the quietest go, down to nine tenths of it. Nobody comes back
 * before a fifth of it is free. */
struct store_fold {
	uint64_t floor;   /* the rank from which topics are shown; see topic.h */
	uint64_t topics;  /* below it, in communities that have topic series at all */
	uint64_t shown;   /* topic series, of the families that are counted */
	uint64_t capped;  /* those of the topics below the floor */
	uint64_t leveled; /* those of communities without topic series */
	uint64_t other;   /* of families that are not counted, in communities with topic series */
};
const struct store_fold *pin_fold(const struct pin *p);
/* Sums over an app's communities: fills .communities and .topics_* of `ret`. */
void pin_count(const struct pin *p, size_t app, struct health_app *ret);

#endif
