#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/metric/sample.h"

#define CHECK assert_true

static const struct span none = { "", 0 };
static char page[65536];

static bool is(const struct buf *out, const char *text)
{
	if (out->len == strlen(text) && memcmp(out->at, text, out->len) == 0)
		return true;
	print_message("have: %.*s\nwant: %s\n", (int)out->len, out->at, text);
	return false;
}

/* ---- numbers ---- */
static void digits_are_those_of_printf(void **state)
{
	(void)state;
	for (uint64_t power = 1;; power *= 10) {
		for (uint64_t value = power - 1; value <= power + 1; value++) {
			char want[32], have[32];
			const char *end = sample_number(have, value);

			(void)snprintf(want, sizeof(want), "%" PRIu64, value);
			CHECK(strlen(want) == (size_t)(end - have));
			CHECK(memcmp(have, want, strlen(want)) == 0);
		}
		if (power > UINT64_MAX / 10)
			break;
	}
}

static void the_largest_number_takes_twenty_digits(void **state)
{
	char text[21] = { [20] = '#' };

	(void)state;
	CHECK(sample_number(text, UINT64_MAX) == text + 20 && text[20] == '#');
	CHECK(memcmp(text, "18446744073709551615", 20) == 0);
}

static void integers_reach_both_ends(void **state)
{
	static const struct {
		int64_t value;
		const char *line;
	} want[] = {
		{ 0, "tencentchat_app_up 0\n" },
		{ -1, "tencentchat_app_up -1\n" },
		{ INT64_MAX, "tencentchat_app_up 9223372036854775807\n" },
		{ INT64_MIN, "tencentchat_app_up -9223372036854775808\n" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		buf_wrap(&out, page, sizeof(page));
		sample_int(&out, M_APP_UP, none, none, want[i].value);
		CHECK(is(&out, want[i].line));
	}
	buf_wrap(&out, page, sizeof(page));
	sample_uint(&out, M_APP_UP, none, none, UINT64_MAX);
	CHECK(is(&out, "tencentchat_app_up 18446744073709551615\n"));
}

static void decimals_are_exact_and_have_no_zeros_at_the_end(void **state)
{
	static const struct {
		int64_t value;
		int digits;
		const char *line;
	} want[] = {
		{ 1500, 3, "process_open_fds 1.5\n" },
		{ 1000, 3, "process_open_fds 1\n" },
		{ 1, 3, "process_open_fds 0.001\n" },
		{ 0, 6, "process_open_fds 0\n" },
		{ 10, 0, "process_open_fds 10\n" },
		{ 100, 1, "process_open_fds 10\n" },
		{ -1, 6, "process_open_fds -0.000001\n" },
		{ -2500000, 6, "process_open_fds -2.5\n" },
		{ 1000001, 6, "process_open_fds 1.000001\n" },
		{ INT64_MAX, 9, "process_open_fds 9223372036.854775807\n" },
		{ INT64_MIN, 18, "process_open_fds -9.223372036854775808\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct buf out;

		buf_wrap(&out, page, sizeof(page));
		sample_decimal(&out, M_PROCESS_OPEN_FDS, none, none, want[i].value, want[i].digits);
		CHECK(is(&out, want[i].line));
	}
}

static void reals_are_as_short_as_they_can_be(void **state)
{
	static const struct {
		double value;
		const char *line;
	} want[] = {
		{ 0.1, "process_open_fds 0.1\n" },
		{ 0.1 + 0.2, "process_open_fds 0.30000000000000004\n" },
		{ 1.0 / 3, "process_open_fds 0.3333333333333333\n" },
		{ 2.5, "process_open_fds 2.5\n" },
		{ 1e21, "process_open_fds 1e+21\n" },
		{ 9007199254740993.0, "process_open_fds 9007199254740992\n" },
		{ 1.7976931348623157e308, "process_open_fds 1.7976931348623157e+308\n" },
		{ 2.2250738585072014e-308, "process_open_fds 2.2250738585072014e-308\n" },
		{ 5e-324, "process_open_fds 5e-324\n" },
		{ -0.0, "process_open_fds -0\n" },
		{ 0, "process_open_fds 0\n" },
		{ (double)NAN, "process_open_fds NaN\n" },
		{ (double)INFINITY, "process_open_fds +Inf\n" },
		{ -(double)INFINITY, "process_open_fds -Inf\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct buf out;

		buf_wrap(&out, page, sizeof(page));
		sample_real(&out, M_PROCESS_OPEN_FDS, none, none, want[i].value);
		CHECK(is(&out, want[i].line));
	}
}

/* ---- lines ---- */
static void labels_stand_in_braces_only_when_there_are_some(void **state)
{
	const struct span labels = span_of("a=\"1\""), extra = span_of("b=\"2\"");
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	sample_int(&out, M_APP_UP, none, none, 1);
	sample_int(&out, M_APP_UP, labels, none, 2);
	sample_int(&out, M_APP_UP, none, extra, 3);
	sample_int(&out, M_APP_UP, labels, extra, 4);
	CHECK(is(&out, "tencentchat_app_up 1\n"
	               "tencentchat_app_up{a=\"1\"} 2\n"
	               "tencentchat_app_up{b=\"2\"} 3\n"
	               "tencentchat_app_up{a=\"1\",b=\"2\"} 4\n"));
}

static void a_line_is_whole_or_absent_in_any_room(void **state)
{
	static const char first[] = "tencentchat_app_up 1\n";
	static const char second[] = "tencentchat_app_up{a=\"1\",b=\"2\"} -12.5\n";
	const size_t both = sizeof(first) - 1 + sizeof(second) - 1;

	(void)state;
	for (size_t room = sizeof(first) - 1; room <= both; room++) {
		struct buf out;

		buf_wrap(&out, page, room);
		sample_int(&out, M_APP_UP, none, none, 1);
		sample_decimal(&out, M_APP_UP, span_of("a=\"1\""), span_of("b=\"2\""), -125, 1);
		CHECK(out.status == (room == both ? ERR_OK : ERR_LIMIT));
		CHECK(out.len == (room == both ? both : sizeof(first) - 1));
		CHECK(memcmp(out.at, first, sizeof(first) - 1) == 0);
	}
}

/* ---- histograms ---- */
static void a_histogram_is_cumulative_and_ends_with_sum_and_count(void **state)
{
	static const int bound_ms[] = { 10, 250, 1500 };
	static const uint64_t bucket[] = { 2, 0, 3, 1 };
	const struct sample_histogram h = { bound_ms, bucket, 3, 4250000 };
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	sample_histogram(&out, M_API_REQUEST_DURATION, span_of("a=\"1\""), span_of("b=\"2\""), &h);
	CHECK(is(&out, "tencentchat_api_request_duration_seconds_bucket{a=\"1\",b=\"2\",le=\"0.01\"} 2\n"
	               "tencentchat_api_request_duration_seconds_bucket{a=\"1\",b=\"2\",le=\"0.25\"} 2\n"
	               "tencentchat_api_request_duration_seconds_bucket{a=\"1\",b=\"2\",le=\"1.5\"} 5\n"
	               "tencentchat_api_request_duration_seconds_bucket{a=\"1\",b=\"2\",le=\"+Inf\"} 6\n"
	               "tencentchat_api_request_duration_seconds_sum{a=\"1\",b=\"2\"} 4.25\n"
	               "tencentchat_api_request_duration_seconds_count{a=\"1\",b=\"2\"} 6\n"));
}

static void an_empty_histogram_stands_at_zero(void **state)
{
	static const int bound_ms[] = { 10500 };
	static const uint64_t bucket[] = { 0, 0 };
	const struct sample_histogram h = { bound_ms, bucket, 1, 0 };
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	sample_histogram(&out, M_API_REQUEST_DURATION, none, none, &h);
	CHECK(is(&out, "tencentchat_api_request_duration_seconds_bucket{le=\"10.5\"} 0\n"
	               "tencentchat_api_request_duration_seconds_bucket{le=\"+Inf\"} 0\n"
	               "tencentchat_api_request_duration_seconds_sum 0\n"
	               "tencentchat_api_request_duration_seconds_count 0\n"));
}

static void a_histogram_that_does_not_fit_says_so(void **state)
{
	static const int bound_ms[] = { 10500 };
	static const uint64_t bucket[] = { 1, 2 };
	const struct sample_histogram h = { bound_ms, bucket, 1, 3 };
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	sample_histogram(&out, M_API_REQUEST_DURATION, none, none, &h);
	for (size_t room = 0, whole = out.len; room < whole; room++) {
		buf_wrap(&out, page, room);
		sample_histogram(&out, M_API_REQUEST_DURATION, none, none, &h);
		CHECK(out.status == ERR_LIMIT);
		CHECK(out.len == 0 || out.at[out.len - 1] == '\n');
	}
}

static void a_histogram_with_too_many_labels_says_so(void **state)
{
	static const int bound_ms[] = { 10500 };
	static const uint64_t bucket[] = { 1, 2 };
	const struct sample_histogram h = { bound_ms, bucket, 1, 3 };
	char extra[700];
	struct buf out;

	(void)state;
	memset(extra, 'a', sizeof(extra));
	buf_wrap(&out, page, sizeof(page));
	sample_histogram(&out, M_API_REQUEST_DURATION, none, (struct span){ extra, sizeof(extra) }, &h);
	CHECK(out.status == ERR_LIMIT && out.len == 0);
}

/* ---- labels ---- */
static void a_comma_stands_between_labels_only(void **state)
{
	struct buf out;

	(void)state;
	buf_wrap(&out, page, sizeof(page));
	label_add(&out, "a", span_of("1"), 0);
	label_add(&out, "b", none, 0);
	buf_str(&out, ",");
	label_add(&out, "c", span_of("3"), 0);
	CHECK(is(&out, "a=\"1\",b=\"\",c=\"3\""));
}

static void escaped(struct buf *out, const char *value, size_t len, size_t max)
{
	buf_wrap(out, page, sizeof(page));
	label_escape(out, (struct span){ value, len }, max);
}

static void only_three_characters_are_escaped(void **state)
{
	struct buf out;

	(void)state;
	escaped(&out, "a\\b\"c\nd\re\tf\x7fg", 13, 0);
	CHECK(is(&out, "a\\\\b\\\"c\\nd\re\tf\x7fg"));
	escaped(&out, "\x01{},=\xe4\xb8\xad\xf0\x9f\x98\x80", 12, 0);
	CHECK(is(&out, "\x01{},=\xe4\xb8\xad\xf0\x9f\x98\x80"));
}

static void bytes_that_are_no_text_become_question_marks(void **state)
{
	struct buf out;

	(void)state;
	escaped(&out, "a\0b\xff", 4, 0);
	CHECK(is(&out, "a?b?"));
	escaped(&out, "\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", 9, 0);
	CHECK(is(&out, "?????????"));
	escaped(&out, "\xe4\xb8", 2, 0); /* cut inside of a character */
	CHECK(is(&out, "??"));
}

static void values_are_cut_at_a_character_and_before_escaping(void **state)
{
	static const struct {
		const char *value;
		size_t max;
		const char *want;
	} row[] = {
		{ "abcd", 4, "abcd" },       { "abcde", 4, "abcd" },
		{ "abc\xc3\xa9", 4, "abc" }, { "abc\xc3\xa9", 5, "abc\xc3\xa9" },
		{ "\xe4\xb8\xad", 2, "" },   { "\"\"\"", 2, "\\\"\\\"" },
		{ "a\xff\xff", 2, "a?" },    { "abcde", 0, "abcde" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		escaped(&out, row[i].value, strlen(row[i].value), row[i].max);
		CHECK(is(&out, row[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_those_of_printf),
		cmocka_unit_test(the_largest_number_takes_twenty_digits),
		cmocka_unit_test(integers_reach_both_ends),
		cmocka_unit_test(decimals_are_exact_and_have_no_zeros_at_the_end),
		cmocka_unit_test(reals_are_as_short_as_they_can_be),
		cmocka_unit_test(labels_stand_in_braces_only_when_there_are_some),
		cmocka_unit_test(a_line_is_whole_or_absent_in_any_room),
		cmocka_unit_test(a_histogram_is_cumulative_and_ends_with_sum_and_count),
		cmocka_unit_test(an_empty_histogram_stands_at_zero),
		cmocka_unit_test(a_histogram_that_does_not_fit_says_so),
		cmocka_unit_test(a_histogram_with_too_many_labels_says_so),
		cmocka_unit_test(a_comma_stands_between_labels_only),
		cmocka_unit_test(only_three_characters_are_escaped),
		cmocka_unit_test(bytes_that_are_no_text_become_question_marks),
		cmocka_unit_test(values_are_cut_at_a_character_and_before_escaping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
