/* What the poller makes of faults: retries, the breaker, signatures, clocks, and calls it did not ask for. */
#include "tests/unit/poll_stage.h"

static uint64_t retries(struct stage *s)
{
	return view_of(s, 0).lane[CHAT_GET_TOPIC].tally->retries;
}

static void a_passing_fault_is_tried_once_more(void **state)
{
	struct stage s;
	size_t sent;

	(void)state;
	set_stage(&s, 1, 1, 60000, 20000);
	world.outcome[0] = (struct outcome){ CHAT_RETRY, ERR_API_ERROR, 10002 };
	play(&s, 100);
	CHECK(world.sent_n == 1 && world.ended[0] == 0); /* not over yet */
	world.outcome[0] = (struct outcome){ CHAT_FINE, ERR_OK, 0 };
	play(&s, 3000);
	CHECK(world.sent_n == 2 && world.ended[0] == 1 && world.last_end[0].outcome.err == ERR_OK);
	CHECK(world.sent[1].at_ms - world.sent[0].at_ms >= 1000);
	CHECK(retries(&s) == 1);
	/* The first retry was given; the next one has to be earned by ten calls. */
	world.outcome[0] = (struct outcome){ CHAT_RETRY, ERR_API_ERROR, 10002 };
	sent = world.sent_n;
	play(&s, 5 * 60000);
	CHECK(world.sent_n - sent == 5 && retries(&s) == 1);
	poller_free(s.poller);
}

static void retries_stay_below_a_tenth(void **state)
{
	struct stage s;
	uint64_t sent;

	(void)state;
	set_stage(&s, 1, 200, 10000, 50000);
	for (size_t j = 0; j < 200; j += 3) /* a third fails for ever: not enough to open the breaker */
		world.outcome[j] = (struct outcome){ CHAT_RETRY, ERR_API_ERROR, 10002 };
	play(&s, 300000);
	sent = world.sent_n;
	CHECK(retries(&s) > sent / 20);
	CHECK(retries(&s) <= sent / 10 + 1);
	poller_free(s.poller);
}

static void what_cannot_get_better_soon_is_not_retried(void **state)
{
	static const struct outcome hopeless[] = {
		{ CHAT_RETRY, ERR_TLS, 0 },           { CHAT_RETRY, ERR_SCHEMA, 0 },
		{ CHAT_RETRY, ERR_HTTP_STATUS, 404 }, { CHAT_REFUSED, ERR_API_ERROR, 10004 },
		{ CHAT_GONE, ERR_GONE, 10010 },       { CHAT_SLOW, ERR_THROTTLED, 10006 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hopeless) / sizeof(hopeless[0]); i++) {
		struct stage s;

		set_stage(&s, 1, 1, 60000, 20000);
		world.outcome[0] = hopeless[i];
		play(&s, 10000);
		CHECK(world.sent_n == 1 && world.ended[0] == 1 && retries(&s) == 0);
		poller_free(s.poller);
	}
}

static void a_dead_endpoint_is_only_probed(void **state)
{
	struct stage s;
	size_t sent;

	(void)state;
	set_stage(&s, 1, 100, 60000, 20000);
	play(&s, 70000);
	world.transport = ERR_TIMEOUT;
	play(&s, 10000);
	sent = world.sent_n;
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 300000);
	CHECK(world.sent_n - sent >= 8 && world.sent_n - sent <= 20); /* one in about 30 s */
	for (size_t j = 0; j < 100; j++) {                            /* but nobody looks healthy */
		CHECK(world.ended[j] >= 4);
		CHECK(world.last_end[j].outcome.err == ERR_TIMEOUT);
	}
	CHECK(view_of(&s, 0).late_ms < 1000);
	poller_free(s.poller);
}

static void after_an_outage_everything_is_fresh_soon_without_a_burst(void **state)
{
	struct stage s;
	int64_t back_ms;
	size_t fresh = 0;

	(void)state;
	set_stage(&s, 1, 400, 60000, 20000);
	play(&s, 70000);
	world.transport = ERR_CONNECT;
	play(&s, 200000);
	world.transport = ERR_OK;
	world.sent_n = 0;
	memset(world.ended, 0, sizeof(world.ended));
	memset(world.last_end, 0xff, sizeof(world.last_end));
	back_ms = world.now.mono_ms;
	play(&s, 40000);
	CHECK(world.sent_n > 1 && world.sent[1].at_ms - back_ms <= 40000); /* the probe, and the first after it */
	play(&s, 60000);
	for (size_t j = 0; j < 400; j++)
		fresh += world.ended[j] > 0 && world.last_end[j].outcome.err == ERR_OK;
	CHECK(fresh == 400);
	CHECK(most_in_a_second() <= 20);
	poller_free(s.poller);
}

static void the_rate_ramps_up_after_an_outage(void **state)
{
	struct stage s;
	size_t first = 0, i = 0;

	(void)state;
	set_stage(&s, 1, 400, 20000, 20000);
	play(&s, 30000);
	world.transport = ERR_RESET;
	play(&s, 100000);
	world.transport = ERR_OK;
	play(&s, 25000);
	while (i < world.sent_n && world.sent[i].at_ms < 5000000 + 130000)
		i++;
	for (; i + 1 < world.sent_n && first == 0; i++) /* the first pair that is close: the breaker has closed */
		if (world.sent[i + 1].at_ms - world.sent[i].at_ms < 700)
			first = i;
	CHECK(first > 0);
	for (i = first; i < world.sent_n && world.sent[i].at_ms < world.sent[first].at_ms + 1000;)
		i++;
	CHECK(i - first <= 5); /* a tenth of 20, and the burst of 2 */
	poller_free(s.poller);
}

/* Communities of which every `every`th fails from some moment on; calls in the 10 s after it, and later. */
static void let_some_fail(size_t every, size_t *ret_at_once, size_t *ret_later)
{
	struct stage s;
	size_t sent;

	set_stage(&s, 1, 60, 5000, 20000);
	play(&s, 20000);
	for (size_t j = 0; j < 60; j += every)
		world.outcome[j] = (struct outcome){ CHAT_RETRY, ERR_API_ERROR, 60008 };
	sent = world.sent_n;
	play(&s, 10000);
	*ret_at_once = world.sent_n - sent;
	play(&s, 60000);
	sent = world.sent_n;
	play(&s, 10000);
	*ret_later = world.sent_n - sent;
	poller_free(s.poller);
}

static void half_of_the_calls_failing_closes_the_app_but_not_for_ever(void **state)
{
	size_t at_once, later;

	(void)state;
	let_some_fail(3, &at_once, &later);
	CHECK(at_once >= 115 && later >= 115);
	let_some_fail(2, &at_once, &later);
	CHECK(at_once < 110);
	CHECK(later >= 115); /* who fails again and again is no news about the app */
}

static void a_sick_community_that_is_asked_often_leaves_the_others_alone(void **state)
{
	struct stage s;

	(void)state;
	set_apps(&s, 1, 20000);
	for (size_t j = 0; j < 3; j++)
		s.job[j] =
			(struct job){ .subject = j, .period_ms = j == 0 ? 1000 : 3000, .phase_key = UINT64_MAX / 3 * j };
	CHECK(poller_add(s.poller, s.job, 3, &world.now, s.number) == ERR_OK);
	play(&s, 10000);
	world.outcome[0] = (struct outcome){ CHAT_RETRY, ERR_HTTP_STATUS, 502 };
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 60000);
	CHECK(world.ended[1] >= 19 && world.ended[2] >= 19 && world.ended[0] >= 55);
	CHECK(world.last_end[1].outcome.err == ERR_OK && world.last_end[2].outcome.err == ERR_OK);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].tally->requests >= 110); /* all of them were asked */
	poller_free(s.poller);
}

static void what_the_client_sends_again_is_counted_and_owed(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 60, 1000, 20000);
	world.resends = 1;
	play(&s, 30000);
	CHECK(world.sent_n <= 320); /* half of the budget: each call is two */
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].tally->requests == 2 * (world.sent_n - world.flying_n));
	poller_free(s.poller);
}

static void retry_after_is_honoured(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 10, 1000, 20000);
	play(&s, 2000);
	for (size_t j = 0; j < 10; j++)
		world.outcome[j] = (struct outcome){ CHAT_SLOW, ERR_HTTP_STATUS, 429 };
	world.retry_after_s = 30;
	play(&s, 1000);
	world.sent_n = 0;
	play(&s, 28000);
	CHECK(world.sent_n == 0);
	play(&s, 5000);
	CHECK(world.sent_n > 0);
	poller_free(s.poller);
}

static void a_wrong_key_costs_three_calls_in_its_first_minute(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 100, 10000, 20000);
	world.good_from = UINT64_MAX;
	play(&s, 59000);
	CHECK(world.sent_n >= 2 && world.sent_n <= 3);
	world.sent_n = 0;
	play(&s, 600000);
	CHECK(world.sent_n >= 9 && world.sent_n <= 10);
	CHECK(world.last_end[7].outcome.err == ERR_AUTH && world.last_end[7].outcome.code == 70009);
	CHECK(view_of(&s, 0).barred);
	poller_free(s.poller);
}

static void a_signature_that_ran_out_in_an_outage_is_made_anew(void **state)
{
	struct stage s;
	size_t fresh = 0;

	(void)state;
	set_stage(&s, 1, 20, 10000, 20000);
	play(&s, 20000);
	world.transport = ERR_CONNECT;
	play(&s, 60000);
	world.transport = ERR_OK;
	world.good_from =
		world.renewals + 1; /* the probe that gets through is refused, and what it tells is enough */
	play(&s, 25000);
	for (size_t j = 0; j < 20; j++)
		fresh += world.last_end[j].outcome.err == ERR_OK;
	CHECK(world.expired == 1 && fresh == 20);
	CHECK(!view_of(&s, 0).barred);
	poller_free(s.poller);
}

static void a_key_that_went_wrong_in_an_outage_costs_two_calls(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 20, 10000, 20000);
	play(&s, 20000);
	world.transport = ERR_CONNECT;
	play(&s, 60000);
	world.transport = ERR_OK;
	world.good_from = UINT64_MAX;
	world.sent_n = 0;
	play(&s, 55000);
	CHECK(world.sent_n == 2 && view_of(&s, 0).barred);
	world.good_from = 0;
	play(&s, 75000);
	CHECK(world.last_end[7].outcome.err == ERR_OK && !view_of(&s, 0).barred);
	poller_free(s.poller);
}

static void an_unknown_account_code_stops_the_app(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 100, 10000, 20000);
	for (size_t j = 0; j < 100; j++)
		world.outcome[j] = (struct outcome){ CHAT_DENIED, ERR_API_ERROR, 70999 };
	play(&s, 59000);
	CHECK(world.sent_n == 1 && view_of(&s, 0).barred);
	poller_free(s.poller);
}

static void a_clock_that_is_off_is_made_up_for_once(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 5, 60000, 20000);
	world.date_skew_s = 7200;
	play(&s, 30000);
	CHECK(world.signed_at_s == world.now.unix_s ||
	      world.signed_at_s <= 1700000030); /* not before it is needed */
	CHECK(view_of(&s, 0).skew_known && view_of(&s, 0).skew_s == 7200);
	world.good_from = world.renewals + 1;
	play(&s, 60000);
	CHECK(world.signed_at_s > 1700000000 + 7200 && !view_of(&s, 0).barred);
	CHECK(world.last_end[0].outcome.err == ERR_OK);
	poller_free(s.poller);
}

static void a_small_skew_changes_nothing(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 5, 60000, 20000);
	world.date_skew_s = -30;
	play(&s, 30000);
	world.good_from = world.renewals + 1;
	play(&s, 60000);
	CHECK(world.signed_at_s >= 1700000030 && world.signed_at_s <= world.now.unix_s);
	poller_free(s.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_passing_fault_is_tried_once_more),
		cmocka_unit_test(retries_stay_below_a_tenth),
		cmocka_unit_test(what_cannot_get_better_soon_is_not_retried),
		cmocka_unit_test(a_dead_endpoint_is_only_probed),
		cmocka_unit_test(after_an_outage_everything_is_fresh_soon_without_a_burst),
		cmocka_unit_test(the_rate_ramps_up_after_an_outage),
		cmocka_unit_test(half_of_the_calls_failing_closes_the_app_but_not_for_ever),
		cmocka_unit_test(a_sick_community_that_is_asked_often_leaves_the_others_alone),
		cmocka_unit_test(what_the_client_sends_again_is_counted_and_owed),
		cmocka_unit_test(retry_after_is_honoured),
		cmocka_unit_test(a_wrong_key_costs_three_calls_in_its_first_minute),
		cmocka_unit_test(a_signature_that_ran_out_in_an_outage_is_made_anew),
		cmocka_unit_test(a_key_that_went_wrong_in_an_outage_costs_two_calls),
		cmocka_unit_test(an_unknown_account_code_stops_the_app),
		cmocka_unit_test(a_clock_that_is_off_is_made_up_for_once),
		cmocka_unit_test(a_small_skew_changes_nothing),
	};

	return cmocka_run_group_tests_name("poll_fault", tests, NULL, NULL);
}
