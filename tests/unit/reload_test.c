/* One configuration takes the place of another in a program that polls (agent/adopt.c), on the service of
 * memory_service.c: what stays is not disturbed, and without memory everything is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/adopt.h"
#include "agent/daemon.c"      /* turn_and_wait */
#include "agent/daemon_open.c" /* start */
#include "tests/unit/memory.h"
#include "tests/unit/memory_service.h"

#define CHECK assert_true

enum { START_MS = 5000000, START_S = 1700000000, SETTLE_S = 75, PAGE_MAX_BYTES = 1 << 20 };

#define ADMIN "identifier = \"admin\"; secret_key_env = \"TCE_TEST_KEY\"; region = \"singapore\"; "

/* Beside service_config: nearly everything is another than there. */
static const char other_config[] =
	"poll: { interval = \"30s\"; stale_after = \"10m\"; max_inflight = 8; timeout = \"5s\"; };\n"
	"metrics: { disable = [ \"tencentchat_topic_muted\" ]; max_series = 100; };\n"
	"apps = ( { sdkappid = 1400000003; " ADMIN "communities = ( \"@TGS#_breaks\", \"@TGS#_gone\" ); },\n"
	"  { sdkappid = 1400000001; identifier = \"other\"; secret_key_env = \"TCE_TEST_KEY\"; region = "
	"\"tokyo\";\n"
	"  budget = 3.0; name = \"prod\";\n"
	"  discovery: { enabled = true; interval = \"90s\"; exclude = [ \"*alone\", \"*always\" ]; };\n"
	"  communities = ( \"@TGS#_large\", { id = \"@TGS#_whole\"; interval = \"45s\"; name = \"all\"; },\n"
	"    { id = \"@TGS#_watched\"; labels = { team = \"emea\"; }; }, \"@TGS#_found_late\",\n"
	"    { id = \"@TGS#_named\"; topics = [ \"@TGS#_named@TOPIC#_001\" ]; } ); } );\n";

struct stage {
	struct daemon d;
};

static struct conf *read_conf(const char *text)
{
	struct conf *c = NULL;
	struct buf said;

	buf_init(&said, 1 << 20);
	if (conf_read("x.cfg", text, strlen(text), &c, &said) != ERR_OK)
		fprintf(stderr, "%s", buf_text(&said));
	buf_done(&said);
	assert_non_null(c);
	return c;
}

static void open_stage(struct stage *s, const char *text)
{
	static const char *const at[] = { "127.0.0.1:0" };
	const struct daemon_listen listen = { .at = at, .n = 1 };
	struct why why = { 0 };

	memset(&service, 0, sizeof(service));
	service.round = 1;
	service_now = (struct now){ .mono_ms = START_MS, .unix_s = START_S };
	s->d = (struct daemon){ .conf = read_conf(text),
		                    .signal_fd = -1,
		                    .notify = { .fd = -1 },
		                    .seed = 7,
		                    .started_ms = START_MS,
		                    .now = service_now };
	buf_init(&s->d.build, 4096);
	CHECK(start(&s->d, &listen, &why) == ERR_OK);
}

static void close_stage(struct stage *s)
{
	daemon_close(&s->d);
	conf_free((struct conf *)s->d.conf);
}

static void play(struct stage *s, int64_t for_ms)
{
	service_stop_ms = service_now.mono_ms + for_ms;
	while (service_now.mono_ms < service_stop_ms)
		CHECK(turn_and_wait(&s->d) == ERR_OK);
	s->d.now = service_now;
}

/* Until a call is under way. */
static void play_until_sent(struct stage *s)
{
	for (int i = 0; service.flying == 0; i++) {
		CHECK(i < 200000);
		service_stop_ms = INT64_MAX / 2;
		CHECK(turn_and_wait(&s->d) == ERR_OK);
	}
}

/* The whole page; the caller frees. */
static char *page_of(struct stage *s)
{
	const struct web_request q = { .path = "/metrics" };
	struct web_reply reply = { .status = 200 };
	char *text = calloc(1, PAGE_MAX_BYTES);
	size_t len = 0, n;

	assert_non_null(text);
	buf_init(&reply.body, 1 << 20);
	answer_metrics(&s->d, &q, &reply);
	assert_non_null(reply.stream.next);
	while ((n = reply.stream.next(reply.stream.arg, text + len, 32768)) > 0) {
		CHECK(n != WEB_BROKEN);
		len += n;
		CHECK(len + 32768 < PAGE_MAX_BYTES);
	}
	reply.stream.close(reply.stream.arg);
	buf_done(&reply.body);
	return text;
}

static bool says(const char *page, const char *text)
{
	return strstr(page, text) != NULL;
}

static double value_of(const char *page, const char *series)
{
	const char *at = strstr(page, series);

	return at != NULL ? strtod(at + strlen(series), NULL) : -1;
}

#define TAKEN "tencentchat_api_requests_total{sdkappid=\"1400000001\",command=\"get_topic\"}"
#define SEEN  "tencentchat_community_messages_total{sdkappid=\"1400000001\",community=\"@TGS#_large\"}"

static void check_first(const char *page)
{
	CHECK(says(page, "sdkappid=\"1400000002\",community=\"@TGS#_breaks\""));
	CHECK(says(page, "community=\"@TGS#_turned\"") && says(page, "app_name=\"1400000001\""));
	CHECK(!says(page, "1400000003") && !says(page, "team=\"emea\""));
	CHECK(says(page, "tencentchat_topic_muted"));
}

static void check_other(const char *page)
{
	CHECK(says(page, "sdkappid=\"1400000003\",community=\"@TGS#_breaks\""));
	CHECK(!says(page, "1400000002") && !says(page, "@TGS#_turned") && !says(page, "always"));
	CHECK(says(page, "app_name=\"prod\"") && says(page, "team=\"emea\"") &&
	      says(page, "community_name=\"all\""));
	CHECK(!says(page, "tencentchat_topic_muted"));
}

static void what_stays_is_not_disturbed(void **state)
{
	struct adopted did;
	struct stage s;
	char *before, *after;

	(void)state;
	open_stage(&s, service_config);
	play(&s, SETTLE_S * 1000);
	service.round = 2;
	play(&s, SETTLE_S * 1000);
	before = page_of(&s);
	check_first(before);
	CHECK(value_of(before, SEEN) > 0);
	CHECK(adopt(&s.d, read_conf(other_config), &did) == ERR_OK);
	CHECK(did.apps_added == 1 && did.apps_removed == 1 && did.apps_changed == 1);
	after = page_of(&s);
	check_other(after);
	CHECK(value_of(after, SEEN) >= value_of(before, SEEN));
	CHECK(value_of(after, TAKEN) >= value_of(before, TAKEN));
	free(after);
	play(&s, SETTLE_S * 1000);
	after = page_of(&s);
	check_other(after);
	CHECK(value_of(after, TAKEN) > value_of(before, TAKEN));
	CHECK(value_of(after, "tencentchat_app_up{sdkappid=\"1400000001\"}") == 1);
	free(after);
	free(before);
	close_stage(&s);
}

static void the_same_again_changes_nothing(void **state)
{
	struct adopted did;
	struct stage s;

	(void)state;
	open_stage(&s, service_config);
	for (int i = 0; i < 20; i++) {
		play_until_sent(&s);
		CHECK(adopt(&s.d, read_conf(service_config), &did) == ERR_OK);
		CHECK(did.apps_added + did.apps_removed + did.apps_changed == 0);
		CHECK(did.added + did.removed + did.changed == 0);
	}
	play(&s, SETTLE_S * 1000);
	CHECK(daemon_unready(&s.d, &(struct why){ 0 }) == NULL);
	close_stage(&s);
}

/* Forth and back with polls under way: numbers of apps and slots are given again and again. */
static void it_may_go_on_for_long(void **state)
{
	struct adopted did;
	struct stage s;
	char *page;

	(void)state;
	open_stage(&s, service_config);
	for (int i = 0; i < 60; i++) {
		play(&s, 1 + 700 * (i % 5));
		if (i % 2 == 0)
			play_until_sent(&s);
		CHECK(adopt(&s.d, read_conf(i % 2 == 0 ? other_config : service_config), &did) == ERR_OK);
		CHECK(s.d.roster->app_n <= 5);
	}
	play(&s, 2 * SETTLE_S * 1000);
	page = page_of(&s);
	check_first(page);
	free(page);
	close_stage(&s);
}

/* False: no allocation was the nth. */
static bool adopt_without(size_t nth)
{
	struct conf *next = read_conf(other_config);
	struct adopted did;
	struct stage s;
	bool failed;
	char *page;
	enum err e;

	open_stage(&s, service_config);
	play(&s, SETTLE_S * 1000);
	play_until_sent(&s);
	memory_fail(nth, MEMORY_ONCE);
	e = adopt(&s.d, next, &did);
	failed = memory_heal();
	CHECK(e == (failed ? ERR_MEMORY : ERR_OK));
	page = page_of(&s);
	if (failed)
		check_first(page);
	else
		check_other(page);
	free(page);
	play(&s, SETTLE_S * 1000);
	page = page_of(&s);
	if (failed) {
		check_first(page);
		CHECK(adopt(&s.d, next, &did) == ERR_OK);
	} else {
		check_other(page);
	}
	free(page);
	play(&s, SETTLE_S * 1000);
	page = page_of(&s);
	check_other(page);
	free(page);
	close_stage(&s);
	return failed;
}

static void without_memory_nothing_changes(void **state)
{
	size_t blocks, n = 1;

	(void)state;
	(void)adopt_without(0); /* what is kept for ever is there now */
	blocks = memory_blocks();
	for (; adopt_without(n); n++)
		CHECK(memory_blocks() == blocks);
	print_message("%zu allocations\n", n - 1);
	CHECK(n > 20);
}

static int set_up(void **state)
{
	(void)state;
	log_open(SAY_LEVELS, LOG_LOGFMT);
	return setenv("TCE_TEST_KEY", "key", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stays_is_not_disturbed),
		cmocka_unit_test(the_same_again_changes_nothing),
		cmocka_unit_test(it_may_go_on_for_long),
		cmocka_unit_test(without_memory_nothing_changes),
	};

	return cmocka_run_group_tests_name("reload", tests, set_up, NULL);
}
