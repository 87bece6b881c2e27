#include <stdlib.h>
#include <string.h>

#include "exporters/store/inside.h"

struct pin {
	unsigned refs;
	int64_t until_ms;    /* the least of its stretches */
	struct sums *sums;   /* by app */
	struct order *order; /* row i is of seat i */
	struct store_fold fold;
	size_t stretch_n;
	struct stretch *stretch[];
};

/* ---- stretches ---- */
/* `one` is 1 or, to take it back, -1. */
static void count_series(struct series *sum, const struct row *r, uint64_t one)
{
	uint64_t *by = r->level == METRIC_TOPIC ? sum->shown : sum->leveled;
	const uint32_t *series = facts_series(r->facts);

	for (int m = 0; m < TOPIC_FAMILIES; m++)
		by[m] = one == 1 ? by[m] + series[m] : by[m] - series[m];
}

static void count(struct store *s, const struct row *r, uint64_t one)
{
	struct sums *sum = &s->sums[r->app];
	const uint32_t *idle;
	struct topic_mutes m;

	sum->state[health_state(&r->health, r->facts != NULL)] += one;
	if (r->facts == NULL)
		return;
	m = facts_mutes(r->facts);
	idle = facts_idle(r->facts);
	sum->topics.muted += one * m.muted;
	sum->topics.open += one * m.open;
	sum->topics.unknown += one * m.unknown;
	for (int i = 0; i < IDLE_BUCKETS; i++)
		sum->idle[i] += one * idle[i];
	count_series(&s->series, r, one);
}

/* The moment from which the facts are not shown; 0: already. */
static int64_t shown_until(const struct store *s, const struct entry *e)
{
	if (e->facts == NULL || e->ended)
		return 0;
	return e->fresh_ms + e->card->is.stale_after_ms + 2 * s->lag_ms[e->card->is.app];
}

/* Bytes of a cache line, and of what a pin reads of facts. */
enum { LINE = 64, FACTS_HEAD = 3 * LINE };

static struct stretch *stretch_new(struct store *s, size_t first, const struct now *now)
{
	const size_t left = s->order->n - first, n = left < STRETCH ? left : STRETCH;
	const struct seat *seat = &s->order->seat[first];
	struct stretch *t = malloc(sizeof(*t) + n * sizeof(t->row[0]));

	if (t == NULL)
		return NULL;
	t->refs = 1;
	t->n = (unsigned)n;
	t->counted = false;
	t->until_ms = INT64_MAX;
	/* Neighbours on a page lie far apart in memory. Asking for all of them first, instead of waiting for one
	 * after the other, halves the time of a pin of very many. (No function of its own: gcc 12 takes one that
	 * only prefetches for one without effect, and drops the call.) */
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < sizeof(struct entry); at += LINE)
			__builtin_prefetch((const char *)&s->entry[seat[i].slot] + at);
	for (size_t i = 0; i < n; i++) {
		const char *card = (const char *)seat[i].card, *facts = (const char *)s->entry[seat[i].slot].facts;

		for (size_t at = 0; at < sizeof(struct card); at += LINE)
			__builtin_prefetch(card + at);
		for (size_t at = 0; facts != NULL && at < FACTS_HEAD; at += LINE)
			__builtin_prefetch(facts + at);
	}
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &s->entry[seat[i].slot];
		const int64_t until_ms = shown_until(s, e);

		t->row[i] = (struct row){
			.health = e->health,
			.app = (uint32_t)e->card->is.app,
			.interval_ms = e->interval_ms,
			.level = e->card->is.level,
		};
		if (until_ms > now->mono_ms) {
			t->row[i].facts = facts_hold(e->facts);
			if (until_ms < t->until_ms)
				t->until_ms = until_ms;
		}
		count(s, &t->row[i], 1);
	}
	return t;
}

static void stretch_drop(struct stretch *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	for (size_t i = 0; i < t->n; i++)
		facts_drop(t->row[i].facts);
	free(t);
}

/* ---- what has to be looked at again ---- */
static void forget_latest(struct store *s)
{
	store_unpin(s->latest);
	s->latest = NULL;
}

static void spoil(struct store *s, size_t number)
{
	struct stretch *t = s->stretch[number];

	for (size_t i = 0; t != NULL && i < t->n; i++)
		count(s, &t->row[i], (uint64_t)-1);
	stretch_drop(t);
	s->stretch[number] = NULL;
}

void spoil_slot(struct store *s, const struct entry *e)
{
	forget_latest(s);
	if (!s->moved)
		spoil(s, e->seat / STRETCH);
}

void spoil_all(struct store *s)
{
	forget_latest(s);
	for (size_t i = 0; i < s->stretch_n; i++) {
		stretch_drop(s->stretch[i]);
		s->stretch[i] = NULL;
	}
	memset(s->sums, 0, s->app_n * sizeof(s->sums[0]));
	s->series = (struct series){ 0 };
}

void spoil_order(struct store *s)
{
	if (s->moved)
		return;
	spoil_all(s);
	s->stretch_n = 0;
	s->moved = true;
}

/* ---- making a pin ---- */
/* Room for the stretches of a new order. */
static enum err settle(struct store *s)
{
	struct stretch **stretch;
	size_t n;

	if (!s->moved)
		return ERR_OK;
	if (order_settle(s) != ERR_OK)
		return ERR_MEMORY;
	n = (s->order->n + STRETCH - 1) / STRETCH;
	stretch = calloc(n + 1, sizeof(stretch[0]));
	if (stretch == NULL)
		return ERR_MEMORY;
	free(s->stretch);
	s->stretch = stretch;
	s->stretch_n = n;
	s->moved = false;
	return ERR_OK;
}

static enum err refresh(struct store *s, const struct now *now)
{
	for (size_t i = 0; i < s->stretch_n; i++) {
		if (s->stretch[i] != NULL && now->mono_ms >= s->stretch[i]->until_ms)
			spoil(s, i);
		if (s->stretch[i] == NULL)
			s->stretch[i] = stretch_new(s, i * STRETCH, now);
		if (s->stretch[i] == NULL)
			return ERR_MEMORY;
	}
	return ERR_OK;
}

static enum err pin_new(struct store *s, const struct now *now, struct pin **ret)
{
	const size_t sums = (s->app_n + 1) * sizeof(s->sums[0]);
	struct pin *p;

	if (settle(s) != ERR_OK || refresh(s, now) != ERR_OK)
		return ERR_MEMORY;
	p = malloc(sizeof(*p) + s->stretch_n * sizeof(p->stretch[0]));
	if (p == NULL)
		return ERR_MEMORY;
	p->sums = malloc(sums);
	if (p->sums == NULL) {
		free(p);
		return ERR_MEMORY;
	}
	memcpy(p->sums, s->sums, sums);
	p->refs = 1;
	p->until_ms = INT64_MAX;
	p->order = s->order;
	p->order->refs++;
	p->stretch_n = s->stretch_n;
	for (size_t i = 0; i < p->stretch_n; i++) {
		p->stretch[i] = s->stretch[i];
		p->stretch[i]->refs++;
		if (p->stretch[i]->until_ms < p->until_ms)
			p->until_ms = p->stretch[i]->until_ms;
	}
	cap_choose(s, &p->fold);
	*ret = p;
	return ERR_OK;
}

enum err store_pin(struct store *s, const struct now *now, struct pin **ret)
{
	if (s->latest != NULL && now->mono_ms >= s->latest->until_ms)
		forget_latest(s);
	if (s->latest == NULL && pin_new(s, now, &s->latest) != ERR_OK)
		return ERR_MEMORY;
	s->latest->refs++;
	*ret = s->latest;
	return ERR_OK;
}

void store_unpin(struct pin *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	for (size_t i = 0; i < p->stretch_n; i++)
		stretch_drop(p->stretch[i]);
	order_drop(p->order);
	free(p->sums);
	free(p);
}

static const struct row *row_of(const struct pin *p, size_t i)
{
	return &p->stretch[i / STRETCH]->row[i % STRETCH];
}

/* ---- reading one ---- */
size_t pin_communities(const struct pin *p)
{
	return p->order->n;
}

const struct store_community *pin_community(const struct pin *p, size_t i)
{
	return &p->order->seat[i].card->is;
}

size_t pin_app(const struct pin *p, size_t i)
{
	return row_of(p, i)->app;
}

size_t pin_slot(const struct pin *p, size_t i)
{
	return p->order->seat[i].slot;
}

enum metric_scope pin_level(const struct pin *p, size_t i)
{
	return row_of(p, i)->level;
}

void pin_ahead(const struct pin *p, size_t i)
{
	enum { TEXTS = 64 };
	const struct card *card = p->order->seat[i].card;
	const char *const end = card->text + TEXTS;

	__asm__ volatile(""); /* see facts_ahead */
	for (const char *at = (const char *)&card->is.place; at < end; at += LINE)
		__builtin_prefetch(at);
}

uint64_t pin_key(const struct pin *p, size_t i)
{
	return p->order->seat[i].key;
}

uint64_t pin_serial(const struct pin *p, size_t i)
{
	return p->order->seat[i].serial;
}

struct health_settings pin_settings(const struct pin *p, size_t i)
{
	struct health_settings set = pin_community(p, i)->settings;

	set.interval_ms = row_of(p, i)->interval_ms;
	return set;
}

int64_t pin_interval(const struct pin *p, size_t i)
{
	return row_of(p, i)->interval_ms;
}

const struct facts *pin_facts(const struct pin *p, size_t i)
{
	return row_of(p, i)->facts;
}

const struct store_fold *pin_fold(const struct pin *p)
{
	return &p->fold;
}

const struct health_community *pin_health(const struct pin *p, size_t i)
{
	return &row_of(p, i)->health;
}

void pin_count(const struct pin *p, size_t app, struct health_app *ret)
{
	const struct sums *s = &p->sums[app];

	for (int i = 0; i < STATE_COUNT; i++)
		ret->communities[i] = s->state[i];
	ret->topics_muted = s->topics.muted;
	ret->topics_open = s->topics.open;
	ret->topics_unknown = s->topics.unknown;
	for (int i = 0; i < IDLE_BUCKETS; i++)
		ret->topics_idle[i] = s->idle[i];
}
