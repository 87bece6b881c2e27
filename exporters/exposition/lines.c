#include "exporters/exposition/inside.h"

/* The rank from which topics of a community have series: the cap's, unless it has no topic series at all. */
static uint64_t floor_of(const struct view *v, const struct store_community *c)
{
	return c->level == METRIC_TOPIC ? pin_fold(v->pin)->floor : TOPIC_NONE;
}

static bool is_shown(const struct view *v, const struct store_community *c, enum metric_scope scope)
{
	return scope >= c->level && (v->app == EXPOSITION_EVERY_APP || (size_t)v->app == c->app);
}

/* The lines of one family and community; true when all of them fitted. */
static bool write_community(const struct view *v, enum metric m, struct place *at, struct buf *out)
{
	const struct store_community *c = pin_community(v->pin, at->community);
	const struct facts *f = pin_facts(v->pin, at->community);
	const struct metric_info *info = metric_info(m);

	if (!is_shown(v, c, info->scope))
		return true;
	if (info->from == METRIC_HEALTH) {
		const struct health_settings set = pin_settings(v->pin, at->community);

		health_community_sample(pin_health(v->pin, at->community), &set, m, c->place.labels, out);
	} else if (f != NULL && info->scope == METRIC_COMMUNITY) {
		topic_community_sample(f, m, &c->place, floor_of(v, c), out);
	} else if (f != NULL) {
		at->topic = topic_samples(f, m, &c->place, floor_of(v, c), at->topic, out);
		return at->topic >= facts_topics(f);
	}
	return out->status == ERR_OK;
}

/* For one seed it is one to one in `value`, so a single change never goes unseen. */
static uint64_t mix(uint64_t seed, uint64_t value)
{
	seed = (seed ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return seed ^ seed >> 32;
}

uint64_t lines_stamp(const struct view *v, enum metric m, size_t community, uint64_t seed)
{
	const struct metric_info *info = metric_info(m);
	const struct facts *f = pin_facts(v->pin, community);
	uint64_t floor = pin_fold(v->pin)->floor;

	seed = mix(seed, pin_serial(v->pin, community));
	if (info->from == METRIC_HEALTH)
		return mix(seed,
		           health_community_stamp(pin_health(v->pin, community), pin_interval(v->pin, community), m));
	if (f == NULL)
		return mix(seed, 0);
	if (info->scope == METRIC_TOPIC)
		return mix(mix(seed, floor), facts_revision(f, m, floor));
	if (m == M_COMMUNITY_TOPICS_FOLDED)
		floor = floor_of(v, pin_community(v->pin, community));
	return mix(seed, 2 + (uint64_t)topic_community_value(f, m, floor));
}

enum { AHEAD = 2, CACHE_LINE = 64, CARD = 256 };

/* Neighbours on a page lie far apart in memory: what they are, and what is known of them. */
static void look_ahead(const struct view *v, enum metric m, size_t community)
{
	const struct metric_info *info = metric_info(m);
	const struct facts *f;
	const char *card;

	if (community >= pin_communities(v->pin))
		return;
	card = (const char *)pin_community(v->pin, community);
	for (size_t at = 0; at < CARD; at += CACHE_LINE)
		__builtin_prefetch(card + at);
	f = pin_facts(v->pin, community);
	if (f != NULL && info->from == METRIC_FACTS)
		facts_ahead(f, info->scope == METRIC_TOPIC ? FACTS_ALL : FACTS_SUMS);
}

bool lines_write(const struct view *v, enum metric m, struct place *at, size_t end, struct buf *out,
                 uint64_t *lines)
{
	const enum metric_scope scope = metric_info(m)->scope;

	for (; at->community < end; at->community++, at->topic = 0) {
		const size_t start = out->len;

		look_ahead(v, m, at->community + AHEAD);
		if (out->status != ERR_OK || !write_community(v, m, at, out))
			return false;
		*lines += scope == METRIC_COMMUNITY && out->len > start;
	}
	return true;
}
