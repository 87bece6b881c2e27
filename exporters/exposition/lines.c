#include "exporters/exposition/inside.h"

/* The rank from which topics of a community have series: the cap's, unless it has no topic series at all. */
static uint64_t floor_of(const struct view *v, size_t community)
{
	return pin_level(v->pin, community) == METRIC_TOPIC ? pin_fold(v->pin)->floor : TOPIC_NONE;
}

static bool is_shown(const struct view *v, size_t community, enum metric_scope scope)
{
	return scope >= pin_level(v->pin, community) &&
	       (v->app == EXPOSITION_EVERY_APP || (size_t)v->app == pin_app(v->pin, community));
}

/* The lines of one family and community; true when all of them fitted. */
static bool write_community(const struct view *v, enum metric m, struct place *at, struct buf *out)
{
	const size_t i = at->community;
	const struct metric_info *info = metric_info(m);
	const struct store_community *c = pin_community(v->pin, i);
	const struct facts *f = pin_facts(v->pin, i);

	if (!is_shown(v, i, info->scope))
		return true;
	if (info->from == METRIC_HEALTH) {
		health_community_sample(pin_health(v->pin, i), pin_interval(v->pin, i), &c->settings, m,
		                        c->place.labels, out);
	} else if (f != NULL && info->scope == METRIC_COMMUNITY) {
		topic_community_sample(f, m, &c->place, floor_of(v, i), out);
	} else if (f != NULL) {
		at->topic = topic_samples(f, m, &c->place, floor_of(v, i), at->topic, out);
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
		floor = floor_of(v, community);
	return mix(seed, 2 + (uint64_t)topic_community_value(f, m, floor));
}

/* Neighbours on a page may lie far apart in memory. Far ahead: where a community's texts and sums are, which
 * has to be known before its topics can be asked for. Those fill the cache, so they are asked for shortly
 * before. */
static void look_ahead(const struct view *v, const struct metric_info *info, size_t community)
{
	enum { FAR = 12, NEAR = 2 };
	const size_t n = pin_communities(v->pin);
	const struct facts *f;

	if (community + FAR < n) {
		pin_ahead(v->pin, community + FAR);
		f = info->from == METRIC_FACTS ? pin_facts(v->pin, community + FAR) : NULL;
		if (f != NULL)
			facts_ahead(f, FACTS_SUMS);
	}
	if (info->scope != METRIC_TOPIC || community + NEAR >= n)
		return;
	f = pin_facts(v->pin, community + NEAR);
	if (f != NULL)
		facts_ahead(f, FACTS_ALL);
}

bool lines_write(const struct view *v, enum metric m, struct place *at, size_t end, struct buf *out,
                 uint64_t *lines)
{
	const struct metric_info *info = metric_info(m);

	for (; at->community < end; at->community++, at->topic = 0) {
		const size_t start = out->len;

		look_ahead(v, info, at->community);
		if (out->status != ERR_OK || !write_community(v, m, at, out))
			return false;
		*lines += info->scope == METRIC_COMMUNITY && out->len > start;
	}
	return true;
}
