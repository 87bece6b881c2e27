/* When the poller calls, and what follows from an answer. */
#include "tests/unit/poll_stage.h"

static void every_job_is_polled_once_a_period(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 10, 10000, 20000);
	play(&s, 10000); /* the first polls, ahead of the grid */
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 100000);
	for (size_t j = 0; j < 10; j++)
		CHECK(world.ended[j] >= 9 && world.ended[j] <= 11);
	poller_free(s.poller);
}

static void who_is_polled_once_is_left_alone(void **state)
{
	const struct poller_sink sink = { .ask = ask, .answer = answer, .ended = ended };
	struct stage s;
	const struct poller_parts parts = {
		.app = s.app, .app_n = 1, .seed = 7, .once = true, .sink = { sink, sink }
	};
	struct poller_view v;

	(void)state;
	set_stage(&s, 1, 40, 1000, 20000);
	poller_free(s.poller);
	CHECK(poller_new(&parts, &world.now, &s.poller) == ERR_OK);
	CHECK(poller_add(s.poller, s.job, 40, &world.now, s.number) == ERR_OK);
	play(&s, 3600000);
	for (size_t j = 0; j < 40; j++)
		CHECK(world.ended[j] == 1);
	CHECK(world.sent_n == 40);
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(v.pending == 0);
	CHECK(v.late_ms == 0);
	poller_free(s.poller);
}

static void first_polls_need_no_whole_interval(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 10, 60000, 20000);
	play(&s, 1200); /* 10 calls at half of 20 a second */
	for (size_t j = 0; j < 10; j++)
		CHECK(world.ended[j] == 1);
	poller_free(s.poller);
}

static void the_budget_is_kept_in_every_second(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 60, 1000, 20000); /* asks for 60 a second */
	play(&s, 30000);
	CHECK(most_in_a_second() <= 20);
	CHECK(world.sent_n >= 590); /* and what is allowed is used */
	poller_free(s.poller);
}

static void under_pressure_nobody_starves(void **state)
{
	struct stage s;
	size_t least = SENT_MAX, most = 0;

	(void)state;
	set_stage(&s, 1, 60, 1000, 20000);
	play(&s, 60000);
	for (size_t j = 0; j < 60; j++) {
		least = world.ended[j] < least ? world.ended[j] : least;
		most = world.ended[j] > most ? world.ended[j] : most;
	}
	CHECK(least > 0 && most - least <= 2);
	poller_free(s.poller);
}

static void an_app_whose_calls_hang_leaves_the_other_alone(void **state)
{
	struct stage s;
	struct poller_view v;

	(void)state;
	set_stage(&s, 2, 40, 1000, 100000);
	play(&s, 1500);
	memset(world.ended, 0, sizeof(world.ended));
	for (size_t j = 1; j < 40; j += 2)
		world.deliver[j] = false;
	play(&s, 10000);
	for (size_t j = 0; j < 40; j += 2)
		CHECK(world.ended[j] >= 9);
	for (size_t j = 1; j < 40; j += 2)
		CHECK(world.ended[j] == 0);
	poller_app_view(s.poller, 1, &world.now, &v);
	CHECK(v.inflight == 8);
	CHECK(v.late_ms > 8000);
	CHECK(v.pending == 0);
	CHECK(world.now.mono_ms - v.last_ok_ms > 9000);
	poller_free(s.poller);
}

static void without_a_signature_nothing_is_sent(void **state)
{
	struct stage s;
	struct poller_view v;

	(void)state;
	set_stage(&s, 1, 3, 1000, 20000);
	world.cannot_sign = true;
	play(&s, 3000);
	CHECK(world.sent_n == 0);
	CHECK(world.ended[0] > 0);
	CHECK(world.last_end[0].outcome.err == ERR_AUTH);
	CHECK(strstr(world.last_end[0].why.text, "prod.key") != NULL);
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(v.signing_failed);
	CHECK(v.lane[CHAT_GET_TOPIC].tally->requests == 0);
	poller_free(s.poller);
}

static void a_rotated_key_costs_one_refusal(void **state)
{
	struct stage s;
	struct poller_view v;

	(void)state;
	set_stage(&s, 1, 20, 1000, 20000);
	play(&s, 2000);
	world.good_from = 2; /* the key changed: only what is signed from now on is accepted */
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 3000);
	CHECK(world.expired == 1);
	CHECK(world.ended[0] >= 2 && world.last_end[0].outcome.err == ERR_OK);
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(!v.barred);
	poller_free(s.poller);
}

static void a_refused_signature_is_never_sent_again(void **state)
{
	struct stage s;
	struct poller_view v;
	size_t before, told = 0;

	(void)state;
	set_stage(&s, 1, 20, 1000, 20000);
	play(&s, 2000);
	world.good_from = 2;
	world.cannot_mint = true; /* and the key file is gone: the signer goes on giving the old one */
	play(&s, 2000);
	before = world.sent_n;
	play(&s, 130000);
	CHECK(world.sent_n == before);
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(v.barred);
	for (size_t j = 0; j < 20; j++)
		told += strstr(world.last_end[j].why.text, "key cannot be read") != NULL;
	CHECK(told > 0);
	world.cannot_mint = false;
	play(&s, 70000);
	CHECK(world.sent_n > before + 20);
	poller_free(s.poller);
}

static void refused_signatures_are_renewed_once_and_then_left_alone(void **state)
{
	struct stage s;
	struct poller_view v;

	(void)state;
	set_stage(&s, 1, 20, 1000, 20000);
	for (size_t j = 0; j < 20; j++)
		world.outcome[j] = (struct outcome){ CHAT_RESIGN, ERR_AUTH, 70001 };
	play(&s, 30000);
	CHECK(world.sent_n <= 10); /* what was under way, the second try, and no probe before a minute */
	CHECK(world.expired == 2);
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(v.barred);
	play(&s, 60000);
	CHECK(world.sent_n <= 12);
	for (size_t j = 0; j < 20; j++)
		world.outcome[j] = (struct outcome){ CHAT_FINE, ERR_OK, 0 };
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 70000);
	CHECK(world.ended[0] > 5); /* and it comes back by itself */
	poller_app_view(s.poller, 0, &world.now, &v);
	CHECK(!v.barred);
	poller_free(s.poller);
}

static void a_wrong_key_stops_the_app_to_one_probe_a_minute(void **state)
{
	struct stage s;
	size_t before;

	(void)state;
	set_stage(&s, 1, 20, 1000, 20000);
	for (size_t j = 0; j < 20; j++)
		world.outcome[j] = (struct outcome){ CHAT_DENIED, ERR_AUTH, 70014 };
	play(&s, 5000);
	before = world.sent_n;
	CHECK(before <= 3);
	play(&s, 300000);
	CHECK(world.sent_n - before <= 5);
	CHECK(world.sent_n - before >= 4);
	poller_free(s.poller);
}

static void a_community_without_rights_does_not_stop_the_app(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 4, 1000, 20000);
	world.outcome[0] = (struct outcome){ CHAT_DENIED, ERR_AUTH, 10007 };
	play(&s, 10000);
	CHECK(world.ended[1] >= 9);
	poller_free(s.poller);
}

static void a_throttle_answer_silences_the_app_for_a_while(void **state)
{
	struct stage s;
	size_t at;

	(void)state;
	set_stage(&s, 1, 20, 1000, 20000);
	world.outcome[0] = (struct outcome){ CHAT_SLOW, ERR_THROTTLED, 60011 };
	play(&s, 20000);
	for (at = 0; at < world.sent_n && world.sent[at].job != 0; at++)
		continue;
	CHECK(at + 1 < world.sent_n);
	while (at + 1 < world.sent_n && world.sent[at + 1].at_ms - world.sent[at].at_ms <= 2)
		at++; /* calls of the same moment had left before the answer came */
	CHECK(world.sent[at + 1].at_ms - world.sent[at].at_ms >= 4900);
	poller_free(s.poller);
}

static void after_stop_nothing_is_sent(void **state)
{
	struct stage s;
	size_t before;

	(void)state;
	set_stage(&s, 1, 10, 1000, 20000);
	play(&s, 2000);
	poller_stop(s.poller);
	before = world.sent_n;
	play(&s, 5000);
	CHECK(world.sent_n == before);
	CHECK(before > 0);
	poller_free(s.poller);
}

static void slots_missed_while_a_call_hung_are_not_made_up(void **state)
{
	struct stage s;
	size_t before;

	(void)state;
	set_stage(&s, 1, 1, 1000, 20000);
	play(&s, 3000);
	world.deliver[0] = false;
	play(&s, 20000);
	world.deliver[0] = true;
	before = world.ended[0];
	play(&s, 5000);
	CHECK(world.ended[0] - before <= 6);
	poller_free(s.poller);
}

static void a_suspended_machine_does_not_cause_a_burst(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 60, 60000, 20000);
	play(&s, 60000);
	world.sent_n = 0;
	world.now.mono_ms += 3600 * 1000;
	play(&s, 3000);
	CHECK(most_in_a_second() <= 20);
	poller_free(s.poller);
}

static void it_tells_what_comes_and_how_fast_it_calls(void **state)
{
	struct stage s;
	struct poller_lane l;

	(void)state;
	set_stage(&s, 1, 20, 10000, 20000);
	play(&s, 25000);
	for (size_t j = 0; j < 20; j++) {
		const int64_t left_ms = poller_next_ms(s.poller, s.number[j]) - world.now.mono_ms;

		CHECK(left_ms > -1000 && left_ms <= 10100); /* with its jitter */
	}
	poller_app_lane(s.poller, 0, CHAT_GET_TOPIC, &world.now, &l);
	CHECK(l.now_milli >= 1800 && l.now_milli <= 2200 && l.budget_milli == 20000);
	CHECK(l.tally == view_of(&s, 0).lane[CHAT_GET_TOPIC].tally);
	CHECK(l.tally->requests == tally_finished(l.tally) && tally_failed(l.tally) == 0);
	world.transport = ERR_TIMEOUT;
	play(&s, 2000);
	CHECK(tally_failed(l.tally) > 0 && tally_failed(l.tally) < tally_finished(l.tally));
	poller_app_lane(s.poller, 0, CHAT_GET_APPID_GROUP_LIST, &world.now, &l);
	CHECK(l.now_milli == 0);
	poller_free(s.poller);
}

static void it_is_alive_when_nothing_is_due_and_stuck_when_calls_never_end(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 1, 60000, 20000);
	play(&s, 55000);
	CHECK(world.now.mono_ms - poller_alive_ms(s.poller) <= 60000);
	poller_free(s.poller);

	set_stage(&s, 1, 20, 1000, 20000);
	for (size_t j = 0; j < 20; j++)
		world.deliver[j] = false;
	play(&s, 120000);
	CHECK(world.now.mono_ms - poller_alive_ms(s.poller) > 100000);
	poller_free(s.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_is_polled_once_a_period),
		cmocka_unit_test(who_is_polled_once_is_left_alone),
		cmocka_unit_test(first_polls_need_no_whole_interval),
		cmocka_unit_test(the_budget_is_kept_in_every_second),
		cmocka_unit_test(under_pressure_nobody_starves),
		cmocka_unit_test(an_app_whose_calls_hang_leaves_the_other_alone),
		cmocka_unit_test(without_a_signature_nothing_is_sent),
		cmocka_unit_test(a_rotated_key_costs_one_refusal),
		cmocka_unit_test(a_refused_signature_is_never_sent_again),
		cmocka_unit_test(refused_signatures_are_renewed_once_and_then_left_alone),
		cmocka_unit_test(a_wrong_key_stops_the_app_to_one_probe_a_minute),
		cmocka_unit_test(a_community_without_rights_does_not_stop_the_app),
		cmocka_unit_test(a_throttle_answer_silences_the_app_for_a_while),
		cmocka_unit_test(after_stop_nothing_is_sent),
		cmocka_unit_test(slots_missed_while_a_call_hung_are_not_made_up),
		cmocka_unit_test(a_suspended_machine_does_not_cause_a_burst),
		cmocka_unit_test(it_tells_what_comes_and_how_fast_it_calls),
		cmocka_unit_test(it_is_alive_when_nothing_is_due_and_stuck_when_calls_never_end),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
