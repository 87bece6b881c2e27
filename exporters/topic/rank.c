/* Which topics have series of their own when there are more than a page may hold. */
#include <string.h>

#include "exporters/topic/inside.h"

/* FNV-1a; ids are short, and it need not withstand anybody: who shares a rank is folded together. */
static uint32_t hash(uint32_t h, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)at[i]) * UINT32_C(16777619);
	return h;
}

/* FNV leaves the high bits of similar ids alike. */
static uint32_t stir(uint32_t h)
{
	h = (h ^ h >> 16) * UINT32_C(0x85ebca6b);
	h = (h ^ h >> 13) * UINT32_C(0xc2b2ae35);
	return h ^ h >> 16;
}

void topics_rank(struct facts *f, struct topic *topic, const char *community)
{
	uint32_t start[ID_KINDS];

	start[ID_WHOLE] = UINT32_C(2166136261);
	start[ID_AFTER_COMMUNITY] = hash(start[ID_WHOLE], community, strlen(community));
	start[ID_AFTER_MARK] = hash(start[ID_AFTER_COMMUNITY], TOPIC_MARK, strlen(TOPIC_MARK));
	start[ID_MADE] = hash(start[ID_AFTER_MARK], TOPIC_MARK_MADE, strlen(TOPIC_MARK_MADE));

	for (uint32_t i = 0; i < f->topic_n; i++) {
		struct topic *t = &topic[i];

		t->tie = stir(hash(start[t->flags & TOPIC_ID_KIND], f->text + t->id_at, t->id_len));
		t->has = (uint8_t)topic_families(f, i);
		for (int m = 0; m < TOPIC_FAMILIES; m++)
			f->series[m] += t->has >> m & 1;
	}
}

const uint32_t *facts_series(const struct facts *f)
{
	return f->series;
}

static uint64_t weight(const struct topic *t, unsigned families)
{
	return (uint64_t)__builtin_popcount(t->has & families);
}

struct topic_count facts_above(const struct facts *f, uint64_t floor, unsigned families)
{
	struct topic_count n = { 0 };

	for (uint32_t i = 0; i < f->topic_n; i++) {
		if (topic_rank(&f->topic[i]) < floor)
			continue;
		n.topics++;
		n.series += weight(&f->topic[i], families);
	}
	return n;
}

void facts_spread(const struct facts *f, unsigned families, uint64_t prefix, int shift,
                  uint64_t bucket[TOPIC_BUCKETS])
{
	const int above = shift + TOPIC_BUCKET_BITS;
	const uint64_t high = above < 64 ? UINT64_MAX << above : 0;

	for (uint32_t i = 0; i < f->topic_n; i++) {
		const uint64_t rank = topic_rank(&f->topic[i]);

		if (((rank ^ prefix) & high) == 0)
			bucket[rank >> shift & (TOPIC_BUCKETS - 1)] += weight(&f->topic[i], families);
	}
}
