#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/store/inside.h"

enum { ENTRIES_FIRST = 64 };

enum err store_new(size_t app_n, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_MEMORY;
	s->app_n = app_n;
	s->free_first = NO_SLOT;
	s->moved = true;
	s->lag_ms = calloc(app_n + 1, sizeof(s->lag_ms[0]));
	s->sums = calloc(app_n + 1, sizeof(s->sums[0]));
	if (s->lag_ms == NULL || s->sums == NULL) {
		store_free(s);
		return ERR_MEMORY;
	}
	*ret = s;
	return ERR_OK;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	spoil_order(s);
	order_drop(s->order);
	for (size_t i = 0; i < s->newcomer_n; i++)
		card_drop(s->newcomer[i].card);
	for (size_t i = 0; i < s->entry_n; i++) {
		facts_drop(s->entry[i].facts);
		card_drop(s->entry[i].card);
	}
	free(s->stretch);
	free(s->newcomer);
	free(s->entry);
	free(s->sums);
	free(s->lag_ms);
	free(s);
}

enum err store_apps(struct store *s, size_t app_n)
{
	int64_t *lag_ms;
	struct sums *sums;

	if (app_n <= s->app_n)
		return ERR_OK;
	lag_ms = reallocarray(s->lag_ms, app_n + 1, sizeof(lag_ms[0]));
	if (lag_ms == NULL)
		return ERR_MEMORY;
	s->lag_ms = lag_ms;
	sums = reallocarray(s->sums, app_n + 1, sizeof(sums[0]));
	if (sums == NULL)
		return ERR_MEMORY;
	s->sums = sums;
	memset(lag_ms + s->app_n, 0, (app_n + 1 - s->app_n) * sizeof(lag_ms[0]));
	memset(sums + s->app_n, 0, (app_n + 1 - s->app_n) * sizeof(sums[0]));
	s->app_n = app_n;
	spoil_all(s); /* the pins that are shared know the others only */
	return ERR_OK;
}

void store_cap(struct store *s, uint64_t max_series, unsigned families)
{
	s->max_series = max_series;
	s->families = families;
	spoil_all(s);
}

static struct entry *taken(const struct store *s, size_t slot)
{
	assert(slot < s->entry_n && s->entry[slot].card != NULL);
	return &s->entry[slot];
}

/* ---- communities ---- */
/* Room for one more slot. */
static enum err entry_room(struct store *s)
{
	const size_t room = s->entry_room > 0 ? s->entry_room * 2 : ENTRIES_FIRST;
	struct entry *grown;

	if (s->free_first != NO_SLOT || s->entry_n < s->entry_room)
		return ERR_OK;
	grown = realloc(s->entry, room * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	s->entry = grown;
	s->entry_room = room;
	return ERR_OK;
}

static size_t take_slot(struct store *s)
{
	const uint32_t slot = s->free_first;

	if (slot == NO_SLOT)
		return s->entry_n++;
	s->free_first = s->entry[slot].free_next;
	return slot;
}

static enum err prepare(struct store *s, const struct store_community *c, struct card **ret)
{
	assert(c->app < s->app_n);
	if (order_room(s, 1) != ERR_OK)
		return ERR_MEMORY;
	*ret = card_new(c);
	return *ret != NULL ? ERR_OK : ERR_MEMORY;
}

static void seat_card(struct store *s, size_t slot, struct card *card)
{
	struct entry *e = &s->entry[slot];

	e->card = card;
	e->interval_ms = card->is.settings.interval_ms;
	spoil_order(s);
	order_join(s, slot);
}

enum err store_add(struct store *s, const struct store_community *c, size_t *ret_slot)
{
	struct card *card;
	size_t slot;

	if (entry_room(s) != ERR_OK || prepare(s, c, &card) != ERR_OK)
		return ERR_MEMORY;
	slot = take_slot(s);
	s->entry[slot] = (struct entry){ 0 };
	seat_card(s, slot, card);
	*ret_slot = slot;
	return ERR_OK;
}

enum err store_change(struct store *s, size_t slot, const struct store_community *c)
{
	struct card *card;

	if (prepare(s, c, &card) != ERR_OK)
		return ERR_MEMORY;
	store_apply(s, slot, card);
	return ERR_OK;
}

struct card *store_draft(const struct store_community *c)
{
	return card_new(c);
}

void store_draft_drop(struct card *draft)
{
	card_drop(draft);
}

void store_apply(struct store *s, size_t slot, struct card *draft)
{
	card_drop(taken(s, slot)->card);
	seat_card(s, slot, draft);
}

enum err store_reserve(struct store *s, size_t n)
{
	return order_room(s, n);
}

void store_remove(struct store *s, size_t slot)
{
	struct entry *e = taken(s, slot);

	facts_drop(e->facts);
	card_drop(e->card);
	*e = (struct entry){ .free_next = s->free_first };
	s->free_first = (uint32_t)slot;
	spoil_order(s);
}

void store_interval(struct store *s, size_t slot, int64_t interval_ms)
{
	struct entry *e = taken(s, slot);

	if (e->interval_ms == interval_ms)
		return;
	e->interval_ms = interval_ms;
	spoil_slot(s, e);
}

void store_lag(struct store *s, size_t app, int64_t lag_ms)
{
	assert(app < s->app_n);
	if (s->lag_ms[app] == lag_ms)
		return;
	s->lag_ms[app] = lag_ms;
	spoil_all(s);
}

/* ---- polls ---- */
const struct facts *store_before(const struct store *s, size_t slot)
{
	return taken(s, slot)->facts;
}

const struct health_community *store_health(const struct store *s, size_t slot)
{
	return &taken(s, slot)->health;
}

void store_facts(struct store *s, size_t slot, struct facts *f, const struct now *now)
{
	struct entry *e = taken(s, slot);

	facts_follow(f, e->facts, ++s->revision);
	facts_drop(e->facts);
	e->facts = f;
	e->fresh_ms = now->mono_ms;
	e->ended = false;
	spoil_slot(s, e);
}

void store_ended(struct store *s, size_t slot, const struct outcome *o, int64_t took_us,
                 const struct now *now)
{
	struct entry *e = taken(s, slot);

	health_note(&e->health, o, took_us, now);
	if (o->err == ERR_GONE)
		e->ended = true;
	spoil_slot(s, e);
}
