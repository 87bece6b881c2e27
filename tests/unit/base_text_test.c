#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/redact.h"
#include "agent/base/utf8.h"

#define CHECK assert_true

/* ---- utf8 ---- */

/* Decodes by the bits and then asks whether the value may be spelt like that. */
static size_t naive_char(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
	uint32_t c = n > 1 ? s[0] & (0xffu >> (n + 1)) : s[0];

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

static void utf8_agrees_with_a_naive_decoder_on_every_lead_and_edge(void **state)
{
	static const unsigned char edge[] = { 0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90,
		                                  0x9f, 0xa0, 0xbf, 0xc0, 0xed, 0xff };
	const size_t n = sizeof(edge);

	(void)state;
	for (unsigned lead = 0; lead < 256; lead++) {
		for (size_t i = 0; i < n * n * n; i++) {
			const unsigned char s[4] = { (unsigned char)lead, edge[i / n / n], edge[i / n % n], edge[i % n] };

			for (size_t left = 1; left <= 4; left++)
				CHECK(utf8_char((const char *)s, left) == naive_char(s, left));
		}
	}
}

static void utf8_takes_the_ends_of_every_range_and_nothing_beside(void **state)
{
	static const struct {
		const char *bytes;
		size_t want;
	} rows[] = {
		{ "A", 1 },
		{ "\x7f", 1 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 }, /* overlong: */
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\x80", 0 },
		{ "\xbf", 0 },
		{ "\xfe", 0 },
		{ "\xff", 0 },
		{ "\xc3(", 0 },
		{ "\xe2\x82(", 0 },
		{ "\xf0\x9f\x92(", 0 },
		{ "\xf8\x88\x80\x80\x80", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(utf8_char(rows[i].bytes, strlen(rows[i].bytes)) == rows[i].want);
	CHECK(utf8_char("", 1) == 1);
	CHECK(utf8_char("A", 0) == 0);
}

static void a_cut_character_is_none_and_nothing_behind_the_cut_is_read(void **state)
{
	static const char *const whole[] = { "é", "用", "💬" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t left = 1; left <= strlen(whole[i]); left++) {
			char *exact = malloc(left); /* a sanitizer sees a read too far */

			assert_non_null(exact);
			memcpy(exact, whole[i], left);
			CHECK(utf8_char(exact, left) == (left == strlen(whole[i]) ? left : 0));
			free(exact);
		}
	}
}

/* In memory of exactly the right size: it looks at eight bytes at a time. */
static void plain_text_ends_at_the_first_byte_that_needs_care(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 20; len++) {
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
				char *s = malloc(len);

				CHECK(s != NULL);
				memset(s, 'a', len);
				s[len - 1] = '\x1f'; /* behind the byte there may be others that borrow and carry */
				s[at] = (char)byte;
				CHECK(utf8_plain(s, len) == (!plain ? at : at == len - 1 ? len : len - 1));
				CHECK(utf8_plain(s, at) == at);
				free(s);
			}
		}
	}
	CHECK(utf8_plain("", 0) == 0);
}

/* ---- redact ---- */
#define TEN "0123456789"

static void redacted(const char *text, const char *want)
{
	const size_t len = strlen(text);
	char *exact = malloc(len + 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	exact[len] = '!';
	redact(exact, len);
	CHECK(exact[len] == '!');
	exact[len] = '\0';
	assert_string_equal(exact, want);
	redact(exact, len);
	assert_string_equal(exact, want);
	free(exact);
}

static void every_signature_in_a_text_is_overwritten(void **state)
{
	(void)state;
	redacted("", "");
	redacted("nothing to hide", "nothing to hide");
	redacted("usersig=abc", "usersig=xxx");
	redacted("usersig=", "usersig=");
	redacted("?a=1&usersig=eJx*-_9&random=7", "?a=1&usersig=xxxxxxx&random=7");
	redacted("usersig=abc&usersig=de&b=f", "usersig=xxx&usersig=xx&b=f");
	redacted("UserSig=abc USERSIG=def", "UserSig=xxx USERSIG=xxx");
	redacted("\"usersig=abc\" 'usersig=def' rest", "\"usersig=xxx\" 'usersig=xxx' rest");
	redacted("usersig=a\tb usersig=c\nd", "usersig=x\tb usersig=x\nd");
	redacted("xusersig=abcusersig=def", "xusersig=xxxxxxxxxxxxxx");
	redacted("usersig=&usersig=a", "usersig=&usersig=x");
	redacted("usersigusersig=a", "usersigusersig=x");
	redacted("usersig", "usersig");
	redacted("usersig =abc", "usersig =abc");
	redacted("?UserSig%3Dabc&a=1 {\"usersig\":\"abc\"}", "?UserSig%3Dxxx&a=1 {\"usersig\":\"xxx\"}");
	redacted("{\\\"url\\\":\\\"?usersig=abc\\\",\\\"b\\\":1}",
	         "{\\\"url\\\":\\\"?usersig=xxx\\\",\\\"b\\\":1}");
}

/* 39 and 40 bytes of what could be a UserSig; 63 and 64 digits of what could be a key. */
static void a_secret_without_its_name_is_known_by_its_shape(void **state)
{
	(void)state;
	redacted("eJ" TEN TEN TEN "ABCDEFG", "eJ" TEN TEN TEN "ABCDEFG");
	redacted("a eJ" TEN TEN TEN "ABCDEF*- b", "a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx b");
	redacted("\"eJ%2A_" TEN TEN TEN "ABCDEF\"", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"");
	redacted("k=" TEN TEN TEN TEN TEN TEN "abc", "k=" TEN TEN TEN TEN TEN TEN "abc");
	redacted("k=" TEN TEN TEN TEN TEN TEN "abcD,",
	         "k=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,");
	redacted("g" TEN TEN TEN TEN TEN TEN "abcg" TEN "0", "g" TEN TEN TEN TEN TEN TEN "abcg" TEN "0");
}

static void a_text_without_separators_is_redacted_to_its_end_only(void **state)
{
	char text[64];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 8, "usersig=", 8);
	redact(text, 32);
	for (size_t i = 0; i < sizeof(text); i++)
		CHECK(text[i] == (i >= 8 && i < 16 ? "usersig="[i - 8] : i >= 16 && i < 32 ? 'x' : 'a'));
	redact(text, 15); /* the mark itself is cut */
	CHECK(text[32] == 'a');
	text[0] = '\0'; /* a NUL is a byte like any other */
	memcpy(text + 39, " usersig=ab\0cd", 14);
	redact(text, sizeof(text));
	CHECK(memcmp(text + 40, "usersig=xx\0cd", 13) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_agrees_with_a_naive_decoder_on_every_lead_and_edge),
		cmocka_unit_test(utf8_takes_the_ends_of_every_range_and_nothing_beside),
		cmocka_unit_test(a_cut_character_is_none_and_nothing_behind_the_cut_is_read),
		cmocka_unit_test(plain_text_ends_at_the_first_byte_that_needs_care),
		cmocka_unit_test(every_signature_in_a_text_is_overwritten),
		cmocka_unit_test(a_secret_without_its_name_is_known_by_its_shape),
		cmocka_unit_test(a_text_without_separators_is_redacted_to_its_end_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
