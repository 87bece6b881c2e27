#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/chat/chat.h"
#include "agent/chat/tally.h"

#define CHECK assert_true

/* ---- hosts ---- */

static void every_region_has_the_host_of_the_documents(void **state)
{
	static const struct {
		const char *region, *host;
	} rows[] = {
		{ "china", "https://console.tim.qq.com" },
		{ "singapore", "https://adminapisgp.im.qcloud.com" },
		{ "seoul", "https://adminapikr.im.qcloud.com" },
		{ "tokyo", "https://adminapijpn.im.qcloud.com" },
		{ "frankfurt", "https://adminapiger.im.qcloud.com" },
		{ "silicon-valley", "https://adminapiusa.im.qcloud.com" },
		{ "jakarta", "https://adminapiidn.im.qcloud.com" },
		{ "riyadh", "https://adminapiksa.im.qcloud.com" },
		{ "mumbai", "https://adminapiind.im.qcloud.com" },
	};
	struct buf names;

	(void)state;
	buf_init(&names, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(chat_host(rows[i].region), rows[i].host);
		buf_fmt(&names, "%s%s", i > 0 ? ", " : "", rows[i].region);
	}
	assert_string_equal(chat_regions(), buf_text(&names));
	buf_done(&names);
	CHECK(chat_host("") == NULL && chat_host("China") == NULL && chat_host("chin") == NULL);
}

/* ---- URLs ---- */

static void url_is(const struct chat_caller *who, enum chat_command command, uint32_t nonce, const char *want)
{
	struct buf url;

	buf_init(&url, 4096);
	chat_url(&url, who, command, nonce);
	assert_string_equal(buf_text(&url), want);
	buf_done(&url);
}

static void a_url_is_exact_to_the_byte(void **state)
{
	const struct chat_caller china = { "https://console.tim.qq.com", "administrator", "eJx*-_9", 1400000000 };
	const struct chat_caller most = { "http://127.0.0.1:8080", "A-Z.a_z~09", "", UINT64_MAX };

	(void)state;
	url_is(&china, CHAT_GET_TOPIC, 4294967295,
	       "https://console.tim.qq.com/v4/million_group_open_http_svc/get_topic?sdkappid=1400000000"
	       "&identifier=administrator&usersig=eJx*-_9&random=4294967295&contenttype=json");
	url_is(&china, CHAT_GET_APPID_GROUP_LIST, 0,
	       "https://console.tim.qq.com/v4/group_open_http_svc/get_appid_group_list?sdkappid=1400000000"
	       "&identifier=administrator&usersig=eJx*-_9&random=0&contenttype=json");
	url_is(&most, CHAT_GET_TOPIC, 7,
	       "http://127.0.0.1:8080/v4/million_group_open_http_svc/get_topic?sdkappid=18446744073709551615"
	       "&identifier=A-Z.a_z~09&usersig=&random=7&contenttype=json");
	assert_string_equal(chat_command_label(CHAT_GET_TOPIC), "get_topic");
	assert_string_equal(chat_command_label(CHAT_GET_APPID_GROUP_LIST), "get_appid_group_list");
	CHECK(chat_command_limit(CHAT_GET_TOPIC) == 200 && chat_command_limit(CHAT_GET_APPID_GROUP_LIST) == 1);
}

static void an_identifier_is_percent_encoded_byte_by_byte(void **state)
{
	static const struct {
		const char *admin, *encoded;
	} rows[] = {
		{ "a\"b\\c", "a%22b%5Cc" },
		{ "用户-é", "%E7%94%A8%E6%88%B7-%C3%A9" },
		{ "a b+c", "a%20b%2Bc" },
		{ "a&usersig=b#c?d/e%41", "a%26usersig%3Db%23c%3Fd%2Fe%2541" },
		{ "\x01\t\n\x7f\xff", "%01%09%0A%7F%FF" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct chat_caller who = { "https://h", rows[i].admin, "s", 1 };
		char want[256];

		(void)snprintf(
			want, sizeof(want),
			"https://h/v4/million_group_open_http_svc/get_topic?sdkappid=1&identifier=%s&usersig=s&random=2"
			"&contenttype=json",
			rows[i].encoded);
		url_is(&who, CHAT_GET_TOPIC, 2, want);
	}
}

static void a_url_that_does_not_fit_is_a_failure_of_the_buffer(void **state)
{
	const struct chat_caller who = { "https://console.tim.qq.com", "administrator", "eJx", 1400000000 };
	struct buf url;

	(void)state;
	buf_init(&url, 100);
	chat_url(&url, &who, CHAT_GET_TOPIC, 1);
	CHECK(url.status == ERR_LIMIT);
	assert_string_equal(buf_text(&url), "");
	buf_done(&url);
}

/* ---- codes ---- */

static void rows_are_sorted_unique_and_consistent(void **state)
{
	(void)state;
	for (size_t row = 0; row < CHAT_ROWS; row++) {
		const struct chat_code *c = chat_code(row);
		char label[16];

		CHECK(c->number != 0);
		CHECK(row == 0 || c->number > chat_code(row - 1)->number);
		CHECK(chat_row(c->number) == row);
		(void)snprintf(label, sizeof(label), "%d", c->number);
		assert_string_equal(c->label, label);
		CHECK(c->verdict != CHAT_FINE && c->wait_s >= 0 && c->text[0] != '\0');
		CHECK(c->reason == ERR_API_ERROR || c->reason == ERR_THROTTLED || c->reason == ERR_AUTH ||
		      c->reason == ERR_GONE || c->reason == ERR_TOO_LARGE);
		CHECK((c->verdict == CHAT_GONE) == (c->reason == ERR_GONE));
		CHECK(c->verdict != CHAT_SLOW || (c->reason == ERR_THROTTLED && c->wait_s > 0));
		CHECK(c->verdict != CHAT_RESIGN || (c->reason == ERR_AUTH && c->scope == CHAT_SCOPE_APP));
	}
	CHECK(chat_row(10002) == CHAT_ROW_10002 && chat_row(110003) == CHAT_ROW_110003);
	CHECK(CHAT_ROW_10002 == 0 && CHAT_ROW_110003 == CHAT_ROWS - 1);
}

static void the_codes_of_the_get_topic_page_are_marked(void **state)
{
	static const int page[] = { 10002, 10003, 10004, 10006, 10007, 10008, 10010, 11000, 110003 };
	size_t marked = 0;

	(void)state;
	for (size_t row = 0; row <= CHAT_ROWS; row++)
		marked += chat_code(row)->on_page;
	for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++)
		CHECK(chat_code(chat_row(page[i]))->on_page);
	CHECK(marked == sizeof(page) / sizeof(page[0]));
}

static void an_unknown_code_is_the_row_other(void **state)
{
	static const int unknown[] = { INT32_MIN, -1, 0, 1, 10001, 10020, 50000, 70010, 110004, INT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		CHECK(chat_row(unknown[i]) == CHAT_ROWS);
	assert_string_equal(chat_code(CHAT_ROWS)->label, "other");
	CHECK(chat_code(CHAT_ROWS + 1) == chat_code(CHAT_ROWS));
	CHECK(chat_code((size_t)CHAT_ROW_NONE) == chat_code(CHAT_ROWS));
	CHECK(!chat_code(CHAT_ROWS)->on_page && chat_code(CHAT_ROWS)->in_item);
}

static void judged(int number, enum chat_verdict verdict, enum err reason)
{
	const struct outcome o = chat_judge(number);

	CHECK(o.verdict == verdict && o.err == reason && o.code == number);
}

static void a_known_code_is_judged_by_its_row(void **state)
{
	(void)state;
	judged(0, CHAT_FINE, ERR_OK);
	judged(10002, CHAT_RETRY, ERR_API_ERROR);
	judged(10004, CHAT_REFUSED, ERR_API_ERROR);
	judged(10006, CHAT_SLOW, ERR_THROTTLED);
	judged(10007, CHAT_DENIED, ERR_AUTH);
	judged(10008, CHAT_RESIGN, ERR_AUTH);
	judged(10010, CHAT_GONE, ERR_GONE);
	judged(10018, CHAT_MORE, ERR_TOO_LARGE);
	judged(11000, CHAT_DENIED, ERR_API_ERROR);
	judged(60011, CHAT_SLOW, ERR_THROTTLED);
	judged(70001, CHAT_RESIGN, ERR_AUTH);
	judged(70009, CHAT_RESIGN, ERR_AUTH); /* the key was rotated, perhaps: read it again once */
	judged(70050, CHAT_RESIGN, ERR_AUTH);
	CHECK(chat_code(chat_row(70050))->wait_s == 60);
	judged(70169, CHAT_RETRY, ERR_API_ERROR);
	judged(110003, CHAT_GONE, ERR_GONE);
}

static void an_unknown_code_is_judged_by_its_range(void **state)
{
	(void)state;
	judged(69999, CHAT_RETRY, ERR_API_ERROR);
	judged(70000, CHAT_DENIED, ERR_API_ERROR);
	judged(70010, CHAT_DENIED, ERR_API_ERROR);
	judged(72999, CHAT_DENIED, ERR_API_ERROR);
	judged(73000, CHAT_RETRY, ERR_API_ERROR);
	judged(-1, CHAT_RETRY, ERR_API_ERROR);
	judged(10001, CHAT_RETRY, ERR_API_ERROR);
	judged(60999, CHAT_RETRY, ERR_API_ERROR);
	judged(110999, CHAT_RETRY, ERR_API_ERROR);
	judged(INT32_MAX, CHAT_RETRY, ERR_API_ERROR);
	judged(INT32_MIN, CHAT_RETRY, ERR_API_ERROR);
}

/* ---- tally ---- */

static void attempt(struct tally *t, enum err err, int code, int64_t took_us)
{
	const struct outcome o = { .verdict = CHAT_RETRY, .err = err, .code = code };

	tally_attempt(t, &o, took_us, 10);
}

static uint64_t sum(const uint64_t *n, size_t count)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += n[i];
	return all;
}

static void every_failure_is_counted_once_by_what_is_known_of_it(void **state)
{
	struct tally t = { 0 };

	(void)state;
	attempt(&t, ERR_OK, 0, 1);
	CHECK(sum(t.by_reason, ERR_COUNT) + sum(t.by_code, CHAT_ROWS + 1) + sum(t.by_status, 501) == 0);
	attempt(&t, ERR_DNS, 0, 1);
	attempt(&t, ERR_LOCAL_RESOURCE, 0, 1);
	CHECK(t.by_reason[ERR_DNS] == 1 && t.by_reason[ERR_LOCAL_RESOURCE] == 1);
	attempt(&t, ERR_API_ERROR, 10002, 1);
	attempt(&t, ERR_THROTTLED, 10006, 1);
	attempt(&t, ERR_API_ERROR, 424242, 1);
	attempt(&t, ERR_API_ERROR, -3, 1);
	CHECK(t.by_code[CHAT_ROW_10002] == 1 && t.by_code[CHAT_ROW_10006] == 1 && t.by_code[CHAT_ROWS] == 2);
	for (int status = 99; status <= 600; status++)
		attempt(&t, ERR_HTTP_STATUS, status, 1);
	for (int status = TALLY_STATUS_MIN; status <= TALLY_STATUS_MAX; status++)
		CHECK(t.by_status[status - TALLY_STATUS_MIN] == 1);
	CHECK(t.by_status[TALLY_STATUS_MAX - TALLY_STATUS_MIN + 1] == 2); /* 99 and 600 */
	CHECK(sum(t.by_reason, ERR_COUNT) == 2 && sum(t.by_code, CHAT_ROWS + 1) == 4 &&
	      sum(t.by_status, 501) == 502);
	CHECK(t.requests == 509 && tally_finished(&t) == 509 && t.response_bytes == 5090);
}

static void a_bucket_holds_its_upper_bound(void **state)
{
	static const int64_t bound_us[TALLY_BOUNDS] = { 10000,   25000,   50000,   100000,  250000,  500000,
		                                            1500000, 2500000, 3500000, 5500000, 10500000 };
	struct tally t = { 0 };

	(void)state;
	for (int i = 0; i < TALLY_BOUNDS; i++) {
		t = (struct tally){ 0 };
		attempt(&t, ERR_OK, 0, bound_us[i]);
		CHECK(t.bucket[i] == 1 && t.took_us == (uint64_t)bound_us[i]);
		attempt(&t, ERR_OK, 0, bound_us[i] + 1);
		CHECK(t.bucket[i] == 1 && t.bucket[i + 1] == 1);
		CHECK(t.took_us == 2 * (uint64_t)bound_us[i] + 1);
		CHECK(sum(t.bucket, TALLY_BOUNDS + 1) == 2);
	}
	t = (struct tally){ 0 };
	attempt(&t, ERR_OK, 0, -5); /* a clock went back: nothing is taken off the sum */
	attempt(&t, ERR_TIMEOUT, 0, INT64_MAX);
	CHECK(t.bucket[0] == 1 && t.bucket[TALLY_BOUNDS] == 1 && t.took_us == INT64_MAX);
	CHECK(tally_finished(&t) == 2);
}

static void topic_errors_are_counted_in_bulk_by_row(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_topic_errors(&t, 110003, 3);
	tally_topic_errors(&t, 110003, 2);
	tally_topic_errors(&t, 5, 4);
	CHECK(t.topic_errors[CHAT_ROW_110003] == 5 && t.topic_errors[CHAT_ROWS] == 4);
	CHECK(sum(t.topic_errors, CHAT_ROWS + 1) == 9 && t.requests == 0 && tally_finished(&t) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_region_has_the_host_of_the_documents),
		cmocka_unit_test(a_url_is_exact_to_the_byte),
		cmocka_unit_test(an_identifier_is_percent_encoded_byte_by_byte),
		cmocka_unit_test(a_url_that_does_not_fit_is_a_failure_of_the_buffer),
		cmocka_unit_test(rows_are_sorted_unique_and_consistent),
		cmocka_unit_test(the_codes_of_the_get_topic_page_are_marked),
		cmocka_unit_test(an_unknown_code_is_the_row_other),
		cmocka_unit_test(a_known_code_is_judged_by_its_row),
		cmocka_unit_test(an_unknown_code_is_judged_by_its_range),
		cmocka_unit_test(every_failure_is_counted_once_by_what_is_known_of_it),
		cmocka_unit_test(a_bucket_holds_its_upper_bound),
		cmocka_unit_test(topic_errors_are_counted_in_bulk_by_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
