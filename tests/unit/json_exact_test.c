/* Numbers of 64 bits, whatever stands around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "exporters/json/json.h"
#include "tests/unit/draw.h"

#define CHECK assert_true

enum found { ABSENT, EXACT, DOUBTFUL };

/* As a room reads it: guard, tree, member; in memory of exactly the right size. */
static enum found read_next(const char *json, size_t len, uint64_t *ret)
{
	char *text = malloc(len);
	uint32_t repaired, doubtful = 0;
	const cJSON *root;
	bool got;

	CHECK(text != NULL);
	memcpy(text, json, len);
	CHECK(json_guard(text, len, &repaired, NULL) == ERR_OK);
	root = json_parse(text, len);
	CHECK(root != NULL);
	got = json_exact(text, len, root, "Next", ret, &doubtful);
	json_drop();
	free(text);
	CHECK(!got || doubtful == 0);
	return got ? EXACT : doubtful > 0 ? DOUBTFUL : ABSENT;
}

static void check(const char *json, enum found found, uint64_t value)
{
	uint64_t got = 0;

	if (read_next(json, strlen(json), &got) != found || got != value)
		fail_msg("%s: %" PRIu64, json, got);
}

static void every_bit_of_a_number_is_kept(void **state)
{
	(void)state;
	check("{\"Next\":0}", EXACT, 0);
	check("{\"Next\":9007199254740993}", EXACT, UINT64_C(9007199254740993));
	check("{\"Next\":9223372036854775808}", EXACT, UINT64_C(9223372036854775808));
	check("{\"Next\":18446744073709551614}", EXACT, UINT64_MAX - 1);
	check("{\"Next\":18446744073709551615}", EXACT, UINT64_MAX);
	check("{\"Next\":\"18446744073709551615\"}", EXACT, UINT64_MAX);
	check("{\"Next\":\"0007\"}", EXACT, 7);
	check("{\"Next\":\"\\u0031\\u0030\"}", EXACT, 10);
}

static void what_is_no_such_number_is_not_guessed(void **state)
{
	(void)state;
	check("{\"Next\":18446744073709551616}", DOUBTFUL, 0);
	check("{\"Next\":99999999999999999999999}", DOUBTFUL, 0);
	check("{\"Next\":-1}", DOUBTFUL, 0);
	check("{\"Next\":0.5}", DOUBTFUL, 0);
	check("{\"Next\":1.8446744073709551615e19}", DOUBTFUL, 0);
	check("{\"Next\":1e3}", DOUBTFUL, 0);
	check("{\"Next\":20.0}", DOUBTFUL, 0);
	check("{\"Next\":-0}", DOUBTFUL, 0);
	check("{\"Next\":\"\"}", DOUBTFUL, 0);
	check("{\"Next\":\"-1\"}", DOUBTFUL, 0);
	check("{\"Next\":\"1 \"}", DOUBTFUL, 0);
	check("{\"Next\":\"18446744073709551616\"}", DOUBTFUL, 0);
	check("{\"Next\":true}", DOUBTFUL, 0);
	check("{\"Next\":{\"Next\":1}}", DOUBTFUL, 0);
	check("{\"Next\":null}", ABSENT, 0);
	check("{}", ABSENT, 0);
	check("[{\"Next\":1}]", ABSENT, 0);
	check("7", ABSENT, 0);
}

static void only_the_member_itself_counts(void **state)
{
	(void)state;
	check("{\"a\":{\"Next\":1},\"b\":[{\"Next\":2},3,[4,5]],\"Next\":6,\"c\":{\"Next\":7}}", EXACT, 6);
	check("{\"a\":\"\\\"Next\\\":1,\\\\\",\"Next\":2}", EXACT, 2);
	check("{\"a,:{[\":\"]},:\",\"Next\":3}", EXACT, 3);
	check("{\"N\\u0065xt\":4,\"Next\":5}", EXACT, 4); /* the first of two, as in the tree */
	check("{\"next\":1,\"Next \":2,\"\":3,\"Next\":4}", EXACT, 4);
	check(" \t\r\n{ \"a\" : [ ] ,\n\"Next\"\t:\r\n 5 \n} ", EXACT, 5);
	check("{\"Next\":null,\"Next\":5}", ABSENT, 0);
	check("{\"a\":\"\\\\\",\"b\":\"\\\\\\\"\",\"Next\":6}", EXACT, 6);
	check("{\"a\":\"Next\",\"Next\":7}", EXACT, 7);
}

/* ---- random surroundings ---- */
static void add_decoy(struct buf *out, uint64_t *seed, int depth)
{
	static const char *const plain[] = { "1",
		                                 "-2.5e3",
		                                 "true",
		                                 "null",
		                                 "\"\"",
		                                 "\"Next\"",
		                                 "\"\\\"Next\\\":9\"",
		                                 "\"\\\\\"",
		                                 "\"}],:{[\"",
		                                 "[]",
		                                 "{}",
		                                 "18446744073709551615" };
	const uint64_t kind = depth < 4 ? draw(seed, 4) : 0;

	if (kind < 2) {
		buf_str(out, plain[draw(seed, sizeof(plain) / sizeof(plain[0]))]);
		return;
	}
	buf_str(out, kind == 2 ? "{\"Next\":" : "[");
	add_decoy(out, seed, depth + 1);
	buf_str(out, kind == 2 ? ", \"x\" :" : " ,");
	add_decoy(out, seed, depth + 1);
	buf_str(out, kind == 2 ? "}" : "]");
}

static void add_decoys(struct buf *out, uint64_t *seed, bool before)
{
	static const char *const key[] = { "a", "next", "", "\\\"Next", "NextNext", "\\\\", "Ne\\u0000xt", ",:" };

	for (uint64_t n = draw(seed, 4); n > 0; n--) {
		buf_str(out, before ? "" : ",");
		buf_fmt(out, "\"%s\":", key[draw(seed, sizeof(key) / sizeof(key[0]))]);
		add_decoy(out, seed, 0);
		buf_str(out, before ? "," : "");
	}
}

static void no_surroundings_lead_astray(void **state)
{
	uint64_t seed = draw_seed();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20000; i++) {
		const uint64_t value = draw(&seed, 0) >> draw(&seed, 64);
		uint64_t got = 0;
		char member[64];

		if (draw(&seed, 2) == 0)
			(void)snprintf(member, sizeof(member), "\"Next\":%" PRIu64, value);
		else
			(void)snprintf(member, sizeof(member), "\"\\u004eext\" : \"%" PRIu64 "\"", value);
		buf_reset(&b);
		buf_str(&b, "{");
		add_decoys(&b, &seed, true);
		buf_str(&b, member);
		add_decoys(&b, &seed, false);
		buf_str(&b, "}");
		CHECK(b.status == ERR_OK);
		if (read_next(b.at, b.len, &got) != EXACT || got != value)
			fail_msg("%s", buf_text(&b));
	}
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_of_a_number_is_kept),
		cmocka_unit_test(what_is_no_such_number_is_not_guessed),
		cmocka_unit_test(only_the_member_itself_counts),
		cmocka_unit_test(no_surroundings_lead_astray),
	};

	return cmocka_run_group_tests_name("json exact", tests, NULL, NULL);
}
