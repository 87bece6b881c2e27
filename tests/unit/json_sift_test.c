/* What is left of an answer when what nobody asks for goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "exporters/json/json.h"
#include "tests/unit/draw.h"

#define CHECK assert_true

static const struct span asked[] = { { "A", 1 }, { "List", 4 }, { "Next", 4 }, { "Info", 4 } };
static const struct json_names names = { asked, sizeof(asked) / sizeof(asked[0]) };

/* In memory of exactly the right size. */
static enum err sift(const char *json, size_t len, struct buf *ret, uint32_t *ret_repaired, struct why *why)
{
	char *text = malloc(len > 0 ? len : 1);
	size_t left = len;
	enum err e;

	CHECK(text != NULL);
	memcpy(text, json, len);
	e = json_sift(text, &left, &names, ret_repaired, why);
	CHECK(left <= len && (e == ERR_OK || left == len));
	buf_reset(ret);
	buf_add(ret, text, left);
	free(text);
	return e;
}

static void what_nobody_asks_for_is_left_out(void **state)
{
	static const struct {
		const char *text, *left;
	} row[] = {
		{ "{\"A\":1}", "{\"A\":1}" },
		{ "{\"b\":1}", "{}" },
		{ "{\"b\":1,\"A\":2}", "{\"A\":2}" },
		{ "{\"A\":2,\"b\":1}", "{\"A\":2}" },
		{ "{\"b\":1,\"c\":[{\"A\":3}],\"A\":2}", "{\"A\":2}" },
		{ "{\"A\":1,\"b\":2,\"c\":{},\"Next\":3,\"d\":4}", "{\"A\":1,\"Next\":3}" },
		{ "{\"b\":1,\"c\":2}", "{}" },
		{ "{ \"b\" : 1 , \"A\" : 2 , \"c\" : 3 }", "{  \"A\" : 2 }" },
		{ "{\n\"b\" : { \"c\" : 1 }\n}\n", "{\n}\n" },
		{ "[1,\"b\",{\"b\":1},null,{\"A\":{\"b\":1}}]", "[1,\"b\",{},null,{\"A\":{}}]" },
		{ "{\"A\":{\"b\":1,\"A\":{\"b\":1,\"Next\":2},\"c\":0},\"b\":1}", "{\"A\":{\"A\":{\"Next\":2}}}" },
		{ "{\"A\":1,\"A\":2,\"b\":3,\"A\":4}", "{\"A\":1,\"A\":2,\"A\":4}" },
		{ "{\"a\":1,\"AA\":2,\"\":3,\"A\":4,\"List \":5,\"list\":6}", "{\"A\":4}" },
		{ "{\"\\u0041\":1,\"b\\n\":2,\"b\":3}",
		  "{\"\\u0041\":1,\"b\\n\":2}" },    /* an escape spells anything */
		{ "{\"b\":\"\\n\",\"c\":1}", "{}" }, /* but not in a value */
		{ "{\"b\":\"},{\\\"A\\\":1\",\"A\":\"b\"}", "{\"A\":\"b\"}" },
		{ "\"b\"", "\"b\"" },
		{ " 7 ", " 7 " },
	};
	struct buf left;
	uint32_t repaired;

	(void)state;
	buf_init(&left, 1 << 20);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		CHECK(sift(row[i].text, strlen(row[i].text), &left, &repaired, NULL) == ERR_OK && repaired == 0);
		if (strcmp(buf_text(&left), row[i].left) != 0)
			fail_msg("%s: %s", row[i].text, buf_text(&left));
	}
	buf_done(&left);
}

static void what_goes_is_checked_and_repaired_all_the_same(void **state)
{
	static const char bad[] = "{\"b\":\"\xff\",\"A\":\"\xff\",\"c\xff\":0}";
	struct buf left;
	struct why why = { "" };
	uint32_t repaired;

	(void)state;
	buf_init(&left, 1 << 20);
	CHECK(sift("{\"b\":[1,]}", 10, &left, &repaired, &why) == ERR_JSON);
	CHECK(strstr(why.text, "at byte 8 of 10") != NULL);
	CHECK(sift("{\"b\":1,\"A\":2,\"b\":01}", 20, &left, &repaired, &why) == ERR_JSON);
	CHECK(strstr(why.text, "at byte 18 of 20") != NULL); /* as it came, not as it was moved */
	CHECK(sift("{\"A\":1,\"b\":2", 12, &left, &repaired, NULL) == ERR_TRUNCATED);
	CHECK(sift(bad, sizeof(bad) - 1, &left, &repaired, NULL) == ERR_OK);
	CHECK(repaired == 3 && strcmp(buf_text(&left), "{\"A\":\"?\"}") == 0);
	buf_done(&left);
}

/* ---- random answers ---- */
static void add_space(struct buf *out, uint64_t *seed)
{
	for (uint64_t n = draw(seed, 6); n > 4; n = draw(seed, 6))
		buf_str(out, n == 4 ? "\n" : " ");
}

static void add_value(struct buf *out, uint64_t *seed, int depth)
{
	static const char *const plain[] = { "1",
		                                 "-2.5e3",
		                                 "true",
		                                 "null",
		                                 "\"\"",
		                                 "\"Next\"",
		                                 "\"\\\"A\\\":9,\"",
		                                 "\"longer than eight bytes, \\ud83d\\ude00 and 中文\"",
		                                 "[]",
		                                 "{}" };
	static const char *const key[] = { "A",     "List", "Next",    "Info",      "a",         "Nex",
		                               "NextX", "",     "\\u0041", "b\\\\\\\"", "Informati", "中" };
	const uint64_t kind = depth < 5 ? draw(seed, 4) : 0;

	if (kind < 2) {
		buf_str(out, plain[draw(seed, sizeof(plain) / sizeof(plain[0]))]);
		return;
	}
	buf_str(out, kind == 2 ? "{" : "[");
	for (uint64_t i = 0, n = draw(seed, 5); i < n; i++) {
		buf_str(out, i > 0 ? "," : "");
		add_space(out, seed);
		if (kind == 2)
			buf_fmt(out, "\"%s\":", key[draw(seed, sizeof(key) / sizeof(key[0]))]);
		add_space(out, seed);
		add_value(out, seed, depth + 1);
		add_space(out, seed);
	}
	buf_str(out, kind == 2 ? "}" : "]");
}

static bool is_asked(const cJSON *member)
{
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(asked[i].at, member->string) == 0)
			return true;
	return false;
}

/* The next one that is asked for; of an array all are. */
static const cJSON *next_asked(const cJSON *child)
{
	while (child != NULL && child->string != NULL && !is_asked(child))
		child = child->next;
	return child;
}

/* Whether nobody who asks for those names only can tell the two apart. */
static bool same(const cJSON *a, const cJSON *b)
{
	const cJSON *x = next_asked(a->child), *y = next_asked(b->child);

	for (; x != NULL && y != NULL; x = next_asked(x->next), y = next_asked(y->next))
		if ((x->string == NULL) != (y->string == NULL) ||
		    (x->string != NULL && strcmp(x->string, y->string) != 0) || !same(x, y))
			return false;
	return x == NULL && y == NULL && a->type == b->type &&
	       memcmp(&a->valuedouble, &b->valuedouble, sizeof(a->valuedouble)) == 0 &&
	       (a->valuestring == NULL || strcmp(a->valuestring, b->valuestring) == 0);
}

static void nobody_can_tell_what_is_left_from_the_whole(void **state)
{
	uint64_t seed = draw_seed();
	struct buf whole, left;

	(void)state;
	buf_init(&whole, 1 << 20);
	buf_init(&left, 1 << 20);
	for (int i = 0; i < 20000; i++) {
		cJSON *all;
		const cJSON *some;
		uint32_t repaired;

		buf_reset(&whole);
		buf_str(&whole, "{\"A\":");
		add_value(&whole, &seed, 0);
		buf_str(&whole, "}");
		CHECK(sift(whole.at, whole.len, &left, &repaired, NULL) == ERR_OK && repaired == 0);
		CHECK(json_guard(left.at, left.len, &repaired, NULL) == ERR_OK && repaired == 0);
		all = cJSON_ParseWithLength(whole.at, whole.len);
		some = json_parse(left.at, left.len);
		CHECK(all != NULL && some != NULL);
		if (!same(all, some))
			fail_msg("%s became %s", buf_text(&whole), buf_text(&left));
		json_drop();
		cJSON_Delete(all);
	}
	buf_done(&whole);
	buf_done(&left);
}

/* ---- reading ---- */
static void members_are_found_in_any_order_and_the_first_counts(void **state)
{
	static const struct {
		const char *text;
		int value[4]; /* of A, List, Next, Info; 0: none */
	} row[] = {
		{ "{\"A\":1,\"List\":2,\"Next\":3,\"Info\":4}", { 1, 2, 3, 4 } },
		{ "{\"Info\":4,\"Next\":3,\"List\":2,\"A\":1}", { 1, 2, 3, 4 } },
		{ "{\"Next\":3,\"Next\":5,\"A\":1,\"A\":7}", { 1, 0, 3, 0 } },
		{ "{\"A\":null,\"A\":1,\"List\":2,\"List\":null}", { 0, 2, 0, 0 } },
		{ "{\"a\":1,\"\\u0041\":2}", { 2, 0, 0, 0 } },
		{ "{}", { 0 } },
		{ "[1,2]", { 0 } },
		{ "\"A\"", { 0 } },
	};
	const cJSON *got[4];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		json_members(json_parse(row[i].text, strlen(row[i].text)), &names, got);
		for (size_t j = 0; j < 4; j++)
			CHECK((got[j] == NULL ? 0 : (int)got[j]->valuedouble) == row[i].value[j]);
		json_drop();
	}
	json_members(NULL, &names, got);
	CHECK(got[0] == NULL && got[1] == NULL && got[2] == NULL && got[3] == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_asks_for_is_left_out),
		cmocka_unit_test(what_goes_is_checked_and_repaired_all_the_same),
		cmocka_unit_test(nobody_can_tell_what_is_left_from_the_whole),
		cmocka_unit_test(members_are_found_in_any_order_and_the_first_counts),
	};

	return cmocka_run_group_tests_name("json sift", tests, NULL, NULL);
}
