/* The pages as HTML: whole, escaped, bounded, and silent about what is not known. tests/browser looks at
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

#include "exporters/metric/sample.h"
#include "exporters/pages/pages.h"
#include "exporters/pages/status_html.h"
#include "tests/unit/pages_hostile.h"
#include "tests/unit/status_stage.h"

enum { BODY_MAX = 1 << 20, DEEP = 64 };

/* ---- is it whole? ---- */
struct tag {
	char name[16];
	size_t len; /* of the whole tag */
	bool closes, empty;
};

static bool is_void(const char *name)
{
	static const char *const names[] = { "meta", "link", "input", "rect", "path", "br" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Every attribute has quotes, and nothing in them ends the tag. */
static struct tag tag_read(const char *at)
{
	struct tag t = { .len = 1 };
	size_t n;

	t.closes = at[t.len] == '/';
	t.len += t.closes;
	n = strspn(at + t.len, "abcdefghijklmnopqrstuvwxyz0123456789");
	CHECK(n > 0 && n < sizeof(t.name));
	memcpy(t.name, at + t.len, n);
	t.len += n;
	while (at[t.len] != '>') {
		t.len += strspn(at + t.len, " \n/");
		n = strspn(at + t.len, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
		CHECK(n > 0 || at[t.len] == '>');
		t.len += n;
		if (at[t.len] != '=')
			continue;
		CHECK(at[t.len + 1] == '"');
		t.len += 2 + strcspn(at + t.len + 2, "\"<");
		CHECK(at[t.len++] == '"');
	}
	t.empty = at[t.len - 1] == '/' || is_void(t.name);
	t.len++;
	return t;
}

static void expect_whole(const char *html)
{
	char open[DEEP][16];
	size_t depth = 0;

	CHECK(strncmp(html, "<!DOCTYPE html>", 15) == 0);
	for (const char *at = html + 15; *at != '\0';) {
		struct tag t;

		if (*at != '<') {
			CHECK(*at != '>' && *at != '"');
			at++;
			continue;
		}
		t = tag_read(at);
		at += t.len;
		if (t.closes) {
			CHECK(depth > 0);
			assert_string_equal(open[--depth], t.name);
		} else if (!t.empty) {
			CHECK(depth < DEEP);
			memcpy(open[depth++], t.name, sizeof(t.name));
		}
	}
	CHECK(depth == 0);
}

static size_t count(const char *html, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(html, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

static void expect_harmless(const char *html)
{
	expect_whole(html);
	CHECK(strstr(html, "<img") == NULL && strstr(html, "style=") == NULL &&
	      strstr(html, " onerror=\"") == NULL);
	CHECK(count(html, "<script") <= 1 && strstr(html, "\xe2\x80\xae") == NULL &&
	      strchr(html, '\x01') == NULL);
	CHECK(strstr(html, "-1<") == NULL && strstr(html, "nan") == NULL);
}

/* ---- pages ---- */
static const struct status_query everything = { .per_page = STATUS_PER_PAGE };

static struct buf list_of(const struct status_source *s, const struct status_query *q)
{
	struct status_list *l;
	struct buf b;

	buf_init(&b, BODY_MAX);
	CHECK(status_list_new(s, q, &l) == ERR_OK);
	status_html(s, l, &b);
	status_list_free(l);
	expect_harmless(buf_text(&b));
	CHECK(b.status == ERR_OK);
	return b;
}

/* The same of one app alone, whose states are counted. */
static struct buf counted_list_of(struct stage *s)
{
	s->app[2].name = NULL;
	stage_open(s);
	pin_count(s->pin, 0, &s->health);
	return list_of(&s->source, &everything);
}

static struct buf community_of(const struct status_source *s, size_t i, size_t from)
{
	struct status_row r;
	struct buf b;

	buf_init(&b, BODY_MAX);
	status_row_fill(s, i, true, &r);
	status_community_html(s, &r, from, &b);
	expect_harmless(buf_text(&b));
	CHECK(b.status == ERR_OK);
	return b;
}

static void an_empty_world_says_what_to_do(void **state)
{
	struct stage *s = stage_new(0);
	struct buf b;

	(void)state;
	b = list_of(stage_open(s), &everything);
	CHECK(strstr(buf_text(&b), "No communities are known") != NULL);
	CHECK(strstr(buf_text(&b), "There is nothing to poll") != NULL);
	buf_done(&b);
	stage_free(s);
}

static void who_was_never_polled_has_dashes(void **state)
{
	struct stage *s = stage_new(2);
	struct buf b;

	(void)state;
	stage_fill(s);
	b = counted_list_of(s);
	CHECK(count(buf_text(&b), "<tr role=\"row\" id=\"c") == 2 && count(buf_text(&b), "not polled yet") == 1);
	CHECK(count(buf_text(&b), "title=\"not known\"") >= 2 * 6);
	buf_done(&b);
	b = community_of(&s->source, 0, 0);
	CHECK(strstr(buf_text(&b), "No topics are known") != NULL &&
	      strstr(buf_text(&b), "Nothing was asked yet") != NULL);
	buf_done(&b);
	stage_free(s);
}

static void hostile_names_are_text_everywhere(void **state)
{
	struct stage *s = stage_new(3);
	struct status_query q = { .per_page = 1, .find = "<img", .problems = true };
	struct page_app app = { HOSTILE, &s->health };
	struct page_state landing = {
		.version = "1", .telemetry_path = "/m\"<", .unready = HOSTILE, .app = &app, .app_n = 1
	};
	struct web_reply reply = { .status = 200 };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < s->n; i++)
		memcpy(s->who[i].name, HOSTILE, sizeof(HOSTILE));
	memcpy(s->who[1].id, HOSTILE, sizeof(HOSTILE));
	s->app[0].name = HOSTILE;
	s->curl = "curl '" HOSTILE "'";
	stage_fill(s);
	stage_answer(
		s, 0,
		"{\"TopicInfo\":{\"TopicId\":\"<img>\",\"TopicName\":\"<img onerror=\\\"x\\\">\",\"NextMsgSeq\":2}}",
		-9);
	stage_end(s, 1, ERR_API_ERROR, 10002, -5);
	b = list_of(stage_open(s), &everything);
	CHECK(count(buf_text(&b), SHOWN) >= 4);
	buf_done(&b);
	b = list_of(&s->source, &q);
	CHECK(strstr(buf_text(&b), "value=\"&lt;img\"") != NULL);
	buf_done(&b);
	for (size_t i = 0; i < s->n; i++) {
		b = community_of(&s->source, i, 0);
		CHECK(count(buf_text(&b), SHOWN) >= 2);
		buf_done(&b);
	}
	buf_init(&reply.body, BODY_MAX);
	page_landing(&landing, &reply);
	CHECK(reply.page);
	expect_harmless(buf_text(&reply.body));
	CHECK(count(buf_text(&reply.body), SHOWN) == 2);
	buf_done(&reply.body);
	stage_free(s);
}

static void trouble_is_told_with_reason_and_time(void **state)
{
	struct stage *s = stage_new(2);
	struct buf b;

	(void)state;
	stage_fill(s);
	stage_topics(s, 0, 5, 2, 4000, 7, -300);
	stage_end(s, 0, ERR_THROTTLED, 60007, -40);
	stage_end(s, 1, ERR_DNS, 0, -10);
	b = counted_list_of(s);
	CHECK(strstr(buf_text(&b), "<strong>2</strong> of 2 communities are in trouble") != NULL);
	CHECK(strstr(buf_text(&b), "<b>throttled 60007</b>") != NULL &&
	      strstr(buf_text(&b), "<b>dns</b>") != NULL);
	CHECK(strstr(buf_text(&b), "40 s ago</time>, 1 poll<") != NULL);
	CHECK(strstr(buf_text(&b), "aria-sort=\"descending\"") != NULL);
	CHECK(strstr(buf_text(&b), "1 under 5 minutes, 4 under a day\"") != NULL);
	buf_done(&b);
	stage_free(s);
}

/* Names of quotes only: each byte becomes six. */
static void the_longest_page_fits_or_says_that_it_ends_early(void **state)
{
	struct stage *s = stage_new(STATUS_PER_PAGE_MAX);
	const struct status_query most = { .per_page = STATUS_PER_PAGE_MAX };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < s->n; i++) {
		memset(s->who[i].name, '"', sizeof(s->who[i].name) - 1);
		memset(s->who[i].id + strlen(s->who[i].id), '\'', ID_ROOM - 12);
	}
	stage_fill(s);
	for (size_t i = 0; i < s->n; i++)
		stage_end(s, i, ERR_API_ERROR, 10002, -5);
	b = list_of(stage_open(s), &most);
	CHECK(count(buf_text(&b), "<tr role=\"row\" id=\"c") < STATUS_PER_PAGE_MAX);
	CHECK(strstr(buf_text(&b), "The page is full after") != NULL);
	buf_done(&b);
	stage_free(s);
}

static void a_page_of_many_is_small_on_the_wire(void **state)
{
	struct stage *s = stage_new(STATUS_PER_PAGE_MAX);
	const struct status_query most = { .per_page = STATUS_PER_PAGE_MAX };
	struct buf b;
	uLongf packed;
	unsigned char *room;

	(void)state;
	for (size_t i = 0; i < s->n; i++)
		(void)snprintf(s->who[i].name, sizeof(s->who[i].name), "Community number %zu", i);
	stage_fill(s);
	for (size_t i = 0; i < s->n; i++) {
		stage_topics(s, i, 1 + i % 30, i % 3, 4000 + (int64_t)i, 7, -300);
		if (i % 7 == 0)
			stage_end(s, i, ERR_API_ERROR, 10002, -5);
	}
	b = list_of(stage_open(s), &everything);
	CHECK(count(buf_text(&b), "<tr role=\"row\" id=\"c") == STATUS_PER_PAGE);
	packed = compressBound(b.len);
	room = malloc(packed);
	CHECK(compress2(room, &packed, (const unsigned char *)b.at, b.len, 6) == Z_OK && packed < 60000);
	free(room);
	buf_done(&b);
	b = list_of(&s->source, &most);
	CHECK(count(buf_text(&b), "<tr role=\"row\" id=\"c") == STATUS_PER_PAGE_MAX);
	buf_done(&b);
	stage_free(s);
}

static void attempts_show_where_the_time_went(void **state)
{
	struct stage *s = stage_new(1);
	struct history_attempt fresh = { .end_s = NOW_S - 9,
		                             .dns_us = 1000,
		                             .connect_us = 3000,
		                             .tls_us = 53000,
		                             .first_us = 63000,
		                             .total_us = 64000,
		                             .bytes = 4200,
		                             .status = 200,
		                             .sent = 1 };
	struct history_attempt kept = { .end_s = NOW_S - 4,
		                            .first_us = 8000,
		                            .total_us = 8200,
		                            .status = 503,
		                            .reason = ERR_HTTP_STATUS,
		                            .code = 503,
		                            .sent = 1 };
	struct buf b;

	(void)state;
	history_attempts_note(&s->who[0].attempts, &fresh);
	history_attempts_note(&s->who[0].attempts, &kept);
	stage_fill(s);
	b = community_of(stage_open(s), 0, 0);
	CHECK(strstr(buf_text(&b), "<b>http_status 503</b>") != NULL && strstr(buf_text(&b), "4.2 KB") != NULL);
	CHECK(strstr(buf_text(&b), "class=\"p2\" x=\"9\" width=\"156\"") != NULL);
	buf_done(&b);
	stage_free(s);
}

static void topics_come_a_hundred_at_a_time(void **state)
{
	struct stage *s = stage_new(1);
	struct buf b;

	(void)state;
	stage_fill(s);
	stage_topics(s, 0, 250, 3, 60, 700000, -30);
	b = community_of(stage_open(s), 0, 0);
	CHECK(count(buf_text(&b), "role=\"rowheader\"") == STATUS_PER_PAGE);
	CHECK(strstr(buf_text(&b), "&amp;from=100\">Next") != NULL &&
	      strstr(buf_text(&b), "&amp;from=200\">Last") != NULL);
	buf_done(&b);
	b = community_of(&s->source, 0, 200);
	CHECK(count(buf_text(&b), "role=\"rowheader\"") == 50 &&
	      strstr(buf_text(&b), "&amp;from=100\">Previous") != NULL);
	buf_done(&b);
	b = community_of(&s->source, 0, 999);
	CHECK(count(buf_text(&b), "role=\"rowheader\"") == 0);
	buf_done(&b);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_world_says_what_to_do),
		cmocka_unit_test(who_was_never_polled_has_dashes),
		cmocka_unit_test(hostile_names_are_text_everywhere),
		cmocka_unit_test(trouble_is_told_with_reason_and_time),
		cmocka_unit_test(the_longest_page_fits_or_says_that_it_ends_early),
		cmocka_unit_test(a_page_of_many_is_small_on_the_wire),
		cmocka_unit_test(attempts_show_where_the_time_went),
		cmocka_unit_test(topics_come_a_hundred_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
