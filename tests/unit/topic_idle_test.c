/* How long topics have been quiet, and what one poll adds to the messages: facts that no line of a topic
 * shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "exporters/topic/topic.h"
#include "tests/unit/answers.h"

#define CHECK assert_true

enum { NOW_S = 1700000000 };

static struct facts *decode(const char *elements, int64_t later_s, const struct facts *before)
{
	const struct topic_context c = {
		.community = "@TGS#_a",
		.silent_after_s = 3600,
		.keep_ms = 300000,
		.now = { .mono_ms = (1000 + later_s) * 1000, .unix_s = NOW_S + later_s },
	};

	return answer_decode(elements, &c, before);
}

/* One topic whose last message is so old. */
static struct facts *aged(int64_t age_s)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "{\"TopicInfo\":{\"TopicId\":\"x\",\"LastMsgTime\":%lld}}",
	               (long long)(NOW_S - age_s));
	return decode(text, 0, NULL);
}

static void a_bucket_ends_before_its_second_bound(void **state)
{
	static const struct {
		int64_t age_s;
		const char *label;
	} row[] = {
		{ -3600, "0-5m" },     { 0, "0-5m" },        { 299, "0-5m" },       { 300, "5m-1h" },
		{ 3599, "5m-1h" },     { 3600, "1h-1d" },    { 86399, "1h-1d" },    { 86400, "1d-7d" },
		{ 604799, "1d-7d" },   { 604800, "7d-30d" }, { 2591999, "7d-30d" }, { 2592000, "30d+" },
		{ NOW_S - 1, "30d+" }, { NOW_S, "never" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct facts *f = aged(row[i].age_s);

		for (size_t b = 0; b < IDLE_BUCKETS; b++)
			CHECK(facts_idle(f)[b] == (strcmp(idle_label(b), row[i].label) == 0 ? 1 : 0));
		facts_drop(f);
	}
}

static void the_quietest_topic_of_those_that_ever_talked_is_known(void **state)
{
	struct facts *f = decode("{\"TopicInfo\":{\"TopicId\":\"a\",\"LastMsgTime\":1699999000}},"
	                         "{\"TopicInfo\":{\"TopicId\":\"b\",\"LastMsgTime\":0}},"
	                         "{\"TopicInfo\":{\"TopicId\":\"c\"}},"
	                         "{\"TopicInfo\":{\"TopicId\":\"d\",\"LastMsgTime\":1699998000}},"
	                         "{\"TopicInfo\":{\"TopicId\":\"e\",\"LastMsgTime\":1699999500}}",
	                         0, NULL);
	struct facts *never = decode("{\"TopicInfo\":{\"TopicId\":\"b\",\"LastMsgTime\":0}}", 0, NULL);

	(void)state;
	CHECK(facts_quietest_s(f) == 1699998000);
	CHECK(topic_community_value(f, M_COMMUNITY_LAST_MESSAGE, 0) == 1699999500);
	CHECK(facts_quietest_s(never) == 0);
	CHECK(topic_community_value(never, M_COMMUNITY_LAST_MESSAGE, 0) == -1);
	facts_drop(f);
	facts_drop(never);
}

static struct facts *counted(int64_t next_seq, int64_t later_s, const struct facts *before)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "{\"TopicInfo\":{\"TopicId\":\"x\",\"NextMsgSeq\":%lld}}",
	               (long long)next_seq);
	return decode(text, later_s, before);
}

static void the_rate_is_that_between_two_answers(void **state)
{
	struct facts *first = counted(100, 0, NULL), *second = counted(107, 30, first);
	struct facts *third = counted(107, 31, second), *same = counted(200, 31, third);
	struct facts *most = counted(INT64_C(9000000000000000), 32, third);

	(void)state;
	CHECK(facts_rate_milli(first) == -1);
	CHECK(facts_rate_milli(second) == 14000); /* 7 in half a minute */
	CHECK(facts_rate_milli(third) == 0);
	CHECK(facts_rate_milli(same) == -1); /* no time passed */
	CHECK(facts_rate_milli(most) == INT64_MAX);
	facts_drop(first);
	facts_drop(second);
	facts_drop(third);
	facts_drop(same);
	facts_drop(most);
}

static uint32_t idle_sum(const struct facts *f)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < IDLE_BUCKETS; i++)
		sum += facts_idle(f)[i];
	return sum;
}

static void a_topic_in_error_counts_while_it_keeps_its_facts(void **state)
{
	static const char failing[] = "{\"ErrorCode\":10002,\"TopicInfo\":{\"TopicId\":\"x\"}},"
								  "{\"TopicInfo\":{\"TopicId\":\"of no known time\"}}";
	struct facts *good = aged(60), *bad = decode(failing, 250, good), *worse = decode(failing, 301, bad);

	(void)state;
	CHECK(idle_sum(good) == 1 && facts_idle(good)[0] == 1);
	CHECK(idle_sum(bad) == 1 && facts_idle(bad)[1] == 1); /* older by the time of this poll */
	CHECK(idle_sum(worse) == 0);
	facts_drop(good);
	facts_drop(bad);
	facts_drop(worse);
}

static void new_messages_are_those_of_one_poll(void **state)
{
	struct facts *first = decode("{\"TopicInfo\":{\"TopicId\":\"x\",\"NextMsgSeq\":10}}", 0, NULL);
	struct facts *second = decode("{\"TopicInfo\":{\"TopicId\":\"x\",\"NextMsgSeq\":17}}", 60, first);
	struct facts *third = decode("{\"TopicInfo\":{\"TopicId\":\"x\",\"NextMsgSeq\":15}}", 120, second);

	(void)state;
	CHECK(facts_new_messages(first) == 0 && facts_new_messages(second) == 7);
	CHECK(facts_new_messages(third) == 0);
	facts_drop(first);
	facts_drop(second);
	facts_drop(third);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_quietest_topic_of_those_that_ever_talked_is_known),
		cmocka_unit_test(the_rate_is_that_between_two_answers),
		cmocka_unit_test(a_bucket_ends_before_its_second_bound),
		cmocka_unit_test(a_topic_in_error_counts_while_it_keeps_its_facts),
		cmocka_unit_test(new_messages_are_those_of_one_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
