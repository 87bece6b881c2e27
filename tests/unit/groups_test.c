#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/groups/groups.h"

#define CHECK assert_true

/* In memory of exactly the right size, so that ASan sees a read past the end. */
static struct groups_page decode_bytes(const char *json, size_t len, struct why *why)
{
	char *text = malloc(len > 0 ? len : 1);
	struct groups_page p;

	CHECK(text != NULL);
	memcpy(text, json, len);
	why->text[0] = '\0';
	groups_decode(text, len, &p, why);
	free(text);
	CHECK((p.outcome.err == ERR_OK) == (why->text[0] == '\0'));
	CHECK((p.outcome.err == ERR_OK) == (p.outcome.verdict == CHAT_FINE));
	CHECK(p.outcome.err == ERR_OK || (p.n == 0 && p.next == 0 && p.id == NULL));
	return p;
}

static struct groups_page decode(const char *json)
{
	struct why why;

	return decode_bytes(json, strlen(json), &why);
}

static enum err error_of(const char *json)
{
	struct groups_page p = decode(json);
	const enum err e = p.outcome.err;

	groups_page_done(&p);
	return e;
}

static void the_question_names_communities_and_keeps_every_bit_of_next(void **state)
{
	char text[128];
	struct buf b;

	(void)state;
	buf_wrap(&b, text, sizeof(text));
	groups_ask(&b, 0, GROUPS_PAGE);
	assert_string_equal(buf_text(&b), "{\"Limit\":10000,\"Next\":0,\"GroupType\":\"Community\"}");
	buf_reset(&b);
	groups_ask(&b, UINT64_MAX, 5000);
	assert_string_equal(buf_text(&b),
	                    "{\"Limit\":5000,\"Next\":18446744073709551615,\"GroupType\":\"Community\"}");
}

static void a_page_gives_its_ids_sorted_and_once(void **state)
{
	struct groups_page p =
		decode("{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0,\"TotalCount\":12,"
	           "\"GroupIdList\":[{\"GroupId\":\"@TGS#_@TGS#b\"},{\"GroupId\":\"a/b \\u4e2d\"},"
	           "{\"GroupId\":\"@TGS#_@TGS#b\"},{\"GroupId\":\"@TGS#_@TGS#a\",\"More\":[1,{\"Next\":5}]}],"
	           "\"Next\":9223372036854775809}");

	(void)state;
	CHECK(p.outcome.err == ERR_OK && p.total == 12);
	CHECK(p.listed == 4 && p.doubtful == 0 && p.repaired == 0 && p.n == 3);
	assert_string_equal(p.id[0], "@TGS#_@TGS#a");
	assert_string_equal(p.id[1], "@TGS#_@TGS#b");
	assert_string_equal(p.id[2], "a/b \xe4\xb8\xad");
	CHECK(p.next == UINT64_C(9223372036854775809));
	groups_page_done(&p);
	groups_page_done(&p); /* twice is fine */
}

static void next_is_read_exactly_or_not_at_all(void **state)
{
	static const struct {
		const char *member;
		bool fine;
		uint64_t next;
	} row[] = {
		{ "", true, 0 },
		{ ",\"Next\":0", true, 0 },
		{ ",\"Next\":\"0\"", true, 0 },
		{ ",\"Next\":9007199254740993", true, UINT64_C(9007199254740993) },
		{ ",\"Next\":18446744073709551615", true, UINT64_MAX },
		{ ",\"Next\":\"18446744073709551615\"", true, UINT64_MAX },
		{ ",\"N\\u0065xt\" : \"1\\u0032\"", true, 12 },
		{ ",\"next\":7", true, 0 },
		{ ",\"Next\":18446744073709551616", false, 0 },
		{ ",\"Next\":\"18446744073709551616\"", false, 0 },
		{ ",\"Next\":null", false, 0 },
		{ ",\"Next\":-1", false, 0 },
		{ ",\"Next\":0.5", false, 0 },
		{ ",\"Next\":1e19", false, 0 },
		{ ",\"Next\":\"\"", false, 0 },
		{ ",\"Next\":\" 1\"", false, 0 },
		{ ",\"Next\":\"0x1\"", false, 0 },
		{ ",\"Next\":true", false, 0 },
		{ ",\"Next\":[0]", false, 0 },
		/* of more digits than the guard lets pass: it must not become the end */
		{ ",\"Next\":1000000000000000000000000000000000000000000000000000000000000000000", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char json[256];
		struct groups_page p;

		(void)snprintf(json, sizeof(json), "{\"ErrorCode\":0,\"GroupIdList\":[{\"GroupId\":\"a\"}]%s}",
		               row[i].member);
		p = decode(json);
		if (p.outcome.err != (row[i].fine ? ERR_OK : ERR_SCHEMA) || p.next != row[i].next)
			fail_msg("%s: error %d, next %" PRIu64, row[i].member, (int)p.outcome.err, p.next);
		groups_page_done(&p);
	}
}

static void ids_that_nothing_can_have_are_skipped_and_counted(void **state)
{
	char json[2048];
	struct groups_page p;

	(void)state;
	(void)snprintf(
		json, sizeof(json),
		"{\"GroupIdList\":[{\"GroupId\":\"\"},{\"GroupId\":\"a\\u0001\"},{\"GroupId\":\"\\u007f\"},"
		"{\"GroupId\":\"\\u0085\"},{\"GroupId\":7},{\"GroupId\":null},{},3,null,[],"
		"{\"GroupId\":\"%096d\"},{\"GroupId\":\"%097d\"},{\"GroupId\":\"fine?\"}]}",
		0, 0);
	p = decode(json);
	CHECK(p.outcome.err == ERR_OK && p.listed == 13 && p.doubtful == 11 && p.n == 2);
	CHECK(strlen(p.id[0]) == 96);
	assert_string_equal(p.id[1], "fine?");
	groups_page_done(&p);
}

static void an_id_the_guard_repaired_is_no_id(void **state)
{
	static const char *const bad[] = { "a\xff", "\\ud800", "\\u0000", "a\nb" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[128];
		struct groups_page p;

		(void)snprintf(json, sizeof(json), "{\"GroupIdList\":[{\"GroupId\":\"%s\"},{\"GroupId\":\"x\"}]}",
		               bad[i]);
		p = decode(json);
		CHECK(p.outcome.err == ERR_OK && p.repaired == 1 && p.doubtful == 1 && p.n == 1);
		assert_string_equal(p.id[0], "x");
		groups_page_done(&p);
	}
}

static void an_answer_of_another_shape_is_no_empty_list(void **state)
{
	static const char *const other[] = {
		"[]",
		"\"x\"",
		"null",
		"{}",
		"{\"ErrorCode\":0}",
		"{\"ErrorCode\":0,\"TotalCount\":3,\"Next\":0}",
		"{\"ErrorCode\":0,\"GroupIdList\":null}",
		"{\"ErrorCode\":0,\"TotalCount\":0,\"GroupIdList\":{}}",
		"{\"ErrorCode\":\"0\",\"GroupIdList\":[]}",
		"{\"ErrorCode\":0.5,\"GroupIdList\":[]}",
		"{\"ErrorCode\":0,\"GroupIdList\":[null]}",
		"{\"ErrorCode\":0,\"GroupIdList\":[{\"GroupID\":\"a\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (error_of(other[i]) != ERR_SCHEMA)
			fail_msg("%s", other[i]);
	CHECK(error_of("{\"ErrorCode\":0,\"TotalCount\":0,\"GroupIdList\":[],\"Next\":0}") == ERR_OK);
	CHECK(error_of("{\"ErrorCode\":0,\"TotalCount\":0,\"Next\":0}") == ERR_OK);
	CHECK(error_of("{\"TotalCount\":0,\"GroupIdList\":null}") == ERR_OK);
	CHECK(error_of("{\"GroupIdList\":[]") == ERR_TRUNCATED);
	CHECK(error_of("<html>") == ERR_JSON);
}

static void the_code_at_the_top_decides(void **state)
{
	struct why why;
	const char *json = "{\"ErrorCode\":10018,\"GroupIdList\":[{\"GroupId\":\"a\"}],\"Next\":5}";
	struct groups_page p = decode_bytes(json, strlen(json), &why);

	(void)state;
	CHECK(p.outcome.verdict == CHAT_MORE && p.outcome.err == ERR_TOO_LARGE && p.outcome.code == 10018);
	CHECK(strncmp(why.text, "ErrorCode 10018: ", 17) == 0);
	p = decode("{\"ErrorCode\":10006}");
	CHECK(p.outcome.verdict == CHAT_SLOW && p.outcome.err == ERR_THROTTLED);
	p = decode("{\"ErrorCode\":-5}");
	CHECK(p.outcome.err == ERR_API_ERROR && p.outcome.code == -5);
}

static void a_total_that_is_no_number_is_not_known(void **state)
{
	struct groups_page p = decode("{\"TotalCount\":\"3\",\"GroupIdList\":[]}");

	(void)state;
	CHECK(p.outcome.err == ERR_OK && p.total == -1 && p.doubtful == 1);
	groups_page_done(&p);
}

static void a_full_page_fits(void **state)
{
	struct groups_page p;
	struct buf b;
	struct why why;
	size_t len;
	char *json;

	(void)state;
	buf_init(&b, 4 << 20);
	buf_str(&b, "{\"GroupIdList\":[");
	for (int i = GROUPS_PAGE; i > 0; i--)
		buf_fmt(&b, "%s{\"GroupId\":\"@TGS#_@TGS#%06d\"}", i < GROUPS_PAGE ? "," : "", i);
	buf_str(&b, "],\"Next\":1}");
	json = buf_take(&b, &len);
	p = decode_bytes(json, len, &why);
	CHECK(p.outcome.err == ERR_OK && p.n == GROUPS_PAGE && p.next == 1);
	assert_string_equal(p.id[0], "@TGS#_@TGS#000001");
	assert_string_equal(p.id[GROUPS_PAGE - 1], "@TGS#_@TGS#010000");
	groups_page_done(&p);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_names_communities_and_keeps_every_bit_of_next),
		cmocka_unit_test(a_page_gives_its_ids_sorted_and_once),
		cmocka_unit_test(next_is_read_exactly_or_not_at_all),
		cmocka_unit_test(ids_that_nothing_can_have_are_skipped_and_counted),
		cmocka_unit_test(an_id_the_guard_repaired_is_no_id),
		cmocka_unit_test(an_answer_of_another_shape_is_no_empty_list),
		cmocka_unit_test(the_code_at_the_top_decides),
		cmocka_unit_test(a_total_that_is_no_number_is_not_known),
		cmocka_unit_test(a_full_page_fits),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
