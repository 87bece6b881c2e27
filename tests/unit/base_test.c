#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/now.h"
#include "agent/base/utf8.h"

#define CHECK assert_true

static bool holds(const struct buf *b, const char *want)
{
	return b->len == strlen(want) && memcmp(b->at, want, b->len) == 0;
}

/* ---- buf ---- */

static void a_buffer_takes_its_cap_and_not_a_byte_more(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	CHECK(b.at == NULL && b.len == 0 && b.status == ERR_OK);
	buf_add(&b, "0123456", 7);
	buf_str(&b, "789");
	CHECK(b.status == ERR_OK && holds(&b, "0123456789") && b.cap <= 10);
	buf_add(&b, "", 0);
	CHECK(b.status == ERR_OK);
	buf_add(&b, "x", 1);
	CHECK(b.status == ERR_LIMIT && holds(&b, "0123456789"));
	buf_done(&b);

	buf_init(&b, 0);
	buf_str(&b, "");
	CHECK(b.status == ERR_OK);
	buf_str(&b, "x");
	CHECK(b.status == ERR_LIMIT && b.len == 0);
	buf_done(&b);
}

static void an_append_is_whole_or_absent_and_its_failure_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_str(&b, "abcde");
	buf_str(&b, "fghi");
	CHECK(b.status == ERR_LIMIT && holds(&b, "abcde"));
	buf_str(&b, "f");
	buf_span(&b, span_of("f"));
	buf_fmt(&b, "%d", 1);
	CHECK(buf_room(&b, 1) == NULL);
	assert_string_equal(buf_text(&b), "");
	CHECK(b.status == ERR_LIMIT && holds(&b, "abcde"));
	buf_done(&b);
}

static void no_length_is_so_large_that_it_wraps_around(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_str(&b, "abc");
	CHECK(buf_room(&b, SIZE_MAX) == NULL && b.status == ERR_LIMIT);
	buf_rewind(&b, 3);
	CHECK(holds(&b, "abc"));
	buf_done(&b);
}

static void a_growing_buffer_keeps_every_byte_and_stays_below_its_cap(void **state)
{
	enum { MAX = 100003 };
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	for (size_t i = 0; b.status == ERR_OK; i++) {
		const char piece[7] = { (char)i, (char)(i >> 8), 'a', 'b', 'c', 'd', 'e' };

		buf_add(&b, piece, 1 + i % 7);
		CHECK(b.len <= b.cap && b.cap <= MAX);
	}
	CHECK(b.status == ERR_LIMIT && b.len > MAX - 7);
	for (size_t i = 0, at = 0; at < b.len; at += 1 + i % 7, i++)
		CHECK(b.at[at] == (char)i);
	buf_done(&b);
	CHECK(b.at == NULL && b.len == 0 && b.cap == 0);
}

static void a_rewind_drops_what_did_not_fit_and_a_reset_keeps_the_memory(void **state)
{
	struct buf b;
	const char *at;

	(void)state;
	buf_init(&b, 8);
	buf_str(&b, "abc");
	at = b.at;
	buf_str(&b, "defghi");
	buf_rewind(&b, 3);
	buf_str(&b, "def");
	CHECK(b.status == ERR_OK && holds(&b, "abcdef"));
	buf_rewind(&b, 1);
	buf_str(&b, "z");
	CHECK(holds(&b, "az"));
	buf_str(&b, "too long for it");
	buf_reset(&b);
	CHECK(b.status == ERR_OK && b.len == 0 && b.at == at);
	buf_str(&b, "12345678");
	CHECK(holds(&b, "12345678"));
	buf_done(&b);
}

static void a_wrapped_buffer_stays_inside_memory_that_is_not_its_own(void **state)
{
	char room[8] = "........";
	struct buf b;

	(void)state;
	buf_wrap(&b, room + 1, 6);
	buf_str(&b, "abc");
	CHECK(b.at == room + 1);
	buf_str(&b, "defg");
	CHECK(b.status == ERR_LIMIT && b.len == 3);
	buf_rewind(&b, 3);
	buf_fmt(&b, "%s", "def");
	CHECK(b.status == ERR_OK && b.len == 6);
	CHECK(memcmp(room, ".abcdef.", 8) == 0);
	buf_done(&b); /* must not free `room` */
}

static void a_format_is_whole_or_absent_at_every_length(void **state)
{
	char want[601];

	(void)state;
	memset(want, 'w', sizeof(want));
	for (int len = 0; len <= 600; len++) {
		struct buf b;

		buf_init(&b, 604);
		buf_fmt(&b, "<%.*s>", len, want);
		CHECK(b.status == ERR_OK && b.len == (size_t)len + 2);
		CHECK(b.at[0] == '<' && memcmp(b.at + 1, want, (size_t)len) == 0 && b.at[len + 1] == '>');
		buf_fmt(&b, "%*d", 604 - len - 1, 7); /* one more than fits */
		CHECK(b.status == ERR_LIMIT && b.len == (size_t)len + 2);
		buf_done(&b);
	}
}

static void room_is_written_by_the_caller(void **state)
{
	struct buf b;
	char *at;

	(void)state;
	buf_init(&b, 300);
	buf_str(&b, "ab");
	at = buf_room(&b, 298);
	assert_non_null(at);
	CHECK(at == b.at + 2 && b.len == 2);
	memset(at, 'x', 298);
	b.len += 1;
	CHECK(holds(&b, "abx"));
	CHECK(buf_room(&b, 298) == NULL && b.status == ERR_LIMIT);
	buf_done(&b);
}

static void a_text_ends_in_nul_which_is_not_content(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_string_equal(buf_text(&b), "");
	CHECK(b.status == ERR_OK);
	buf_str(&b, "abc");
	assert_string_equal(buf_text(&b), "abc");
	CHECK(b.len == 3);
	buf_str(&b, "d");
	assert_string_equal(buf_text(&b), ""); /* no byte left for the NUL */
	CHECK(b.status == ERR_LIMIT);
	buf_done(&b);
}

static void taken_content_leaves_an_empty_buffer(void **state)
{
	struct buf b;
	size_t len = 77;
	char *text;

	(void)state;
	buf_init(&b, 8);
	buf_str(&b, "abc");
	text = buf_take(&b, &len);
	assert_string_equal(text, "abc");
	CHECK(len == 3 && b.at == NULL && b.len == 0);
	free(text);
	buf_str(&b, "12345678");
	CHECK(holds(&b, "12345678"));
	CHECK(buf_take(&b, &len) == NULL && len == 3);
	CHECK(b.at == NULL && b.len == 0);
	buf_done(&b);
}

static void spans_lend_bytes(void **state)
{
	struct buf b;

	(void)state;
	CHECK(span_of(NULL).len == 0 && span_of("").len == 0 && span_of("abc").len == 3);
	buf_init(&b, 8);
	buf_span(&b, span_of(NULL));
	buf_span(&b, (struct span){ "a\0b", 3 });
	CHECK(buf_view(&b).at == b.at && buf_view(&b).len == 3 && memcmp(b.at, "a\0b", 3) == 0);
	buf_done(&b);
}

/* ---- err ---- */

static void labels_are_unique_lower_case_words(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const char *label = err_label((enum err)i);

		CHECK(label[0] != '\0' && err_text((enum err)i)[0] != '\0');
		CHECK(strspn(label, "abcdefghijklmnopqrstuvwxyz_") == strlen(label));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(label, err_label((enum err)j));
	}
	assert_string_equal(err_label(ERR_OK), "ok");
	assert_string_equal(err_label(ERR_COUNT), "unknown");
	assert_string_equal(err_text((enum err) - 1), "an unknown error");
}

static void the_reasons_of_failed_calls_are_those_of_the_contract(void **state)
{
	static const char want[] =
		" dns connect tls timeout reset http_status too_large truncated json schema api_error"
		" throttled auth gone local_resource";
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	for (int i = ERR_DNS; i < ERR_COUNT; i++)
		buf_fmt(&b, " %s", err_label((enum err)i));
	assert_string_equal(buf_text(&b), want);
	buf_done(&b);
}

static void because_explains_cuts_and_passes_the_error_on(void **state)
{
	char longer[400];
	struct why why;

	(void)state;
	CHECK(err_because(NULL, ERR_KEY, "nobody reads %d", 1) == ERR_KEY);
	CHECK(err_because(&why, ERR_CONFIG, "cannot read '%s': %d", "a.key", 2) == ERR_CONFIG);
	assert_string_equal(why.text, "cannot read 'a.key': 2");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK(err_because(&why, ERR_LIMIT, "%s", longer) == ERR_LIMIT);
	CHECK(strlen(why.text) == sizeof(why.text) - 1);
}

static void a_cut_sentence_ends_with_a_whole_character(void **state)
{
	char text[300];
	struct why why;

	(void)state;
	for (size_t lead = 250; lead <= 256; lead++) {
		size_t at = 0, n;

		memset(text, 'x', sizeof(text));
		(void)snprintf(text + lead, sizeof(text) - lead, "💬é用é");
		(void)err_because(&why, ERR_LIMIT, "%s", text);
		CHECK(strlen(why.text) >= sizeof(why.text) - 4);
		for (; why.text[at] != '\0'; at += n) {
			n = utf8_char(why.text + at, strlen(why.text + at));
			CHECK(n > 0);
		}
	}
}

/* ---- now ---- */

static void now_reads_two_clocks_that_go_forward(void **state)
{
	const int64_t before_s = (int64_t)time(NULL);
	const struct now first = now_read(), second = now_read();

	(void)state;
	CHECK(first.mono_ms > 0 && second.mono_ms >= first.mono_ms);
	CHECK(first.unix_s >= before_s && second.unix_s <= (int64_t)time(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_takes_its_cap_and_not_a_byte_more),
		cmocka_unit_test(an_append_is_whole_or_absent_and_its_failure_sticks),
		cmocka_unit_test(no_length_is_so_large_that_it_wraps_around),
		cmocka_unit_test(a_growing_buffer_keeps_every_byte_and_stays_below_its_cap),
		cmocka_unit_test(a_rewind_drops_what_did_not_fit_and_a_reset_keeps_the_memory),
		cmocka_unit_test(a_wrapped_buffer_stays_inside_memory_that_is_not_its_own),
		cmocka_unit_test(a_format_is_whole_or_absent_at_every_length),
		cmocka_unit_test(room_is_written_by_the_caller),
		cmocka_unit_test(a_text_ends_in_nul_which_is_not_content),
		cmocka_unit_test(taken_content_leaves_an_empty_buffer),
		cmocka_unit_test(spans_lend_bytes),
		cmocka_unit_test(labels_are_unique_lower_case_words),
		cmocka_unit_test(the_reasons_of_failed_calls_are_those_of_the_contract),
		cmocka_unit_test(because_explains_cuts_and_passes_the_error_on),
		cmocka_unit_test(a_cut_sentence_ends_with_a_whole_character),
		cmocka_unit_test(now_reads_two_clocks_that_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
