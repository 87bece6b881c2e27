#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exporters/exposition/exposition.h"
#include "tests/unit/answers.h"

#define CHECK assert_true

static const char *const label_text[] = {
	"sdkappid=\"1\",community=\"@TGS#_a\"",
	"sdkappid=\"1\",community=\"@TGS#_b\"",
	"sdkappid=\"2\",community=\"@TGS#_c\"",
};
static const char *const id[] = { "@TGS#_a", "@TGS#_b", "@TGS#_c" };
enum { COMMUNITIES = 3 };

static struct tally tally;
static struct health_app app[2];
static struct health_exporter exporter;
static const struct now now = { .mono_ms = 1000, .unix_s = 1700000100 };

static size_t add_community(struct store *s, size_t i)
{
	const struct span labels = span_of(label_text[i]);
	const struct store_community c = {
		.app = i / 2,
		.key = i,
		.place = { .labels = labels, .community = { labels.at + 24, strlen(id[i]) } },
		.settings = { 60000, 3600000, span_of("community_name=\"\"") },
		.stale_after_ms = 300000,
	};
	size_t slot;

	CHECK(memcmp(c.place.community.at, id[i], strlen(id[i])) == 0);
	CHECK(store_add(s, &c, &slot) == ERR_OK);
	return slot;
}

static struct store *open_store(const size_t topics[COMMUNITIES])
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
	struct store *s;

	app[0] = (struct health_app){ .labels = span_of("sdkappid=\"1\""), .tally = { &tally, &tally } };
	app[1] = (struct health_app){ .labels = span_of("sdkappid=\"2\""), .tally = { &tally, &tally } };
	app[0].info = app[1].info = span_of("app_name=\"x\",api_host=\"y\"");
	exporter.build = span_of("version=\"0\"");
	CHECK(store_new(2, &s) == ERR_OK);
	for (size_t i = 0; i < COMMUNITIES; i++)
		CHECK(add_community(s, i) == i);
	for (size_t i = 0; i < COMMUNITIES; i++) {
		if (topics[i] > 0) {
			store_facts(s, i, answer_facts(id[i], topics[i], 1700000000), &now);
			store_ended(s, i, &fine, 1500, &now);
		}
	}
	return s;
}

static struct exposition *open_page(struct store *s)
{
	struct exposition_parts parts = { .app = app, .app_n = 2, .exporter = &exporter };
	struct metric_set all;
	struct exposition *e;

	memset(&all, true, sizeof(all));
	parts.want = exposition_everything(&all);
	CHECK(store_pin(s, &now, &parts.pin) == ERR_OK);
	CHECK(exposition_open(&parts, &e) == ERR_OK);
	return e;
}

/* The whole page, asked for in blocks of `room` bytes. */
static char *read_page(struct exposition *e, size_t room, size_t *ret_len)
{
	char *block = malloc(room);
	struct buf b;
	size_t n;

	CHECK(block != NULL);
	buf_init(&b, 256 << 20);
	while ((n = exposition_next(e, block, room)) > 0) {
		CHECK(n <= room);
		buf_add(&b, block, n);
	}
	free(block);
	return buf_take(&b, ret_len);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

static void families_are_contiguous_and_headed_once(void **state)
{
	const size_t topics[] = { 5, 0, 3 };
	struct store *s = open_store(topics);
	struct exposition *e = open_page(s);
	size_t len;
	char *page = read_page(e, 1 << 20, &len);

	(void)state;
	CHECK(page[len - 1] == '\n');
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *info = metric_info((enum metric)m);
		char type[160];

		CHECK(snprintf(type, sizeof(type), "# TYPE %.*s ", (int)info->family.len, info->family.at) > 0);
		CHECK(count(page, type) <= 1);
	}
	CHECK(count(page, "\ntencentchat_topic_muted{") == 8);
	CHECK(count(page, "\ntencentchat_community_up{") == 2); /* the third was never polled */
	CHECK(count(page, "\ntencentchat_community_info{") == 3);
	CHECK(strstr(page, "observer") == NULL); /* a family without samples leaves no header */
	CHECK(
		strstr(
			page,
			"tencentchat_topic_muted{sdkappid=\"2\",community=\"@TGS#_c\",topic=\"@TGS#_c@TOPIC#_0\"} 1\n") !=
		NULL);
	free(page);
	exposition_close(e);
	store_free(s);
}

static void the_page_is_the_same_in_blocks_of_any_size(void **state)
{
	const size_t topics[] = { 700, 1, 300 };
	static const size_t room[] = {
		1, 100, 4096, 16384, EXPOSITION_BLOCK_MIN, EXPOSITION_BLOCK_MIN + 1, 131072
	};
	struct store *s = open_store(topics);
	struct exposition *e = open_page(s);
	size_t len;
	char *whole = read_page(e, 8 << 20, &len);

	(void)state;
	exposition_close(e);
	for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		size_t n;
		char *page;

		e = open_page(s);
		CHECK(exposition_measure(e) == (int64_t)len);
		page = read_page(e, room[i], &n);
		CHECK(n == len && memcmp(page, whole, len) == 0);
		free(page);
		exposition_close(e);
	}
	free(whole);
	store_free(s);
}

static void a_page_under_way_does_not_see_later_polls(void **state)
{
	const size_t topics[] = { 400, 0, 0 };
	struct store *s = open_store(topics);
	struct exposition *e = open_page(s), *twin = open_page(s);
	const struct outcome broken = { CHAT_RETRY, ERR_TIMEOUT, 0 };
	char first[EXPOSITION_BLOCK_MIN];
	size_t n = exposition_next(e, first, sizeof(first)), rest_len, twin_len;
	char *rest, *whole;

	(void)state;
	store_facts(s, 0, answer_facts(id[0], 2, 1800000000), &now);
	store_ended(s, 0, &broken, 1, &now);
	rest = read_page(e, 65536, &rest_len);
	whole = read_page(twin, 65536, &twin_len);
	CHECK(n + rest_len == twin_len);
	CHECK(memcmp(whole, first, n) == 0 && memcmp(whole + n, rest, rest_len) == 0);
	CHECK(strstr(whole, "1800000000") == NULL);
	free(rest);
	free(whole);
	exposition_close(e);
	exposition_close(twin);
	store_free(s);
}

static void a_page_under_way_does_not_see_communities_come_and_go(void **state)
{
	const size_t topics[] = { 400, 30, 3 };
	struct store *s = open_store(topics);
	struct exposition *e = open_page(s), *twin = open_page(s);
	char first[EXPOSITION_BLOCK_MIN];
	size_t n = exposition_next(e, first, sizeof(first)), rest_len, twin_len;
	char *rest, *whole, *after;

	(void)state;
	store_interval(s, 2, 61500);
	store_remove(s, 0);
	store_remove(s, 1);
	CHECK(add_community(s, 1) == 1);
	rest = read_page(e, 65536, &rest_len);
	whole = read_page(twin, 65536, &twin_len);
	CHECK(n + rest_len == twin_len);
	CHECK(memcmp(whole, first, n) == 0 && memcmp(whole + n, rest, rest_len) == 0);
	CHECK(count(whole, "\ntencentchat_topic_muted{") == 433);
	CHECK(count(whole, "\ntencentchat_community_poll_interval_seconds{") == 3);
	exposition_close(e);
	exposition_close(twin);
	e = open_page(s);
	after = read_page(e, 65536, &n);
	CHECK(count(after, "\ntencentchat_topic_muted{") == 3);
	CHECK(strstr(after, "@TGS#_a") == NULL);
	CHECK(count(after, "\ntencentchat_community_up{") == 1);
	CHECK(strstr(after, "tencentchat_community_poll_interval_seconds{sdkappid=\"1\",community=\"@TGS#_b\"} "
	                    "60\n") != NULL);
	CHECK(strstr(after, "tencentchat_community_poll_interval_seconds{sdkappid=\"2\",community=\"@TGS#_c\"} "
	                    "61.5\n") != NULL);
	free(rest);
	free(whole);
	free(after);
	exposition_close(e);
	store_free(s);
}

static void an_empty_store_is_a_valid_page(void **state)
{
	const size_t topics[] = { 0, 0, 0 };
	struct store *s = open_store(topics);
	struct exposition *e = open_page(s);
	size_t len;
	char *page = read_page(e, 65536, &len);

	(void)state;
	CHECK(strstr(page, "tencentchat_app_communities{sdkappid=\"1\",state=\"pending\"}") != NULL);
	CHECK(strstr(page, "tencentchat_topic_") == NULL);
	CHECK(strstr(page, "tencentchat_app_up") == NULL); /* not known yet */
	free(page);
	exposition_close(e);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_contiguous_and_headed_once),
		cmocka_unit_test(the_page_is_the_same_in_blocks_of_any_size),
		cmocka_unit_test(a_page_under_way_does_not_see_later_polls),
		cmocka_unit_test(a_page_under_way_does_not_see_communities_come_and_go),
		cmocka_unit_test(an_empty_store_is_a_valid_page),
	};

	return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
