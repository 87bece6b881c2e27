#include "exporters/store/store.h"

#include <stdlib.h>

struct row {
	struct facts *facts;
	struct health_community health;
};

struct entry {
	struct row row;
	int64_t fresh_ms; /* mono, when the facts came */
	bool ended;       /* the community was deleted: what it said is over */
};

/* Sums of one app, made once for a pin. */
struct sums {
	uint64_t state[STATE_COUNT];
	struct topic_mutes topics;
};

struct pin {
	unsigned refs;
	int64_t until_ms; /* when the next facts grow too old to be shown */
	const struct store_conf *conf;
	struct sums *sums; /* by app */
	struct row row[];
};

struct store {
	struct store_conf conf;
	struct entry *entry;
	struct pin *latest; /* the store's own reference; NULL: something changed since */
};

enum err store_new(const struct store_conf *c, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_MEMORY;
	s->conf = *c;
	s->entry = calloc(c->community_n > 0 ? c->community_n : 1, sizeof(*s->entry));
	if (s->entry == NULL) {
		free(s);
		return ERR_MEMORY;
	}
	*ret = s;
	return ERR_OK;
}

static void forget_latest(struct store *s)
{
	store_unpin(s->latest);
	s->latest = NULL;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	forget_latest(s);
	for (size_t i = 0; i < s->conf.community_n; i++)
		facts_drop(s->entry[i].row.facts);
	free(s->entry);
	free(s);
}

const struct facts *store_before(const struct store *s, size_t community)
{
	return s->entry[community].row.facts;
}

const struct health_community *store_health(const struct store *s, size_t community)
{
	return &s->entry[community].row.health;
}

void store_facts(struct store *s, size_t community, struct facts *f, const struct now *now)
{
	struct entry *e = &s->entry[community];

	facts_drop(e->row.facts);
	e->row.facts = f;
	e->fresh_ms = now->mono_ms;
	e->ended = false;
	forget_latest(s);
}

void store_ended(struct store *s, size_t community, const struct outcome *o, int64_t took_us,
                 const struct now *now)
{
	struct entry *e = &s->entry[community];

	health_note(&e->row.health, o, took_us, now);
	if (o->err == ERR_GONE)
		e->ended = true;
	forget_latest(s);
}

/* The moment from which the facts are not shown; 0: already. */
static int64_t shown_until(const struct store *s, size_t i)
{
	const struct entry *e = &s->entry[i];

	if (e->row.facts == NULL || e->ended)
		return 0;
	return e->fresh_ms + s->conf.community[i].stale_after_ms;
}

static void count(struct sums *sum, const struct row *r)
{
	sum->state[health_state(&r->health, r->facts != NULL)]++;
	if (r->facts != NULL) {
		const struct topic_mutes m = facts_mutes(r->facts);

		sum->topics.muted += m.muted;
		sum->topics.open += m.open;
		sum->topics.unknown += m.unknown;
	}
}

static void fill(struct pin *p, const struct store *s, const struct now *now)
{
	p->until_ms = INT64_MAX;
	for (size_t i = 0; i < s->conf.community_n; i++) {
		const int64_t until_ms = shown_until(s, i);

		p->row[i] = s->entry[i].row;
		if (until_ms <= now->mono_ms) {
			p->row[i].facts = NULL;
		} else {
			p->row[i].facts = facts_hold(s->entry[i].row.facts);
			if (until_ms < p->until_ms)
				p->until_ms = until_ms;
		}
		count(&p->sums[s->conf.community[i].app], &p->row[i]);
	}
}

enum err store_pin(struct store *s, const struct now *now, struct pin **ret)
{
	struct pin *p = s->latest;

	if (p == NULL || now->mono_ms >= p->until_ms) {
		forget_latest(s);
		p = calloc(1, sizeof(*p) + s->conf.community_n * sizeof(p->row[0]));
		if (p == NULL)
			return ERR_MEMORY;
		p->sums = calloc(s->conf.app_n > 0 ? s->conf.app_n : 1, sizeof(*p->sums));
		if (p->sums == NULL) {
			free(p);
			return ERR_MEMORY;
		}
		p->conf = &s->conf;
		p->refs = 1;
		fill(p, s, now);
		s->latest = p;
	}
	p->refs++;
	*ret = p;
	return ERR_OK;
}

void store_unpin(struct pin *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	for (size_t i = 0; i < p->conf->community_n; i++)
		facts_drop(p->row[i].facts);
	free(p->sums);
	free(p);
}

size_t pin_communities(const struct pin *p)
{
	return p->conf->community_n;
}

const struct store_community *pin_community(const struct pin *p, size_t i)
{
	return &p->conf->community[i];
}

const struct facts *pin_facts(const struct pin *p, size_t i)
{
	return p->row[i].facts;
}

const struct health_community *pin_health(const struct pin *p, size_t i)
{
	return &p->row[i].health;
}

void pin_count(const struct pin *p, size_t app, struct health_app *ret)
{
	const struct sums *s = &p->sums[app];

	for (int i = 0; i < STATE_COUNT; i++)
		ret->communities[i] = s->state[i];
	ret->topics_muted = s->topics.muted;
	ret->topics_open = s->topics.open;
	ret->topics_unknown = s->topics.unknown;
}
