/* Facts and health of every community, in store order: the order of hash(sdkappid, community id), which is
 * also the order of their polls. One writer, the loop. A scrape reads a pinned generation: one moment,
 * whatever happens while it is sent. */
#ifndef EXPORTERS_STORE_STORE_H
#define EXPORTERS_STORE_STORE_H

#include "exporters/health/health.h"
#include "exporters/topic/topic.h"

/* What stays the same for a community. Texts are borrowed and outlive the store. */
struct store_community {
	size_t app;
	struct topic_place place;
	struct health_settings settings;
	int64_t stale_after_ms; /* facts older than this are not shown */
};

struct store_conf {
	const struct store_community *community; /* borrowed */
	size_t community_n;
	size_t app_n;
};

struct store;

/* Errors: ERR_MEMORY. */
enum err store_new(const struct store_conf *c, struct store **ret) MUST_USE;
void store_free(struct store *s);

/* The facts of the last usable answer, also when they are too old to be shown; NULL: there was none. Borrowed
 * until the next store_facts. */
const struct facts *store_before(const struct store *s, size_t community);
/* Takes `f`, the facts of a usable answer. */
void store_facts(struct store *s, size_t community, struct facts *f, const struct now *now);
/* A poll ended: changes health only, except that a deleted community's facts are not shown any more. */
void store_ended(struct store *s, size_t community, const struct outcome *o, int64_t took_us,
                 const struct now *now);

const struct health_community *store_health(const struct store *s, size_t community);

/* One moment of the store: immutable, with counted references. */
struct pin;
/* Cheap: pointers and counts; shared while nothing changes. Errors: ERR_MEMORY. */
enum err store_pin(struct store *s, const struct now *now, struct pin **ret) MUST_USE;
void store_unpin(struct pin *p); /* NULL is fine; every pin is returned before store_free */

size_t pin_communities(const struct pin *p);
const struct store_community *pin_community(const struct pin *p, size_t i);
const struct facts *pin_facts(const struct pin *p, size_t i); /* NULL: none to show */
const struct health_community *pin_health(const struct pin *p, size_t i);
/* Sums over an app's communities: fills .communities and .topics_* of `ret`. */
void pin_count(const struct pin *p, size_t app, struct health_app *ret);

#endif
