/* The poller while its apps and jobs change: another budget, another interval, apps that go and come. */
#include "tests/unit/poll_stage.h"

static size_t sent_since(size_t from, size_t job)
{
	size_t n = 0;

	for (size_t i = from; i < world.sent_n; i++)
		n += world.sent[i].job == job;
	return n;
}

static void change_budget(struct stage *s, int64_t milli_per_s)
{
	s->app[0].milli_per_s[CHAT_GET_TOPIC] = milli_per_s;
	poller_app_change(s->poller, 0, &s->app[0], &world.now);
	CHECK(view_of(s, 0).lane[CHAT_GET_TOPIC].budget_milli == milli_per_s);
}

/* More work than any of these budgets has room for: whatever may go, goes. */
static void budgets_change_without_a_burst(void **state)
{
	static const int64_t milli[] = { 50000, 5000, 20000, 1000, 50000, 49000, 2000, 50000 };
	struct stage s;

	(void)state;
	set_stage(&s, 1, 600, 1000, 20000);
	play(&s, 3000);
	for (size_t i = 0; i < sizeof(milli) / sizeof(milli[0]); i++) {
		size_t from;

		change_budget(&s, milli[i]);
		play(&s, 300);
		CHECK(most_in_a_second() <= 50);
		play(&s, 1000);
		from = world.sent_n;
		play(&s, 4000);
		CHECK(world.sent_n - from <= (size_t)milli[i] * 4 / 1000 + 1);
		CHECK(world.sent_n - from >= (size_t)milli[i] * 4 / 1000 * 8 / 10);
	}
	poller_free(s.poller);
}

static void another_interval_is_another_grid(void **state)
{
	struct stage s;
	size_t from;

	(void)state;
	set_stage(&s, 1, 40, 60000, 100000);
	play(&s, 120000);
	for (size_t j = 0; j < 20; j++) {
		s.job[j].period_ms = 5000;
		CHECK(poller_change(s.poller, s.number[j], &s.job[j]) == 5000);
	}
	poller_settle(s.poller, &world.now);
	from = world.sent_n = 0;
	play(&s, 5100);
	for (size_t j = 0; j < 20; j++)
		CHECK(sent_since(from, j) >= 1 && sent_since(from, j) <= 2);
	play(&s, 54900);
	for (size_t j = 0; j < 40; j++)
		CHECK(j < 20 ? sent_since(from, j) >= 11 && sent_since(from, j) <= 13 : sent_since(from, j) <= 2);
	CHECK(most_in_a_second() <= 12);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].required_milli == 20 * 200 + 20 * 1000 / 60);
	poller_free(s.poller);
}

static void an_adaptive_interval_stays_within_new_bounds(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 1, 60000, 100000);
	s.job[0].period_min_ms = 30000;
	s.job[0].period_max_ms = 40000;
	CHECK(poller_change(s.poller, s.number[0], &s.job[0]) == 40000);
	poller_settle(s.poller, &world.now);
	CHECK(poller_period_ms(s.poller, s.number[0]) == 40000);
	s.job[0].period_min_ms = s.job[0].period_max_ms = 0;
	CHECK(poller_change(s.poller, s.number[0], &s.job[0]) == 60000);
	poller_settle(s.poller, &world.now);
	poller_free(s.poller);
}

/* A call of the one that went is under way: its number is not given away before that has ended. */
static void an_app_goes_with_its_last_call(void **state)
{
	struct stage s;
	size_t number;

	(void)state;
	set_stage(&s, 2, 4, 1000, 100000);
	world.deliver[0] = false;
	play(&s, 3000);
	CHECK(view_of(&s, 0).inflight == 1);
	poller_remove(s.poller, s.number[0]);
	poller_remove(s.poller, s.number[2]);
	poller_app_remove(s.poller, 0);
	play(&s, 3000);
	CHECK(poller_app_add(s.poller, &s.app[0], &world.now, &number) == ERR_OK && number == 2);
	world.deliver[0] = true;
	play(&s, 1000);
	CHECK(poller_app_add(s.poller, &s.app[0], &world.now, &number) == ERR_OK && number == 0);
	CHECK(view_of(&s, 0).inflight == 0 && view_of(&s, 0).lane[CHAT_GET_TOPIC].tally->requests == 0);
	CHECK(view_of(&s, 1).inflight <= 2 && view_of(&s, 1).last_ok_ms > 0);
	poller_free(s.poller);
}

static void who_comes_while_others_are_polled_waits_a_second(void **state)
{
	struct stage s;
	struct job job = { .app = 0, .subject = 5, .period_ms = 1000 };
	size_t number, from;

	(void)state;
	set_stage(&s, 1, 2, 1000, 100000);
	play(&s, 2000);
	CHECK(poller_app_add(s.poller, &s.app[0], &world.now, &number) == ERR_OK && number == 1);
	poller_app_late(s.poller, number, &world.now);
	job.app = number;
	CHECK(poller_add(s.poller, &job, 1, &world.now, &number) == ERR_OK && number == 2);
	from = world.sent_n;
	play(&s, 990);
	CHECK(sent_since(from, 2) == 0);
	play(&s, 500);
	CHECK(sent_since(from, 2) == 1);
	poller_free(s.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets_change_without_a_burst),
		cmocka_unit_test(another_interval_is_another_grid),
		cmocka_unit_test(an_adaptive_interval_stays_within_new_bounds),
		cmocka_unit_test(an_app_goes_with_its_last_call),
		cmocka_unit_test(who_comes_while_others_are_polled_waits_a_second),
	};

	return cmocka_run_group_tests_name("poll change", tests, NULL, NULL);
}
