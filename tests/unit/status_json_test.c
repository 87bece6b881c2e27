/* The operator's pages as JSON: it parses, says what is known, and carries hostile texts unharmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "agent/base/utf8.h"
#include "exporters/metric/sample.h"
#include "tests/unit/random.h"
#include "tests/unit/status_stage.h"

#define HOSTILE "<img src=x onerror=\"a('b')\">\\\x01\x1b[31m\x7f\xe2\x80\xae\xc3\xa9\xf0\x9f\x92\xb3"

static cJSON *parse(struct buf *b)
{
	cJSON *json;

	CHECK(b->status == ERR_OK);
	json = cJSON_ParseWithOpts(buf_text(b), NULL, true);
	if (json == NULL)
		fail_msg("no JSON: %s", buf_text(b));
	buf_done(b);
	return json;
}

static cJSON *list_of(const struct stage *s, const struct status_query *q)
{
	struct status_list *l;
	struct buf b;

	buf_init(&b, 1 << 20);
	CHECK(status_list_new(&s->source, q, &l) == ERR_OK);
	status_json(&s->source, l, &b);
	status_list_free(l);
	return parse(&b);
}

static cJSON *community_of(const struct stage *s, size_t i, size_t from)
{
	struct status_row r;
	struct buf b;

	buf_init(&b, 1 << 20);
	status_row_fill(&s->source, i, true, &r);
	status_community_json(&s->source, &r, from, &b);
	return parse(&b);
}

/* "a.b.0.c" */
static const cJSON *at(const cJSON *json, const char *path)
{
	char part[64];

	while (*path != '\0' && json != NULL) {
		const size_t len = strcspn(path, ".");

		CHECK(len < sizeof(part));
		memcpy(part, path, len);
		part[len] = '\0';
		json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, (int)strtol(part, NULL, 10))
		                           : cJSON_GetObjectItemCaseSensitive(json, part);
		path += len + (path[len] == '.');
	}
	return json;
}

static double number(const cJSON *json, const char *path)
{
	const cJSON *value = at(json, path);

	if (!cJSON_IsNumber(value))
		fail_msg("%s is no number", path);
	return value->valuedouble;
}

static const char *text(const cJSON *json, const char *path)
{
	const cJSON *value = at(json, path);

	if (!cJSON_IsString(value))
		fail_msg("%s is no text", path);
	return value->valuestring;
}

static void what_is_known_is_there_and_nothing_else(void **state)
{
	struct stage *s = stage_new(3);
	const struct status_query q = { .per_page = 100 };
	cJSON *json;

	(void)state;
	(void)snprintf(s->who[0].name, sizeof(s->who[0].name), "shop");
	s->who[0].next_poll_s = NOW_S + 40;
	stage_fill(s);
	stage_topics(s, 0, 4, 1, 5000, 100, -90);
	stage_topics(s, 0, 4, 1, 5000, 103, -30);
	stage_end(s, 1, ERR_GONE, 10010, -7);
	s->health = (struct health_app){
		.tally = { &s->tally, &s->tally },
		.up = UP_YES,
		.communities = { [STATE_OK] = 1, [STATE_GONE] = 1, [STATE_PENDING] = 1 },
		.topics_muted = 1,
		.topics_open = 3,
		.skew_known = true,
		.skew_s = -3,
		.sweep_ms = 1500,
		.quota = { { 20000, 10000, 50, 5 }, { 800, 800, 0, 0 } },
	};
	s->tally.requests = 9;
	s->tally.by_reason[ERR_TIMEOUT] = 2;
	s->tally.by_code[0] = 1;
	s->tally.by_status[502 - TALLY_STATUS_MIN] = 3;
	s->app[0].now_milli[CHAT_GET_TOPIC] = 1234;
	json = (stage_open(s), list_of(s, &q));
	CHECK(number(json, "version") == 1 && number(json, "timestamp_seconds") == NOW_S);
	CHECK(cJSON_IsTrue(at(json, "ready")) && at(json, "ready_detail") == NULL &&
	      cJSON_IsTrue(at(json, "healthy")));
	CHECK(cJSON_GetArraySize(at(json, "apps")) == 2);
	assert_string_equal(text(json, "apps.1.name"), "test \"two\"");
	assert_string_equal(text(json, "apps.0.sdkappid"), "1400000001");
	CHECK(number(json, "apps.0.quota.get_topic.now_requests_per_second") == 1.234);
	CHECK(number(json, "apps.0.quota.get_topic.effective_requests_per_second") == 10);
	CHECK(number(json, "apps.0.quota.get_topic.failed_total") == 6);
	CHECK(number(json, "apps.0.clock_skew_seconds") == -3);
	CHECK(number(json, "apps.0.last_sweep_duration_seconds") == 1.5);
	CHECK(at(json, "apps.0.usersig_expiry_timestamp_seconds") == NULL);
	CHECK(cJSON_GetArraySize(at(json, "apps.0.minutes.calls")) == 0);
	CHECK(number(json, "communities_total") == 3 && number(json, "communities_matched") == 3);
	CHECK(at(json, "next") == NULL);

	assert_string_equal(text(json, "communities.0.state"), "gone");
	assert_string_equal(text(json, "communities.0.reason"), "gone");
	assert_string_equal(text(json, "communities.0.code"), "10010");
	CHECK(number(json, "communities.0.since_timestamp_seconds") == NOW_S - 7);
	CHECK(number(json, "communities.0.consecutive_failures") == 1);
	CHECK(at(json, "communities.0.topics") == NULL && at(json, "communities.0.name") == NULL);
	CHECK(at(json, "communities.0.next_poll_timestamp_seconds") == NULL);
	assert_string_equal(text(json, "communities.1.state"), "pending");
	CHECK(at(json, "communities.1.consecutive_failures") == NULL && at(json, "communities.1.reason") == NULL);
	assert_string_equal(text(json, "communities.2.state"), "ok");
	assert_string_equal(text(json, "communities.2.name"), "shop");
	CHECK(number(json, "communities.2.messages_per_minute") == 12);
	CHECK(number(json, "communities.2.longest_idle_seconds") == 15000);
	CHECK(number(json, "communities.2.topics") == 4 && number(json, "communities.2.topics_muted") == 1);
	CHECK(number(json, "communities.2.topics_by_idle_time.1h-1d") == 3);
	CHECK(number(json, "communities.2.poll_duration_seconds") == 1.234567);
	CHECK(number(json, "communities.2.poll_interval_seconds") == 60);
	CHECK(number(json, "communities.2.next_poll_timestamp_seconds") == NOW_S + 40);
	cJSON_Delete(json);
	stage_free(s);
}

static void pages_lead_to_each_other(void **state)
{
	struct stage *s = stage_new(5);
	struct status_query q = { .per_page = 2, .find = "tgs" };
	cJSON *json;

	(void)state;
	stage_fill(s);
	(void)stage_open(s);
	json = list_of(s, &q);
	assert_string_equal(text(json, "next"), "/api/v1/status?find=tgs&page=1&per_page=2");
	cJSON_Delete(json);
	q.page = 2;
	json = list_of(s, &q);
	CHECK(at(json, "next") == NULL && cJSON_GetArraySize(at(json, "communities")) == 1);
	cJSON_Delete(json);
	q = (struct status_query){ .per_page = 3, .app = "test \"two\"" };
	json = list_of(s, &q);
	CHECK(cJSON_GetArraySize(at(json, "apps")) == 1 && number(json, "communities_matched") == 1);
	cJSON_Delete(json);
	stage_free(s);
}

static void hostile_texts_come_through_as_they_are(void **state)
{
	struct stage *s = stage_new(1);
	const struct status_query q = { .per_page = 100, .find = "<img" };
	struct buf b;
	cJSON *json;

	(void)state;
	(void)snprintf(s->who[0].id, sizeof(s->who[0].id), "%s", HOSTILE);
	(void)snprintf(s->who[0].name, sizeof(s->who[0].name), "%s", HOSTILE "\xff\xed\xa0\x80");
	s->curl = "curl '" HOSTILE "'";
	stage_fill(s);
	stage_answer(
		s, 0,
		"{\"TopicInfo\":{\"TopicId\":\"t\\u0001\\n\\\"\\\\\\u202e\",\"TopicName\":\"<b>\\n\\\"\\\\\"}},"
		"{\"ErrorCode\":10002,\"TopicInfo\":{\"TopicId\":\"u\"}}",
		-10);
	s->source.unready = NULL;
	(void)stage_open(s);
	s->source.unready = HOSTILE;
	s->source.unwell = "\n";
	json = list_of(s, &q);
	assert_string_equal(text(json, "communities.0.id"), HOSTILE);
	assert_string_equal(text(json, "communities.0.name"),
	                    HOSTILE "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(text(json, "ready_detail"), HOSTILE);
	CHECK(cJSON_IsFalse(at(json, "ready")) && cJSON_IsFalse(at(json, "healthy")));
	cJSON_Delete(json);
	json = community_of(s, 0, 0);
	assert_string_equal(text(json, "curl"), s->curl);
	assert_string_equal(text(json, "topics.0.id"), "t\x01\n\"\\\xe2\x80\xae");
	assert_string_equal(text(json, "topics.0.name"), "<b>\n\"\\");
	CHECK(at(json, "topics.0.idle_seconds") == NULL && at(json, "topics.0.muted") == NULL);
	assert_string_equal(text(json, "topics.1.error"), "10002");
	CHECK(number(json, "topics_known") == 2 && cJSON_GetArraySize(at(json, "attempts")) == 0);
	cJSON_Delete(json);
	buf_init(&b, 4096);
	status_json_error(&b, HOSTILE);
	json = parse(&b);
	assert_string_equal(text(json, "error"), HOSTILE);
	cJSON_Delete(json);
	stage_free(s);
}

/* UTF-8 as RFC 3629 has it, without controls but what stands between lines. */
static bool is_clean(const char *text)
{
	for (size_t i = 0, len, left = strlen(text); i < left; i += len) {
		len = utf8_char(text + i, left - i);
		if (len == 0 || ((unsigned char)text[i] < ' ' && text[i] != '\n'))
			return false;
	}
	return true;
}

static void any_bytes_make_a_document_that_stands(void **state)
{
	enum { ROUNDS = 2000 };
	const struct status_query q = { .per_page = 1 };
	struct stage *s = stage_new(1);
	struct status_list *l;
	struct buf json, text;

	(void)state;
	stage_fill(s);
	(void)stage_open(s);
	random_start(11);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0, n = 1 + random_below(sizeof(s->who[0].name) - 1); i <= n; i++)
			s->who[0].name[i] = i < n ? (char)(1 + random_below(255)) : '\0';
		for (size_t i = 0; i < 40; i++) /* and what is nearly right */
			s->who[0].id[i] = i < 39 ? "\xf0\x9f\x92\xb3\xe2\x80\xae\x1b\"\\<"[random_below(12)] : '\0';
		CHECK(status_list_new(&s->source, &q, &l) == ERR_OK);
		buf_init(&json, 1 << 20);
		buf_init(&text, 1 << 20);
		status_json(&s->source, l, &json);
		status_text(&s->source, l, &text);
		CHECK(is_clean(buf_text(&json)) && is_clean(buf_text(&text)));
		cJSON_Delete(parse(&json));
		buf_done(&text);
		status_list_free(l);
	}
	stage_free(s);
}

static void attempts_tell_what_happened(void **state)
{
	const struct history_attempt good = { .end_s = NOW_S - 60,
		                                  .dns_us = 1000,
		                                  .connect_us = 2000,
		                                  .tls_us = 3000,
		                                  .first_us = 4000,
		                                  .total_us = 5001,
		                                  .bytes = 77,
		                                  .status = 200,
		                                  .sent = 1 };
	const struct history_attempt bad = {
		.end_s = NOW_S, .total_us = 10, .reason = ERR_HTTP_STATUS, .status = 502, .sent = 2
	};
	struct stage *s = stage_new(1);
	cJSON *json;

	(void)state;
	stage_fill(s);
	history_attempts_note(&s->who[0].attempts, &good);
	history_attempts_note(&s->who[0].attempts, &bad);
	(void)stage_open(s);
	json = community_of(s, 0, 0);
	CHECK(cJSON_GetArraySize(at(json, "attempts")) == 2);
	assert_string_equal(text(json, "attempts.0.result"), "http_status");
	CHECK(number(json, "attempts.0.http_status") == 502 && number(json, "attempts.0.requests") == 2);
	CHECK(at(json, "attempts.0.dns_seconds") == NULL && at(json, "attempts.0.first_byte_seconds") == NULL);
	assert_string_equal(text(json, "attempts.1.result"), "ok");
	CHECK(number(json, "attempts.1.dns_seconds") == 0.001 && number(json, "attempts.1.tls_seconds") == 0.003);
	CHECK(number(json, "attempts.1.total_seconds") == 0.005001 && number(json, "attempts.1.bytes") == 77);
	CHECK(at(json, "topics") == NULL && at(json, "topics_known") == NULL && at(json, "curl") == NULL);
	cJSON_Delete(json);
	stage_free(s);
}

/* Topics with names as long and as odd as they can be do not fit in one body, and none is lost. */
static void very_many_topics_come_in_pages_that_fit(void **state)
{
	enum { TOPICS = 1200 };
	struct stage *s = stage_new(1);
	struct buf b;
	size_t from = 0, pages = 0;

	(void)state;
	buf_init(&b, 8 << 20);
	for (size_t t = 0; t < TOPICS; t++) {
		buf_fmt(&b, "%s{\"TopicInfo\":{\"TopicId\":\"%04zu", t > 0 ? "," : "", t);
		for (int i = 0; i < 250; i++)
			buf_str(&b, "\\u0001");
		buf_str(&b, "\",\"TopicName\":\"");
		for (int i = 0; i < 150; i++)
			buf_str(&b, "\\u0002");
		buf_str(&b, "\"}}");
	}
	stage_fill(s);
	stage_answer(s, 0, buf_text(&b), -10);
	buf_done(&b);
	(void)stage_open(s);
	for (;;) {
		cJSON *json = community_of(s, 0, from);
		const size_t n = (size_t)cJSON_GetArraySize(at(json, "topics"));
		const cJSON *next = at(json, "next");

		CHECK(n > 0 && number(json, "from") == (double)from && number(json, "topics_known") == TOPICS);
		for (size_t i = 0; i < n; i++) {
			const char *id =
				cJSON_GetObjectItem(cJSON_GetArrayItem(at(json, "topics"), (int)i), "id")->valuestring;

			CHECK(strlen(id) == 254 &&
			      strtoul((char[]){ id[0], id[1], id[2], id[3], '\0' }, NULL, 10) == from + i);
		}
		from += n;
		pages++;
		CHECK((next == NULL) == (from == TOPICS));
		if (next != NULL)
			CHECK(strtoul(strstr(next->valuestring, "&from=") + 6, NULL, 10) == from);
		cJSON_Delete(json);
		if (from == TOPICS)
			break;
	}
	CHECK(pages > (TOPICS + STATUS_PER_PAGE_MAX - 1) / STATUS_PER_PAGE_MAX);
	cJSON_Delete(community_of(s, 0, TOPICS));
	stage_free(s);
}

static void a_page_that_does_not_fit_says_so(void **state)
{
	struct stage *s = stage_new(50);
	const struct status_query q = { .per_page = 100 };
	struct status_list *l;
	struct buf b;

	(void)state;
	stage_fill(s);
	(void)stage_open(s);
	CHECK(status_list_new(&s->source, &q, &l) == ERR_OK);
	for (size_t room = 0; room < 8000; room += 97) {
		buf_init(&b, room);
		status_json(&s->source, l, &b);
		CHECK(b.status == ERR_LIMIT);
		buf_done(&b);
	}
	status_list_free(l);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_there_and_nothing_else),
		cmocka_unit_test(pages_lead_to_each_other),
		cmocka_unit_test(hostile_texts_come_through_as_they_are),
		cmocka_unit_test(any_bytes_make_a_document_that_stands),
		cmocka_unit_test(attempts_tell_what_happened),
		cmocka_unit_test(very_many_topics_come_in_pages_that_fit),
		cmocka_unit_test(a_page_that_does_not_fit_says_so),
	};

	return cmocka_run_group_tests_name("status_json", tests, NULL, NULL);
}
