/* What a request may ask of the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exporters/pages/status.h"

#define CHECK assert_true

enum { PAIRS_MAX = 8 };

/* The request is played: key, value, key, value, NULL. */
static const char *const *pairs;

void web_queries(const struct web_request *q, web_pair *each, void *arg)
{
	(void)q;
	for (const char *const *p = pairs; p[0] != NULL; p += 2)
		each(arg, p[0], p[1]);
}

static enum err ask(const char *const *given, struct status_query *ret, struct why *why)
{
	const struct web_request q = { .path = "/status" };

	pairs = given;
	*why = (struct why){ 0 };
	return status_query_read(&q, ret, why);
}
#define ASK(...) ask((const char *const[]){ __VA_ARGS__, NULL }, &q, &why)

static void nothing_asks_for_the_first_hundred_in_trouble(void **state)
{
	const char *const none[] = { NULL };
	struct status_query q;
	struct why why;

	(void)state;
	CHECK(ask(none, &q, &why) == ERR_OK);
	CHECK(q.app == NULL && q.find == NULL && q.sort == SORT_TROUBLE && !q.reverse && !q.problems);
	CHECK(q.page == 0 && q.per_page == STATUS_PER_PAGE);
	/* As a form sends it, and with keys of others. */
	CHECK(ASK("app", "", "find", "", "sort", "", "order", "", "problems", "", "page", "", "x", "y") ==
	      ERR_OK);
	CHECK(q.app == NULL && q.find == NULL && q.per_page == STATUS_PER_PAGE);
}

static void everything_can_be_said(void **state)
{
	struct status_query q;
	struct why why;

	(void)state;
	CHECK(ASK("app", "prod", "find", "a b", "sort", "idle", "order", "asc", "problems", "1", "page", "7",
	          "per_page", "500") == ERR_OK);
	CHECK(strcmp(q.app, "prod") == 0 && strcmp(q.find, "a b") == 0 && q.sort == SORT_IDLE && q.reverse);
	CHECK(q.problems && q.page == 7 && q.per_page == 500);
	CHECK(ASK("sort", "idle", "order", "desc") == ERR_OK && !q.reverse);
	CHECK(ASK("sort", "name", "order", "desc") == ERR_OK && q.reverse);
	CHECK(ASK("order", "asc", "problems", "0") == ERR_OK && q.reverse && !q.problems);
	for (int s = 0; s < SORT_COUNT; s++)
		CHECK(ASK("sort", status_sort_label((enum status_sort)s)) == ERR_OK && (int)q.sort == s);
}

static void what_cannot_be_meant_is_told(void **state)
{
	static const struct {
		const char *pair[5], *says;
	} row[] = {
		{ { "sort", "size" },
		  "sort 'size' is none of trouble, name, topics, muted, silent, idle, last, next, rate" },
		{ { "sort", "Name" }, "sort 'Name' is none of" },
		{ { "order", "down" }, "order 'down' is none of asc, desc" },
		{ { "problems", "yes" }, "problems 'yes' is none of 0, 1" },
		{ { "page", "-1" }, "page '-1' is no number from 0 to 1000000" },
		{ { "page", "1000001" }, "page '1000001' is no number" },
		{ { "page", "99999999999999999999999999" }, "is no number from 0 to 1000000" },
		{ { "page", "1e3" }, "page '1e3' is no number" },
		{ { "page", " 1" }, "page ' 1' is no number" },
		{ { "per_page", "0" }, "per_page '0' is no number from 1 to 500" },
		{ { "per_page", "501" }, "per_page '501' is no number from 1 to 500" },
		{ { "app", "a", "app", "b" }, "app is given twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct status_query q = { .page = 77 };
		struct why why;

		CHECK(ask(row[i].pair, &q, &why) == ERR_CONFIG && q.page == 77);
		if (strstr(why.text, row[i].says) == NULL)
			fail_msg("'%s' does not say '%s'", why.text, row[i].says);
	}
}

static void a_query_is_written_as_it_is_read(void **state)
{
	static const struct {
		struct status_query q;
		size_t page;
		const char *text;
	} row[] = {
		{ { .per_page = STATUS_PER_PAGE }, 0, "?" },
		{ { .per_page = STATUS_PER_PAGE }, 2, "?page=2" },
		{ { .app = "a&b=c #\"<>\xc3\xa9", .per_page = 7 },
		  0,
		  "?app=a%26b%3Dc%20%23%22%3C%3E%C3%A9&per_page=7" },
		{ { .sort = SORT_NAME, .reverse = true, .problems = true, .per_page = STATUS_PER_PAGE },
		  1,
		  "?sort=name&order=desc&problems=1&page=1" },
		{ { .sort = SORT_IDLE, .reverse = true, .find = "x", .per_page = 500 },
		  0,
		  "?find=x&sort=idle&order=asc&per_page=500" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct buf b;

		buf_init(&b, 4096);
		buf_str(&b, "/status");
		status_query_print(&row[i].q, row[i].page, &b);
		assert_string_equal(buf_text(&b) + strlen("/status"), row[i].text);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asks_for_the_first_hundred_in_trouble),
		cmocka_unit_test(everything_can_be_said),
		cmocka_unit_test(what_cannot_be_meant_is_told),
		cmocka_unit_test(a_query_is_written_as_it_is_read),
	};

	return cmocka_run_group_tests_name("status_query", tests, NULL, NULL);
}
