#include <stdlib.h>

#include "exporters/exposition/inside.h"

/* Topics have series in about so many families; the others are rare. */
enum { TYPICAL_FAMILIES = 5, LINE_TYPICAL = 160 };
/* A slice has 25 to 50 KiB of text, so that most of them are one piece. */
enum { SLICE_TEXT = 50 << 10, BITS_MAX = 20, HEADER_MAX = 1024 };

struct kept {
	uint64_t stamp;
	struct piece *first; /* NULL: nothing */
};

struct exposition_cache {
	struct packer *packer;
	struct layout {
		size_t families;
		unsigned bits;
		struct kept *kept; /* by family of the scope and slice; NULL: not laid out, or no memory */
	} layout[METRIC_COMMUNITY + 1];
	size_t family[METRIC_COUNT]; /* of its scope: its number there */
	struct piece *header[FORM_COUNT][METRIC_COUNT];
};

struct exposition_cache *exposition_cache_new(void)
{
	struct exposition_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->packer = packer_new();
	if (c->packer == NULL) {
		free(c);
		return NULL;
	}
	for (int m = 0; m < METRIC_COUNT; m++) {
		const enum metric_scope scope = metric_info((enum metric)m)->scope;

		if (scope <= METRIC_COMMUNITY)
			c->family[m] = c->layout[scope].families++;
	}
	return c;
}

static size_t slices_of(unsigned bits)
{
	return (size_t)1 << bits;
}

static void layout_clear(struct layout *l)
{
	for (size_t i = 0; l->kept != NULL && i < l->families * slices_of(l->bits); i++)
		piece_drop(l->kept[i].first);
	free(l->kept);
	l->kept = NULL;
}

void exposition_cache_free(struct exposition_cache *c)
{
	if (c == NULL)
		return;
	for (int scope = 0; scope <= METRIC_COMMUNITY; scope++)
		layout_clear(&c->layout[scope]);
	for (int form = 0; form < FORM_COUNT; form++)
		for (int m = 0; m < METRIC_COUNT; m++)
			piece_drop(c->header[form][m]);
	packer_free(c->packer);
	free(c);
}

struct packer *cache_packer(struct exposition_cache *c)
{
	return c->packer;
}

struct piece *cache_header(struct exposition_cache *c, enum metric m, enum form form)
{
	struct piece **header = &c->header[form][m];
	char text[HEADER_MAX];
	struct buf b;

	if (*header == NULL) {
		buf_wrap(&b, text, sizeof(text));
		metric_header(&b, m, form);
		if (b.status != ERR_OK)
			abort(); /* a text of the catalogue */
		*header = packer_pack(c->packer, b.at, b.len);
	}
	return *header != NULL ? piece_hold(*header) : NULL;
}

/* ---- slices ---- */
static uint64_t lines_expected(enum metric_scope scope, const struct view *v)
{
	const struct store_fold *fold = pin_fold(v->pin);

	if (scope == METRIC_COMMUNITY)
		return pin_communities(v->pin);
	return (fold->shown + fold->other) / TYPICAL_FAMILIES;
}

unsigned cache_bits(struct exposition_cache *c, enum metric_scope scope, const struct view *v)
{
	const uint64_t text = lines_expected(scope, v) * LINE_TYPICAL;
	struct layout *l = &c->layout[scope];
	unsigned bits = 0;

	while (bits < BITS_MAX && text >> bits > SLICE_TEXT)
		bits++;
	/* A step down only when twice as fine as need be: a page near a limit keeps its slices. */
	if (l->kept != NULL && (bits == l->bits || bits + 1 == l->bits))
		return l->bits;
	layout_clear(l);
	l->bits = bits;
	l->kept = calloc(l->families * slices_of(bits), sizeof(l->kept[0]));
	return bits;
}

static size_t slice_number(uint64_t key, unsigned bits)
{
	return bits > 0 ? (size_t)(key >> (64 - bits)) : 0;
}

struct slice cache_slice(const struct view *v, enum metric m, unsigned bits, size_t first)
{
	const size_t n = pin_communities(v->pin);
	struct slice s = { slice_number(pin_key(v->pin, first), bits), first, 0 };

	for (; s.end < n && slice_number(pin_key(v->pin, s.end), bits) == s.number; s.end++)
		s.stamp = lines_stamp(v, m, s.end, s.stamp);
	return s;
}

/* ---- what was kept ---- */
/* NULL: laid out otherwise since the reader began, or not at all. */
static struct kept *kept_at(struct exposition_cache *c, enum metric m, unsigned bits, const struct slice *s)
{
	struct layout *l = &c->layout[metric_info(m)->scope];

	if (l->kept == NULL || l->bits != bits)
		return NULL;
	return &l->kept[c->family[m] * slices_of(bits) + s->number];
}

struct piece *cache_find(struct exposition_cache *c, enum metric m, unsigned bits, const struct slice *s)
{
	const struct kept *k = kept_at(c, m, bits, s);

	return k != NULL && k->first != NULL && k->stamp == s->stamp ? piece_hold(k->first) : NULL;
}

void cache_keep(struct exposition_cache *c, enum metric m, unsigned bits, const struct slice *s,
                struct piece *first)
{
	struct kept *k = kept_at(c, m, bits, s);

	if (k == NULL) {
		piece_drop(first);
		return;
	}
	piece_drop(k->first);
	*k = (struct kept){ s->stamp, first };
}
