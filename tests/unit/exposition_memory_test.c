/* Compressed pages without memory: whatever allocation fails, the page is refused, or it is cut so that its
 * reader notices, or it is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "exporters/exposition/exposition.h"
#include "tests/unit/answers.h"
#include "tests/unit/gzip_read.h"
#include "tests/unit/memory.h"

#define CHECK assert_true

enum { COMMUNITIES = 6, TOPICS = 40, BLOCK = 3000, PAGE_MAX = 1 << 20, MOST = 400 };

static struct store *store;
static struct now now = { 1000, 1700000000 };

static void add_community(size_t i)
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
	char id[32], labels[128];
	const int id_len = snprintf(id, sizeof(id), "@TGS#_%zu", i);
	const int len = snprintf(labels, sizeof(labels), "sdkappid=\"1\",community=\"%s\"", id);
	const struct store_community c = {
		.key = (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15),
		.place = { { labels, (size_t)len }, { labels + len - 1 - id_len, (size_t)id_len } },
		.settings = { 60000, 3600000, span_of("community_name=\"a\"") },
		.stale_after_ms = 300000,
	};
	size_t slot;

	CHECK(store_add(store, &c, &slot) == ERR_OK);
	store_facts(store, slot, answer_facts(id, TOPICS, 1699990000), &now);
	store_ended(store, slot, &fine, 1000, &now);
}

static int set_up(void **state)
{
	(void)state;
	CHECK(store_new(1, &store) == ERR_OK);
	for (size_t i = 0; i < COMMUNITIES; i++)
		add_community(i);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_free(store);
	return 0;
}

static enum err open_page(struct exposition_cache *cache, enum coding coding, struct exposition **ret)
{
	static struct health_exporter exporter;
	static struct metric_set every;
	static struct tally tally;
	const struct health_app apps = { .labels = span_of("sdkappid=\"1\""), .tally = { &tally, &tally } };
	struct exposition_parts parts = { .app = &apps, .app_n = 1, .exporter = &exporter, .cache = cache };

	memset(&every, true, sizeof(every));
	parts.want = exposition_everything(&every);
	parts.want.coding = coding;
	if (store_pin(store, &now, &parts.pin) != ERR_OK)
		return ERR_MEMORY;
	return exposition_open(&parts, ret);
}

/* Whether it went on to its end. */
static bool read_all(struct exposition *e, struct buf *out)
{
	char block[BLOCK];
	size_t n;

	while ((n = exposition_next(e, block, sizeof(block))) > 0 && n != EXPOSITION_BROKEN)
		buf_add(out, block, n);
	if (n == EXPOSITION_BROKEN)
		CHECK(exposition_next(e, block, sizeof(block)) == EXPOSITION_BROKEN); /* it stays cut */
	return n == 0;
}

static void compare(struct buf *gzip, const struct buf *plain)
{
	struct buf text;

	buf_init(&text, PAGE_MAX);
	gzip_inflate(gzip->at, gzip->len, &text);
	CHECK(text.len == plain->len && memcmp(text.at, plain->at, text.len) == 0);
	buf_done(&text);
}

static char page[PAGE_MAX];

/* What is under test allocates; what reads it must not. Returns whether an allocation failed. */
static bool try_page(size_t nth, enum memory_failing how, const struct buf *plain, unsigned *cut)
{
	struct exposition_cache *cache = exposition_cache_new();
	struct exposition *e;
	struct buf gzip;
	bool failed, whole = false;
	enum err status;

	CHECK(cache != NULL);
	buf_wrap(&gzip, page, sizeof(page));
	memory_fail(nth, how);
	status = open_page(cache, CODING_GZIP, &e);
	if (status == ERR_OK)
		whole = read_all(e, &gzip);
	failed = memory_heal();
	CHECK(failed || whole);
	*cut += status == ERR_OK && !whole;
	if (whole)
		compare(&gzip, plain);
	if (status == ERR_OK)
		exposition_close(e);
	CHECK(open_page(cache, CODING_GZIP, &e) == ERR_OK); /* what was kept is right, too */
	buf_wrap(&gzip, page, sizeof(page));
	CHECK(read_all(e, &gzip));
	compare(&gzip, plain);
	exposition_close(e);
	exposition_cache_free(cache);
	return failed;
}

static void a_page_is_whole_or_notably_cut(void **state)
{
	static char text[PAGE_MAX];
	struct exposition *e;
	struct buf plain;

	(void)state;
	buf_wrap(&plain, text, sizeof(text));
	CHECK(open_page(NULL, CODING_IDENTITY, &e) == ERR_OK && read_all(e, &plain) && plain.status == ERR_OK);
	exposition_close(e);
	for (int how = MEMORY_ONCE; how <= MEMORY_FROM_THEN_ON; how++) {
		const size_t blocks = memory_blocks();
		unsigned cut = 0;
		size_t nth = 1;

		while (try_page(nth, (enum memory_failing)how, &plain, &cut)) {
			CHECK(memory_blocks() == blocks);
			nth++;
		}
		CHECK(nth > 20 && nth < MOST && cut > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_page_is_whole_or_notably_cut, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("exposition_memory", tests, NULL, NULL);
}
