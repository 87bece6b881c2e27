#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exporters/exposition/inside.h"

/* Texts deflated in one block, at most, so that a turn of the loop stays short; kept pieces cost next to
 * nothing. */
enum { FRESH_MAX = 2 };

enum stage { STAGE_HEAD, STAGE_FAMILIES, STAGE_SMALL, STAGE_TAIL, STAGE_END, STAGE_BROKEN };

struct gzip {
	struct exposition_cache *cache;
	bool kept; /* pieces are looked for, and kept: every app is shown */
	unsigned bits[METRIC_COMMUNITY + 1];
	enum stage stage;
	uint32_t crc, text_len; /* of what was sent, as the member's tail has it */
	unsigned fresh;         /* deflated for the block under way */

	struct piece *sending, *after; /* `after`: held back, because its family's header goes first */
	size_t sent;                   /* of `sending` */

	bool making; /* a slice, from texts */
	struct slice slice;
	struct piece *first, *last; /* what was made of it; `first` is a reference */
};

struct gzip *gzip_new(const struct exposition *e, struct exposition_cache *cache)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->cache = cache;
	g->kept = e->view.app == EXPOSITION_EVERY_APP;
	for (int scope = METRIC_TOPIC; scope <= METRIC_COMMUNITY; scope++)
		g->bits[scope] = cache_bits(cache, (enum metric_scope)scope, &e->view);
	return g;
}

void gzip_free(struct gzip *g)
{
	if (g == NULL)
		return;
	piece_drop(g->sending);
	piece_drop(g->after);
	piece_drop(g->first);
	free(g);
}

/* ---- communities ---- */
static bool begin_slice(struct exposition *e, struct piece **ret)
{
	struct gzip *g = e->gzip;
	const enum metric m = (enum metric)e->at.metric;
	const unsigned bits = g->bits[metric_info(m)->scope];

	g->slice = cache_slice(&e->view, m, bits, e->at.at.community);
	*ret = g->kept ? cache_find(g->cache, m, bits, &g->slice) : NULL;
	if (*ret != NULL)
		e->at.at = (struct place){ g->slice.end, 0 };
	g->making = *ret == NULL;
	return g->making;
}

static void end_slice(struct exposition *e)
{
	struct gzip *g = e->gzip;
	const enum metric m = (enum metric)e->at.metric;

	if (g->kept)
		cache_keep(g->cache, m, g->bits[metric_info(m)->scope], &g->slice, g->first);
	else
		piece_drop(g->first);
	g->first = g->last = NULL;
	g->making = false;
}

/* The next piece of the slice under way. NULL: no memory. */
static struct piece *make_piece(struct exposition *e)
{
	struct gzip *g = e->gzip;
	struct packer *packer = cache_packer(g->cache);
	uint64_t lines = 0;
	struct piece *p;
	struct buf text;
	bool ended;

	buf_wrap(&text, packer_text(packer), PIECE_TEXT_MAX);
	ended = lines_write(&e->view, (enum metric)e->at.metric, &e->at.at, g->slice.end, &text, &lines);
	g->fresh += text.len > 0;
	p = packer_pack(packer, text.at, text.len);
	if (p == NULL)
		return NULL;
	p->lines = (uint32_t)lines;
	if (g->first == NULL)
		g->first = piece_hold(p);
	else
		g->last->next = piece_hold(p);
	g->last = p;
	if (ended)
		end_slice(e);
	return p;
}

/* A family's header goes before its first line; a family without lines has none. */
static struct piece *headed(struct exposition *e, struct piece *p)
{
	struct gzip *g = e->gzip;

	if (p == NULL || e->at.headed || p->text_len == 0)
		return p;
	e->at.headed = true;
	g->after = p;
	return cache_header(g->cache, (enum metric)e->at.metric, e->form);
}

/* ---- one piece after the other ---- */
static const unsigned char member_head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

static struct piece *make_tail(const struct gzip *g)
{
	unsigned char at[10] = { 3, 0 }; /* the last block, empty */

	for (int i = 0; i < 4; i++) {
		at[2 + i] = (unsigned char)(g->crc >> 8 * i);
		at[6 + i] = (unsigned char)(g->text_len >> 8 * i);
	}
	return piece_frame(at, sizeof(at));
}

static struct piece *family_piece(struct exposition *e)
{
	struct piece *p;

	if (!e->gzip->making && !begin_slice(e, &p))
		return headed(e, p);
	return headed(e, make_piece(e));
}

static struct piece *small_piece(struct exposition *e)
{
	const char *from = e->small.at + e->at.small;
	size_t len = e->small.len - e->at.small;

	if (len > PIECE_TEXT_MAX)
		len = PIECE_TEXT_MAX;
	e->gzip->fresh++;
	e->at.small += len;
	return packer_pack(cache_packer(e->gzip->cache), from, len);
}

/* A reference to the next piece; NULL before the end: no memory. */
static struct piece *next_piece(struct exposition *e)
{
	struct gzip *g = e->gzip;
	struct piece *tail;

	switch (g->stage) {
	case STAGE_HEAD:
		g->stage = STAGE_FAMILIES;
		return piece_frame(member_head, sizeof(member_head));
	case STAGE_FAMILIES:
		for (; e->at.metric < METRIC_COUNT; exposition_advance(e))
			if (exposition_is_streamed(e) && e->at.at.community < pin_communities(e->view.pin))
				return family_piece(e);
		g->stage = STAGE_SMALL;
		return next_piece(e);
	case STAGE_SMALL:
		if (e->at.small < e->small.len)
			return small_piece(e);
		g->stage = STAGE_TAIL;
		return next_piece(e);
	case STAGE_TAIL:
		tail = make_tail(g);
		if (tail != NULL)
			g->stage = STAGE_END;
		return tail;
	case STAGE_END:
	case STAGE_BROKEN:
		break;
	}
	return NULL;
}

/* Turns to the next piece; false at the end, or without memory. */
static bool turn(struct exposition *e)
{
	struct gzip *g = e->gzip;
	struct piece *was = g->sending, *p = g->after;

	g->after = NULL;
	if (p == NULL && was != NULL && was->next != NULL)
		p = piece_hold(was->next);
	piece_drop(was);
	if (p == NULL)
		p = next_piece(e);
	if (p == NULL && g->stage != STAGE_END)
		g->stage = STAGE_BROKEN; /* lines are lost: nothing more may follow */
	g->sending = p;
	g->sent = 0;
	if (p == NULL)
		return false;
	g->crc = (uint32_t)crc32_combine_op(g->crc, p->crc, p->combine);
	g->text_len += p->text_len;
	e->at.lines += p->lines;
	return true;
}

size_t gzip_next(struct exposition *e, char *at, size_t room)
{
	struct gzip *g = e->gzip;
	size_t n = 0;

	for (g->fresh = 0; n < room;) {
		size_t some = g->sending != NULL ? g->sending->len - g->sent : 0;

		if (some == 0 && n > 0 && g->fresh >= FRESH_MAX)
			break;
		if (some == 0 && !turn(e))
			return n > 0 || g->stage == STAGE_END ? n : EXPOSITION_BROKEN;
		if (some == 0)
			continue;
		if (some > room - n)
			some = room - n;
		memcpy(at + n, g->sending->at + g->sent, some);
		g->sent += some;
		n += some;
	}
	return n;
}
