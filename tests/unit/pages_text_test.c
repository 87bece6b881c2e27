/* The pieces that pages are made of: text that is escaped, numbers, and the assets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/utf8.h"
#include "exporters/pages/assets.h"
#include "exporters/pages/html.h"
#include "tests/unit/pages_hostile.h"

#define CHECK assert_true

static void expect_text(const char *expected, const char *text, size_t len, size_t chars)
{
	struct buf b;

	buf_init(&b, 4096);
	html_text(&b, (struct span){ text, len }, chars);
	assert_string_equal(buf_text(&b), expected);
	buf_done(&b);
}

static void text_is_escaped_made_visible_and_cut(void **state)
{
	(void)state;
	expect_text(SHOWN, HOSTILE, sizeof(HOSTILE) - 1, HTML_ALL);
	expect_text("\xef\xbf\xbd", "\0", 1, HTML_ALL);
	expect_text("\xe7\x8c\xab\xe2\x80\xa6", "\xe7\x8c\xab\xe7\x8c\xab", 6, 1);
	expect_text("\xe7\x8c\xab\xe7\x8c\xab", "\xe7\x8c\xab\xe7\x8c\xab", 6, 2);
	expect_text("\xef\xbf\xbd\xef\xbf\xbd", "\xe7\x8c", 2, HTML_ALL); /* cut in the middle */
	expect_text("a\xe2\x80\x8d", "a\xe2\x80\x8d", 4, HTML_ALL);       /* joiners stay */
	expect_text("", "", 0, 0);
}

/* Any bytes: what comes out is UTF-8 without a character that HTML reads as its own. */
static void no_bytes_come_through_as_markup(void **state)
{
	static const char odd[] = "<>&\"'\xe2\x80\xae\xf0\x9f";
	uint32_t seed = 20261126;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[24];
		struct buf b;

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = odd[(seed >> 16) % (sizeof(odd) - 1)];
			if (seed >> 31)
				text[i] = (char)(seed >> 16);
		}
		buf_init(&b, 1024);
		html_text(&b, (struct span){ text, sizeof(text) }, 1 + (seed & 31));
		CHECK(b.status == ERR_OK);
		for (size_t i = 0, n; i < b.len; i += n) {
			n = utf8_char(b.at + i, b.len - i);
			CHECK(n > 0 && strchr("<>\"'", b.at[i]) == NULL && (unsigned char)b.at[i] >= ' ');
			CHECK(n != 3 || memcmp(b.at + i, "\xe2\x80\xae", 3) != 0);
		}
		buf_done(&b);
	}
}

typedef void writer(struct buf *out, int64_t n);

static void expect_written(writer *write, int64_t n, const char *expected)
{
	struct buf b;

	buf_init(&b, 256);
	write(&b, n);
	if (expected != NULL)
		assert_string_equal(buf_text(&b), expected);
	else
		CHECK(strstr(buf_text(&b), "not known") != NULL);
	buf_done(&b);
}

static void numbers_are_as_people_read_them(void **state)
{
	static const struct {
		writer *write;
		int64_t n;
		const char *expected;
	} rows[] = {
		{ html_number, -1, NULL },
		{ html_number, 0, "0" },
		{ html_number, 999, "999" },
		{ html_number, 1000, "1,000" },
		{ html_number, INT64_MAX, "9,223,372,036,854,775,807" },
		{ html_milli, -1, NULL },
		{ html_milli, 0, "0" },
		{ html_milli, 250, "0.25" },
		{ html_milli, 4200, "4.2" },
		{ html_milli, 20000, "20" },
		{ html_milli, 1250400, "1,250" },
		{ html_took, -1, NULL },
		{ html_took, 0, "0 ms" },
		{ html_took, 840, "0.8 ms" },
		{ html_took, 84300, "84 ms" },
		{ html_took, 1250000, "1.25 s" },
		{ html_bytes, 70, "70 B" },
		{ html_bytes, 18200, "18 KB" },
		{ html_bytes, 27000000, "27.0 MB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_written(rows[i].write, rows[i].n, rows[i].expected);
}

static void assets_are_small_and_have_tags_of_their_own(void **state)
{
	size_t all = 0;

	(void)state;
	for (size_t i = 0; assets_path(i) != NULL; i++) {
		all += asset_table[i].gzip_len;
		CHECK(asset_table[i].etag[0] == '"' && strcmp(asset_table[i].etag, asset_table[i].gzip_etag) != 0);
		CHECK(asset_table[i].gzip[0] == 0x1f && asset_table[i].gzip_len < asset_table[i].plain_len);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(asset_table[i].etag, asset_table[k].etag) != 0);
	}
	CHECK(asset_n == 3 && all < 16000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped_made_visible_and_cut),
		cmocka_unit_test(no_bytes_come_through_as_markup),
		cmocka_unit_test(numbers_are_as_people_read_them),
		cmocka_unit_test(assets_are_small_and_have_tags_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
