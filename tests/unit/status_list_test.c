/* Which communities the list shows, in which order. What is asked of it is compared with what a slow and
 * simple sort of all rows gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/metric/sample.h"
#include "tests/unit/random.h"
#include "tests/unit/status_stage.h"

enum { SOME = 160, MANY = 50000 };

/* ---- the simple way ---- */
static struct {
	const struct stage *stage;
	const struct status_query *query;
} by;

static int64_t value(const struct status_row *r)
{
	switch (by.query->sort) {
	case SORT_TOPICS:
		return r->topics;
	case SORT_MUTED:
		return r->muted;
	case SORT_SILENT:
		return r->silent;
	case SORT_IDLE:
		return r->idle_s;
	case SORT_LAST:
		return r->last_poll_s;
	case SORT_NEXT:
		return r->member.next_poll_s;
	case SORT_RATE:
		return r->rate_milli;
	default:
		return -1;
	}
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_trouble(const struct status_row *a, const struct status_row *b)
{
	static const int rank[] = {
		[STATE_GONE] = 0, [STATE_FAILING] = 1, [STATE_STALE] = 2, [STATE_PENDING] = 3, [STATE_OK] = 4
	};
	const int64_t since_a = a->since_s >= 0 ? a->since_s : INT64_MAX;
	const int64_t since_b = b->since_s >= 0 ? b->since_s : INT64_MAX;
	const int order = compare(rank[a->state], rank[b->state]);

	return order != 0 ? order : compare(since_a, since_b);
}

static int compare_names(const struct status_row *a, const struct status_row *b)
{
	return strcasecmp(a->member.name != NULL ? a->member.name : a->member.id,
	                  b->member.name != NULL ? b->member.name : b->member.id);
}

static int by_query(const void *left, const void *right)
{
	const struct status_row *a = left, *b = right;
	const int64_t x = value(a), y = value(b);
	const bool flip = by.query->reverse;
	int order;

	if (by.query->sort == SORT_NAME)
		order = compare_names(a, b) * (flip ? -1 : 1);
	else if (by.query->sort == SORT_TROUBLE)
		order = compare_trouble(a, b) * (flip ? -1 : 1);
	else if (x < 0 || y < 0)
		order = compare(x < 0, y < 0);
	else
		order = compare(x, y) * (status_sort_descends(by.query->sort) != flip ? -1 : 1);
	return order != 0 ? order : compare((int64_t)a->i, (int64_t)b->i);
}

static struct status_row *slowly(const struct stage *s, const struct status_query *q)
{
	struct status_row *row = calloc(s->n, sizeof(row[0]));

	by.stage = s;
	by.query = q;
	for (size_t i = 0; i < s->n; i++)
		status_row_fill(&s->source, i, false, &row[i]);
	qsort(row, s->n, sizeof(row[0]), by_query);
	return row;
}

static void check_all_pages(const struct stage *s, struct status_query q)
{
	struct status_row *row = slowly(s, &q);
	struct status_list *l;

	for (q.page = 0; q.page * q.per_page < s->n; q.page++) {
		CHECK(status_list_new(&s->source, &q, &l) == ERR_OK);
		CHECK(l->all == s->n && l->matched == s->n && l->query.page == q.page);
		CHECK(l->row_n ==
		      (s->n - q.page * q.per_page < q.per_page ? s->n - q.page * q.per_page : q.per_page));
		for (size_t i = 0; i < l->row_n; i++)
			if (l->row[i].i != row[q.page * q.per_page + i].i)
				fail_msg("by %s, page %zu, row %zu: %zu, expected %zu", status_sort_label(q.sort), q.page, i,
				         l->row[i].i, row[q.page * q.per_page + i].i);
		status_list_free(l);
	}
	free(row);
}

static void check_every_order(const struct stage *s, size_t per_page)
{
	for (int sort = 0; sort < SORT_COUNT; sort++)
		for (int reverse = 0; reverse < 2; reverse++)
			check_all_pages(s, (struct status_query){ .sort = (enum status_sort)sort,
			                                          .reverse = reverse != 0,
			                                          .per_page = per_page });
}

/* ---- the world ---- */
/* Every state, many equals, and things that are not known. */
static void live(struct stage *s, size_t slot)
{
	const size_t topics = random_below(4);

	s->who[slot].next_poll_s = random_below(5) == 0 ? -1 : NOW_S + (int64_t)random_below(9);
	if (random_below(6) == 0)
		return; /* pending */
	if (random_below(5) > 0)
		stage_topics(s, slot, topics, random_below(topics + 1), (int64_t)random_below(3) * 4000, 10, -200);
	if (random_below(2) == 0)
		stage_topics(s, slot, topics, 0, 100 + (int64_t)random_below(3), 10 + (int64_t)random_below(4),
		             -100 + (int64_t)random_below(5));
	for (size_t fails = random_below(3); fails > 0; fails--)
		stage_end(s, slot, random_below(3) == 0 ? ERR_GONE : ERR_TIMEOUT, 0, -90 + (int64_t)random_below(40));
}

static struct stage *world(size_t n)
{
	struct stage *s = stage_new(n);

	random_start(42);
	for (size_t i = 0; i < n; i++)
		if (random_below(2) == 0)
			(void)snprintf(s->who[i].name, sizeof(s->who[i].name), "name %zu",
			               (size_t)random_below(n / 3 + 1));
	stage_fill(s);
	for (size_t i = 0; i < n; i++)
		live(s, i);
	(void)stage_open(s);
	return s;
}

/* ---- tests ---- */
static void every_sort_is_that_of_a_simple_one_page_by_page(void **state)
{
	struct stage *s = world(SOME);

	(void)state;
	check_every_order(s, 7);
	check_every_order(s, SOME);
	check_every_order(s, SOME - 1);
	check_every_order(s, 1);
	stage_free(s);
}

static void names_of_every_kind_are_in_order(void **state)
{
	static const char *const name[] = {
		"",
		"a",
		"A",
		"aa",
		"aaaaaaaa",
		"aaaaaaaaa",
		"AAAAAAAAA",
		"aaaaaaaab",
		"aaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaab",
		"\xc3\xa9",
		"\x7f",
		"zz",
		"community-00001",
		"community-00002",
		"COMMUNITY-00002",
		"community-0000",
		"community-",
		"z",
		"@TGS#_",
		"~",
	};
	enum { NAMES = sizeof(name) / sizeof(name[0]), COPIES = 5 };
	struct stage *s = stage_new(NAMES * COPIES);

	(void)state;
	for (size_t i = 0; i < s->n; i++)
		(void)snprintf(s->who[i].name, sizeof(s->who[i].name), "%s", name[i * 7 % NAMES]);
	stage_fill(s);
	(void)stage_open(s);
	for (size_t per_page = 1; per_page <= s->n; per_page += 9)
		for (int reverse = 0; reverse < 2; reverse++)
			check_all_pages(
				s, (struct status_query){ .sort = SORT_NAME, .reverse = reverse != 0, .per_page = per_page });
	stage_free(s);
}

static size_t matched(const struct stage *s, const struct status_query *q)
{
	struct status_list *l;
	size_t n;

	CHECK(status_list_new(&s->source, q, &l) == ERR_OK);
	n = l->matched;
	for (size_t i = 0; i < l->row_n; i++) {
		CHECK(q->app == NULL || strcmp(l->row[i].app->name, q->app) == 0);
		CHECK(!q->problems || l->row[i].state != STATE_OK);
	}
	status_list_free(l);
	return n;
}

static void filters_leave_what_they_say(void **state)
{
	struct stage *s = world(SOME);
	struct status_query q = { .per_page = 500 };
	size_t well = 0, thirds = 0;

	(void)state;
	for (size_t i = 0; i < s->n; i++) {
		struct status_row r;

		status_row_fill(&s->source, i, false, &r);
		well += r.state == STATE_OK;
		thirds += stage_app(i) == 2;
	}
	CHECK(well > 10 && well < s->n - 10);
	CHECK(matched(s, &q) == s->n);
	q.problems = true;
	CHECK(matched(s, &q) == s->n - well);
	q = (struct status_query){ .per_page = 500, .app = "test \"two\"" };
	CHECK(matched(s, &q) == thirds);
	q.app = "nobody";
	CHECK(matched(s, &q) == 0);
	q = (struct status_query){ .per_page = 500, .find = "_159" };
	CHECK(matched(s, &q) == 1);
	q.find = "tgs#_15"; /* 15 and 150 to 159 */
	CHECK(matched(s, &q) == 11);
	(void)snprintf(s->who[3].name, sizeof(s->who[3].name), "Caf\xc3\xa9 One");
	q.find = "caf\xc3\xa9 o";
	CHECK(matched(s, &q) == 1);
	q.find = "\n";
	CHECK(matched(s, &q) == 0);
	stage_free(s);
}

static void beyond_the_end_there_is_nothing(void **state)
{
	struct stage *s = world(SOME), *empty = stage_new(1);
	struct status_list *l;

	(void)state;
	for (int sort = 0; sort < SORT_COUNT; sort++) {
		const size_t page[] = { SOME / 10, SOME / 10 + 1, 1000000 };

		for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
			const struct status_query q = { .sort = (enum status_sort)sort, .page = page[i], .per_page = 10 };

			CHECK(status_list_new(&s->source, &q, &l) == ERR_OK);
			CHECK(l->row_n == 0 && l->matched == SOME);
			status_list_free(l);
		}
	}
	(void)stage_open(empty); /* nobody was added */
	for (int sort = 0; sort < SORT_COUNT; sort++) {
		const struct status_query q = { .sort = (enum status_sort)sort, .per_page = 10 };

		CHECK(status_list_new(&empty->source, &q, &l) == ERR_OK && l->row_n == 0 && l->all == 0);
		status_list_free(l);
	}
	status_list_free(NULL);
	stage_free(empty);
	stage_free(s);
}

static void one_community_is_found_by_app_and_id(void **state)
{
	struct stage *s = world(SOME);
	struct status_row r;
	size_t i;

	(void)state;
	CHECK(status_find(&s->source, "prod", "@TGS#_3", &i));
	s->curl = "curl";
	status_row_fill(&s->source, i, true, &r);
	CHECK(r.i == i && strcmp(r.member.id, "@TGS#_3") == 0 && strcmp(r.member.curl, "curl") == 0);
	CHECK(!status_find(&s->source, "test \"two\"", "@TGS#_3", &i));
	CHECK(status_find(&s->source, "test \"two\"", "@TGS#_5", &i));
	CHECK(!status_find(&s->source, "prod", "@TGS#_", &i));
	CHECK(!status_find(&s->source, "", "@TGS#_3", &i));
	stage_free(s);
}

static void a_row_tells_what_is_known_and_nothing_else(void **state)
{
	struct stage *s = stage_new(2);
	struct status_row r;

	(void)state;
	stage_fill(s);
	stage_topics(s, 0, 3, 2, 5000, 100, -120);
	stage_topics(s, 0, 3, 2, 5000, 140, -60);
	stage_end(s, 0, ERR_API_ERROR, 10002, -50);
	stage_end(s, 0, ERR_HTTP_STATUS, 502, -40);
	(void)stage_open(s);
	status_row_fill(&s->source, 1, false, &r); /* slot 0 */
	CHECK(r.state == STATE_FAILING && r.reason == ERR_HTTP_STATUS && r.code == 502 && r.failures == 2);
	CHECK(r.since_s == NOW_S - 50 && r.last_poll_s == NOW_S - 40 && r.last_success_s == NOW_S - 60);
	CHECK(r.topics == 3 && r.muted == 2 && r.silent == 2 && r.idle_s == 10000 && r.took_us == 1234567);
	CHECK(r.rate_milli == 120000 && r.interval_ms == 60000 && r.idle != NULL && r.member.curl == NULL);
	status_row_fill(&s->source, 0, false, &r);
	CHECK(r.state == STATE_PENDING && r.reason == ERR_OK && r.code == 0 && r.since_s == -1 &&
	      r.failures == 0);
	CHECK(r.topics == -1 && r.muted == -1 && r.silent == -1 && r.idle_s == -1 && r.rate_milli == -1);
	CHECK(r.last_poll_s == -1 && r.last_success_s == -1 && r.took_us == -1 && r.idle == NULL);
	stage_free(s);
}

static void fifty_thousand_are_in_order(void **state)
{
	struct stage *s = stage_new(MANY);

	(void)state;
	random_start(7);
	for (size_t i = 0; i < MANY; i++)
		(void)snprintf(s->who[i].name, sizeof(s->who[i].name), "community %zu", (size_t)random_below(MANY));
	stage_fill(s);
	for (size_t i = 0; i < MANY; i++)
		if (random_below(10) > 0)
			stage_end(s, i, random_below(3) == 0 ? ERR_TIMEOUT : ERR_OK, 0, -(int64_t)random_below(5000));
	(void)stage_open(s);
	check_all_pages(s, (struct status_query){ .sort = SORT_TROUBLE, .per_page = 10000 });
	check_all_pages(s, (struct status_query){ .sort = SORT_NAME, .per_page = 10000 });
	check_all_pages(s, (struct status_query){ .sort = SORT_LAST, .reverse = true, .per_page = 25000 });
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sort_is_that_of_a_simple_one_page_by_page),
		cmocka_unit_test(names_of_every_kind_are_in_order),
		cmocka_unit_test(filters_leave_what_they_say),
		cmocka_unit_test(beyond_the_end_there_is_nothing),
		cmocka_unit_test(one_community_is_found_by_app_and_id),
		cmocka_unit_test(a_row_tells_what_is_known_and_nothing_else),
		cmocka_unit_test(fifty_thousand_are_in_order),
	};

	return cmocka_run_group_tests_name("status_list", tests, NULL, NULL);
}
