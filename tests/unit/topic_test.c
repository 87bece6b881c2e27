/* What goldens (tests/golden/topic) cannot show: exact edges, memory, references, paging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/json/json.h"
#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"

#define CHECK assert_true

static const char COMMUNITY[] = "@TGS#_a";

/* In memory of exactly the right size, so that ASan and valgrind see a read past the end. */
static char *exactly(const char *at, size_t len)
{
	char *to = malloc(len > 0 ? len : 1);

	CHECK(to != NULL);
	memcpy(to, at, len);
	return to;
}

/* ---- facts ---- */
struct answer {
	const char *community;
	bool observer;
	int64_t now_s;
	int64_t keep_ms;
};

static struct facts *decode(const char *json, size_t len, const struct answer *how,
                            const struct facts *before, struct topic_answer *ret)
{
	const struct topic_context c = {
		.community = how->community != NULL ? how->community : COMMUNITY,
		.observer = how->observer,
		.silent_after_s = 3600,
		.keep_ms = how->keep_ms,
		.now = { .mono_ms = how->now_s * 1000, .unix_s = 1700000000 + how->now_s },
	};
	char *text = exactly(json, len);
	struct why why = { "" };

	topic_decode(text, len, &c, before, ret, &why);
	free(text);
	if (ret->facts == NULL)
		fail_msg("%s", why.text);
	return ret->facts;
}

/* Topics `first` to `last` (also downwards), each with the same sequence. */
static struct facts *topics(int first, int last, int64_t seq, const struct facts *before,
                            struct topic_answer *ret)
{
	const struct answer how = { .now_s = 1000 };
	const int step = first <= last ? 1 : -1;
	struct facts *f;
	struct buf json;

	buf_init(&json, 1 << 26);
	buf_str(&json, "{\"TopicAndSelfInfo\":[");
	for (int i = first; i != last + step; i += step)
		buf_fmt(&json, "%s{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_%d\",\"NextMsgSeq\":%lld}}",
		        i == first ? "" : ",", i, (long long)seq);
	buf_str(&json, "]}");
	CHECK(json.status == ERR_OK);
	f = decode(json.at, json.len, &how, before, ret);
	buf_done(&json);
	return f;
}

static void topics_are_found_by_place_without_an_index(void **state)
{
	struct topic_answer a;
	struct facts *old = topics(1, 500, 1, NULL, &a), *now = topics(1, 500, 1, NULL, &a);
	struct finder finder = { .in = old };

	(void)state;
	for (uint32_t i = 0; i < now->topic_n; i++)
		CHECK(finder_find(&finder, now, &now->topic[i]) == &old->topic[i]);
	CHECK(finder.sorted == NULL);
	finder_done(&finder);
	facts_drop(old);
	facts_drop(now);
}

static void topics_are_found_in_any_order(void **state)
{
	struct topic_answer a;
	struct facts *old = topics(1, 500, 1, NULL, &a), *now = topics(600, 1, 1, NULL, &a);
	struct finder finder = { .in = old };

	(void)state;
	for (uint32_t i = 0; i < now->topic_n; i++) { /* topic 600 - i */
		const struct topic *t = finder_find(&finder, now, &now->topic[i]);

		CHECK(t == (i < 100 ? NULL : &old->topic[599 - i]));
	}
	finder_done(&finder);
	facts_drop(old);
	facts_drop(now);
}

static void after_a_gap_the_place_is_used_again(void **state)
{
	struct topic_answer a;
	struct facts *old = topics(1, 4, 1, NULL, &a), *now = topics(3, 4, 1, NULL, &a);
	struct finder finder = { .in = old };

	(void)state;
	CHECK(finder_find(&finder, now, &now->topic[0]) == &old->topic[2]);
	CHECK(finder.next == 3);
	CHECK(finder_find(&finder, now, &now->topic[1]) == &old->topic[3]);
	finder_done(&finder);
	facts_drop(old);
	facts_drop(now);
}

static void nothing_is_found_in_nothing(void **state)
{
	struct topic_answer a;
	struct facts *none = decode("{\"TopicAndSelfInfo\":[]}", 23, &(struct answer){ 0 }, NULL, &a);
	struct facts *now = topics(1, 1, 1, NULL, &a);
	struct finder empty = { .in = none }, null = { 0 };

	(void)state;
	CHECK(finder_find(&empty, now, now->topic) == NULL && finder_find(&null, now, now->topic) == NULL);
	finder_done(&empty);
	finder_done(&null);
	facts_drop(none);
	facts_drop(now);
}

static void steps_are_summed_whatever_the_order(void **state)
{
	struct topic_answer a;
	struct facts *first = topics(1, 100, 5, NULL, &a);
	struct facts *second = topics(100, 1, 7, first, &a);
	struct facts *third = topics(1, 100, 6, second, &a);
	struct facts *fourth = topics(1, 100, 8, third, &a);

	(void)state;
	CHECK(first->messages == 0 && second->messages == 200 && third->messages == 200);
	CHECK(fourth->messages == 300); /* from the highest seen, 7 */
	facts_drop(first);
	facts_drop(second);
	facts_drop(third);
	facts_drop(fourth);
}

static void a_fall_is_reported_once(void **state)
{
	struct topic_answer a;
	struct facts *first = topics(1, 3, 9, NULL, &a), *second, *third;

	(void)state;
	CHECK(a.lowered == 0);
	second = topics(1, 3, 4, first, &a);
	CHECK(a.lowered == 3 && second->topic[2].next_seq == 9);
	third = topics(1, 3, 5, second, &a);
	CHECK(a.lowered == 0 && third->topic[2].next_seq == 9);
	facts_drop(first);
	facts_drop(second);
	facts_drop(third);
}

static void absurd_sequences_stop_the_sum_and_nothing_else(void **state)
{
	enum { TOPICS = 1100 }; /* as many steps of 2^53 do not fit in 63 bits */
	struct topic_answer a;
	struct facts *low = topics(1, TOPICS, 1, NULL, &a);
	struct facts *high = topics(1, TOPICS, 9007199254740992, low, &a);
	struct facts *next = topics(1, TOPICS, 9007199254740992, high, &a);

	(void)state;
	CHECK(high->messages == INT64_MAX && next->messages == INT64_MAX);
	CHECK(high->topic[TOPICS - 1].next_seq == 9007199254740992);
	facts_drop(low);
	facts_drop(high);
	facts_drop(next);
}

static const char fine[] =
	"{\"TopicAndSelfInfo\":[{\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\",\"TopicName\":"
	"\"one\",\"NextMsgSeq\":11,\"MuteAllMember\":\"On\"},\"SelfInfo\":{\"MsgSeq\":4,"
	"\"ShutUpTime\":1}}]}";

static struct facts *fail_with(int code, const struct answer *how, const struct facts *before)
{
	char text[256];
	struct topic_answer a;

	(void)snprintf(
		text, sizeof(text),
		"{\"TopicAndSelfInfo\":[{\"ErrorCode\":%d,\"TopicInfo\":{\"TopicId\":\"@TGS#_a@TOPIC#_1\"}}]}", code);
	return decode(text, strlen(text), how, before, &a);
}

static void a_topic_in_error_keeps_its_facts_exactly_as_long_as_told(void **state)
{
	const struct answer start = { .now_s = 1000, .keep_ms = 300000 };
	struct topic_answer a;
	struct facts *before = decode(fine, sizeof(fine) - 1, &start, NULL, &a);

	(void)state;
	for (int64_t age = 299; age <= 301; age++) {
		const struct answer later = { .now_s = 1000 + age, .keep_ms = 300000 };
		struct facts *f = fail_with(10002, &later, before);

		CHECK((f->topic[0].next_seq == 11) == (age <= 300));
		CHECK(((f->topic[0].flags & TOPIC_NAMED) != 0) == (age <= 300));
		CHECK(facts_mutes(f).muted == (age <= 300 ? 1 : 0) && facts_topics(f) == 1);
		CHECK(f->fine == 0 && f->failed == 1);
		facts_drop(f);
	}
	facts_drop(before);
}

static void the_age_of_kept_facts_counts_from_the_last_good_answer(void **state)
{
	const struct answer at[] = { { .now_s = 1000, .keep_ms = 300000 },
		                         { .now_s = 1200, .keep_ms = 300000 },
		                         { .now_s = 1400, .keep_ms = 300000 } };
	struct topic_answer a;
	struct facts *good = decode(fine, sizeof(fine) - 1, &at[0], NULL, &a);
	struct facts *bad = fail_with(10002, &at[1], good), *worse = fail_with(10002, &at[2], bad);

	(void)state;
	CHECK(bad->topic[0].next_seq == 11 && worse->topic[0].next_seq == 0);
	facts_drop(good);
	facts_drop(bad);
	facts_drop(worse);
}

static void facts_of_a_deleted_topic_end_at_once(void **state)
{
	static const int deleted[] = { 10010, 110003 };
	const struct answer how = { .now_s = 1000, .keep_ms = 300000 };
	struct topic_answer a;
	struct facts *before = decode(fine, sizeof(fine) - 1, &how, NULL, &a);

	(void)state;
	for (size_t i = 0; i < sizeof(deleted) / sizeof(deleted[0]); i++) {
		struct facts *f = fail_with(deleted[i], &how, before);

		CHECK(facts_topics(f) == 1 && f->topic[0].next_seq == 0 && (f->topic[0].flags & ~TOPIC_ID_KIND) == 0);
		facts_drop(f);
	}
	facts_drop(before);
}

static void kept_facts_lose_the_observer_when_it_is_taken_away(void **state)
{
	const struct answer with = { .observer = true, .keep_ms = 300000 }, without = { .keep_ms = 300000 };
	struct topic_answer a;
	struct facts *watched = decode(fine, sizeof(fine) - 1, &with, NULL, &a);
	struct facts *plain = decode(fine, sizeof(fine) - 1, &without, NULL, &a), *f;

	(void)state;
	CHECK(watched->unread[0] == 6 && (watched->topic[0].flags & TOPIC_WATCHER_MUTED) != 0);
	f = fail_with(10002, &without, watched);
	CHECK(f->unread == NULL && (f->topic[0].flags & (TOPIC_WATCHED | TOPIC_WATCHER_MUTED)) == 0);
	facts_drop(f);
	f = fail_with(10002, &with, plain);
	CHECK(f->unread[0] < 0 && (f->topic[0].flags & TOPIC_WATCHED) == 0 && f->topic[0].next_seq == 11);
	facts_drop(f);
	f = fail_with(10002, &with, watched);
	CHECK(f->unread[0] == 6 && (f->topic[0].flags & TOPIC_WATCHER_MUTED) != 0);
	facts_drop(f);
	facts_drop(watched);
	facts_drop(plain);
}

static void facts_live_until_the_last_reference_goes(void **state)
{
	struct topic_answer a;
	struct facts *f = topics(1, 2, 1, NULL, &a);

	(void)state;
	CHECK(facts_hold(f) == f);
	facts_drop(f);
	CHECK(facts_topics(f) == 2); /* ASan and valgrind see whether it is still there */
	facts_drop(f);
	facts_drop(NULL);
}

static void memory_is_told_to_the_byte(void **state)
{
	struct topic_answer a;
	struct facts *plain = decode(fine, sizeof(fine) - 1, &(struct answer){ 0 }, NULL, &a);
	struct facts *watched = decode(fine, sizeof(fine) - 1, &(struct answer){ .observer = true }, NULL, &a);
	const size_t text = strlen("1") + strlen("one"); /* the community's id and the mark are not repeated */

	(void)state;
	CHECK(sizeof(struct topic) == 36);
	CHECK(facts_bytes(plain) == sizeof(struct facts) + 36 + (text + 7) / 8 * 8);
	CHECK(facts_bytes(watched) == facts_bytes(plain) + sizeof(int64_t));
	facts_drop(plain);
	facts_drop(watched);
}

/* ---- samples ---- */
static const struct topic_place place = { { "sdkappid=\"1\",community=\"@TGS#_a\"", 32 }, { "@TGS#_a", 7 } };

static void pieces_of_any_size_make_the_same_page(void **state)
{
	struct topic_answer a;
	struct facts *f = topics(1, 60, 12, NULL, &a);
	static char whole[16384], part[16384];
	struct buf all;

	(void)state;
	CHECK(place.labels.len == strlen(place.labels.at));
	buf_wrap(&all, whole, sizeof(whole));
	CHECK(topic_samples(f, M_TOPIC_MESSAGES, &place, 0, 0, &all) == 60);
	for (size_t room = 128; room < all.len + 128; room += 97) {
		size_t from = 0, len = 0;

		do {
			struct buf out;
			const size_t start = from;

			buf_wrap(&out, part, room);
			from = topic_samples(f, M_TOPIC_MESSAGES, &place, 0, start, &out);
			CHECK(from > start);
			CHECK(out.len > 0 && out.at[out.len - 1] == '\n');
			CHECK(len + out.len <= all.len && memcmp(all.at + len, out.at, out.len) == 0);
			len += out.len;
		} while (from < 60);
		CHECK(len == all.len);
	}
	facts_drop(f);
}

static void without_room_nothing_is_written_and_nothing_skipped(void **state)
{
	struct topic_answer a;
	struct facts *f = topics(1, 3, 12, NULL, &a);
	char text[16];
	struct buf out;

	(void)state;
	buf_wrap(&out, text, sizeof(text));
	CHECK(topic_samples(f, M_TOPIC_MESSAGES, &place, 0, 1, &out) == 1 && out.len == 0);
	facts_drop(f);
}

static void families_of_others_write_nothing(void **state)
{
	struct topic_answer a;
	struct facts *f = topics(1, 3, 12, NULL, &a);
	char text[1024];
	struct buf out;

	(void)state;
	buf_wrap(&out, text, sizeof(text));
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *info = metric_info((enum metric)m);

		if (info->scope != METRIC_TOPIC)
			CHECK(topic_samples(f, (enum metric)m, &place, 0, 0, &out) == 3 && out.len == 0);
		if (info->scope != METRIC_COMMUNITY || info->from != METRIC_FACTS)
			topic_community_sample(f, (enum metric)m, &place, 0, &out);
		CHECK(out.len == 0);
	}
	facts_drop(f);
}

/* Writes what a JSON string takes for `n` quotes. */
static void add_quotes(struct buf *json, int n)
{
	for (int i = 0; i < n; i++)
		buf_str(json, "\\\"");
}

static void the_longest_line_fits_where_it_is_promised_to(void **state)
{
	char community[97], labels[512], escaped[256], line[SAMPLE_LINE_MAX];
	struct buf json, head, id, out;
	struct topic_answer a;
	struct facts *f;

	(void)state;
	memset(community, '"', 96);
	community[96] = '\0';
	buf_init(&json, 4096);
	buf_str(&json, "{\"TopicAndSelfInfo\":[{\"TopicInfo\":{\"TopicId\":\"");
	add_quotes(&json, 256);
	buf_str(&json, "\",\"TopicName\":\"");
	add_quotes(&json, 200);
	buf_str(&json, "\"}}]}");
	f = decode(json.at, json.len, &(struct answer){ .community = community }, NULL, &a);
	buf_wrap(&head, labels, sizeof(labels));
	label_add(&head, "sdkappid", span_of("18446744073709551615"), 0);
	label_add(&head, "community", span_of(community), 0);
	buf_wrap(&id, escaped, sizeof(escaped));
	label_escape(&id, span_of(community), 0);
	buf_wrap(&out, line, sizeof(line));
	CHECK(topic_samples(f, M_TOPIC_INFO, &(struct topic_place){ buf_view(&head), buf_view(&id) }, 0, 0,
	                    &out) == 1);
	CHECK(out.len ==
	      strlen("tencentchat_topic_info{,topic=\"\",topic_name=\"\"} 1\n") + head.len + 2 * 256 + 2 * 150);
	facts_drop(f);
	buf_done(&json);
}

/* ---- the question ---- */
static void a_question_without_topics_asks_for_all(void **state)
{
	const struct topic_question q = { .community = "@TGS#_a", .account = "admin" };
	char text[256];
	struct buf out;

	(void)state;
	buf_wrap(&out, text, sizeof(text));
	topic_ask(&out, &q);
	assert_string_equal(buf_text(&out), "{\"GroupId\":\"@TGS#_a\",\"From_Account\":\"admin\"}");
}

static void a_question_reads_back_whatever_the_names(void **state)
{
	static const char *const topics_asked[] = { "a\"b\\c", "\x01\n\x7f", "\xe4\xb8\xad/#@" };
	const struct topic_question q = { "c\"\\\t", "\"", topics_asked, 3 };
	char text[512];
	uint32_t repaired;
	struct buf out;
	const cJSON *root, *list;

	(void)state;
	buf_wrap(&out, text, sizeof(text));
	topic_ask(&out, &q);
	CHECK(json_guard(out.at, out.len, &repaired, NULL) == ERR_OK && repaired == 0);
	root = json_parse(out.at, out.len);
	CHECK(root != NULL && cJSON_GetArraySize(root) == 3);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(root, "GroupId")->valuestring, q.community);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(root, "From_Account")->valuestring, q.account);
	list = cJSON_GetObjectItemCaseSensitive(root, "TopicIdList");
	CHECK(cJSON_GetArraySize(list) == 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(cJSON_GetArrayItem(list, i)->valuestring, topics_asked[i]);
	json_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_are_found_by_place_without_an_index),
		cmocka_unit_test(topics_are_found_in_any_order),
		cmocka_unit_test(after_a_gap_the_place_is_used_again),
		cmocka_unit_test(nothing_is_found_in_nothing),
		cmocka_unit_test(steps_are_summed_whatever_the_order),
		cmocka_unit_test(a_fall_is_reported_once),
		cmocka_unit_test(absurd_sequences_stop_the_sum_and_nothing_else),
		cmocka_unit_test(a_topic_in_error_keeps_its_facts_exactly_as_long_as_told),
		cmocka_unit_test(the_age_of_kept_facts_counts_from_the_last_good_answer),
		cmocka_unit_test(facts_of_a_deleted_topic_end_at_once),
		cmocka_unit_test(kept_facts_lose_the_observer_when_it_is_taken_away),
		cmocka_unit_test(facts_live_until_the_last_reference_goes),
		cmocka_unit_test(memory_is_told_to_the_byte),
		cmocka_unit_test(pieces_of_any_size_make_the_same_page),
		cmocka_unit_test(without_room_nothing_is_written_and_nothing_skipped),
		cmocka_unit_test(families_of_others_write_nothing),
		cmocka_unit_test(the_longest_line_fits_where_it_is_promised_to),
		cmocka_unit_test(a_question_without_topics_asks_for_all),
		cmocka_unit_test(a_question_reads_back_whatever_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
