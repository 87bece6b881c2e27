/* When a reload takes away too many communities (agent/shrink.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/reload.h"

#define CHECK assert_true

enum { APPS = 2, MOST = 64, ID_ROOM = 16 };

/* Two apps, each with the communities from `from` on. */
struct side {
	char id[APPS][MOST][ID_ROOM];
	struct conf_community community[APPS][MOST];
	struct conf_app app[APPS];
	struct conf conf;
};

static void fill(struct side *s, size_t app, unsigned from, unsigned n)
{
	CHECK(n <= MOST);
	for (unsigned i = 0; i < n; i++) {
		/* not in order of the ids */
		(void)snprintf(s->id[app][i], ID_ROOM, "@TGS#_%u", from + (i * 7 + 3) % n);
		s->community[app][i] =
			(struct conf_community){ .id = s->id[app][i], .list = app > 0 ? "b.list" : NULL, .line = 5 };
	}
	s->app[app] = (struct conf_app){ .sdkappid = 100 + (int64_t)app,
		                             .name = app > 0 ? "second" : "first",
		                             .community = s->community[app],
		                             .community_n = n };
}

static void make(struct side *s, unsigned first_n, unsigned second_n)
{
	fill(s, 0, 0, first_n);
	fill(s, 1, 0, second_n);
	s->conf = (struct conf){ .path = "x.cfg", .app = s->app, .app_n = APPS };
}

static enum err judge(const struct side *before, const struct side *next, char said[static 512])
{
	struct buf faults;
	enum err e;

	buf_init(&faults, 4096);
	e = shrink_check(&before->conf, &next->conf, &faults);
	(void)snprintf(said, 512, "%s", buf_text(&faults));
	buf_done(&faults);
	return e;
}

static void ten_and_more_than_half_is_too_much(void **state)
{
	static const struct {
		unsigned before[APPS], next[APPS];
		enum err want;
	} rows[] = {
		{ { 15, 40 }, { 6, 40 }, ERR_OK },      /* nine */
		{ { 9, 0 }, { 0, 0 }, ERR_OK },         /* all, and only nine */
		{ { 19, 40 }, { 9, 40 }, ERR_CONFIG },  /* ten of nineteen */
		{ { 20, 40 }, { 10, 40 }, ERR_OK },     /* one half */
		{ { 21, 40 }, { 10, 40 }, ERR_CONFIG }, /* one more than that */
		{ { 40, 40 }, { 40, 40 }, ERR_OK },
		{ { 9, 9 }, { 4, 3 }, ERR_CONFIG }, /* eleven of both together */
		{ { 0, 0 }, { 40, 40 }, ERR_OK },
	};
	static struct side before, next;
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(&before, rows[i].before[0], rows[i].before[1]);
		make(&next, rows[i].next[0], rows[i].next[1]);
		if (judge(&before, &next, said) != rows[i].want)
			fail_msg("row %zu: '%s'", i, said);
		CHECK((rows[i].want == ERR_OK) == (said[0] == '\0'));
		next.conf.allow_shrink = true;
		CHECK(judge(&before, &next, said) == ERR_OK);
		CHECK(said[0] == '\0');
	}
}

static void it_says_who_goes_and_where_they_stood(void **state)
{
	static struct side before, next;
	char said[512];

	(void)state;
	make(&before, 12, 30);
	make(&next, 12, 4);
	CHECK(judge(&before, &next, said) == ERR_CONFIG);
	assert_string_equal(said,
	                    "x.cfg: this would take away 26 of the 30 communities of app second; the first, "
	                    "'@TGS#_10', stood in b.list:5; if that is meant, say allow_shrink = true;\n");
	make(&next, 0, 30);
	CHECK(judge(&before, &next, said) == ERR_CONFIG);
	assert_string_equal(said, "x.cfg: this would take away 12 of the 12 communities of app first; the first, "
	                          "'@TGS#_3', stood in x.cfg:5; if that is meant, say allow_shrink = true;\n");
}

/* Others in the place of those that were there are no less a loss. */
static void who_is_replaced_is_lost(void **state)
{
	static struct side before, next;
	char said[512];

	(void)state;
	make(&before, 12, 30);
	make(&next, 12, 30);
	fill(&next, 1, 14, 30);
	CHECK(judge(&before, &next, said) == ERR_OK); /* 14 of 30 */
	fill(&next, 1, 16, 30);
	CHECK(judge(&before, &next, said) == ERR_CONFIG);
}

/* Who takes an app out of the file means it, as long as it is not most of all. */
static void an_app_may_go(void **state)
{
	static struct side before, next;
	char said[512];

	(void)state;
	make(&before, 12, 30);
	make(&next, 12, 30);
	next.conf.app = &next.app[1];
	next.conf.app_n = 1;
	CHECK(judge(&before, &next, said) == ERR_OK);
	next.conf.app = &next.app[0];
	CHECK(judge(&before, &next, said) == ERR_CONFIG);
	assert_non_null(strstr(said, "30 of the 42 communities; the first,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_and_more_than_half_is_too_much),
		cmocka_unit_test(it_says_who_goes_and_where_they_stood),
		cmocka_unit_test(who_is_replaced_is_lost),
		cmocka_unit_test(an_app_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
