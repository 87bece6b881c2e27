#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/store/inside.h"

enum { NEWCOMERS_FIRST = 64, AHEAD = 16 };

/* ---- cards ---- */
static struct span put(char **at, struct span s)
{
	const struct span copy = { *at, s.len };

	if (s.len > 0)
		memcpy(*at, s.at, s.len);
	*at += s.len;
	return copy;
}

/* The community's id usually stands in its labels as it is. */
static bool is_within(struct span part, struct span whole)
{
	const uintptr_t at = (uintptr_t)part.at, start = (uintptr_t)whole.at;

	return at >= start && at + part.len <= start + whole.len;
}

struct card *card_new(const struct store_community *c)
{
	const bool within = is_within(c->place.community, c->place.labels);
	const size_t texts = c->place.labels.len + (within ? 0 : c->place.community.len) + c->settings.info.len;
	struct card *card = malloc(sizeof(*card) + texts);
	char *at;

	if (card == NULL)
		return NULL;
	card->refs = 1;
	card->is = *c;
	at = card->text;
	card->is.place.labels = put(&at, c->place.labels);
	if (within)
		card->is.place.community.at = card->text + (c->place.community.at - c->place.labels.at);
	else
		card->is.place.community = put(&at, c->place.community);
	card->is.settings.info = put(&at, c->settings.info);
	return card;
}

static struct card *card_hold(struct card *c)
{
	c->refs++;
	return c;
}

void card_drop(struct card *c)
{
	if (c != NULL && --c->refs == 0)
		free(c);
}

/* ---- seats ---- */
static int compare_ids(struct span a, struct span b)
{
	const size_t shared = a.len < b.len ? a.len : b.len;
	const int order = shared > 0 ? memcmp(a.at, b.at, shared) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_place(const void *left, const void *right)
{
	const struct seat *l = left, *r = right;
	int order;

	if (l->key != r->key)
		return l->key < r->key ? -1 : 1;
	order = compare_ids(l->card->is.place.community, r->card->is.place.community);
	if (order != 0)
		return order;
	order = (l->card->is.app > r->card->is.app) - (l->card->is.app < r->card->is.app);
	return order != 0 ? order : (l->slot > r->slot) - (l->slot < r->slot);
}

static bool is_taken(const struct store *s, const struct seat *seat)
{
	return s->entry[seat->slot].card == seat->card;
}

/* ---- newcomers ---- */
static void forget_departed(struct store *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->newcomer_n; i++) {
		if (is_taken(s, &s->newcomer[i]))
			s->newcomer[kept++] = s->newcomer[i];
		else
			card_drop(s->newcomer[i].card);
	}
	s->newcomer_n = kept;
}

/* Without a pin in between communities may come and go for ever: those who went leave before the list grows.
 */
enum err order_room(struct store *s, size_t more)
{
	size_t room = s->newcomer_room > 0 ? s->newcomer_room : NEWCOMERS_FIRST;
	struct seat *grown;

	if (s->newcomer_n + more <= s->newcomer_room)
		return ERR_OK;
	forget_departed(s);
	if (s->newcomer_n + more <= s->newcomer_room - s->newcomer_room / 2)
		return ERR_OK;
	while (room < s->newcomer_n + more)
		room *= 2;
	grown = realloc(s->newcomer, room * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	s->newcomer = grown;
	s->newcomer_room = room;
	return ERR_OK;
}

void order_join(struct store *s, size_t slot)
{
	struct card *card = s->entry[slot].card;

	s->newcomer[s->newcomer_n++] = (struct seat){ card->is.key, ++s->revision, card_hold(card), slot };
}

/* ---- the order ---- */
void order_drop(struct order *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	for (size_t i = 0; i < o->n; i++)
		card_drop(o->seat[i].card);
	free(o);
}

static void place(struct store *s, struct order *to, const struct seat *seat)
{
	s->entry[seat->slot].seat = (uint32_t)to->n;
	to->seat[to->n++] = *seat;
}

/* Every reference of the newcomers moves to the new order. So do those of the old one, unless pins share it.
 */
static void merge(struct store *s, struct order *old, struct order *to)
{
	const bool shared = old != NULL && old->refs > 1;
	size_t next = 0;

	for (size_t i = 0; old != NULL && i < old->n; i++) {
		const struct seat *seat = &old->seat[i];

		if (i + AHEAD < old->n)
			__builtin_prefetch(&s->entry[seat[AHEAD].slot]); /* slots lie in no order */
		if (!is_taken(s, seat)) {
			if (!shared)
				card_drop(seat->card);
			continue;
		}
		while (next < s->newcomer_n && by_place(&s->newcomer[next], seat) < 0)
			place(s, to, &s->newcomer[next++]);
		if (shared)
			(void)card_hold(seat->card);
		place(s, to, seat);
	}
	while (next < s->newcomer_n)
		place(s, to, &s->newcomer[next++]);
	s->newcomer_n = 0;
	if (shared)
		order_drop(old);
	else
		free(old);
	free(s->newcomer); /* they come together, at start or with a listing; few come later */
	s->newcomer = NULL;
	s->newcomer_room = 0;
}

enum err order_settle(struct store *s)
{
	const size_t old_n = s->order != NULL ? s->order->n : 0;
	struct order *to;

	forget_departed(s);
	to = malloc(sizeof(*to) + (old_n + s->newcomer_n) * sizeof(to->seat[0]));
	if (to == NULL)
		return ERR_MEMORY;
	to->refs = 1;
	to->n = 0;
	if (s->newcomer_n > 1)
		qsort(s->newcomer, s->newcomer_n, sizeof(s->newcomer[0]), by_place);
	merge(s, s->order, to);
	s->order = to;
	return ERR_OK;
}
