/* The poller under a limit it is not told, with jobs that come and go, polls of several calls, and intervals
 * that adapt. */
#include "tests/unit/poll_stage.h"

/* The service takes so many calls in each second of its clock, and answers 60007 to the others. */
static struct {
	unsigned per_s;
	int64_t second;
	unsigned used;
	size_t throttled, answered;
} limit;

static void limited(void *arg, size_t subject, const struct reply *r, const struct now *now, struct tally *t,
                    struct poll_answer *ret)
{
	answer(arg, subject, r, now, t, ret);
	if (limit.second != now->mono_ms / 1000) {
		limit.second = now->mono_ms / 1000;
		limit.used = 0;
	}
	limit.answered++;
	if (++limit.used <= limit.per_s)
		return;
	limit.throttled++;
	ret->outcome = (struct outcome){ CHAT_SLOW, ERR_THROTTLED, 60007 };
}

static void set_limited(struct stage *s, size_t job_n, int64_t period_ms, int64_t milli_per_s, unsigned per_s)
{
	const struct poller_sink sink = { .ask = ask, .answer = limited, .ended = ended };
	struct poller_parts parts = { .app = s->app, .app_n = 1, .seed = 7, .sink = { sink, sink } };

	set_apps(s, 1, milli_per_s);
	poller_free(s->poller);
	memset(&limit, 0, sizeof(limit));
	limit.per_s = per_s;
	CHECK(poller_new(&parts, &world.now, &s->poller) == ERR_OK);
	for (size_t j = 0; j < job_n; j++)
		s->job[j] = (struct job){ .subject = j,
			                      .period_ms = period_ms,
			                      .phase_key = j * UINT64_C(0x9E3779B97F4A7C15) };
	CHECK(poller_add(s->poller, s->job, job_n, &world.now, s->number) == ERR_OK);
}

static void a_hidden_limit_is_found_and_used(void **state)
{
	struct stage s;
	double sum = 0, mean;
	size_t samples = 0, before_throttled, before_answered;
	int64_t sweep_ms;

	(void)state;
	set_limited(&s, 1000, 5000, 100000, 50);
	play(&s, 60000);
	before_throttled = limit.throttled;
	before_answered = limit.answered;
	for (int i = 0; i < 240; i++) {
		play(&s, 1000);
		sum += (double)view_of(&s, 0).lane[CHAT_GET_TOPIC].in_force_milli / 1000;
		samples++;
	}
	mean = sum / (double)samples;
	sweep_ms = view_of(&s, 0).sweep_ms;
	print_message("mean rate %.1f/s of 50, throttled %zu of %zu, sweep %lld ms\n", mean,
	              limit.throttled - before_throttled, limit.answered - before_answered, (long long)sweep_ms);
	CHECK(mean >= 0.75 * 50);
	CHECK((limit.throttled - before_throttled) * 100 < limit.answered - before_answered);
	CHECK(most_in_a_second() <= 100);
	poller_free(s.poller);
}

/* Places on the grid are in no order, as hashes are: who is next must not get mixed up when the rate changes.
 */
static void a_sweep_takes_what_the_rate_needs(void **state)
{
	struct stage s;
	double calls = 0;
	int sweeps = 0;

	(void)state;
	set_limited(&s, 1000, 5000, 100000, 50);
	play(&s, 60000);
	for (int i = 0; i < 6000; i++) {
		const int64_t before_ms = view_of(&s, 0).sweep_ms;

		play(&s, 50);
		calls += (double)view_of(&s, 0).lane[CHAT_GET_TOPIC].in_force_milli / 1000 * 0.05;
		if (view_of(&s, 0).sweep_ms == before_ms)
			continue;
		/* The first one began before the count. */
		if (sweeps++ > 0)
			CHECK(calls >= 950 && calls <= 1050);
		calls = 0;
	}
	CHECK(sweeps >= 5);
	poller_free(s.poller);
}

static void a_throttled_list_does_not_slow_the_topics(void **state)
{
	struct stage s;
	struct job list = {
		.command = CHAT_GET_APPID_GROUP_LIST, .subject = 1000, .period_ms = 10000, .phase_key = 0
	};
	size_t number;

	(void)state;
	set_stage(&s, 1, 100, 10000, 20000);
	CHECK(poller_add(s.poller, &list, 1, &world.now, &number) == ERR_OK);
	world.outcome[1000] = (struct outcome){ CHAT_SLOW, ERR_THROTTLED, 10006 };
	play(&s, 100000);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].in_force_milli == 20000);
	CHECK(view_of(&s, 0).lane[CHAT_GET_APPID_GROUP_LIST].in_force_milli < 800);
	CHECK(world.ended[0] >= 9);
	/* But a code about the whole app slows both. */
	world.outcome[1000] = (struct outcome){ CHAT_SLOW, ERR_THROTTLED, 60011 };
	play(&s, 20000);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].in_force_milli < 20000);
	poller_free(s.poller);
}

/* The next one is far, and who took the second may have been another process. */
static void a_list_that_came_too_fast_is_asked_for_once_more(void **state)
{
	struct stage s;
	struct job list = { .command = CHAT_GET_APPID_GROUP_LIST, .subject = 1000, .period_ms = 600000 };
	const struct tally *t;
	size_t number;

	(void)state;
	for (int passes = 0; passes < 2; passes++) {
		set_stage(&s, 1, 10, 60000, 20000);
		CHECK(poller_add(s.poller, &list, 1, &world.now, &number) == ERR_OK);
		t = view_of(&s, 0).lane[CHAT_GET_APPID_GROUP_LIST].tally;
		world.outcome[1000] = (struct outcome){ CHAT_SLOW, ERR_THROTTLED, 60007 };
		play(&s, 500);
		CHECK(t->throttled == 1 && world.ended[1000] == 0);
		if (passes == 1)
			world.outcome[1000] = (struct outcome){ CHAT_FINE, ERR_OK, 0 };
		play(&s, 60000);
		CHECK(t->retries == 1 && t->throttled == (passes == 1 ? 1 : 2));
		CHECK(world.ended[1000] == 1);
		CHECK(world.last_end[1000].outcome.err == (passes == 1 ? ERR_OK : ERR_THROTTLED));
		CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].tally->retries == 0);
		poller_free(s.poller);
	}
}

static void a_poll_of_several_calls_has_one_end_and_costs_them_all(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 10, 60000, 20000);
	world.more[3] = 20;
	play(&s, 61000);
	memset(world.ended, 0, sizeof(world.ended));
	world.sent_n = 0;
	play(&s, 60000);
	CHECK(world.ended[3] == 1 && world.sent_n == 9 + 21);
	CHECK(world.last_end[3].took_us == 21 * 1000);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].required_milli == 499); /* 30 calls a minute, rounded down */
	CHECK(most_in_a_second() <= 20);
	poller_free(s.poller);
}

static void who_is_removed_is_never_heard_of_again(void **state)
{
	struct stage s;
	size_t again[50], heard;

	(void)state;
	set_stage(&s, 1, 100, 5000, 50000);
	play(&s, 6000);
	for (size_t j = 0; j < 50; j++)
		world.deliver[j] = false;
	play(&s, 3000);
	CHECK(world.flying_n > 0);
	for (size_t j = 0; j < 50; j++)
		poller_remove(s.poller, s.number[j]);
	memset(world.ended, 0, sizeof(world.ended));
	for (size_t j = 0; j < 50; j++)
		world.deliver[j] = true;
	play(&s, 20000);
	for (size_t j = 0; j < 50; j++)
		CHECK(world.ended[j] == 0);
	for (size_t j = 50; j < 100; j++)
		CHECK(world.ended[j] >= 3);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].required_milli == 10000);
	/* Newcomers take their numbers. */
	CHECK(poller_add(s.poller, s.job, 50, &world.now, again) == ERR_OK);
	for (size_t j = 0; j < 50; j++)
		CHECK(again[j] < 100);
	play(&s, 20000);
	heard = 0;
	for (size_t j = 0; j < 50; j++)
		heard += world.ended[j] >= 3;
	CHECK(heard == 50);
	poller_free(s.poller);
}

static void what_was_deleted_is_asked_rarely_and_comes_back(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s, 1, 4, 10000, 20000);
	world.outcome[0] = (struct outcome){ CHAT_GONE, ERR_GONE, 10010 };
	play(&s, 20000);
	CHECK(world.last_end[0].period_ms == 100000);
	memset(world.ended, 0, sizeof(world.ended));
	play(&s, 200000);
	CHECK(world.ended[0] >= 1 && world.ended[0] <= 3 && world.ended[1] >= 19);
	world.outcome[0] = (struct outcome){ CHAT_FINE, ERR_OK, 0 };
	play(&s, 120000);
	CHECK(world.last_end[0].outcome.err == ERR_OK && world.last_end[0].period_ms == 10000);
	poller_free(s.poller);
}

static void talkative_communities_are_asked_more_often(void **state)
{
	struct stage s;

	(void)state;
	set_apps(&s, 1, 20000);
	for (size_t j = 0; j < 4; j++)
		s.job[j] = (struct job){
			.subject = j,
			.period_ms = 60000,
			.period_min_ms = 30000,
			.period_max_ms = 900000,
			.phase_key = UINT64_MAX / 4 * j,
		};
	CHECK(poller_add(s.poller, s.job, 4, &world.now, s.number) == ERR_OK);
	world.messages[0] = 5;
	play(&s, 3600000);
	CHECK(world.last_end[0].period_ms == 30000);
	CHECK(world.last_end[1].period_ms == 900000);
	CHECK(world.ended[0] > 4 * world.ended[1]);
	world.messages[1] = 1; /* and it wakes up */
	play(&s, 3600000);
	CHECK(world.last_end[1].period_ms == 30000);
	poller_free(s.poller);
}

static void adapting_stays_inside_the_budget(void **state)
{
	struct stage s;

	(void)state;
	set_apps(&s, 1, 10000);
	for (size_t j = 0; j < 300; j++) {
		s.job[j] = (struct job){
			.subject = j,
			.period_ms = 60000,
			.period_min_ms = 5000,
			.period_max_ms = 600000,
			.phase_key = UINT64_MAX / 300 * j,
		};
		world.messages[j] = 1;
	}
	CHECK(poller_add(s.poller, s.job, 300, &world.now, s.number) == ERR_OK);
	play(&s, 1800000);
	CHECK(view_of(&s, 0).lane[CHAT_GET_TOPIC].required_milli <= 10000);
	CHECK(view_of(&s, 0).late_ms < 5000);
	poller_free(s.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hidden_limit_is_found_and_used),
		cmocka_unit_test(a_sweep_takes_what_the_rate_needs),
		cmocka_unit_test(a_throttled_list_does_not_slow_the_topics),
		cmocka_unit_test(a_list_that_came_too_fast_is_asked_for_once_more),
		cmocka_unit_test(a_poll_of_several_calls_has_one_end_and_costs_them_all),
		cmocka_unit_test(who_is_removed_is_never_heard_of_again),
		cmocka_unit_test(what_was_deleted_is_asked_rarely_and_comes_back),
		cmocka_unit_test(talkative_communities_are_asked_more_often),
		cmocka_unit_test(adapting_stays_inside_the_budget),
	};

	return cmocka_run_group_tests_name("poll_many", tests, NULL, NULL);
}
