#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/near.h"
#include "exporters/metric/catalog.h"

#define CHECK assert_true

static char page[65536];

static bool is(const struct buf *out, const char *text)
{
	if (out->len == strlen(text) && memcmp(out->at, text, out->len) == 0)
		return true;
	print_message("have: %.*s\nwant: %s\n", (int)out->len, out->at, text);
	return false;
}

static bool ends_in(struct span name, const char *ending)
{
	const size_t n = strlen(ending);

	return name.len > n && memcmp(name.at + name.len - n, ending, n) == 0;
}

static void names_follow_the_rules_of_the_format(void **state)
{
	(void)state;
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *i = metric_info((enum metric)m);
		const struct span name = i->family;

		CHECK(name.len == strlen(name.at));
		CHECK(strspn(name.at, "abcdefghijklmnopqrstuvwxyz_") == name.len);
		CHECK(strncmp(name.at, "tencentchat_", 12) == 0 || strncmp(name.at, "process_", 8) == 0 ||
		      (i->scope == METRIC_PROBE && strncmp(name.at, "probe_", 6) == 0));
		CHECK(ends_in(name, "_info") == (i->kind == METRIC_INFO));
		CHECK(ends_in(name, "_total") == (i->kind == METRIC_COUNTER));
		CHECK(!ends_in(name, "_bucket") && !ends_in(name, "_sum") && !ends_in(name, "_count"));
		for (int other = 0; other < m; other++)
			CHECK(strcmp(name.at, metric_info((enum metric)other)->family.at) != 0);
	}
}

static void every_metric_is_explained_by_a_sentence(void **state)
{
	(void)state;
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *i = metric_info((enum metric)m);
		const size_t n = strlen(i->help);

		CHECK(n > 0 && i->help[n - 1] == '.');
		CHECK(strpbrk(i->help, "|\n\\") == NULL); /* it also stands in a Markdown table */
		CHECK(isupper((unsigned char)i->help[0]) || isdigit((unsigned char)i->help[0]));
		CHECK(strspn(i->labels, "abcdefghijklmnopqrstuvwxyz_,") == strlen(i->labels));
	}
}

static void headers_name_family_and_type(void **state)
{
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	metric_header(&out, M_TOPIC_MUTED, FORM_TEXT);
	CHECK(is(&out, "# HELP tencentchat_topic_muted 1 while all members are muted (MuteAllMember).\n"
	               "# TYPE tencentchat_topic_muted gauge\n"));
	buf_wrap(&out, page, sizeof(page));
	metric_header(&out, M_TOPIC_INFO, FORM_TEXT);
	CHECK(strstr(buf_text(&out), "\n# TYPE tencentchat_topic_info gauge\n") != NULL);
	buf_wrap(&out, page, sizeof(page));
	metric_header(&out, M_API_REQUEST_DURATION, FORM_TEXT);
	CHECK(strstr(buf_text(&out), "\n# TYPE tencentchat_api_request_duration_seconds histogram\n") != NULL);
	buf_wrap(&out, page, sizeof(page));
	metric_header(&out, M_TOPIC_MESSAGES, FORM_TEXT);
	CHECK(strstr(buf_text(&out), "\n# TYPE tencentchat_topic_messages_total counter\n") != NULL);
}

static void openmetrics_leaves_endings_to_the_samples(void **state)
{
	static const struct {
		enum metric m;
		const char *type;
	} row[] = {
		{ M_TOPIC_MUTED, "\n# TYPE tencentchat_topic_muted gauge\n" },
		{ M_TOPIC_INFO, "\n# TYPE tencentchat_topic info\n" },
		{ M_TOPIC_MESSAGES, "\n# TYPE tencentchat_topic_messages counter\n" },
		{ M_PROCESS_CPU, "\n# TYPE process_cpu_seconds counter\n" },
		{ M_API_REQUEST_DURATION, "\n# TYPE tencentchat_api_request_duration_seconds histogram\n" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_wrap(&out, page, sizeof(page));
		metric_header(&out, row[i].m, FORM_OPENMETRICS);
		CHECK(strstr(buf_text(&out), row[i].type) != NULL);
	}
	assert_string_equal(metric_end(FORM_OPENMETRICS), "# EOF\n");
	assert_string_equal(metric_end(FORM_TEXT), "");
}

/* No name of a family may be what another family calls its samples (OpenMetrics 1.0.0, metric family). */
static void no_two_families_share_a_name_in_openmetrics(void **state)
{
	static const char *const ending[] = { "", "_total", "_created", "_info", "_bucket", "_sum", "_count" };

	(void)state;
	for (int a = 0; a < METRIC_COUNT; a++)
		for (int b = 0; b < METRIC_COUNT; b++) {
			const struct span x = metric_family((enum metric)a, FORM_OPENMETRICS);
			const struct span y = metric_family((enum metric)b, FORM_OPENMETRICS);

			for (size_t i = 0; a != b && i < sizeof(ending) / sizeof(ending[0]); i++) {
				const size_t n = strlen(ending[i]);

				CHECK(x.len != y.len + n || memcmp(x.at, y.at, y.len) != 0 ||
				      memcmp(x.at + y.len, ending[i], n) != 0);
			}
		}
}

static void metrics_are_found_by_either_name(void **state)
{
	enum metric m;

	(void)state;
	for (int i = 0; i < METRIC_COUNT; i++)
		for (int form = 0; form < FORM_COUNT; form++) {
			const struct span family = metric_family((enum metric)i, (enum form)form);
			char name[128];

			(void)snprintf(name, sizeof(name), "%.*s", (int)family.len, family.at);
			CHECK(metric_find(name, &m) && (int)m == i);
		}
	CHECK(!metric_find("", &m) && !metric_find("up", &m) && !metric_find("tencentchat_topic_", &m));
	CHECK(!metric_find("tencentchat_api_request_duration_seconds_sum", &m));
}

static void the_nearest_name_is_a_good_guess(void **state)
{
	char endless[NEAR_TYPED_MAX + 1] = "";

	(void)state;
	assert_string_equal(metric_nearest("tencentchat_topic_mute"), "tencentchat_topic_muted");
	assert_string_equal(metric_nearest("topic_messages_total"), "tencentchat_topic_messages_total");
	assert_string_equal(metric_nearest("community_topic"), "tencentchat_community_topics");
	assert_string_equal(metric_nearest("process_cpu"), "process_cpu_seconds_total");
	CHECK(metric_nearest("") != NULL);
	memset(endless, 'm', sizeof(endless) - 1);
	CHECK(near_edits(endless, "tencentchat_topic_muted") == SIZE_MAX && metric_nearest(endless) != NULL);
	memcpy(endless, "tencentchat_topic_muted", sizeof("tencentchat_topic_muted") - 1);
	assert_string_equal(metric_nearest(endless), "tencentchat_topic_muted"); /* it goes on */
}

static void three_words_are_levels(void **state)
{
	enum metric_scope scope = METRIC_EXPORTER;

	(void)state;
	CHECK(metric_level("topic", &scope) && scope == METRIC_TOPIC);
	CHECK(metric_level("community", &scope) && scope == METRIC_COMMUNITY);
	CHECK(metric_level("app", &scope) && scope == METRIC_APP);
	CHECK(!metric_level("exporter", &scope) && !metric_level("", &scope) && scope == METRIC_APP);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
		n++;
	return n;
}

static void the_catalogue_prints_every_metric_once(void **state)
{
	struct buf out;
	const char *text;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	metric_explain(&out);
	text = buf_text(&out);
	for (int m = 0; m < METRIC_COUNT; m++) {
		char cell[128];

		(void)snprintf(cell, sizeof(cell), "\n| `%s` | ", metric_info((enum metric)m)->family.at);
		CHECK(count(text, cell) == 1);
	}
	CHECK(count(text, "\n| `") == METRIC_COUNT);
	CHECK(count(text, "### ") == 5 && strncmp(text, "### Topic (", 11) == 0);
	CHECK(count(text, "\n| name | type | labels | meaning |\n| --- | --- | --- | --- |\n| `") == 5);
}

static void the_catalogue_lists_labels_one_by_one(void **state)
{
	struct buf out;
	const char *text;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	metric_explain(&out);
	text = buf_text(&out);
	CHECK(strstr(text, "| `tencentchat_community_last_error_info` | info | `reason` `code` | Why ") != NULL);
	CHECK(strstr(text, "| `tencentchat_topic_muted` | gauge |  | 1 while ") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_rules_of_the_format),
		cmocka_unit_test(every_metric_is_explained_by_a_sentence),
		cmocka_unit_test(headers_name_family_and_type),
		cmocka_unit_test(openmetrics_leaves_endings_to_the_samples),
		cmocka_unit_test(no_two_families_share_a_name_in_openmetrics),
		cmocka_unit_test(metrics_are_found_by_either_name),
		cmocka_unit_test(the_nearest_name_is_a_good_guess),
		cmocka_unit_test(three_words_are_levels),
		cmocka_unit_test(the_catalogue_prints_every_metric_once),
		cmocka_unit_test(the_catalogue_lists_labels_one_by_one),
	};

	return cmocka_run_group_tests_name("metric_catalog", tests, NULL, NULL);
}
