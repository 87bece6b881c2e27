/* Polls of several calls, against a service that caps, filters and forgets: which way is taken when. Whatever
 * way it is, the facts are those of one call without a cap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exporters/topic/inside.h"
#include "tests/unit/topic_agent.h"

#define CHECK assert_true

/* ---- ways ---- */
static void a_small_community_takes_one_call(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 20);
	for (int i = 0; i < 100; i++)
		agent_poll_by(&a, "W");
	CHECK(memcmp(&a.way, &(struct topic_way){ 0 }, sizeof(a.way)) == 0);
	agent_done(&a);
}

static void an_answer_too_large_is_asked_again_with_a_filter(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 300);
	for (size_t i = 0; i < 300; i++)
		topics[i].custom = 4000;
	agent_poll_by(&a, "WF");
	agent_poll_by(&a, "F");
	agent_done(&a);
}

static void more_than_a_filter_can_cure_is_asked_in_batches(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 900);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBBBB");
	agent_poll_by(&a, "NBBBBB");
	agent_done(&a);
}

static void four_thousand_topics_with_long_names_are_complete(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 4000);
	for (size_t i = 0; i < 4000; i++)
		topics[i].name = 150;
	agent_poll_by(&a, "WFNBBBBBBBBBBBBBBBBBBBB");
	CHECK(facts_topics(a.facts) == 4000);
	agent_poll_by(&a, "NBBBBBBBBBBBBBBBBBBBB");
	agent_done(&a);
}

static void six_thousand_topics_fail_and_the_cure_is_told(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 6000);
	agent_fail_by(&a, "WFNU", CHAT_REFUSED, ERR_TOO_LARGE);
	CHECK(a.answer.outcome.code == 10018);
	CHECK(strstr(a.why.text, "name the topics") != NULL &&
	      strstr(a.why.text, "topics = [ \"...\" ]") != NULL);
	agent_fail_by(&a, "NU", CHAT_REFUSED, ERR_TOO_LARGE);
	a.s.n = 4000; /* some were deleted */
	agent_poll_by(&a, "NBBBBBBBBBBBBBBBBBBBB");
	agent_done(&a);
}

static void an_answer_that_fetch_cannot_hold_is_too_large_as_well(void **state)
{
	struct topic_poll *p;
	struct agent a;

	(void)state;
	agent_setup(&a, 20);
	p = agent_begin(&a);
	topic_poll_too_large(p, &a.answer, &a.why);
	CHECK(a.answer.outcome.verdict == CHAT_MORE && a.answer.outcome.err == ERR_TOO_LARGE);
	CHECK(a.answer.facts == NULL && a.answer.outcome.code == 0 && a.why.text[0] != '\0');
	CHECK(agent_call(&a, p) == CHAT_FINE);
	assert_string_equal(a.trail, "F");
	facts_drop(a.answer.facts);
	topic_poll_free(p);
	agent_done(&a);
}

static void more_ids_than_memory_is_given_for_are_too_large(void **state)
{
	struct agent a;
	struct topic_poll *p;
	struct buf answer;

	(void)state;
	agent_setup(&a, 1);
	a.way.step = STEP_IDS;
	p = agent_begin(&a);
	buf_init(&answer, 4 << 20);
	buf_str(&answer, "{\"TopicAndSelfInfo\":[");
	for (int i = 0; i <= 20000; i++)
		buf_fmt(&answer, "%s{\"TopicInfo\":{\"TopicId\":\"%d\"}}", i > 0 ? "," : "", i);
	buf_str(&answer, "]}");
	agent_take(&a, p, &answer);
	CHECK(a.answer.outcome.verdict == CHAT_MORE && a.answer.outcome.err == ERR_TOO_LARGE);
	agent_take(&a, p, &answer);
	CHECK(a.answer.outcome.verdict == CHAT_REFUSED && a.answer.outcome.err == ERR_TOO_LARGE);
	CHECK(strstr(a.why.text, "topics = [") != NULL);
	answer.len -= strlen(",{'TopicInfo':{'TopicId':'20000'}}]}");
	buf_str(&answer, "]}");
	agent_take(&a, p, &answer);
	CHECK(a.answer.outcome.verdict == CHAT_MORE && a.answer.outcome.err == ERR_OK && p->asked.n == 20000);
	topic_poll_free(p);
	buf_done(&answer);
	agent_done(&a);
}

/* ---- filters ---- */
static void a_filter_that_drops_a_needed_field_is_abandoned(void **state)
{
	static const char *const needed[] = { "TopicName", "NextMsgSeq", "CreateTime", "LastMsgTime",
		                                  "MuteAllMember" };
	struct agent a;

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		agent_setup(&a, 500);
		a.s.drops = needed[i];
		a.s.cap = 300 << 10; /* the filtered answer would fit */
		for (size_t t = 0; t < 500; t++)
			topics[t].custom = 500;
		agent_poll_by(&a, "WFNbbb");
		agent_poll_by(&a, "Nbbb");
		agent_done(&a);
	}
}

static void a_filter_that_is_refused_is_abandoned(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.refuses = "CreateTime";
	agent_poll_by(&a, "WFNbbb");
	agent_poll_by(&a, "Nbbb");
	agent_done(&a);
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.refuses = "NextMsgSeq"; /* which the ids alone are asked with as well */
	agent_poll_by(&a, "WFNUbbb");
	agent_poll_by(&a, "Ubbb");
	agent_done(&a);
}

static void drop_in_the_third_batch(struct service *s)
{
	if (s->calls == 6)
		s->drops = "LastMsgTime";
}

static void a_filter_that_fails_in_the_middle_costs_one_call(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 900);
	agent_let_only_ids_fit(&a);
	a.s.before_call = drop_in_the_third_batch;
	agent_poll_by(&a, "WFNBBBbbb");
	agent_poll_by(&a, "Nbbbbb");
	agent_done(&a);
}

static void topics_in_error_say_nothing_about_a_filter(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	for (size_t i = 0; i < 500; i++)
		topics[i].code = i >= 200 && i < 400 ? 10002 : 0; /* all of a batch */
	agent_poll_by(&a, "WFNBBB");
	for (size_t i = 200; i < 400; i++)
		topics[i].code = 10004; /* which reads like a refusal, topic by topic */
	agent_poll_by(&a, "NBBbb");
	agent_done(&a);
}

static void answers_without_ids_are_not_an_empty_community(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.idless = true;
	agent_fail_by(&a, "WFNU", CHAT_RETRY, ERR_SCHEMA);
	a.s.idless = false;
	CHECK(agent_poll(&a) == CHAT_FINE && facts_topics(a.facts) == 500);
	agent_done(&a);
}

/* ---- batches ---- */
static void batches_are_halved_until_they_fit_and_grow_again(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 1600);
	a.s.drops = "LastMsgTime";
	for (size_t i = 0; i < 1600; i++)
		topics[i].custom = i < 150 ? 9000 : 100;
	a.s.cap = 500 << 10;
	agent_poll_by(&a, "WFNbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"); /* 200, 100, then 32 times 50 */
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "Nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	agent_poll_by(&a, "Nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"); /* twice as many do not fit yet */
	CHECK(a.way.batch == 50);
	for (size_t i = 0; i < 1600; i++)
		topics[i].custom = 100;
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "Nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	for (int i = 0; i < 20; i++)
		agent_poll_by(&a, "Nbbbbbbbbbbbbbbbb");
	agent_poll_by(&a, "Nbbbbbbbb");
	agent_done(&a);
}

static void a_list_of_ids_that_is_too_long_is_halved(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.list_max = 60;
	agent_poll_by(&a, "WFNBbBbBBBBBBBBBB"); /* twice without the filter too: it might have been the filter */
	agent_poll_by(&a, "NBBBBBBBBBB");
	agent_done(&a);
}

static void delete_in_the_middle(struct service *s)
{
	if (s->calls == 6) {
		topics[250].gone = true;
		topics[251].code = 110003;
		topics[252].code = 10010;
		topics[3].gone = true; /* its facts are in already; the next poll misses it */
	}
}

static void a_topic_deleted_between_batches_just_ends(void **state)
{
	struct agent a;
	struct topic_mutes m;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBB");
	a.s.calls = 3; /* the second batch is the sixth call */
	a.s.before_call = delete_in_the_middle;
	CHECK(agent_poll(&a) == CHAT_FINE && a.doubtful == 0 && a.coded == 2);
	CHECK(facts_topics(a.facts) == 499 && a.facts->fine == 497 && a.facts->failed == 2);
	m = facts_mutes(a.facts);
	CHECK(m.unknown == 2); /* nothing is known of those that are in error */
	a.s.before_call = NULL;
	CHECK(agent_poll(&a) == CHAT_FINE && facts_topics(a.facts) == 498);
	agent_done(&a);
}

static void delete_a_batch(struct service *s)
{
	for (size_t i = 200; s->kind == 'N' && i < 400; i++)
		topics[i].gone = true;
}

static void a_batch_may_be_gone_altogether(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.before_call = delete_a_batch; /* after the ids were listed */
	CHECK(agent_poll(&a) == CHAT_FINE && facts_topics(a.facts) == 300 && a.facts->failed == 0);
	assert_string_equal(a.trail, "WFNBBB");
	agent_done(&a);
}

static void bear_in_the_middle(struct service *s)
{
	if (s->kind != 'N' || s->n != 500)
		return;
	topics[500] =
		(struct service_topic){ .seq = 6, .created = START_S + 61, .last = START_S + 61, .name = 4 };
	s->n = 501;
}

static void a_topic_born_between_batches_comes_with_the_next_poll(void **state)
{
	struct topic_poll *p;
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	agent_poll_by(&a, "WFNBBB"); /* moves on by a minute */
	CHECK(agent_poll(&a) == CHAT_FINE);
	a.s.before_call = bear_in_the_middle;
	p = agent_begin(&a);
	for (int i = 0; i < 3; i++, a.now_s += 2) /* each call takes its time */
		CHECK(agent_call(&a, p) == CHAT_MORE);
	CHECK(agent_finish(&a, p) == CHAT_FINE && facts_topics(a.facts) == 500 &&
	      facts_new_messages(a.facts) == 0);
	CHECK(a.facts->poll_s == START_S + 60); /* of the list of ids */
	CHECK(agent_poll(&a) == CHAT_FINE && facts_topics(a.facts) == 501);
	CHECK(facts_new_messages(a.facts) == 5); /* from its first message on */
	agent_done(&a);
}

static void topics_nobody_asked_for_are_ignored(void **state)
{
	struct agent a;

	(void)state;
	agent_setup(&a, 500);
	agent_let_only_ids_fit(&a);
	a.s.extra = true;
	a.s.backwards = true;
	agent_poll_by(&a, "WFNBBB");
	CHECK(a.doubtful == 3);
	agent_done(&a);
}

/* ---- named topics ---- */
static void named_topics_need_no_list_of_ids(void **state)
{
	static char id[1000][64];
	const char **name;
	struct agent a;

	(void)state;
	agent_setup(&a, 6000);
	name = agent_name_topics(&a, id, 1000, 6);
	name[7] = "@TGS#_unknown";
	agent_poll_by(&a, "b");
	CHECK(facts_topics(a.facts) == 999);
	for (size_t i = 0; i < 6000; i++)
		topics[i].custom = 900;
	agent_poll_by(&a, "bBBBBB");
	agent_poll_by(&a, "BBBBB");
	a.s.backwards = true;
	agent_poll_by(&a, "BBBBB");
	agent_done(&a);
	free(name);
}

static void a_question_holds_so_many_bytes_of_ids(void **state)
{
	static char id[15000][64];
	const char **name;
	struct agent a;

	(void)state;
	agent_setup(&a, 15000);
	a.s.cap = 0;
	name = agent_name_topics(&a, id, 15000, 1);
	CHECK(agent_poll(&a) == CHAT_FINE && facts_topics(a.facts) == 15000);
	assert_string_equal(a.trail, "bb");
	agent_done(&a);
	free(name);
}

static void named_topics_climb_back_to_one_call(void **state)
{
	static char id[300][64];
	const char **name;
	struct agent a;

	(void)state;
	agent_setup(&a, 300);
	name = agent_name_topics(&a, id, 300, 1);
	for (size_t i = 0; i < 300; i++)
		topics[i].custom = 4000;
	agent_poll_by(&a, "bBB");
	for (size_t i = 0; i < 300; i++)
		topics[i].custom = 0;
	for (int i = 0; i < 19; i++)
		agent_poll_by(&a, "BB");
	for (int i = 0; i < 60; i++)
		agent_poll_by(&a, "B"); /* all of them with the filter */
	agent_poll_by(&a, "b");
	CHECK(a.way.batch == 0);
	agent_done(&a);
	free(name);
}

static void a_named_topic_that_is_refused_is_told(void **state)
{
	static char id[4][64];
	const char **name;
	struct agent a;

	(void)state;
	agent_setup(&a, 4);
	name = agent_name_topics(&a, id, 4, 1);
	a.s.list_max = 0;
	a.s.refuses = "MuteAllMember";
	agent_poll_by(&a, "b");
	for (int i = 0; i < 2; i++) {
		struct topic_poll *p = agent_begin(&a);

		do
			a.s.fail = 10004;
		while (agent_call(&a, p) == CHAT_MORE);
		assert_string_equal(a.trail, "bBbBb");
		topic_poll_free(p);
		CHECK(a.answer.outcome.verdict == CHAT_REFUSED && a.answer.outcome.code == 10004);
		CHECK(strstr(a.why.text, "10004") != NULL && strstr(a.why.text, name[0]) != NULL);
	}
	agent_poll_by(&a, "b"); /* what the dead end taught is forgotten */
	agent_done(&a);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_community_takes_one_call),
		cmocka_unit_test(an_answer_too_large_is_asked_again_with_a_filter),
		cmocka_unit_test(more_than_a_filter_can_cure_is_asked_in_batches),
		cmocka_unit_test(four_thousand_topics_with_long_names_are_complete),
		cmocka_unit_test(six_thousand_topics_fail_and_the_cure_is_told),
		cmocka_unit_test(an_answer_that_fetch_cannot_hold_is_too_large_as_well),
		cmocka_unit_test(more_ids_than_memory_is_given_for_are_too_large),
		cmocka_unit_test(a_filter_that_drops_a_needed_field_is_abandoned),
		cmocka_unit_test(a_filter_that_is_refused_is_abandoned),
		cmocka_unit_test(a_filter_that_fails_in_the_middle_costs_one_call),
		cmocka_unit_test(topics_in_error_say_nothing_about_a_filter),
		cmocka_unit_test(answers_without_ids_are_not_an_empty_community),
		cmocka_unit_test(batches_are_halved_until_they_fit_and_grow_again),
		cmocka_unit_test(a_list_of_ids_that_is_too_long_is_halved),
		cmocka_unit_test(a_topic_deleted_between_batches_just_ends),
		cmocka_unit_test(a_batch_may_be_gone_altogether),
		cmocka_unit_test(a_topic_born_between_batches_comes_with_the_next_poll),
		cmocka_unit_test(topics_nobody_asked_for_are_ignored),
		cmocka_unit_test(named_topics_need_no_list_of_ids),
		cmocka_unit_test(a_question_holds_so_many_bytes_of_ids),
		cmocka_unit_test(named_topics_climb_back_to_one_call),
		cmocka_unit_test(a_named_topic_that_is_refused_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
