/* Polls of several calls over time: failures, ways back to fewer calls, and any world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/topic/inside.h"
#include "tests/unit/topic_agent.h"

#define CHECK assert_true

/* ---- failures ---- */
static void a_failed_attempt_is_asked_again_and_nothing_is_lost(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBB");
	for (int at = 0; at < 4; at++) {
		struct topic_poll *p = agent_begin(&a);
		struct buf before, after;

		for (int i = 0; i < at; i++)
			CHECK(agent_call(&a, p) == CHAT_MORE);
		buf_init(&before, 1 << 20);
		buf_init(&after, 1 << 20);
		topic_poll_ask(p, &before);
		a.s.fail = 10002;
		CHECK(agent_call(&a, p) == CHAT_RETRY && a.answer.outcome.err == ERR_API_ERROR);
		agent_take(&a, p, &(struct buf){ .at = (char[]){ "{\"TopicAndSelf" }, .len = 14 });
		CHECK(a.answer.outcome.verdict == CHAT_RETRY && a.answer.outcome.err == ERR_TRUNCATED);
		topic_poll_ask(p, &after);
		CHECK(before.len == after.len && memcmp(before.at, after.at, before.len) == 0);
		buf_done(&before);
		buf_done(&after);
		while (agent_call(&a, p) == CHAT_MORE)
			;
		topic_poll_free(p);
		CHECK(a.answer.outcome.verdict == CHAT_FINE);
		facts_drop(a.facts);
		a.facts = a.answer.facts;
		(void)agent_reference(&a);
		agent_check_same(a.facts, a.reference);
	}
	agent_done(&a);
}

static void drop_ids_once(struct service *s)
{
	s->idless = s->calls == 3;
}

static void what_an_unusable_answer_counted_is_not_counted_twice(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.before_call = drop_ids_once;
	topics[0].code = 10002;
	topics[0].bare = true;
	CHECK(agent_poll(&a) == CHAT_FINE && a.facts->failed == 1);
	assert_string_equal(a.trail, "WFNUBBB");
	agent_done(&a);
}

static void a_wrong_parameter_is_about_no_filter_where_there_is_none(void **state)
{
	struct agent a;
	struct topic_poll *p;

	(void)state;
	agent_setup(&a, 5);
	p = agent_begin(&a);
	a.s.fail = 10004;
	CHECK(agent_call(&a, p) == CHAT_REFUSED && a.answer.outcome.code == 10004);
	topic_poll_free(p);
	agent_poll_by(&a, "W");
	agent_done(&a);
}

static void a_community_that_fails_in_the_middle_fails_as_a_whole(void **state)
{
	static const struct {
		int code;
		enum chat_verdict verdict;
	} row[] = { { 10010, CHAT_GONE }, { 10006, CHAT_SLOW }, { 10007, CHAT_DENIED } };
	struct topic_poll *p;
	struct agent a;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		agent_setup(&a, 500);
		agent_let_only_ids_fit(&a);
		p = agent_begin(&a);
		for (int n = 0; n < 4; n++)
			CHECK(agent_call(&a, p) == CHAT_MORE);
		a.s.fail = row[i].code;
		CHECK(agent_call(&a, p) == row[i].verdict && a.answer.outcome.code == row[i].code);
		CHECK(a.answer.facts == NULL);
		topic_poll_free(p);
		agent_poll_by(&a, "NBBB"); /* the way is known */
		agent_done(&a);
	}
}

static void a_poll_may_be_given_up_at_any_call(void **state)
{
	struct agent a;

	(void)state;
	for (int stop = 0; stop < 7; stop++) { /* ASan and valgrind see what is lost */
		struct topic_poll *p;

		agent_setup(&a, 500);
		agent_let_only_ids_fit(&a);
		p = agent_begin(&a);
		for (int i = 0; i < stop && i < 6; i++)
			(void)agent_call(&a, p);
		if (stop >= 6)
			facts_drop(a.answer.facts);
		topic_poll_free(p);
		agent_done(&a);
	}
	topic_poll_free(NULL);
}

/* ---- climbing back ---- */
static void a_community_that_shrank_climbs_back_to_one_call(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 4000);
	for (size_t i = 0; i < 4000; i++)
		topics[i].name = 150;
	agent_poll_by(&a, "WFNBBBBBBBBBBBBBBBBBBBB");
	a.s.n = 300;
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "NBB");
	for (int i = 0; i < 60; i++)
		agent_poll_by(&a, "F");
	for (int i = 0; i < 3; i++)
		agent_poll_by(&a, "W");
	agent_done(&a);
}

static void a_climb_that_fails_is_not_tried_for_a_while(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBB");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 19; i++)
			agent_poll_by(&a, "NBBB");
		agent_poll_by(&a, "FNBBB");
	}
	agent_done(&a);
	agent_setup(&a, 300);
	for (size_t i = 0; i < 300; i++)
		topics[i].custom = 4000;
	agent_poll_by(&a, "WF");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 59; i++)
			agent_poll_by(&a, "F");
		agent_poll_by(&a, "WF");
	}
	agent_done(&a);
}

static void without_a_filter_the_way_back_is_to_the_whole(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.drops = "CreateTime";
	a.s.refuses = "MuteAllMember";
	agent_poll_by(&a, "WFNbbb");
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "Nbbb");
	agent_poll_by(&a, "WNbbb");
	a.s.n = 100;
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "Nb");
	agent_poll_by(&a, "W");
	agent_poll_by(&a, "W");
	agent_done(&a);
}

static void a_filter_known_to_work_is_not_suspected(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBB");
	a.s.list_max = 150;
	agent_poll_by(&a, "NBBBBBB"); /* 200 are refused, 5 times 100 are not */
	a.s.list_max = 0;
	a.s.refuses = "CreateTime";
	agent_fail_by(&a, "NBBBBBBB", CHAT_REFUSED, ERR_API_ERROR); /* 100, 50, 25, 12, 6, 3, 1 */
	agent_poll_by(&a, "NBbbbbb");                               /* now it is */
	CHECK(a.way.filter == FILTER_ABANDONED);
	agent_poll_by(&a, "Nbbbbb");
	agent_done(&a);
}

static void a_filter_that_drops_the_observer_matters_to_observers(void **state)
{
	struct agent a;

	(void)state;
	for (int observer = 0; observer < 2; observer++) {
		agent_setup(&a, 300);
		a.observer = observer == 1;
		a.s.drops = "SelfInfo";
		for (size_t i = 0; i < 300; i++)
			topics[i].custom = 4000;
		agent_poll_by(&a, observer == 1 ? "WFNbb" : "WF");
		agent_done(&a);
	}
}

/* ---- any world ---- */
static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 20) % below);
}

static void change(struct agent *a)
{
	for (size_t i = 0; i < a->s.n; i++) {
		struct service_topic *t = &topics[i];

		t->seq += any(3) == 0 ? any(50) : 0;
		t->code = any(15) == 0 ? (int[]){ 10002, 10010, 110003, 10007 }[any(4)] : 0;
		t->bare = t->code != 0 && any(3) == 0;
		t->gone = any(20) == 0;
		t->last = any(4) == 0 ? (uint32_t)(START_S + a->now_s - any(1 << 23)) : t->last;
		t->custom = any(10) == 0 ? (int)any(2000) : t->custom;
		if (any(30) == 0) {
			t->seq = 1 + any(5);
			t->created += any(2);
		}
	}
	if (any(3) == 0 && a->s.n < 150)
		topics[a->s.n++] = (struct service_topic){ .seq = 1 + any(9),
			                                       .name = (int)any(200),
			                                       .created = (uint32_t)(START_S + a->now_s - any(90)) };
	a->s.backwards = any(4) == 0;
	a->s.extra = any(6) == 0;
	a->s.again = any(6) == 0;
}

static void every_world_is_seen_as_by_one_call(void **state)
{
	static const char *const field[] = { "TopicName",     "NextMsgSeq", "CreateTime", "LastMsgTime",
		                                 "MuteAllMember", NULL,         NULL,         NULL };
	static char id[50][64];
	unsigned complete = 0, several = 0;

	(void)state;
	seed = (uint64_t)time(NULL) | 1;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (int world = 0; world < 80; world++) {
		const char **name = NULL;
		struct agent a;

		agent_setup(&a, any(120));
		a.observer = any(2) == 0;
		a.s.drops = field[any(8)];
		a.s.refuses = field[any(8)];
		a.s.list_max = any(4) == 0 ? 1 + any(30) : 0;
		a.s.cap = 4000 + any(60000);
		if (any(4) == 0)
			name = agent_name_topics(&a, id, 1 + any(50), 1 + any(3));
		for (int i = 0; i < 30; i++, a.now_s += 60) {
			uint64_t coded;

			change(&a);
			if (agent_poll(&a) != CHAT_FINE) {
				CHECK(a.answer.outcome.verdict == CHAT_REFUSED);
				CHECK(a.answer.outcome.code == 10018 || a.answer.outcome.code == 10004);
				CHECK(a.facts == NULL || a.facts != a.answer.facts);
				continue;
			}
			coded = agent_reference(&a);
			complete++;
			several += strlen(a.trail) > 1 ? 1 : 0;
			CHECK(a.coded == coded);
			agent_check_same(a.facts, a.reference);
		}
		agent_done(&a);
		free(name);
	}
	print_message("%u polls complete, %u of them in several calls\n", complete, several);
	CHECK(complete > 1000 && several > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_attempt_is_asked_again_and_nothing_is_lost),
		cmocka_unit_test(what_an_unusable_answer_counted_is_not_counted_twice),
		cmocka_unit_test(a_wrong_parameter_is_about_no_filter_where_there_is_none),
		cmocka_unit_test(a_community_that_fails_in_the_middle_fails_as_a_whole),
		cmocka_unit_test(a_poll_may_be_given_up_at_any_call),
		cmocka_unit_test(a_community_that_shrank_climbs_back_to_one_call),
		cmocka_unit_test(a_climb_that_fails_is_not_tried_for_a_while),
		cmocka_unit_test(without_a_filter_the_way_back_is_to_the_whole),
		cmocka_unit_test(a_filter_known_to_work_is_not_suspected),
		cmocka_unit_test(a_filter_that_drops_the_observer_matters_to_observers),
		cmocka_unit_test(every_world_is_seen_as_by_one_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
