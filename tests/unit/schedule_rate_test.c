/* The bucket against plain arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/schedule/rate.h"
#include "tests/unit/random.h"

#define CHECK assert_true

static void a_full_bucket_gives_its_burst_then_refuses(void **state)
{
	struct now now = { .mono_ms = 1000 };
	struct rate r;

	(void)state;
	rate_init(&r, 100000, 3, &now);
	for (int i = 0; i < 3; i++) {
		CHECK(rate_wait_ms(&r, &now) == 0);
		CHECK(rate_take(&r, &now));
	}
	CHECK(!rate_take(&r, &now) && rate_wait_ms(&r, &now) == 10);
	now.mono_ms += 9;
	CHECK(!rate_take(&r, &now) && rate_wait_ms(&r, &now) == 1);
	now.mono_ms += 1; /* 100 a second: one token every 10 ms */
	CHECK(rate_take(&r, &now) && !rate_take(&r, &now));
	now.mono_ms += INT64_C(1) << 50; /* however long the pause, the bucket holds three */
	for (int i = 0; i < 3; i++)
		CHECK(rate_take(&r, &now));
	CHECK(!rate_take(&r, &now));
}

static void a_full_bucket_holds_no_fraction_on_top(void **state)
{
	struct now now = { .mono_ms = 0 };
	struct rate r;

	(void)state;
	rate_init(&r, 333, 1, &now);
	CHECK(rate_take(&r, &now) && rate_wait_ms(&r, &now) == 3004);
	now.mono_ms += 3004; /* that was 1000.332 milli-tokens */
	CHECK(rate_take(&r, &now) && rate_wait_ms(&r, &now) == 3004);
}

/* Takes whatever there is, at steps that never divide the rate; after T ms the count is exact. */
static void a_fractional_rate_does_not_drift(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 333, 999, 1001, 12345, 199999 };

	(void)state;
	random_start(13);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const int64_t start_ms = (int64_t)random_below(1000000000);
		struct now now = { .mono_ms = start_ms };
		int64_t taken = 0, cap_ms;
		struct rate r;

		rate_init(&r, rates[i], 5, &now);
		for (int n = 0; n < 5; n++)
			CHECK(rate_take(&r, &now));
		cap_ms = 3 * 1000000 / rates[i] + 1; /* steps short enough never to fill the bucket */
		for (int n = 0; n < 20000; n++) {
			now.mono_ms += (int64_t)random_below((uint64_t)cap_ms + 1);
			while (rate_take(&r, &now))
				taken++;
			CHECK(taken == (now.mono_ms - start_ms) * rates[i] / 1000000);
		}
		CHECK(taken > 20000);
	}
}

static void the_wait_is_exact(void **state)
{
	(void)state;
	random_start(17);
	for (int round = 0; round < 20000; round++) {
		struct now now = { .mono_ms = (int64_t)random_below(1 << 30) };
		const int64_t milli_per_s = 1 + (int64_t)random_below(round % 2 ? 5000 : 300000);
		struct rate r, early;
		int64_t wait_ms;

		rate_init(&r, milli_per_s, 1 + (int64_t)random_below(3), &now);
		for (int n = 0; n < 8; n++) {
			if (random_below(8) == 0)
				rate_hush(&r, (int64_t)random_below(3000), &now);
			wait_ms = rate_wait_ms(&r, &now);
			CHECK(wait_ms >= 0);
			if (wait_ms > 0) {
				early = r;
				now.mono_ms += wait_ms - 1;
				CHECK(!rate_take(&early, &now));
				now.mono_ms += 1;
			}
			CHECK(rate_wait_ms(&r, &now) == 0 && rate_take(&r, &now));
			now.mono_ms += (int64_t)random_below(20);
		}
	}
}

static void a_hush_is_never_shortened(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct rate r;

	(void)state;
	rate_init(&r, 1000000, 10, &now);
	rate_hush(&r, 3000, &now);
	CHECK(!rate_take(&r, &now) && rate_wait_ms(&r, &now) == 3000);
	rate_hush(&r, 100, &now);
	rate_hush(&r, 0, &now);
	rate_hush(&r, -9000, &now);
	CHECK(rate_wait_ms(&r, &now) == 3000);
	now.mono_ms += 2000;
	rate_hush(&r, 1500, &now);
	CHECK(rate_wait_ms(&r, &now) == 1500);
	now.mono_ms += 1499;
	CHECK(!rate_take(&r, &now));
	now.mono_ms += 1;
	for (int i = 0; i < 10; i++)
		CHECK(rate_take(&r, &now)); /* what was in the bucket is still there, and no more */
	CHECK(!rate_take(&r, &now));
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
	struct now now = { .mono_ms = 100000 };
	struct rate r;

	(void)state;
	rate_init(&r, 1000, 2, &now);
	CHECK(rate_take(&r, &now) && rate_take(&r, &now));
	now.mono_ms -= 50000;
	CHECK(!rate_take(&r, &now));
	CHECK(rate_wait_ms(&r, &now) == 51000);
	now.mono_ms += 50000 + 999;
	CHECK(!rate_take(&r, &now));
	now.mono_ms += 1;
	CHECK(rate_take(&r, &now) && !rate_take(&r, &now));
}

static void another_rate_counts_from_now_on_and_keeps_the_tokens(void **state)
{
	struct now now = { .mono_ms = 0 };
	struct rate r;

	(void)state;
	rate_init(&r, 1000, 2, &now);
	CHECK(rate_take(&r, &now) && rate_take(&r, &now));
	now.mono_ms = 500; /* half a token at the old rate */
	rate_set(&r, 100, &now);
	CHECK(rate_wait_ms(&r, &now) == 5000);
	now.mono_ms += 2500;
	rate_set(&r, 250000, &now);
	CHECK(rate_wait_ms(&r, &now) == 1);
	now.mono_ms += 1;
	CHECK(rate_take(&r, &now) && !rate_take(&r, &now));

	rate_init(&r, 1000, 2, &now);
	rate_set(&r, 1, &now);
	CHECK(rate_take(&r, &now) && rate_take(&r, &now) && !rate_take(&r, &now));
	CHECK(rate_wait_ms(&r, &now) == 1000000);
}

static void what_was_spent_without_asking_is_owed(void **state)
{
	struct now now = { .mono_ms = 7 };
	struct rate r;

	(void)state;
	rate_init(&r, 1000, 2, &now);
	rate_spend(&r, 100, &now); /* 98 more than there were, so the next call is 99 away */
	CHECK(!rate_take(&r, &now) && rate_wait_ms(&r, &now) == 99000);
	now.mono_ms += 98999; /* in one step: a debt is longer than the bucket is deep */
	CHECK(!rate_take(&r, &now) && rate_wait_ms(&r, &now) == 1);
	now.mono_ms += 1;
	CHECK(rate_take(&r, &now) && !rate_take(&r, &now));
	rate_spend(&r, 0, &now);
	CHECK(rate_wait_ms(&r, &now) == 1000);
}

/* Whatever is asked, and when: between any two calls that got through lie at most burst + rate * time. */
static void no_window_ever_gives_more_than_burst_plus_rate(void **state)
{
	enum { TAKEN_MAX = 600 };

	(void)state;
	random_start(19);
	for (int round = 0; round < 60; round++) {
		const int64_t burst = 1 + (int64_t)random_below(6), highest = 1 + (int64_t)random_below(400000);
		struct now now = { .mono_ms = (int64_t)random_below(1000) };
		int64_t taken_ms[TAKEN_MAX], latest_ms = now.mono_ms;
		size_t n = 0;
		struct rate r;

		rate_init(&r, highest, burst, &now);
		for (int step = 0; step < 20000 && n < TAKEN_MAX; step++) {
			switch (random_below(12)) {
			case 0:
				rate_set(&r, 1 + (int64_t)random_below((uint64_t)highest), &now);
				break;
			case 1:
				rate_hush(&r, (int64_t)random_below(30), &now);
				break;
			case 2:
				now.mono_ms -= (int64_t)random_below(20);
				break;
			case 3:
				now.mono_ms += (int64_t)random_below(2000);
				break;
			default:
				now.mono_ms += (int64_t)random_below(5);
			}
			latest_ms = now.mono_ms > latest_ms ? now.mono_ms : latest_ms;
			if (rate_take(&r, &now))
				taken_ms[n++] = latest_ms;
		}
		CHECK(n > (size_t)burst);
		for (size_t i = 0; i < n; i++)
			for (size_t j = i; j < n; j++)
				CHECK((int64_t)(j - i + 1) * 1000000 <=
				      burst * 1000000 + highest * (taken_ms[j] - taken_ms[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_its_burst_then_refuses),
		cmocka_unit_test(a_full_bucket_holds_no_fraction_on_top),
		cmocka_unit_test(a_fractional_rate_does_not_drift),
		cmocka_unit_test(the_wait_is_exact),
		cmocka_unit_test(a_hush_is_never_shortened),
		cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
		cmocka_unit_test(another_rate_counts_from_now_on_and_keeps_the_tokens),
		cmocka_unit_test(what_was_spent_without_asking_is_owed),
		cmocka_unit_test(no_window_ever_gives_more_than_burst_plus_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
