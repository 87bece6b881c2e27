/* The store with very many communities: what the loop's thread pays for a page of discovery, for a pin and
 * for an app that leaves. No I/O. */
#include <stdio.h>
#include <string.h>

#include "exporters/store/store.h"
#include "tests/bench/bench.h"
#include "tests/unit/answers.h"

enum { COMMUNITIES = 50000, PAGE = 10000, TOPICS_A_COMMUNITY = 3, LABELS_MAX = 128 };

enum { CAP = 450000 };
enum step { FILL, FIRST_PIN, ADD, MERGE_PIN, POLL_PIN, FOLD_PIN, FOLDED_PIN, REMOVE, LAST_PIN, STEPS };
static const char *const title[STEPS] = {
	[FILL] = "add 50,000",
	[FIRST_PIN] = "the first pin",
	[ADD] = "add a page of 10,000 to them",
	[MERGE_PIN] = "the next pin",
	[POLL_PIN] = "a pin after one poll",
	[FOLD_PIN] = "the first pin with a cap of half the 900,000 series",
	[FOLDED_PIN] = "a pin after one poll, above the cap",
	[REMOVE] = "remove 50,000 of 60,000",
	[LAST_PIN] = "the next pin",
};

static const struct now now = { .mono_ms = 1000, .unix_s = 1700000000 };
static const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
static size_t slot[COMMUNITIES + PAGE];

/* As spread as a hash; splitmix64. */
static uint64_t key_of(uint64_t i)
{
	uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void add(struct store *s, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		char labels[LABELS_MAX];
		const int len = snprintf(labels, sizeof(labels),
		                         "sdkappid=\"1400000001\",community=\"@TGS#_@TGS#c%05zuHIM62C\"", i);
		const struct store_community c = {
			.key = key_of(i),
			.place = { { labels, (size_t)len }, { labels + 34, (size_t)len - 35 } },
			.settings = { 60000, 86400000, span_of("community_name=\"\"") },
			.stale_after_ms = 300000,
		};

		if (store_add(s, &c, &slot[i]) != ERR_OK)
			abort();
	}
}

static void give(struct store *s, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		store_facts(s, slot[i], answer_facts("@TGS#_c", TOPICS_A_COMMUNITY, 1699990000), &now);
		store_ended(s, slot[i], &fine, 1000, &now);
	}
}

static struct pin *pin(struct store *s)
{
	struct pin *p;

	if (store_pin(s, &now, &p) != ERR_OK)
		abort();
	return p;
}

static double lap(double *at)
{
	const double start = *at;

	*at = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	return (*at - start) / 1000;
}

static void run(double ms[STEPS])
{
	double at;
	struct store *s;
	struct pin *p;

	if (store_new(1, &s) != ERR_OK)
		abort();
	at = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	add(s, 0, COMMUNITIES);
	ms[FILL] = lap(&at);
	store_unpin(pin(s));
	ms[FIRST_PIN] = lap(&at);
	give(s, 0, COMMUNITIES);
	store_unpin(pin(s));
	at = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	add(s, COMMUNITIES, PAGE);
	ms[ADD] = lap(&at);
	store_unpin(pin(s));
	ms[MERGE_PIN] = lap(&at);
	give(s, COMMUNITIES, PAGE);
	p = pin(s); /* a scrape that is still being read */
	give(s, 7, 1);
	at = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	store_unpin(pin(s));
	ms[POLL_PIN] = lap(&at);
	store_cap(s, CAP, (1 << TOPIC_FAMILIES) - 1);
	store_unpin(pin(s));
	ms[FOLD_PIN] = lap(&at);
	give(s, 8, 1);
	at = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	store_unpin(pin(s));
	ms[FOLDED_PIN] = lap(&at);
	store_cap(s, 0, 0);
	for (size_t i = 0; i < COMMUNITIES; i++)
		store_remove(s, slot[i]);
	ms[REMOVE] = lap(&at);
	store_unpin(pin(s));
	ms[LAST_PIN] = lap(&at);
	store_unpin(p);
	store_free(s);
}

int main(void)
{
	double ms[STEPS][BENCH_ROUNDS];

	for (int i = 0; i < BENCH_ROUNDS; i++) {
		double one[STEPS];

		run(one);
		for (int k = 0; k < STEPS; k++)
			ms[k][i] = one[k];
	}
	printf("| store of 50,000 communities | CPU ms |\n| --- | ---: |\n");
	for (int k = 0; k < STEPS; k++)
		printf("| %s | %.2f |\n", title[k], bench_median(ms[k], BENCH_ROUNDS));
	return 0;
}
