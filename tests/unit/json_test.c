/* The guard at its exact edges, and the arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"
#include "exporters/json/tree.c" /* for its arena */

#define CHECK assert_true

/* In memory of exactly the right size, so that ASan and valgrind see a read past the end. */
static char *exactly(const char *at, size_t len)
{
	char *to = malloc(len > 0 ? len : 1);

	CHECK(to != NULL);
	memcpy(to, at, len);
	return to;
}

/* ---- guard ---- */
static enum err guard(const char *json, size_t len, uint32_t *ret_repaired, struct why *why)
{
	char *text = exactly(json, len);
	const enum err e = json_guard(text, len, ret_repaired, why);

	free(text);
	return e;
}

/* The same, and what became of the byte at `place`. */
static enum err guard_in_place(const char *json, size_t len, uint32_t *ret_repaired, char *ret_byte,
                               size_t place)
{
	char *text = exactly(json, len);
	const enum err e = json_guard(text, len, ret_repaired, NULL);

	*ret_byte = text[place];
	free(text);
	return e;
}

static void nest(struct buf *out, const char *open, const char *value, const char *close, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_str(out, open);
	buf_str(out, value);
	for (int i = 0; i < depth; i++)
		buf_str(out, close);
}

static void nesting_is_fine_up_to_the_limit(void **state)
{
	static const struct {
		const char *open, *value, *close;
		int each;
	} form[] = {
		{ "[", "", "]", 1 }, { "[1,", "2", "]", 1 }, { "{\"a\":", "{}", "}", 1 }, { "[{\"a\":", "0", "}]", 2 }
	};
	char text[1024];
	uint32_t repaired;

	(void)state;
	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		const int inner = form[i].value[0] == '{' ? 1 : 0;
		const int depth = (JSON_DEPTH_MAX - inner) / form[i].each;
		struct buf fits, deep;

		buf_wrap(&fits, text, sizeof(text));
		nest(&fits, form[i].open, form[i].value, form[i].close, depth);
		CHECK(guard(fits.at, fits.len, &repaired, NULL) == ERR_OK);
		buf_wrap(&deep, text, sizeof(text));
		nest(&deep, form[i].open, form[i].value, form[i].close, depth + 1);
		CHECK(guard(deep.at, deep.len, &repaired, NULL) == ERR_JSON);
	}
}

/* An array of so many values, itself one of them. */
static void add_values(struct buf *out, int n)
{
	buf_str(out, "[1");
	for (int i = 2; i < n; i++)
		buf_str(out, ",1");
	buf_str(out, "]");
}

static void values_are_counted_up_to_the_limit(void **state)
{
	struct buf out;
	struct why why;
	uint32_t repaired;

	(void)state;
	buf_init(&out, 1 << 20);
	add_values(&out, JSON_VALUES_MAX);
	CHECK(guard(out.at, out.len, &repaired, &why) == ERR_OK);
	buf_reset(&out);
	add_values(&out, JSON_VALUES_MAX + 1);
	CHECK(guard(out.at, out.len, &repaired, &why) == ERR_JSON);
	CHECK(strstr(why.text, "too many values") != NULL);
	buf_done(&out);
}

static void every_proper_beginning_is_cut_and_not_wrong(void **state)
{
	static const char whole[] = "{\"a\":[true,false,null,-0.5e+10,1E-3,0,"
								"\"\\u12aF\\ud83d\\ude00\\\\\\n\xe4\xb8\xad\"],\"b\":{},\"c\":[]}";
	uint32_t repaired;

	(void)state;
	CHECK(guard(whole, sizeof(whole) - 1, &repaired, NULL) == ERR_OK && repaired == 0);
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		CHECK(guard(whole, len, &repaired, NULL) == ERR_TRUNCATED);
}

static void what_is_not_json_is_refused_where_it_goes_wrong(void **state)
{
	static const struct {
		const char *text;
		int at;
	} row[] = {
		{ "x", 0 },
		{ "{}x", 2 },
		{ "[1,]", 3 },
		{ "{,}", 1 },
		{ "{\"a\" 1}", 5 },
		{ "{\"a\":1,}", 7 },
		{ "[01]", 2 },
		{ "[1.]", 3 },
		{ "[.5]", 1 },
		{ "[1e]", 3 },
		{ "[-]", 2 },
		{ "[+1]", 1 },
		{ "[tru]", 4 },
		{ "[nul", -1 },
		{ "[1 2]", 3 },
		{ "[\"\\q\"]", 2 },
		{ "[\"\\u00g0\"]", 2 },
		{ "\"\\u12\"", 1 },
		{ "[}", 1 },
		{ "{]", 1 },
		{ "[1}", 2 },
		{ "{1:2}", 1 },
		{ "\xef\xbb\xbf{}", 0 },
		{ "nan", 1 },
		{ "\v1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const size_t len = strlen(row[i].text);
		struct why why = { "" };
		char place[64];
		uint32_t repaired;

		(void)snprintf(place, sizeof(place), ", at byte %d of %zu", row[i].at, len);
		if (row[i].at < 0) {
			CHECK(guard(row[i].text, len, &repaired, &why) == ERR_TRUNCATED);
			continue;
		}
		CHECK(guard(row[i].text, len, &repaired, &why) == ERR_JSON);
		if (strstr(why.text, place) == NULL)
			fail_msg("'%s': '%s'", row[i].text, why.text);
	}
}

static void repairs_keep_every_byte_in_its_place(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
		uint32_t repaired;
	} row[] = {
		{ "\"\xff\"", 3, "\"?\"", 1 },
		{ "\"\xc3\"", 3, "\"?\"", 1 },
		{ "\"\xe4\xb8\"", 4, "\"??\"", 2 },
		{ "\"a\0b\"", 5, "\"a?b\"", 1 },
		{ "\"\n\x1f\"", 4, "\"??\"", 2 },
		{ "\"\x7f\xc2\x80\"", 5, "\"\x7f\xc2\x80\"", 0 },
		{ "\"\\u0000\"", 8, "\"\\uFFFD\"", 1 },
		{ "\"\\u0001\"", 8, "\"\\u0001\"", 0 },
		{ "\"\\ud800\"", 8, "\"\\uFFFD\"", 1 },
		{ "\"\\udbff\\udfff\"", 14, "\"\\udbff\\udfff\"", 0 },
		{ "\"\\udbff\\ue000\"", 14, "\"\\uFFFD\\ue000\"", 1 },
		{ "\"\\udc00\\ud800\"", 14, "\"\\uFFFD\\uFFFD\"", 2 },
		{ "\"\\ud800\\n\"", 10, "\"\\uFFFD\\n\"", 1 },
		{ "{\"\xff\":\"\\uDFFF\"}", 14, "{\"?\":\"\\uFFFD\"}", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char *text = exactly(row[i].text, row[i].len);
		uint32_t repaired;

		CHECK(strlen(row[i].want) == row[i].len);
		CHECK(json_guard(text, row[i].len, &repaired, NULL) == ERR_OK);
		CHECK(repaired == row[i].repaired && memcmp(text, row[i].want, row[i].len) == 0);
		free(text);
	}
}

/* The guard looks at eight bytes at a time. */
static void every_byte_is_seen_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t before = 0; before < 20; before++) {
		for (size_t after = 0; after < 10; after++) {
			for (int byte = 0; byte < 256; byte++) {
				const bool ends = byte == '"', escapes = byte == '\\';
				const bool fine = byte >= 0x20 && byte < 0x80 && !ends && !escapes;
				char text[64] = "\"", seen;
				uint32_t repaired;
				enum err e;

				memset(text + 1, 'x', before + 1 + after);
				text[1 + before] = (char)byte;
				text[2 + before + after] = '"';
				e = guard_in_place(text, 3 + before + after, &repaired, &seen, 1 + before);
				if (ends || escapes)
					CHECK(e == (escapes && after == 0 ? ERR_TRUNCATED : ERR_JSON));
				else
					CHECK(e == ERR_OK && repaired == (fine ? 0 : 1) && seen == (fine ? (char)byte : '?'));
			}
		}
	}
}

static void numbers_longer_than_the_limit_become_null(void **state)
{
	(void)state;
	for (size_t digits = JSON_NUMBER_MAX - 1; digits <= JSON_NUMBER_MAX + 1; digits++) {
		const bool fits = digits + 1 <= JSON_NUMBER_MAX; /* the minus counts */
		char text[128] = "[-", want[128];
		uint32_t repaired;
		size_t len;

		memset(text + 2, '7', digits);
		memcpy(text + 2 + digits, ",1]", 4);
		len = strlen(text);
		memcpy(want, text, len);
		if (!fits) {
			memset(want + 1, ' ', digits + 1);
			memcpy(want + 1, "null", 4);
		}
		CHECK(json_guard(text, len, &repaired, NULL) == ERR_OK);
		CHECK(repaired == (fits ? 0 : 1) && memcmp(text, want, len) == 0);
	}
}

/* ---- tree ---- */
static void the_arena_serves_answer_after_answer(void **state)
{
	static const char small[] = "{\"a\":\"x\"}";
	struct buf big;
	const struct cJSON *tree;

	(void)state;
	buf_init(&big, 1 << 20);
	add_values(&big, 20000); /* many chunks */
	for (int i = 0; i < 3; i++) {
		tree = json_parse(big.at, big.len);
		CHECK(tree != NULL && cJSON_GetArraySize(tree) == 19999);
		json_drop();
		tree = json_parse(small, sizeof(small) - 1);
		CHECK(tree != NULL && strcmp(cJSON_GetObjectItemCaseSensitive(tree, "a")->valuestring, "x") == 0);
		json_drop();
	}
	buf_done(&big);
}

static void between_answers_one_chunk_is_kept(void **state)
{
	const size_t len = 3 * CHUNK;
	char *json = malloc(len);

	(void)state;
	CHECK(json != NULL);
	memset(json, 'x', len);
	json[0] = json[len - 1] = '"';
	json_drop();
	CHECK(json_parse(json, len) != NULL && arena.total > 2 * CHUNK);
	json_drop();
	CHECK(arena.newest != NULL && arena.newest->older == NULL);
	CHECK(arena.at == arena.newest->at && arena.newest->room == CHUNK && arena.total == CHUNK);
	free(json);
}

static void others_use_the_heap_between_answers(void **state)
{
	cJSON *own = cJSON_CreateString("mine");

	(void)state;
	CHECK(own != NULL && json_parse("[1,2]", 5) != NULL);
	json_drop();
	cJSON_Delete(own); /* valgrind and ASan see a leak or a wrong free */
	own = cJSON_CreateString("mine too");
	CHECK(json_parse("\"other\"", 7) != NULL);
	CHECK(strcmp(own->valuestring, "mine too") == 0);
	json_drop();
	cJSON_Delete(own);
}

static void an_answer_beyond_the_arena_is_a_lack_of_memory(void **state)
{
	const size_t len = ARENA_MAX + 16;
	char *json = malloc(len);

	(void)state;
	CHECK(json != NULL);
	memset(json, 'x', len);
	json[0] = json[len - 1] = '"';
	CHECK(json_parse(json, len) == NULL);
	json_drop();
	free(json);
	CHECK(json_parse("1", 1) != NULL); /* and the next one is fine */
	json_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_is_fine_up_to_the_limit),
		cmocka_unit_test(values_are_counted_up_to_the_limit),
		cmocka_unit_test(every_proper_beginning_is_cut_and_not_wrong),
		cmocka_unit_test(what_is_not_json_is_refused_where_it_goes_wrong),
		cmocka_unit_test(repairs_keep_every_byte_in_its_place),
		cmocka_unit_test(every_byte_is_seen_wherever_it_stands),
		cmocka_unit_test(numbers_longer_than_the_limit_become_null),
		cmocka_unit_test(the_arena_serves_answer_after_answer),
		cmocka_unit_test(between_answers_one_chunk_is_kept),
		cmocka_unit_test(others_use_the_heap_between_answers),
		cmocka_unit_test(an_answer_beyond_the_arena_is_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
