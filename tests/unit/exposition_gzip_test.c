/* Compressed bodies of pages large enough for many slices and for slices of many pieces, while communities
 * change, come and go. That what they hold is right is tested by comparing with the same page as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/exposition.h"
#include "tests/unit/answers.h"
#include "tests/unit/gzip_read.h"
#include "tests/unit/random.h"

#define CHECK assert_true

enum { COMMUNITIES = 400, TOPICS = 20, GIANT_TOPICS = 3000, PAGE_MAX = 64 << 20, BLOCK = 100000 };

static struct tally tally;
static struct store *store;
static struct exposition_cache *cache;
static size_t slot[COMMUNITIES];
static struct now now;

static void add_community(size_t i, const char *name)
{
	char id[32], labels[128], info[64];
	const int id_len = snprintf(id, sizeof(id), "@TGS#_%zu", i);
	const int len = snprintf(labels, sizeof(labels), "sdkappid=\"1\",community=\"%s\"", id);
	const struct store_community c = {
		.key = (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15),
		.place = { { labels, (size_t)len }, { labels + len - 1 - id_len, (size_t)id_len } },
		.settings = { 60000,
		              3600000,
		              { info, (size_t)snprintf(info, sizeof(info), "community_name=\"%s\"", name) } },
		.stale_after_ms = 300000,
	};

	CHECK(store_add(store, &c, &slot[i]) == ERR_OK);
}

static void poll(size_t i, size_t topics, int64_t last_s)
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
	char id[32];

	(void)snprintf(id, sizeof(id), "@TGS#_%zu", i);
	store_facts(store, slot[i], answer_facts(id, topics, last_s), &now);
	store_ended(store, slot[i], &fine, 1000, &now);
}

static int set_up(void **state)
{
	(void)state;
	now = (struct now){ 1000, 1700000000 };
	cache = exposition_cache_new();
	CHECK(store_new(1, &store) == ERR_OK && cache != NULL);
	for (size_t i = 0; i < COMMUNITIES; i++) {
		add_community(i, "a");
		poll(i, i == 7 ? GIANT_TOPICS : TOPICS, 1699990000);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_free(store);
	exposition_cache_free(cache);
	return 0;
}

/* ---- reading ---- */
static struct exposition *open_page(enum coding coding, int app)
{
	static struct health_exporter exporter;
	static struct metric_set every;
	const struct health_app apps = { .labels = span_of("sdkappid=\"1\""), .tally = { &tally, &tally } };
	struct exposition_parts parts = { .app = &apps, .app_n = 1, .exporter = &exporter, .cache = cache };
	struct exposition *e;

	memset(&every, true, sizeof(every));
	parts.want = exposition_everything(&every);
	parts.want.coding = coding;
	parts.want.app = app;
	CHECK(store_pin(store, &now, &parts.pin) == ERR_OK);
	CHECK(exposition_open(&parts, &e) == ERR_OK);
	return e;
}

static void read_plain(struct buf *out, int app)
{
	struct exposition *e = open_page(CODING_IDENTITY, app);
	char *block = malloc(BLOCK);
	size_t n;

	CHECK(block != NULL);
	buf_init(out, PAGE_MAX);
	while ((n = exposition_next(e, block, BLOCK)) > 0)
		buf_add(out, block, n);
	CHECK(out->status == ERR_OK);
	free(block);
	exposition_close(e);
}

/* Reads both, compares them, and returns how many blocks the compressed one took: few, when nothing had to be
 * deflated. */
static size_t compare(size_t room)
{
	struct buf plain, gzip;
	struct exposition *e;
	size_t bytes;

	read_plain(&plain, EXPOSITION_EVERY_APP);
	e = open_page(CODING_GZIP, EXPOSITION_EVERY_APP);
	buf_init(&gzip, PAGE_MAX);
	bytes = gzip_read(e, room, &gzip);
	exposition_close(e);
	CHECK(gzip.len == plain.len && memcmp(gzip.at, plain.at, plain.len) == 0);
	buf_done(&plain);
	buf_done(&gzip);
	return bytes;
}

static void any_room_gives_the_same_body(void **state)
{
	static const size_t room[] = { 1, 7, 300, 16384, 131072, 8 << 20 };
	size_t bytes[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		bytes[i] = compare(room[i]);
	for (size_t i = 1; i < 6; i++)
		CHECK(bytes[i] == bytes[0]);
}

static void what_changes_is_seen(void **state)
{
	(void)state;
	random_start(11);
	(void)compare(BLOCK);
	for (int round = 0; round < 40; round++) {
		const size_t i = random_below(COMMUNITIES);

		now.unix_s++;
		now.mono_ms += 1000;
		switch (random_below(5)) {
		case 0:
			poll(i, 1 + random_below(2 * TOPICS), 1699990000 + round);
			break;
		case 1: /* another name, nothing else */
			store_remove(store, slot[i]);
			add_community(i, round % 2 == 0 ? "b" : "c");
			break;
		case 2:
			store_interval(store, slot[i], 1000 * round);
			break;
		case 3:
			store_cap(store, random_below(2) == 0 ? 0 : 10000 + random_below(20000), 0xff);
			break;
		default: /* some grow too old */
			now.mono_ms += 60000;
			break;
		}
		(void)compare(BLOCK);
	}
}

/* Two readers of different moments share one cache, and each has its own moment. */
static void readers_do_not_disturb_each_other(void **state)
{
	struct exposition *e[2];
	struct buf plain[2], gzip[2];
	char *block = malloc(1000);

	(void)state;
	CHECK(block != NULL);
	for (int i = 0; i < 2; i++) {
		for (size_t c = 0; c < COMMUNITIES; c += 3)
			poll(c, TOPICS, 1699990000 + 100 * i);
		read_plain(&plain[i], EXPOSITION_EVERY_APP);
		e[i] = open_page(CODING_GZIP, EXPOSITION_EVERY_APP);
		buf_init(&gzip[i], PAGE_MAX);
	}
	for (bool more = true; more;) {
		more = false;
		for (int i = 0; i < 2; i++) {
			const size_t n = exposition_next(e[i], block, 1000);

			buf_add(&gzip[i], block, n);
			more = more || n > 0;
		}
	}
	for (int i = 0; i < 2; i++) {
		struct buf text;

		buf_init(&text, PAGE_MAX);
		gzip_inflate(gzip[i].at, gzip[i].len, &text);
		CHECK(text.len == plain[i].len && memcmp(text.at, plain[i].at, text.len) == 0);
		buf_done(&text);
		buf_done(&plain[i]);
		buf_done(&gzip[i]);
		exposition_close(e[i]);
	}
	free(block);
}

/* A reader that leaves, at any point, leaves nothing behind and nothing half done. */
static void a_reader_may_leave(void **state)
{
	char *block = malloc(BLOCK);

	(void)state;
	CHECK(block != NULL);
	for (size_t reads = 0; reads < 200; reads += 7) {
		struct exposition *e = open_page(CODING_GZIP, EXPOSITION_EVERY_APP);

		for (size_t i = 0; i < COMMUNITIES; i += 5)
			poll(i, TOPICS, 1699990000 + (int64_t)reads);
		for (size_t i = 0; i < reads; i++)
			(void)exposition_next(e, block, BLOCK);
		exposition_close(e);
	}
	(void)compare(BLOCK);
	free(block);
}

/* When nothing changed, the whole body is at hand: a block as large as the page takes it in one call. */
static void nothing_is_deflated_twice(void **state)
{
	char *block = malloc(PAGE_MAX);
	size_t calls[3] = { 0 };

	(void)state;
	CHECK(block != NULL);
	for (int i = 0; i < 3; i++) {
		struct exposition *e;

		if (i == 2)
			for (size_t c = 0; c < 3; c++)
				poll(c, TOPICS, 1699999000);
		e = open_page(CODING_GZIP, EXPOSITION_EVERY_APP);
		while (exposition_next(e, block, PAGE_MAX) > 0)
			calls[i]++;
		exposition_close(e);
	}
	CHECK(calls[0] > 40);
	CHECK(calls[1] <= 2);
	CHECK(calls[2] > calls[1] && calls[2] < calls[0] / 2);
	free(block);
}

static void one_app_alone_is_not_taken_for_the_page(void **state)
{
	struct buf plain, gzip;
	struct exposition *e;

	(void)state;
	(void)compare(BLOCK);
	for (int app = 0; app < 2; app++) { /* 1: has no communities */
		read_plain(&plain, app);
		e = open_page(CODING_GZIP, app);
		buf_init(&gzip, PAGE_MAX);
		(void)gzip_read(e, BLOCK, &gzip);
		exposition_close(e);
		CHECK(gzip.len == plain.len && memcmp(gzip.at, plain.at, plain.len) == 0);
		buf_done(&plain);
		buf_done(&gzip);
	}
	(void)compare(BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_room_gives_the_same_body, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_changes_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(readers_do_not_disturb_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_may_leave, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_deflated_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_app_alone_is_not_taken_for_the_page, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("exposition_gzip", tests, NULL, NULL);
}
