/* The way through the pages, and which communities are wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/groups/groups.h"

#define CHECK assert_true

static enum groups_step take(struct groups_walk *w, uint32_t listed, uint64_t next, int64_t total)
{
	const struct groups_page p = { .listed = listed, .next = next, .total = total };
	struct why why = { "" };
	const enum groups_step step = groups_walk_page(w, &p, &why);

	CHECK((step == GROUPS_BROKEN) == (why.text[0] != '\0'));
	return step;
}

static void a_listing_is_whole_when_the_last_page_came(void **state)
{
	struct groups_walk w;

	(void)state;
	groups_walk_begin(&w);
	CHECK(w.next == 0 && w.limit == GROUPS_PAGE);
	CHECK(take(&w, 10000, UINT64_MAX, 20002) == GROUPS_MORE && w.next == UINT64_MAX);
	CHECK(take(&w, 10000, 4, 20002) == GROUPS_MORE && w.next == 4);
	CHECK(take(&w, 2, 0, 20002) == GROUPS_DONE && w.pages == 3 && w.listed == 20002);
	groups_walk_begin(&w);
	CHECK(w.next == 0 && w.listed == 0);
	CHECK(take(&w, 0, 0, 0) == GROUPS_DONE);
	groups_walk_begin(&w);
	CHECK(take(&w, 3, 0, -1) == GROUPS_DONE);
}

static void a_listing_that_runs_in_circles_is_broken(void **state)
{
	struct groups_walk w;

	(void)state;
	groups_walk_begin(&w);
	CHECK(take(&w, 1, 5, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 5, -1) == GROUPS_BROKEN);
	groups_walk_begin(&w);
	CHECK(take(&w, 1, 5, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 6, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 5, -1) == GROUPS_BROKEN);
}

static void a_listing_has_an_end(void **state)
{
	struct groups_walk w;

	(void)state;
	groups_walk_begin(&w);
	for (uint64_t i = 1; i < GROUPS_PAGES_MAX; i++)
		CHECK(take(&w, 1, i, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 0, -1) == GROUPS_DONE && w.pages == GROUPS_PAGES_MAX);
	groups_walk_begin(&w);
	for (uint64_t i = 1; i < GROUPS_PAGES_MAX; i++)
		CHECK(take(&w, 1, i, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 1000, -1) == GROUPS_BROKEN);
	groups_walk_begin(&w);
	for (uint64_t i = 1; i <= GROUPS_IDS_MAX / GROUPS_PAGE; i++)
		CHECK(take(&w, GROUPS_PAGE, i, -1) == GROUPS_MORE);
	CHECK(take(&w, 1, 0, -1) == GROUPS_BROKEN);
}

static void an_end_before_half_of_the_total_is_none(void **state)
{
	struct groups_walk w;

	(void)state;
	groups_walk_begin(&w);
	CHECK(take(&w, 0, 0, 1) == GROUPS_BROKEN);
	groups_walk_begin(&w);
	CHECK(take(&w, 10, 7, 100) == GROUPS_MORE);
	CHECK(take(&w, 39, 0, 100) == GROUPS_BROKEN);
	groups_walk_begin(&w);
	CHECK(take(&w, 50, 0, 100) == GROUPS_DONE);
}

static void a_page_that_is_too_large_is_asked_for_in_halves(void **state)
{
	struct groups_walk w;

	(void)state;
	groups_walk_begin(&w);
	CHECK(take(&w, 10000, 77, -1) == GROUPS_MORE);
	CHECK(groups_walk_less(&w) && w.limit == 5000 && w.next == 77);
	CHECK(groups_walk_less(&w) && groups_walk_less(&w) && w.limit == GROUPS_LEAST);
	CHECK(!groups_walk_less(&w) && w.limit == GROUPS_LEAST);
}

static void globs_choose(void **state)
{
	static const char *const tgs[] = { "@TGS#_*", "extra-?" }, *const test[] = { "*test*", "@TGS#_[xy]*" };
	const struct groups_filter some = { tgs, 2, test, 2 }, all = { 0 }, not_test = { NULL, 0, test, 2 };

	(void)state;
	CHECK(groups_wanted("@TGS#_@TGS#cQVLVHIM62CJ", &some));
	CHECK(groups_wanted("@TGS#_", &some) && groups_wanted("extra-1", &some));
	CHECK(groups_wanted("@TGS#_a/b", &some)); /* a slash is nothing special */
	CHECK(!groups_wanted("@TGS#cQVL", &some) && !groups_wanted("extra-12", &some));
	CHECK(!groups_wanted("@TGS#_latest", &some) && !groups_wanted("@TGS#_x1", &some));
	CHECK(groups_wanted(".hidden", &all) && groups_wanted("*", &all));
	CHECK(groups_wanted("shop", &not_test) && !groups_wanted("test", &not_test));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listing_is_whole_when_the_last_page_came),
		cmocka_unit_test(a_listing_that_runs_in_circles_is_broken),
		cmocka_unit_test(a_listing_has_an_end),
		cmocka_unit_test(an_end_before_half_of_the_total_is_none),
		cmocka_unit_test(a_page_that_is_too_large_is_asked_for_in_halves),
		cmocka_unit_test(globs_choose),
	};

	return cmocka_run_group_tests_name("groups walk", tests, NULL, NULL);
}
