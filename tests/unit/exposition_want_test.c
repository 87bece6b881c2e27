#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "exporters/exposition/exposition.h"

#define CHECK assert_true

static const char *const app[] = { "prod", "shop & co", "1400000003" };
enum { APPS = 3 };

static struct metric_set enabled;
static struct exposition_want want;
static struct why why;

static void start(void)
{
	memset(&enabled, true, sizeof(enabled));
	enabled.has[M_TOPIC_CREATED] = false;
	want = exposition_everything(&enabled);
	why = (struct why){ 0 };
}

static bool asked(const char *key, const char *value)
{
	return exposition_query(&want, key, value, app, APPS, &why) == ERR_OK;
}

static size_t chosen(void)
{
	size_t n = 0;

	for (int m = 0; m < METRIC_COUNT; m++)
		n += want.metrics.has[m];
	return n;
}

static void without_a_query_everything_that_is_enabled_is_wanted(void **state)
{
	(void)state;
	start();
	CHECK(want.full && want.level == METRIC_TOPIC && want.app == EXPOSITION_EVERY_APP);
	CHECK(want.type.form == FORM_TEXT && want.type.escaping == ESCAPING_NONE);
	CHECK(chosen() == METRIC_COUNT - 1 && !want.metrics.has[M_TOPIC_CREATED]);
}

static void a_level_is_one_of_three_words(void **state)
{
	static const char *const bad[] = { "", "Topic", "topic ", "exporter", "communities", "0" };

	(void)state;
	start();
	CHECK(asked("level", "topic") && want.level == METRIC_TOPIC && want.full);
	start();
	CHECK(asked("level", "community") && want.level == METRIC_COMMUNITY && !want.full);
	start();
	CHECK(asked("level", "app") && want.level == METRIC_APP && !want.full);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start();
		CHECK(!asked("level", bad[i]) && strstr(why.text, "is none of topic, community, app") != NULL);
	}
	start();
	CHECK(asked("level", "app") && !asked("level", "app"));
	assert_string_equal(why.text, "level is given twice");
}

static void an_app_goes_by_its_name(void **state)
{
	(void)state;
	start();
	CHECK(asked("app", "shop & co") && want.app == 1 && !want.full);
	CHECK(!asked("app", "prod"));
	assert_string_equal(why.text, "app is given twice");
	start();
	CHECK(!asked("app", "Prod"));
	assert_string_equal(why.text, "app 'Prod' is not configured");
	CHECK(!asked("app", "") && want.app == EXPOSITION_EVERY_APP);
}

static void names_choose_families_in_either_spelling(void **state)
{
	(void)state;
	start();
	CHECK(asked("name[]", "tencentchat_topic_muted") && chosen() == 1 && !want.full);
	CHECK(asked("name[]", "tencentchat_topic_messages") && asked("name[]", "tencentchat_topic"));
	CHECK(asked("name[]", "tencentchat_topic_info") && asked("name[]", "process_cpu_seconds"));
	CHECK(chosen() == 4 && want.metrics.has[M_TOPIC_MUTED] && want.metrics.has[M_TOPIC_MESSAGES]);
	CHECK(want.metrics.has[M_TOPIC_INFO] && want.metrics.has[M_PROCESS_CPU]);
}

static void a_name_that_is_disabled_chooses_nothing(void **state)
{
	(void)state;
	start();
	CHECK(asked("name[]", "tencentchat_topic_created_timestamp_seconds") && chosen() == 0);
	CHECK(asked("name[]", "tencentchat_app_up") && chosen() == 1);
}

static void a_name_that_is_none_is_told_with_the_nearest(void **state)
{
	static const struct {
		const char *name, *nearest;
	} row[] = {
		{ "tencentchat_topic_mutde", "did you mean 'tencentchat_topic_muted'?" },
		{ "topic_muted", "did you mean 'tencentchat_topic_muted'?" },
		{ "up", "did you mean 'tencentchat_app_up'?" },
		{ "", "name[] '' is no metric" },
		{ "tencentchat_api_request_duration_seconds_bucket", "'tencentchat_api_request_duration_seconds'?" },
		{ "\xff\n\x01", "name[] '?"
		                "?"
		                "?' is no metric" },
	};
	char longest[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start();
		CHECK(!asked("name[]", row[i].name));
		if (strstr(why.text, row[i].nearest) == NULL)
			fail_msg("'%s': %s", row[i].name, why.text);
		CHECK(chosen() == METRIC_COUNT - 1);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(!asked("name[]", longest) && !asked("app", longest) && !asked("level", longest));
}

static void other_keys_are_nobodys_business(void **state)
{
	(void)state;
	start();
	CHECK(asked("target", "x") && asked("", "") && asked("name", "x") && asked("Level", "x") && want.full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_query_everything_that_is_enabled_is_wanted),
		cmocka_unit_test(a_level_is_one_of_three_words),
		cmocka_unit_test(an_app_goes_by_its_name),
		cmocka_unit_test(names_choose_families_in_either_spelling),
		cmocka_unit_test(a_name_that_is_disabled_chooses_nothing),
		cmocka_unit_test(a_name_that_is_none_is_told_with_the_nearest),
		cmocka_unit_test(other_keys_are_nobodys_business),
	};

	return cmocka_run_group_tests_name("exposition_want", tests, NULL, NULL);
}
