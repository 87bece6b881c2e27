#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/health/health.h"

#define CHECK assert_true

static char *community_line(const struct health_community *h, enum metric m)
{
	const struct health_settings set = { 1500, 3600000, span_of("community_name=\"shop\",team=\"emea\"") };
	struct buf b;
	size_t len;

	buf_init(&b, 4096);
	health_community_sample(h, set.interval_ms, &set, m, span_of("sdkappid=\"1\""), &b);
	return buf_take(&b, &len);
}

static void check_line(const struct health_community *h, enum metric m, const char *expected)
{
	char *line = community_line(h, m);

	assert_string_equal(line, expected);
	free(line);
}

static void before_the_first_poll_only_settings_are_known(void **state)
{
	const struct health_community h = { 0 };
	static const enum metric absent[] = {
		M_COMMUNITY_UP,       M_COMMUNITY_LAST_POLL,     M_COMMUNITY_LAST_SUCCESS,
		M_COMMUNITY_FAILURES, M_COMMUNITY_POLL_DURATION, M_COMMUNITY_LAST_ERROR
	};

	(void)state;
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		check_line(&h, absent[i], "");
	check_line(&h, M_COMMUNITY_POLL_INTERVAL,
	           "tencentchat_community_poll_interval_seconds{sdkappid=\"1\"} 1.5\n");
	check_line(&h, M_COMMUNITY_SILENT_AFTER,
	           "tencentchat_community_silent_after_seconds{sdkappid=\"1\"} 3600\n");
	check_line(&h, M_COMMUNITY_INFO,
	           "tencentchat_community_info{sdkappid=\"1\",community_name=\"shop\",team=\"emea\"} 1\n");
}

static void a_success_and_a_failure_leave_their_marks(void **state)
{
	const struct now first = { 0, 1700000000 }, second = { 0, 1700000060 };
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 }, refused = { CHAT_DENIED, ERR_AUTH, 10007 };
	struct health_community h = { 0 };

	(void)state;
	health_note(&h, &fine, 12345, &first);
	check_line(&h, M_COMMUNITY_UP, "tencentchat_community_up{sdkappid=\"1\"} 1\n");
	check_line(&h, M_COMMUNITY_POLL_DURATION,
	           "tencentchat_community_poll_duration_seconds{sdkappid=\"1\"} 0.012345\n");
	check_line(&h, M_COMMUNITY_LAST_ERROR, "");
	health_note(&h, &refused, 1000000, &second);
	check_line(&h, M_COMMUNITY_UP, "tencentchat_community_up{sdkappid=\"1\"} 0\n");
	check_line(&h, M_COMMUNITY_LAST_SUCCESS,
	           "tencentchat_community_last_success_timestamp_seconds{sdkappid=\"1\"} 1700000000\n");
	check_line(&h, M_COMMUNITY_LAST_POLL,
	           "tencentchat_community_last_poll_timestamp_seconds{sdkappid=\"1\"} 1700000060\n");
	check_line(&h, M_COMMUNITY_LAST_ERROR,
	           "tencentchat_community_last_error_info{sdkappid=\"1\",reason=\"auth\",code=\"10007\"} 1\n");
	check_line(&h, M_COMMUNITY_FAILURES, "tencentchat_community_consecutive_failures{sdkappid=\"1\"} 1\n");
}

static void a_run_of_failures_has_its_beginning(void **state)
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 }, broken = { CHAT_RETRY, ERR_DNS, 0 };
	struct health_community h = { 0 };

	(void)state;
	for (int64_t s = 1700000000; s < 1700000003; s++) {
		const struct now now = { 0, s };

		health_note(&h, &broken, 0, &now);
		CHECK(h.since_s == 1700000000 && h.failures == (uint32_t)(s - 1700000000 + 1));
	}
	health_note(&h, &fine, 0, &(struct now){ 0, 1700000003 });
	CHECK(h.since_s == 0 && h.failures == 0);
	health_note(&h, &broken, 0, &(struct now){ 0, 1700000004 });
	CHECK(h.since_s == 1700000004);
	h.failures = UINT32_MAX;
	health_note(&h, &broken, 0, &(struct now){ 0, 1700000005 });
	CHECK(h.since_s == 1700000004 && h.failures == UINT32_MAX);
}

static void a_code_label_is_a_status_a_known_code_other_or_empty(void **state)
{
	static const struct {
		struct outcome o;
		const char *labels;
	} row[] = {
		{ { CHAT_RETRY, ERR_HTTP_STATUS, 502 }, "reason=\"http_status\",code=\"502\"" },
		{ { CHAT_RETRY, ERR_HTTP_STATUS, 7 }, "reason=\"http_status\",code=\"other\"" },
		{ { CHAT_RETRY, ERR_API_ERROR, 10002 }, "reason=\"api_error\",code=\"10002\"" },
		{ { CHAT_RETRY, ERR_API_ERROR, 99999 }, "reason=\"api_error\",code=\"other\"" },
		{ { CHAT_RETRY, ERR_TIMEOUT, 0 }, "reason=\"timeout\",code=\"\"" },
	};
	const struct now now = { 0, 1700000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct health_community h = { 0 };
		char *line;

		health_note(&h, &row[i].o, 0, &now);
		line = community_line(&h, M_COMMUNITY_LAST_ERROR);
		CHECK(strstr(line, row[i].labels) != NULL);
		free(line);
	}
}

static void states_follow_polls_and_age(void **state)
{
	const struct now now = { 0, 1700000000 };
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 }, broken = { CHAT_RETRY, ERR_DNS, 0 },
						 gone = { CHAT_GONE, ERR_GONE, 10010 };
	struct health_community h = { 0 };

	(void)state;
	CHECK(health_state(&h, false) == STATE_PENDING);
	health_note(&h, &fine, 0, &now);
	CHECK(health_state(&h, true) == STATE_OK);
	CHECK(health_state(&h, false) == STATE_STALE);
	health_note(&h, &broken, 0, &now);
	CHECK(health_state(&h, true) == STATE_FAILING);
	CHECK(health_state(&h, false) == STATE_STALE);
	health_note(&h, &gone, 0, &now);
	CHECK(health_state(&h, false) == STATE_GONE);
}

static char *app_lines(const struct health_app *a, enum metric m)
{
	struct buf b;
	size_t len;

	buf_init(&b, 1 << 20);
	health_app_samples(a, m, &b);
	return buf_take(&b, &len);
}

static struct tally zero, some;

static struct health_app app_of(const struct tally *t)
{
	return (struct health_app){ .labels = span_of("sdkappid=\"1\""), .tally = { t, &zero } };
}

static void error_counters_stand_at_zero_from_the_start(void **state)
{
	const struct health_app a = app_of(&zero);
	char *errors = app_lines(&a, M_API_REQUEST_ERRORS), *topics = app_lines(&a, M_API_TOPIC_ERRORS);
	static const char *const reason[] = { "dns",       "connect",   "tls",  "timeout", "reset",
		                                  "too_large", "truncated", "json", "schema",  "local_resource" };
	static const char *const code[] = { "10002", "10003", "10004", "10006", "10007",
		                                "10008", "10010", "11000", "110003" };
	char want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(reason) / sizeof(reason[0]); i++) {
		CHECK(snprintf(want, sizeof(want),
		               "{sdkappid=\"1\",command=\"get_topic\",reason=\"%s\",code=\"\"} 0\n", reason[i]) > 0);
		CHECK(strstr(errors, want) != NULL);
	}
	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		CHECK(snprintf(want, sizeof(want), "code=\"%s\"} 0\n", code[i]) > 0);
		CHECK(strstr(errors, want) != NULL);
		CHECK(strstr(topics, want) != NULL);
	}
	CHECK(strstr(errors, "reason=\"throttled\",code=\"10006\"") != NULL);
	CHECK(strstr(errors, "reason=\"gone\",code=\"10010\"") != NULL);
	CHECK(strstr(errors, "reason=\"ok\"") == NULL);
	CHECK(strstr(topics, "code=\"other\"} 0\n") != NULL);
	free(errors);
	free(topics);
}

static void counted_failures_show_under_reason_and_code(void **state)
{
	const struct outcome row[] = {
		{ CHAT_RETRY, ERR_TIMEOUT, 0 },       { CHAT_RETRY, ERR_HTTP_STATUS, 502 },
		{ CHAT_RETRY, ERR_HTTP_STATUS, 999 }, { CHAT_RESIGN, ERR_AUTH, 70001 },
		{ CHAT_RETRY, ERR_API_ERROR, 123 },   { CHAT_FINE, ERR_OK, 0 },
	};
	const struct health_app a = app_of(&some);
	char *errors, *requests, *durations;

	(void)state;
	memset(&some, 0, sizeof(some));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		tally_attempt(&some, &row[i], 30000, 10);
	errors = app_lines(&a, M_API_REQUEST_ERRORS);
	CHECK(strstr(errors, "reason=\"timeout\",code=\"\"} 1\n") != NULL);
	CHECK(strstr(errors, "reason=\"http_status\",code=\"502\"} 1\n") != NULL);
	CHECK(strstr(errors, "reason=\"http_status\",code=\"other\"} 1\n") != NULL);
	CHECK(strstr(errors, "reason=\"auth\",code=\"70001\"} 1\n") != NULL);
	CHECK(strstr(errors, "reason=\"api_error\",code=\"other\"} 1\n") != NULL);
	requests = app_lines(&a, M_API_REQUESTS);
	CHECK(strstr(requests, "command=\"get_topic\"} 6\n") != NULL);
	CHECK(strstr(requests, "command=\"get_appid_group_list\"} 0\n") != NULL);
	durations = app_lines(&a, M_API_REQUEST_DURATION);
	CHECK(strstr(durations, "command=\"get_topic\",le=\"0.025\"} 0\n") != NULL);
	CHECK(strstr(durations, "command=\"get_topic\",le=\"0.05\"} 6\n") != NULL);
	CHECK(strstr(durations, "_sum{sdkappid=\"1\",command=\"get_topic\"} 0.18\n") != NULL);
	CHECK(strstr(durations, "_count{sdkappid=\"1\",command=\"get_topic\"} 6\n") != NULL);
	free(errors);
	free(requests);
	free(durations);
}

static void what_an_app_does_not_know_is_absent(void **state)
{
	struct health_app a = app_of(&zero);
	char *text = app_lines(&a, M_APP_UP);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	text = app_lines(&a, M_USERSIG_EXPIRY);
	assert_string_equal(text, "");
	free(text);
	a.up = UP_NO;
	text = app_lines(&a, M_APP_UP);
	assert_string_equal(text, "tencentchat_app_up{sdkappid=\"1\"} 0\n");
	free(text);
}

static void the_process_reads_its_own_figures(void **state)
{
	struct health_exporter x = { .build = span_of("version=\"1\""),
		                         .process = { .start_ms = 1700000000500 } };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	health_process_read(&x.process);
	CHECK(x.process.resident_bytes > 100000);
	CHECK(x.process.virtual_bytes >= x.process.resident_bytes);
	CHECK(x.process.open_fds >= 3 && x.process.open_fds < 1000);
	CHECK(x.process.max_fds > x.process.open_fds);
	CHECK(x.process.cpu_us >= 0);
	health_exporter_samples(&x, M_PROCESS_START, &b);
	assert_string_equal(buf_text(&b), "process_start_time_seconds 1700000000.5\n");
	buf_reset(&b);
	x.process.open_fds = -1;
	health_exporter_samples(&x, M_PROCESS_OPEN_FDS, &b);
	assert_string_equal(buf_text(&b), "");
	buf_done(&b);
}

static char *exporter_lines(const struct health_exporter *x, enum metric m)
{
	struct buf b;
	size_t len;

	buf_init(&b, 1 << 16);
	health_exporter_samples(x, m, &b);
	return buf_take(&b, &len);
}

static void says(const struct health_exporter *x, enum metric m, const char *lines)
{
	char *have = exporter_lines(x, m);

	assert_string_equal(have, lines);
	free(have);
}

static void the_program_tells_about_itself(void **state)
{
	static const struct health_count http[] = { { "/metrics", "200", 7 }, { "other", "404", 0 } };
	struct health_exporter x = {
		.ready = true,
		.reload_ok = true,
		.reload_s = 1700000000,
		.config_hash = INT64_C(281474976710655),
		.series = { 5, 4, 3, 2 },
		.suppressed = { 1, 2, 3 },
		.http = http,
		.http_n = 2,
		.log = { { "debug", NULL, 0 }, { "info", NULL, 2 } },
		.total_shards = 1,
	};

	(void)state;
	says(&x, M_READY, "tencentchat_exporter_ready 1\n");
	says(&x, M_RELOAD_OK, "tencentchat_exporter_config_last_reload_successful 1\n");
	says(&x, M_RELOAD_TIME, "tencentchat_exporter_config_last_reload_success_timestamp_seconds 1700000000\n");
	says(&x, M_CONFIG_HASH, "tencentchat_exporter_config_hash 281474976710655\n");
	says(&x, M_SERIES, ""); /* nobody has read a full page yet */
	x.series_known = true;
	says(
		&x, M_SERIES,
		"tencentchat_exporter_series{level=\"topic\"} 5\ntencentchat_exporter_series{level=\"community\"} 4\n"
		"tencentchat_exporter_series{level=\"app\"} 3\ntencentchat_exporter_series{level=\"exporter\"} 2\n");
	says(&x, M_SERIES_LIMIT, "");
	x.series_limit = 500000;
	says(&x, M_SERIES_LIMIT, "tencentchat_exporter_series_limit 500000\n");
	says(&x, M_SERIES_SUPPRESSED,
	     "tencentchat_exporter_series_suppressed{reason=\"max_series\"} 1\n"
	     "tencentchat_exporter_series_suppressed{reason=\"level\"} 2\n"
	     "tencentchat_exporter_series_suppressed{reason=\"disable\"} 3\n");
	says(&x, M_HTTP_REQUESTS,
	     "tencentchat_exporter_http_requests_total{handler=\"/metrics\",code=\"200\"} 7\n"
	     "tencentchat_exporter_http_requests_total{handler=\"other\",code=\"404\"} 0\n");
	says(&x, M_LOG_MESSAGES,
	     "tencentchat_exporter_log_messages_total{level=\"debug\"} 0\n"
	     "tencentchat_exporter_log_messages_total{level=\"info\"} 2\n");
	says(&x, M_SANDBOXED, "tencentchat_exporter_sandboxed 0\n");
	says(&x, M_SHARD, "tencentchat_exporter_shard 0\n");
	says(&x, M_TOTAL_SHARDS, "tencentchat_exporter_total_shards 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_poll_only_settings_are_known),
		cmocka_unit_test(a_success_and_a_failure_leave_their_marks),
		cmocka_unit_test(a_run_of_failures_has_its_beginning),
		cmocka_unit_test(a_code_label_is_a_status_a_known_code_other_or_empty),
		cmocka_unit_test(states_follow_polls_and_age),
		cmocka_unit_test(error_counters_stand_at_zero_from_the_start),
		cmocka_unit_test(counted_failures_show_under_reason_and_code),
		cmocka_unit_test(what_an_app_does_not_know_is_absent),
		cmocka_unit_test(the_process_reads_its_own_figures),
		cmocka_unit_test(the_program_tells_about_itself),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
