/* How fast, and whether at all: pace and breaker on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/schedule/breaker.h"
#include "agent/schedule/pace.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { SENT_MAX = 100000 };

static int64_t sent[SENT_MAX];
static size_t sent_n;

/* Sends whenever it may, as a loop would that always has something to send. */
static void pump(struct pace *p, struct now *now, int64_t for_ms)
{
	const int64_t end_ms = now->mono_ms + for_ms;

	while (now->mono_ms < end_ms) {
		int64_t wait_ms;

		while (pace_take(p, now)) {
			CHECK(sent_n < SENT_MAX);
			sent[sent_n++] = now->mono_ms;
			pace_sent(p, 1, now);
		}
		wait_ms = pace_wait_ms(p, now);
		CHECK(wait_ms > 0);
		now->mono_ms += wait_ms < end_ms - now->mono_ms ? wait_ms : end_ms - now->mono_ms;
	}
}

static size_t most_in(int64_t window_ms)
{
	size_t most = 0, from = 0;

	for (size_t to = 0; to < sent_n; to++) {
		while (sent[to] - sent[from] >= window_ms)
			from++;
		most = to - from + 1 > most ? to - from + 1 : most;
	}
	return most;
}

static void no_second_holds_more_than_the_budget_and_all_of_it_is_used(void **state)
{
	static const int64_t budget[] = { 1, 250, 800, 1000, 2500, 20000, 33300, 199999, 200000 };

	(void)state;
	for (size_t i = 0; i < sizeof(budget) / sizeof(budget[0]); i++) {
		const size_t a_second = (size_t)((budget[i] + 999) / 1000);
		struct now now = { .mono_ms = 5000 };
		struct pace p;

		sent_n = 0;
		pace_init(&p, budget[i], &now);
		pump(&p, &now, 100000);
		CHECK(most_in(1000) <= a_second);
		CHECK((int64_t)sent_n >= budget[i] * 99 / 1000); /* 99 of 100 seconds' worth */
		CHECK((int64_t)sent_n <= budget[i] * 100 / 1000 + (int64_t)a_second / 10 + 1);
	}
}

static void a_pause_gives_no_burst(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	sent_n = 0;
	pace_init(&p, 100000, &now);
	pump(&p, &now, 1000);
	now.mono_ms += 3600000;
	sent_n = 0;
	pump(&p, &now, 2000);
	CHECK(most_in(1000) <= 100);
	CHECK(sent[0] == sent[9] && sent[10] > sent[9]); /* a tenth of a second's calls at once, and no more */
}

static void too_fast_halves_once_in_five_seconds_and_not_below_one(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	pace_init(&p, 20000, &now);
	pace_throttled(&p, 0, &now);
	CHECK(pace_in_force(&p, &now) == 10000);
	now.mono_ms += 4900;
	pace_throttled(&p, 0, &now);
	CHECK(pace_in_force(&p, &now) > 10000); /* it was growing already */
	for (int i = 0; i < 20; i++) {
		now.mono_ms += 5000;
		pace_throttled(&p, 0, &now);
	}
	CHECK(pace_in_force(&p, &now) >= 1000 && pace_in_force(&p, &now) <= 2500);
	pace_init(&p, 800, &now); /* a small budget keeps a quarter of itself */
	for (int i = 0; i < 20; i++) {
		now.mono_ms += 5000;
		pace_throttled(&p, 0, &now);
	}
	CHECK(pace_in_force(&p, &now) >= 200 && pace_in_force(&p, &now) < 800);
}

static void the_rate_grows_back_to_the_budget_and_no_further(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;
	int64_t before;

	(void)state;
	pace_init(&p, 100000, &now);
	pace_throttled(&p, 0, &now);
	before = pace_in_force(&p, &now);
	CHECK(before == 50000);
	for (int ms = 0; ms < 15000; ms += 7) {
		now.mono_ms += 7;
		CHECK(pace_in_force(&p, &now) >= before);
		before = pace_in_force(&p, &now);
	}
	CHECK(before >= 84000 && before <= 87000); /* 85 % of what was too fast */
	now.mono_ms += 10000;
	CHECK(pace_in_force(&p, &now) - before >= 4500 && pace_in_force(&p, &now) - before <= 5500);
	now.mono_ms += 60000;
	CHECK(pace_in_force(&p, &now) == 100000);
}

static void it_stays_away_as_long_as_it_is_told(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	pace_init(&p, 20000, &now);
	pace_throttled(&p, 30000, &now);
	CHECK(!pace_take(&p, &now) && pace_wait_ms(&p, &now) == 30000);
	now.mono_ms += 29999;
	CHECK(!pace_take(&p, &now));
	now.mono_ms += 1;
	CHECK(pace_take(&p, &now));
}

static void a_ramp_starts_at_a_tenth(void **state)
{
	struct now now = { .mono_ms = 500000 };
	struct pace p;

	(void)state;
	pace_init(&p, 100000, &now);
	pace_ramp(&p, &now);
	for (int s = 0; s < 12; s++) {
		CHECK(pace_in_force(&p, &now) == (s < 9 ? (s + 1) * 10000 : 100000));
		now.mono_ms += 1000;
	}
}

/* Calls wait for their connections, some for long, and then go all at once. */
static void no_second_holds_more_however_late_calls_go(void **state)
{
	static const int64_t delay_ms[] = { 5, 60, 400, 3000 };

	(void)state;
	for (size_t i = 0; i < sizeof(delay_ms) / sizeof(delay_ms[0]); i++) {
		struct now now = { .mono_ms = 5000 };
		unsigned waiting = 0;
		struct pace p;

		random_start(7 + i);
		sent_n = 0;
		pace_init(&p, 50000, &now);
		for (; now.mono_ms < 65000; now.mono_ms++) {
			while (waiting < 64 && pace_take(&p, &now))
				waiting++;
			if (waiting == 0 || random_below((uint64_t)delay_ms[i]) > 0)
				continue;
			pace_sent(&p, waiting, &now);
			for (; waiting > 0; waiting--)
				sent[sent_n++] = now.mono_ms;
		}
		CHECK(most_in(1000) <= 50);
		CHECK(i > 0 || sent_n >= 60 * 50 * 98 / 100);
	}
}

static void what_was_spent_unasked_is_owed(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	sent_n = 0;
	pace_init(&p, 10000, &now);
	pace_spend(&p, 20, &now);
	CHECK(!pace_take(&p, &now) && pace_wait_ms(&p, &now) >= 1900);
	CHECK(pace_peak(&p, &now) == 20);
	pump(&p, &now, 10000);
	CHECK(sent_n <= 82);
}

static void the_peak_is_the_busiest_second_of_the_last_minute(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	pace_init(&p, 200000, &now);
	CHECK(pace_peak(&p, &now) == 0);
	for (int i = 0; i < 7; i++)
		CHECK(pace_take(&p, &now));
	CHECK(pace_peak(&p, &now) == 0); /* none of them went yet */
	pace_sent(&p, 7, &now);
	now.mono_ms += 1500;
	CHECK(pace_take(&p, &now));
	pace_sent(&p, 1, &now);
	CHECK(pace_peak(&p, &now) == 7);
	now.mono_ms = 64999;
	CHECK(pace_peak(&p, &now) == 7);
	now.mono_ms = 65000;
	CHECK(pace_peak(&p, &now) == 1);
	now.mono_ms = 70000;
	CHECK(pace_peak(&p, &now) == 0);
}

static void recent_calls_are_those_of_whole_seconds(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	pace_init(&p, 200000, &now);
	for (int second = 5; second < 8; second++) { /* 1, 2 and 3 calls */
		for (int i = 5; i <= second; i++)
			CHECK(pace_take(&p, &now));
		pace_sent(&p, (unsigned)(second - 4), &now);
		now.mono_ms += 1000;
	}
	now.mono_ms = 7999;
	CHECK(pace_recent(&p, 10, &now) == 3); /* the second under way is not among them */
	now.mono_ms = 8000;
	CHECK(pace_recent(&p, 10, &now) == 6 && pace_recent(&p, 1, &now) == 3 && pace_recent(&p, 2, &now) == 5);
	now.mono_ms = 15999;
	CHECK(pace_recent(&p, 10, &now) == 6);
	now.mono_ms = 16000;
	CHECK(pace_recent(&p, 10, &now) == 5);
	now.mono_ms = 18000;
	CHECK(pace_recent(&p, 10, &now) == 0);
}

static void what_was_never_sent_costs_budget_but_is_in_no_peak(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct pace p;

	(void)state;
	pace_init(&p, 1000, &now); /* one a second */
	CHECK(pace_take(&p, &now));
	pace_never(&p, 1, &now);
	CHECK(pace_peak(&p, &now) == 0);
	CHECK(!pace_take(&p, &now) && pace_wait_ms(&p, &now) == 1000);
	now.mono_ms += 1000;
	CHECK(pace_take(&p, &now));
	pace_sent(&p, 1, &now);
	CHECK(pace_peak(&p, &now) == 1);
}

/* ---- breaker ---- */
static void five_in_a_row_open_it_and_probes_grow_rare(void **state)
{
	static const int64_t gap_s[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	struct now now = { .mono_ms = 5000 };
	struct breaker b;

	(void)state;
	breaker_init(&b, INT64_MAX, 7);
	for (int i = 0; i < 4; i++) {
		CHECK(!breaker_start(&b));
		CHECK(!breaker_bad(&b, true, false, &now));
	}
	CHECK(!breaker_good(&b)); /* a good one starts the row anew */
	for (int i = 0; i < 4; i++)
		CHECK(!breaker_bad(&b, true, false, &now));
	CHECK(breaker_bad(&b, true, false, &now));
	for (size_t i = 0; i < sizeof(gap_s) / sizeof(gap_s[0]); i++) {
		const int64_t wait_ms = breaker_wait_ms(&b, &now);

		CHECK(wait_ms >= gap_s[i] * 800 && wait_ms <= gap_s[i] * 1200 && wait_ms <= BREAKER_GAP_MAX_MS);
		now.mono_ms += wait_ms;
		CHECK(breaker_wait_ms(&b, &now) == 0);
		CHECK(breaker_start(&b));
		CHECK(breaker_wait_ms(&b, &now) == INT64_MAX); /* one at a time */
		CHECK(!breaker_bad(&b, true, false, &now));    /* a late one changes nothing */
		CHECK(breaker_wait_ms(&b, &now) == INT64_MAX);
		CHECK(!breaker_bad(&b, true, true, &now));
	}
	CHECK(breaker_good(&b) && breaker_wait_ms(&b, &now) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(!breaker_bad(&b, true, false, &now));
}

static void half_of_twenty_open_it_whatever_the_order(void **state)
{
	(void)state;
	for (unsigned bad = 0; bad <= 20; bad++) {
		struct now now = { .mono_ms = 5000 };
		struct breaker b;
		bool opened = false;

		breaker_init(&b, INT64_MAX, 7);
		for (unsigned i = 0; i < 20; i++) {
			/* Spread, bad ones last in each step. */
			const bool is_bad = (i + 1) * bad / 20 > i * bad / 20;

			if (is_bad)
				opened |= breaker_bad(&b, false, false, &now);
			else
				(void)breaker_good(&b);
		}
		if (!opened && bad >= 10) /* the twentieth was a good one */
			opened = breaker_bad(&b, false, false, &now);
		CHECK(opened == (bad >= 10));
	}
}

static void a_decision_holds_it_open_at_an_even_pace(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct breaker b;

	(void)state;
	breaker_init(&b, 1000, 7);
	breaker_hold(&b, 60000, &now);
	for (int i = 0; i < 3; i++) {
		CHECK(breaker_wait_ms(&b, &now) == 60000);
		now.mono_ms += 60000;
		CHECK(breaker_start(&b));
		CHECK(!breaker_bad(&b, true, true, &now));
	}
	CHECK(breaker_good(&b));
	CHECK(!breaker_good(&b));
}

static void a_probe_can_be_hurried_but_not_often(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct breaker b;

	(void)state;
	breaker_init(&b, 1000, 7);
	breaker_hurry(&b, &now); /* closed: nothing to hurry */
	CHECK(breaker_wait_ms(&b, &now) == 0);
	breaker_hold(&b, 60000, &now);
	breaker_hurry(&b, &now);
	CHECK(breaker_wait_ms(&b, &now) == BREAKER_APART_MS);
	now.mono_ms += 20000;
	CHECK(breaker_start(&b));
	breaker_hurry(&b, &now);
	CHECK(breaker_wait_ms(&b, &now) == INT64_MAX); /* one is under way */
	CHECK(!breaker_bad(&b, true, true, &now));
	now.mono_ms += 7000;
	CHECK(breaker_wait_ms(&b, &now) == 53000);
	breaker_hurry(&b, &now);
	CHECK(breaker_wait_ms(&b, &now) == 0);
	CHECK(breaker_start(&b) && !breaker_bad(&b, true, true, &now));
	breaker_hurry(&b, &now);
	breaker_hurry(&b, &now);
	CHECK(breaker_wait_ms(&b, &now) == BREAKER_APART_MS);
}

static void a_call_that_says_nothing_gives_the_probe_back(void **state)
{
	struct now now = { .mono_ms = 5000 };
	struct breaker b;

	(void)state;
	breaker_init(&b, 1000, 7);
	breaker_hold(&b, 1000, &now);
	now.mono_ms += 1000;
	CHECK(breaker_start(&b));
	breaker_neutral(&b, true, &now);
	CHECK(breaker_wait_ms(&b, &now) == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_second_holds_more_than_the_budget_and_all_of_it_is_used),
		cmocka_unit_test(a_pause_gives_no_burst),
		cmocka_unit_test(too_fast_halves_once_in_five_seconds_and_not_below_one),
		cmocka_unit_test(the_rate_grows_back_to_the_budget_and_no_further),
		cmocka_unit_test(it_stays_away_as_long_as_it_is_told),
		cmocka_unit_test(a_ramp_starts_at_a_tenth),
		cmocka_unit_test(no_second_holds_more_however_late_calls_go),
		cmocka_unit_test(what_was_spent_unasked_is_owed),
		cmocka_unit_test(the_peak_is_the_busiest_second_of_the_last_minute),
		cmocka_unit_test(recent_calls_are_those_of_whole_seconds),
		cmocka_unit_test(five_in_a_row_open_it_and_probes_grow_rare),
		cmocka_unit_test(half_of_twenty_open_it_whatever_the_order),
		cmocka_unit_test(a_decision_holds_it_open_at_an_even_pace),
		cmocka_unit_test(what_was_never_sent_costs_budget_but_is_in_no_peak),
		cmocka_unit_test(a_probe_can_be_hurried_but_not_often),
		cmocka_unit_test(a_call_that_says_nothing_gives_the_probe_back),
	};

	return cmocka_run_group_tests_name("schedule_pace", tests, NULL, NULL);
}
