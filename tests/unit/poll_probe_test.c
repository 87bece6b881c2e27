/* Polls that somebody waits for: what they cost, whom they may disturb, and how they end. */
#include "tests/unit/poll_stage.h"

enum { PROBED = 900 /* subject of probes, where no job of a test is */ };

static enum err probe(struct stage *s, size_t app, size_t subject, size_t *ret)
{
	const struct job j = { .app = app, .subject = subject, .period_ms = 10000 };

	return poller_probe(s->poller, &j, ret);
}

/* Calls of tasks from `first` on between two moments. */
static size_t sent_from(size_t first, int64_t from_ms, int64_t to_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < world.sent_n; i++)
		n += world.sent[i].job >= first && world.sent[i].at_ms >= from_ms && world.sent[i].at_ms < to_ms;
	return n;
}

/* As many probes as are taken, again and again. */
static void flood(struct stage *s, int64_t for_ms)
{
	const int64_t end_ms = world.now.mono_ms + for_ms;
	size_t number;

	while (world.now.mono_ms < end_ms) {
		while (probe(s, 0, PROBED, &number) == ERR_OK)
			;
		play(s, 10);
	}
}

static void a_probe_goes_at_once_and_leaves_no_trace(void **state)
{
	struct stage s;
	struct poller_view before, after;
	size_t number;

	(void)state;
	set_stage(&s, 1, 10, 60000, 20000);
	play(&s, 3000);
	before = view_of(&s, 0);
	memset(world.ended, 0, sizeof(world.ended));
	CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	CHECK(!poller_probe_begun(s.poller, number) && poller_wait_ms(s.poller, &world.now) == 0);
	play(&s, 50);
	CHECK(world.ended[PROBED] == 1 && world.last_end[PROBED].outcome.err == ERR_OK);
	CHECK(world.last_end[PROBED].took_us == 1000);
	for (size_t j = 0; j < 10; j++)
		CHECK(world.ended[j] == 0);
	after = view_of(&s, 0);
	CHECK(after.lane[CHAT_GET_TOPIC].required_milli == before.lane[CHAT_GET_TOPIC].required_milli);
	CHECK(after.pending == 0 && after.late_ms == 0 && after.longest_ms == 60000 && after.inflight == 0);
	CHECK(after.lane[CHAT_GET_TOPIC].tally->requests == before.lane[CHAT_GET_TOPIC].tally->requests);
	CHECK(tally_finished(after.lane[CHAT_GET_TOPIC].tally) == 11); /* it is counted like any call */
	poller_free(s.poller);
}

static void a_flood_gets_its_tenth_and_polls_do_not_notice(void **state)
{
	struct stage s;
	size_t with, without;
	int64_t began_ms;

	(void)state;
	set_stage(&s, 1, 60, 5000, 20000); /* 12 a second */
	play(&s, 60000);
	without = sent_from(0, world.now.mono_ms - 30000, world.now.mono_ms);
	began_ms = world.now.mono_ms;
	flood(&s, 30000);
	CHECK(most_in_a_second() <= 20);
	with = sent_from(0, began_ms, world.now.mono_ms) - sent_from(60, began_ms, world.now.mono_ms);
	CHECK(with + 2 >= without && with <= without + 2);
	for (int64_t at_ms = began_ms; at_ms < world.now.mono_ms; at_ms += 1000)
		CHECK(sent_from(60, at_ms, at_ms + 1000) <= 3); /* 2 a second, and the edges of one */
	CHECK(sent_from(60, began_ms, world.now.mono_ms) >= 55);
	CHECK(sent_from(60, began_ms, world.now.mono_ms) <= 61);
	CHECK(view_of(&s, 0).late_ms < 200);
	poller_free(s.poller);
}

static void while_polls_wait_a_tenth_is_all_there_is(void **state)
{
	struct stage s;
	int64_t began_ms;

	(void)state;
	set_stage(&s, 1, 60, 1000, 5000); /* 60 a second of 5 */
	play(&s, 5000);
	began_ms = world.now.mono_ms;
	flood(&s, 40000);
	CHECK(most_in_a_second() <= 5);
	CHECK(sent_from(60, began_ms, world.now.mono_ms) >= 18);
	CHECK(sent_from(60, began_ms, world.now.mono_ms) <= 22); /* of 200 */
	poller_free(s.poller);
}

static void where_polls_leave_room_a_call_a_second_goes(void **state)
{
	struct stage s;
	int64_t began_ms;

	(void)state;
	set_stage(&s, 1, 2, 60000, 3000);
	play(&s, 5000);
	began_ms = world.now.mono_ms;
	flood(&s, 20000);
	CHECK(sent_from(2, began_ms, world.now.mono_ms) >= 18 && sent_from(2, began_ms, world.now.mono_ms) <= 21);
	poller_free(s.poller);
}

static void sixteen_at_a_time_and_the_next_hears_how_long_it_would_wait(void **state)
{
	struct stage s;
	size_t number;

	(void)state;
	set_stage(&s, 2, 2, 60000, 20000);
	play(&s, 5000);
	CHECK(poller_probe_wait_ms(s.poller, 0, &world.now) == 0);
	for (int i = 0; i < POLLER_PROBES; i++)
		CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	CHECK(probe(&s, 0, PROBED, &number) == ERR_LIMIT);
	CHECK(poller_probe_wait_ms(s.poller, 0, &world.now) == 8000); /* 16 at 2 a second */
	CHECK(probe(&s, 1, PROBED + 1, &number) == ERR_OK);           /* another app is another queue */
	play(&s, 20000);
	CHECK(world.ended[PROBED] == POLLER_PROBES && world.ended[PROBED + 1] == 1);
	CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	poller_free(s.poller);
}

static void every_call_of_a_probe_pays(void **state)
{
	struct stage s;
	size_t number;
	int64_t began_ms;

	(void)state;
	set_stage(&s, 1, 2, 60000, 20000);
	play(&s, 5000);
	world.more[PROBED] = 5;
	began_ms = world.now.mono_ms;
	CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	play(&s, 2000);
	CHECK(world.ended[PROBED] == 0 && poller_probe_begun(s.poller, number));
	play(&s, 1000);
	CHECK(world.ended[PROBED] == 1 && sent_from(2, began_ms, world.now.mono_ms) == 6);
	CHECK(world.last_end[PROBED].took_us == 6000);
	poller_free(s.poller);
}

static void nothing_is_sent_to_an_app_that_is_closed(void **state)
{
	struct stage s;
	size_t number, sent;

	(void)state;
	set_stage(&s, 1, 10, 1000, 20000);
	world.transport = ERR_CONNECT;
	play(&s, 20000);
	sent = world.sent_n;
	CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	CHECK(poller_probe_wait_ms(s.poller, 0, &world.now) == 0);
	poller_turn(s.poller, &world.now);
	CHECK(world.ended[PROBED] == 1 && world.last_end[PROBED].outcome.err == ERR_CONNECT);
	CHECK(world.sent_n <= sent + 1 && sent_from(10, 0, INT64_MAX) == 0);
	poller_free(s.poller);
}

static void a_failing_community_that_is_probed_closes_nothing_and_is_not_tried_twice(void **state)
{
	struct stage s;
	size_t number;

	(void)state;
	set_stage(&s, 1, 10, 1000, 50000);
	play(&s, 5000);
	world.outcome[PROBED] = (struct outcome){ CHAT_RETRY, ERR_API_ERROR, 10004 };
	for (int i = 0; i < 40; i++) {
		CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
		play(&s, 300);
		CHECK(world.ended[PROBED] == (size_t)i + 1);
	}
	CHECK(sent_from(10, 0, INT64_MAX) == 40);
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 3000);
	for (size_t j = 0; j < 10; j++)
		CHECK(world.ended[j] >= 2);
	poller_free(s.poller);
}

static void a_refused_signature_is_made_anew_for_a_probe_too(void **state)
{
	struct stage s;
	size_t number;

	(void)state;
	set_stage(&s, 1, 1, 600000, 20000);
	play(&s, 5000);
	world.good_from = world.renewals + 1;
	CHECK(probe(&s, 0, PROBED, &number) == ERR_OK);
	play(&s, 3000);
	CHECK(world.ended[PROBED] == 1 && world.last_end[PROBED].outcome.err == ERR_OK && world.expired == 1);
	poller_free(s.poller);
}

static void whoever_waits_no_more_costs_nothing_more(void **state)
{
	struct stage s;
	size_t first, second, other;

	(void)state;
	set_stage(&s, 1, 1, 600000, 20000);
	play(&s, 5000);
	world.deliver[1] = false; /* the first one hangs */
	CHECK(probe(&s, 0, PROBED, &first) == ERR_OK && first == 1);
	CHECK(probe(&s, 0, PROBED + 1, &second) == ERR_OK);
	play(&s, 100); /* the second one waits for its budget */
	CHECK(poller_probe_begun(s.poller, first) && !poller_probe_begun(s.poller, second));
	poller_probe_drop(s.poller, second);
	poller_probe_drop(s.poller, first);
	CHECK(probe(&s, 0, PROBED + 2, &other) == ERR_OK && other == second);
	play(&s, 1000);
	CHECK(world.ended[PROBED + 2] == 1);
	world.deliver[1] = true;
	play(&s, 1000);
	CHECK(world.ended[PROBED] == 0 && world.ended[PROBED + 1] == 0);
	for (int i = 0; i < POLLER_PROBES; i++) /* all places are free again */
		CHECK(probe(&s, 0, PROBED, &other) == ERR_OK);
	poller_free(s.poller);
}

static void an_app_goes_while_its_probe_is_under_way(void **state)
{
	struct stage s;
	size_t number, again;

	(void)state;
	set_stage(&s, 2, 2, 60000, 20000);
	play(&s, 5000);
	world.deliver[2] = false;
	CHECK(probe(&s, 1, PROBED, &number) == ERR_OK && number == 2);
	play(&s, 100);
	poller_probe_drop(s.poller, number);
	poller_remove(s.poller, 1);
	poller_app_remove(s.poller, 1);
	world.deliver[2] = true;
	play(&s, 100);
	CHECK(world.ended[PROBED] == 0);
	CHECK(poller_app_add(s.poller, &s.app[1], &world.now, &again) == ERR_OK && again == 1);
	poller_free(s.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_goes_at_once_and_leaves_no_trace),
		cmocka_unit_test(a_flood_gets_its_tenth_and_polls_do_not_notice),
		cmocka_unit_test(while_polls_wait_a_tenth_is_all_there_is),
		cmocka_unit_test(where_polls_leave_room_a_call_a_second_goes),
		cmocka_unit_test(sixteen_at_a_time_and_the_next_hears_how_long_it_would_wait),
		cmocka_unit_test(every_call_of_a_probe_pays),
		cmocka_unit_test(nothing_is_sent_to_an_app_that_is_closed),
		cmocka_unit_test(a_failing_community_that_is_probed_closes_nothing_and_is_not_tried_twice),
		cmocka_unit_test(a_refused_signature_is_made_anew_for_a_probe_too),
		cmocka_unit_test(whoever_waits_no_more_costs_nothing_more),
		cmocka_unit_test(an_app_goes_while_its_probe_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
