/* The operator's pages for terminals, and the sentences they have in common with the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/metric/sample.h"
#include "exporters/pages/status_inside.h"
#include "tests/unit/status_stage.h"

enum { WIDTH = 120 };

static char *take(struct buf *b)
{
	char *text;
	size_t len;

	CHECK(b->status == ERR_OK);
	text = buf_take(b, &len);
	CHECK(text != NULL && strlen(text) == len);
	return text;
}

static char *list_of(const struct stage *s, const struct status_query *q)
{
	struct status_list *l;
	struct buf b;

	buf_init(&b, 1 << 20);
	CHECK(status_list_new(&s->source, q, &l) == ERR_OK);
	status_text(&s->source, l, &b);
	status_list_free(l);
	return take(&b);
}

static char *community_of(const struct stage *s, size_t from)
{
	struct status_row r;
	struct buf b;

	buf_init(&b, 1 << 20);
	status_row_fill(&s->source, 0, true, &r);
	status_community_text(&s->source, &r, from, &b);
	return take(&b);
}

/* No byte that a terminal obeys, and no line that it breaks; every character counts as a column. */
static void check_plain(const char *text)
{
	size_t columns = 0;

	for (const char *at = text; *at != '\0'; at++) {
		const unsigned char c = (unsigned char)*at;

		CHECK(c == '\n' || (c >= ' ' && c != 0x7f));
		columns = c == '\n' ? 0 : columns + ((c & 0xc0) != 0x80);
		if (columns > WIDTH)
			fail_msg("a line of more than %d columns: %s", WIDTH, text);
	}
	CHECK(strstr(text, "\xe2\x80\xae") == NULL && strstr(text, "\xc2\x9b") == NULL);
}

static void says(char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("'%s' is not in:\n%s", what, text);
}

static void check_text(const char *given, size_t columns, const char *expected, size_t used)
{
	struct buf b;

	buf_init(&b, 4096);
	CHECK(text_plain(&b, span_of(given), columns) == used);
	assert_string_equal(buf_text(&b), expected);
	buf_done(&b);
}

static void text_is_shown_and_never_obeyed(void **state)
{
	(void)state;
	check_text("", 5, "", 0);
	check_text("abcde", 5, "abcde", 5);
	check_text("abcdef", 5, "abcd…", 5);
	check_text("a\x1b[31m", 40, "a<U+001B>[31m", 13);
	check_text("a\nb\t\x7f", 40, "a<U+000A>b<U+0009><U+007F>", 26);
	check_text("\xe2\x80\xae\xc2\x9b\xe2\x81\xa6", 40, "<U+202E><U+009B><U+2066>", 24);
	check_text("\xff\xc3", 40, "\xef\xbf\xbd\xef\xbf\xbd", 2);
	check_text("\xe4\xb8\xad\xe6\x96\x87", 4, "\xe4\xb8\xad\xe6\x96\x87", 4);
	check_text("\xe4\xb8\xad\xe6\x96\x87", 3, "\xe4\xb8\xad…", 3);
	check_text("e\xcc\x81x", 2, "e\xcc\x81x", 2);
	check_text("e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81x", 9,
	           "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81…", 2);
	check_text("ab\x01", 5, "ab…", 3);
}

static void spans_and_times_read_well(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} row[] = {
		{ -5, "0 s" },      { 0, "0 s" },      { 119, "119 s" },
		{ 120, "2 m" },     { 7199, "119 m" }, { 7200, "2 h" },
		{ 172799, "47 h" }, { 172800, "2 d" }, { INT64_MAX, "106751991167300 d" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_init(&b, 64);
		status_span(&b, row[i].s);
		assert_string_equal(buf_text(&b), row[i].text);
		buf_done(&b);
	}
	buf_init(&b, 64);
	status_time(&b, 1700000000);
	assert_string_equal(buf_text(&b), "2023-11-14 22:13:20");
	buf_reset(&b);
	status_time(&b, INT64_MAX);
	assert_string_equal(buf_text(&b), "9223372036854775807");
	buf_reset(&b);
	status_unescape(&b, span_of("a\\\\n\\\"\\n\\\\"));
	assert_string_equal(buf_text(&b), "a\\n\"\n\\");
	buf_done(&b);
}

/* ---- why ---- */
static void check_why(const struct stage *s, const char *expected)
{
	char text[512];
	struct status_row r;
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	status_row_fill(&s->source, 0, false, &r);
	status_why(&s->source, &r, &b);
	assert_string_equal(buf_text(&b), expected);
}

static void every_state_has_its_sentence(void **state)
{
	struct stage *s = stage_new(1);

	(void)state;
	stage_fill(s);
	(void)stage_open(s);
	check_why(s, "not polled yet");
	s->who[0].next_poll_s = NOW_S + 12;
	check_why(s, "not polled yet; the first poll is in 12 s");
	stage_topics(s, 0, 2, 0, 10, 5, -130);
	(void)stage_open(s);
	s->who[0].next_poll_s = NOW_S;
	check_why(s, "ok: the latest usable answer came 2 m ago; the next poll is due now");
	stage_end(s, 0, ERR_TIMEOUT, 0, -100);
	s->who[0].next_poll_s = NOW_S + 40;
	(void)stage_open(s);
	check_why(
		s,
		"failing since 2026-11-26 02:25:00 UTC (1 poll): no whole answer within the timeout; its topics are "
		"still shown; the next try is in 40 s");
	stage_end(s, 0, ERR_HTTP_STATUS, 502, -90);
	stage_end(s, 0, ERR_API_ERROR, 10002, -80);
	(void)stage_open(s);
	check_why(s, "failing since 2026-11-26 02:25:00 UTC (3 polls): the service says 10002 (internal fault of "
	             "the group "
	             "service; try again); its topics are still shown; the next try is in 40 s");
	stage_end(s, 0, ERR_HTTP_STATUS, 502, -70);
	(void)stage_open(s);
	check_why(
		s, "failing since 2026-11-26 02:25:00 UTC (4 polls): the API host answered with HTTP status 502; its "
		   "topics are still shown; the next try is in 40 s");
	stage_end(s, 0, ERR_GONE, 10010, -60);
	(void)stage_open(s);
	check_why(
		s,
		"gone since 2026-11-26 02:25:00 UTC (5 polls): the service says 10010 (community or topic does not "
		"exist any more); the latest usable answer came 2 m ago; the next try is in 40 s");
	stage_free(s);
	s = stage_new(1);
	stage_fill(s);
	stage_end(s, 0, ERR_DNS, 0, -3);
	(void)stage_open(s);
	check_why(
		s,
		"stale: failing since 2026-11-26 02:26:37 UTC (1 poll): the API host name does not resolve; it never "
		"gave a usable answer; no topics are shown");
	stage_free(s);
	s = stage_new(1);
	stage_fill(s);
	stage_topics(s, 0, 2, 0, 10, 5, -100000);
	(void)stage_open(s);
	check_why(s, "stale: polls come too late; the latest usable answer came 27 h ago; no topics are shown");
	stage_free(s);
}

/* ---- pages ---- */
static void the_list_is_aligned_and_the_worst_comes_first(void **state)
{
	struct stage *s = stage_new(4);
	struct status_query q = { .per_page = 3 };
	char *text;

	(void)state;
	(void)snprintf(s->who[0].name, sizeof(s->who[0].name),
	               "a shop with a name of many words that goes on and on");
	(void)snprintf(s->who[1].id, sizeof(s->who[1].id), "@TGS#_%080d", 7);
	stage_fill(s);
	stage_topics(s, 0, 4, 1, 5000, 100, -90);
	stage_topics(s, 0, 4, 1, 5000, 103, -30);
	stage_end(s, 1, ERR_LOCAL_RESOURCE, 0, -200000000);
	stage_end(s, 2, ERR_API_ERROR, 110003, -7);
	s->exporter = (struct health_exporter){ .reload_ok = true, .reload_s = NOW_S - 10, .config_hash = 0xabc };
	s->health.communities[STATE_STALE] = 2;
	s->health.quota[CHAT_GET_TOPIC] = (struct health_quota){ 20000, 19500, 1250, 7 };
	s->app[0].now_milli[CHAT_GET_TOPIC] = 3210;
	(void)stage_open(s);
	text = list_of(s, &q);
	check_plain(text);
	says(text, "tencentchat_exporter 1.2.3, up 2 h, ready, healthy, config 000000000abc of 2026-11-26 "
	           "02:26:30 "
	           "UTC\n");
	says(text,
	     "app prod (1400000001): not known yet, communities: 0 ok, 0 failing, 2 stale, 0 pending, 0 gone; 0 "
	     "topics\n");
	says(text, "  get_topic/s: now 3.2, peak 7, required 1.2, effective 19.5 of 20.0, limit 200\n");
	says(text, "\n4 of 4 communities by trouble, page 0 (0 to 1)\n"
	           "STATE   SINCE  REASON            TOPICS MUTED SILENT  IDLE MSGS/MIN  LAST  NEXT  COMMUNITY\n"
	           "stale  2314 d  local_resource         -     -      -     -        -2314 d     -  "
	           "@TGS#_0000000000000000000000000000000…\n"
	           "stale     7 s  api_error 110003       -     -      -     -        -   7 s     -  @TGS#_2\n"
	           "pending     -                         -     -      -     -        -     -     -  @TGS#_3\n");
	says(text, "more: /status?page=1&per_page=3\n");
	free(text);
	q.page = 1;
	text = list_of(s, &q);
	check_plain(text);
	says(text, "ok          -                         4     1      3   4 h     12.0  30 s     -  @TGS#_0  a "
	           "shop with a "
	           "name of many w…\n");
	CHECK(strstr(text, "more:") == NULL);
	free(text);
	stage_free(s);
}

static void one_community_is_told_in_full(void **state)
{
	const struct history_attempt fine = { .end_s = NOW_S - 60,
		                                  .connect_us = 2000,
		                                  .first_us = 4000,
		                                  .total_us = 5001,
		                                  .bytes = 77,
		                                  .status = 200,
		                                  .sent = 1 };
	const struct history_attempt bad = {
		.end_s = NOW_S, .total_us = 10, .reason = ERR_API_ERROR, .code = 10002
	};
	struct stage *s = stage_new(1);
	char *text;

	(void)state;
	stage_fill(s);
	s->curl = "curl 'x'";
	s->who[0].discovered = true;
	stage_topics(s, 0, 2, 1, 5000, 100, -30);
	history_attempts_note(&s->who[0].attempts, &fine);
	history_attempts_note(&s->who[0].attempts, &bad);
	(void)stage_open(s);
	text = community_of(s, 0);
	check_plain(text);
	says(text, "community @TGS#_0\napp       prod (1400000001)\nstate     ok: the latest usable answer came "
	           "30 s ago\n");
	says(text, "topics 2, muted 1, silent 1, longest idle 83 m, messages a minute -\n"
	           "polled every 60 s, the latest 30 s ago, in 1234.5 ms; discovered\n");
	says(text, "in $USERSIG:\ncurl 'x'\n");
	says(text,
	     "ATTEMPT   HTTP  DNS ms  CONN ms   TLS ms  1st byte  TOTAL ms    BYTES  SENT  RESULT\n"
	     "  0 s ago    -       -        -        -         -       0.0        0     0  api_error 10002\n"
	     " 60 s ago  200       -      2.0        -       4.0       5.0       77     1  ok\n");
	says(text, "2 topics, from number 0\n"
	           "  IDLE  MUTED   MESSAGES  UNREAD  ID (behind that of the community)             NAME\n"
	           "   0 s    yes        100       -  @TOPIC#_0                                     name 0\n"
	           "  83 m     no        100       -  @TOPIC#_1                                     name 1\n");
	free(text);
	text = community_of(s, 7); /* beyond the end */
	says(text, "2 topics, from number 2\n");
	free(text);
	stage_free(s);
}

static void hostile_texts_keep_their_place(void **state)
{
	struct stage *s = stage_new(1);
	const struct status_query q = { .per_page = 100 };
	char *text;

	(void)state;
	(void)snprintf(s->who[0].id, sizeof(s->who[0].id), "\x1b[2J\xe2\x80\xae<img>");
	(void)snprintf(s->who[0].name, sizeof(s->who[0].name), "\x07\xff\n");
	stage_fill(s);
	stage_answer(s, 0,
	             "{\"TopicInfo\":{\"TopicId\":\"t\\u001b]0;x\\u0007\",\"TopicName\":"
	             "\"\\u202e\\u009b\\r\\n\\\"\\\\\"}},"
	             "{\"ErrorCode\":10002,\"TopicInfo\":{\"TopicId\":\"u\"}}",
	             -10);
	(void)stage_open(s);
	s->source.unready = "\x1b[31mnot ready";
	text = list_of(s, &q);
	check_plain(text);
	says(text, "NOT READY");
	says(text, "<U+001B>[2J<U+202E><img>");
	free(text);
	text = community_of(s, 0);
	check_plain(text);
	says(text, "t<U+001B>]0;x<U+0007>");
	says(text, "<U+202E><U+009B><U+000D><U+000A>\"\\\n");
	says(text, "ErrorCode 10002\n");
	free(text);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_shown_and_never_obeyed),
		cmocka_unit_test(spans_and_times_read_well),
		cmocka_unit_test(every_state_has_its_sentence),
		cmocka_unit_test(the_list_is_aligned_and_the_worst_comes_first),
		cmocka_unit_test(one_community_is_told_in_full),
		cmocka_unit_test(hostile_texts_keep_their_place),
	};

	return cmocka_run_group_tests_name("status_text", tests, NULL, NULL);
}
