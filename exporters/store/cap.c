/* The cap on topic series: one number, the floor, says for every topic whether it has series of its own. It
 * is chosen anew only when the series above it leave a band, so a community's topics do not come and go. */
#include <string.h>

#include "exporters/store/inside.h"

/* Above the cap the floor rises until nine tenths are used; it sinks only when a tenth less than that is. A
 * bucket of a 64th more or less is not looked into. */
enum { TARGET = 9, BAND = 1, WHOLE = 10, SLACK = 64 };

static uint64_t sum(const uint64_t series[TOPIC_FAMILIES], unsigned families)
{
	uint64_t n = 0;

	for (int m = 0; m < TOPIC_FAMILIES; m++)
		if ((families >> m & 1) != 0)
			n += series[m];
	return n;
}

static uint64_t tenths(uint64_t whole, uint64_t n)
{
	return whole / WHOLE * n + whole % WHOLE * n / WHOLE;
}

/* Facts lie in no order. Asking for the next ones early hides most of the way to memory. */
enum { AHEAD = 4, LINE = 64, FACTS_LINES = 16 };

static const struct facts *topics_of(const struct row *r)
{
	return r->level == METRIC_TOPIC ? r->facts : NULL;
}

static void spread(const struct store *s, uint64_t prefix, int shift, uint64_t bucket[TOPIC_BUCKETS])
{
	memset(bucket, 0, TOPIC_BUCKETS * sizeof(bucket[0]));
	for (size_t i = 0; i < s->stretch_n; i++)
		for (size_t k = 0; k < s->stretch[i]->n; k++) {
			const struct row *row = s->stretch[i]->row;

			if (k + AHEAD < s->stretch[i]->n && row[k + AHEAD].facts != NULL)
				for (size_t line = 0; line < FACTS_LINES; line++)
					__builtin_prefetch((const char *)row[k + AHEAD].facts + line * LINE);
			if (topics_of(&row[k]) != NULL)
				facts_spread(row[k].facts, s->families, prefix, shift, bucket);
		}
}

/* The least floor above which there are at most `target` series. Ranks are numbers of 64 bits, read from the
 * top in digits of 12: a pass over all topics counts the series behind each value of the next digit, and only
 * the value in which the target is passed is looked into again. Two or three passes do; topics of the very
 * same second are told apart by the lower half, a hash. */
static uint64_t choose(const struct store *s, uint64_t target)
{
	uint64_t bucket[TOPIC_BUCKETS], prefix = 0, above = 0, floor;

	for (int shift = 64 - TOPIC_BUCKET_BITS;; shift -= TOPIC_BUCKET_BITS) {
		int digit = TOPIC_BUCKETS - 1;

		spread(s, prefix, shift, bucket);
		while (digit >= 0 && above + bucket[digit] <= target)
			above += bucket[digit--];
		if (digit < 0)
			return prefix;
		prefix |= (uint64_t)digit << shift;
		floor = prefix + (UINT64_C(1) << shift);
		if (bucket[digit] <= s->max_series / SLACK || shift < TOPIC_BUCKET_BITS)
			return floor != 0 ? floor : TOPIC_NONE;
	}
}

/* The count stays with the stretch while the floor does: a stretch is shared by pins until a poll spoils it.
 */
static void count_stretch(const struct store *s, struct stretch *t, uint64_t floor)
{
	t->counted = true;
	t->floor = floor;
	t->topics = t->shown = 0;
	for (size_t k = 0; k < t->n; k++) {
		const struct facts *f = topics_of(&t->row[k]);

		if (f != NULL) {
			const struct topic_count above = facts_above(f, floor, s->families);

			t->topics += facts_topics(f) - above.topics;
			t->shown += above.series;
		}
	}
}

/* What is above the floor; of the topics, those below it. */
static void count(const struct store *s, struct store_fold *ret)
{
	ret->topics = ret->shown = 0;
	for (size_t i = 0; i < s->stretch_n; i++) {
		struct stretch *t = s->stretch[i];

		if (!t->counted || t->floor != ret->floor)
			count_stretch(s, t, ret->floor);
		ret->topics += t->topics;
		ret->shown += t->shown;
	}
}

/* The band is counted from what the choice came to: where many topics share a rank that may be far from nine
 * tenths, and another choice would come to the same. */
static bool is_within(const struct store *s, uint64_t shown)
{
	const uint64_t band = tenths(s->max_series, BAND);

	return shown <= s->max_series && shown + band >= s->chosen;
}

void cap_choose(struct store *s, struct store_fold *ret)
{
	const uint64_t all = sum(s->series.shown, s->families), max = s->max_series, target = tenths(max, TARGET);

	*ret = (struct store_fold){
		.floor = s->floor,
		.shown = all,
		.leveled = sum(s->series.leveled, s->families),
		.other = sum(s->series.shown, ~s->families),
	};
	if (max == 0 || all <= (s->floor == 0 ? max : target)) {
		ret->floor = s->floor = 0;
		return;
	}
	count(s, ret);
	if (!is_within(s, ret->shown)) {
		ret->floor = s->floor = choose(s, target);
		count(s, ret);
		s->chosen = ret->shown;
	}
	ret->capped = all - ret->shown;
}
