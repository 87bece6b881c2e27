/* Single values of the configuration, the option table, patterns and durations. config_scope_test.c has what
 * an enclosing scope gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/chat/chat.h"
#include "agent/config/inside.h"
#include "tests/unit/config_texts.h"

#define CHECK assert_true

/* ---- values ---- */
static void a_pattern_is_refused_when_fnmatch_would_take_it_for_text(void **state)
{
	static const struct {
		const char *glob, *matches;
	} good[] = {
		{ "*", "@TGS#_a" },        { "a?c", "abc" },   { "[[]x", "[x" },       { "[]]", "]" },
		{ "[]a]", "a" },           { "[!]]", "a" },    { "[^a-c]", "d" },      { "[a-]", "-" },
		{ "[!a-]", "b" },          { "[a-c-]", "-" },  { "[[:digit:]]", "7" }, { "[^[:digit:]x]", "a" },
		{ "[[:xdigit:]_-]", "_" }, { "a\\[b", "a[b" }, { "[\\]]", "]" },       { "\\\\", "\\" },
		{ "[A-\\]]", "Z" },        { "[[]", "[" },     { "]", "]" },           { "[*?]", "?" },
	};
	static const char *const bad[] = { "[",           "a[",     "[]",          "[!]",     "[^]",
		                               "[a",          "[a-",    "[a-]]\\",     "[b-a]",   "[[:digit:]",
		                               "[[:digit",    "[[::]]", "[[:Alpha:]]", "[[.a.]]", "[[=a=]]",
		                               "\\",          "[\\]",   "[\\",         "[a-\\",   "[\xc3\xa4]",
		                               "[a-\xc3\xa4]" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (glob_fault(good[i].glob) != NULL)
			fail_msg("'%s': %s", good[i].glob, glob_fault(good[i].glob));
		if (fnmatch(good[i].glob, good[i].matches, 0) != 0)
			fail_msg("'%s' does not match '%s'", good[i].glob, good[i].matches);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (glob_fault(bad[i]) == NULL)
			fail_msg("'%s' is taken", bad[i]);
}

static const struct option *option_of(enum option_scope scope, const char *key)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == scope && strcmp(options[i].key, key) == 0)
			return &options[i];
	fail_msg("no option %s", key);
	return NULL;
}

static void every_region_has_a_host(void **state)
{
	char words[256], *rest = words;
	const char *word;
	int n = 0;

	(void)state;
	(void)snprintf(words, sizeof(words), "%s", option_of(SCOPE_APP, "region")->allow);
	while ((word = strsep(&rest, "|")) != NULL) {
		char text[512];
		struct conf *c;

		(void)snprintf(text, sizeof(text), APP("region = \"%s\"; communities = [ \"a\" ];"), word);
		c = read_good(text);
		CHECK(chat_host(word) != NULL);
		assert_string_equal(c->app[0].host, chat_host(word));
		conf_free(c);
		n++;
	}
	assert_int_equal(n, 9);
}

static void an_endpoint_loses_its_slashes_at_the_end(void **state)
{
	struct conf *c = read_good(APP("endpoint = \"https://host:8443/a//\"; communities = [ \"a\" ];"));

	(void)state;
	assert_string_equal(c->app[0].host, "https://host:8443/a");
	conf_free(c);
}

static void numbers_of_every_size_mean_what_they_say(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "1", 1 },
		{ "2147483647", 2147483647 },
		{ "2147483648", 2147483648 },
		{ "2147483648L", 2147483648 },
		{ "4294967295", 4294967295 },
		{ "4294967295LL", 4294967295 },
		{ "0xffffffff", 4294967295 },
		{ "0x80000000L", 2147483648 },
		{ "0x10", 16 },
		{ "+12", 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct conf *c;

		(void)snprintf(
			text, sizeof(text),
			"apps = ( { sdkappid = %s; identifier = \"a\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
			"communities = [ \"a\" ]; } );",
			cases[i].text);
		c = read_good(text);
		assert_int_equal(c->app[0].sdkappid, cases[i].value);
		conf_free(c);
	}
}

static void a_flag_s_number_obeys_the_table(void **state)
{
	static const char *const bad[] = { "",   "-1", "1025", "+5",  " 5",
		                               "5 ", "5x", "0x10", "1e2", "99999999999999999999" };
	struct conf *c = read_good(APP(WHERE "communities = [ \"a\" ];"));
	struct why why = { "" };

	(void)state;
	CHECK(conf_set_whole(c, "web.max_requests", "0", &why) == ERR_OK && c->max_requests == 0);
	CHECK(conf_set_whole(c, "web.max_requests", "1024", &why) == ERR_OK && c->max_requests == 1024);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(conf_set_whole(c, "web.max_requests", bad[i], &why) == ERR_CONFIG);
		CHECK(c->max_requests == 1024 && strstr(why.text, "no whole number from 0 to 1024") != NULL);
	}
	CHECK(conf_set_whole(c, "web.max_request", "5", &why) == ERR_CONFIG);
	CHECK(conf_set_whole(c, "web.telemetry_path", "5", &why) == ERR_CONFIG);
	CHECK(conf_set_whole(c, "budget", "5", &why) == ERR_CONFIG);
	conf_free(c);
}

static void an_inline_key_is_kept_and_never_printed(void **state)
{
	struct conf *c =
		read_good("apps = ( { sdkappid = 7; identifier = \"a\"; secret_key = \"topsecret\"; " WHERE
	              "communities = [ \"a\" ]; } );");
	struct buf print;

	(void)state;
	CHECK(c->app[0].key.kind == KEY_INLINE);
	assert_string_equal(c->app[0].key.name, "topsecret");
	buf_init(&print, TEXT_MAX);
	conf_print(c, &print);
	CHECK(strstr(buf_text(&print), "topsecret") == NULL);
	CHECK(strstr(buf_text(&print), "secret_key = \"***\";") != NULL);
	buf_done(&print);
	conf_free(c);
}

/* ---- the table ---- */
static void check_default(const struct option *o, const void *field)
{
	const struct conf_list *list = field;

	switch (o->kind) {
	case KIND_TEXT:
	case KIND_SECRET:
		assert_string_equal(*(const conf_TEXT *)field, o->fallback);
		CHECK(o->allow[0] == '\0' || o->fallback[0] == '\0' || strstr(o->allow, o->fallback) != NULL);
		CHECK(o->allow[0] != '\0' || (double)strlen(o->fallback) <= o->max);
		break;
	case KIND_INT:
		CHECK((double)*(const conf_INT *)field >= o->min && (double)*(const conf_INT *)field <= o->max);
		break;
	case KIND_REAL:
		CHECK(*(const conf_REAL *)field >= o->min && *(const conf_REAL *)field <= o->max);
		break;
	case KIND_DURATION:
		CHECK((double)*(const conf_DURATION *)field >= (o->fallback[0] != '\0' ? o->min : 0));
		CHECK((double)*(const conf_DURATION *)field <= (o->fallback[0] != '\0' ? o->max : 0));
		break;
	case KIND_BOOL:
		CHECK(strcmp(o->fallback, "true") == 0 || strcmp(o->fallback, "false") == 0);
		break;
	case KIND_LIST:
	case KIND_GLOBS:
	case KIND_IDS:
	case KIND_METRICS:
		CHECK((double)list->n >= o->min && (double)list->n <= o->max);
		break;
	}
}

static void every_default_is_within_its_own_limits(void **state)
{
	struct conf *c = read_good(APP(WHERE "communities = [ \"a\" ];"));
	const void *object[] = { c, &c->app[0], &c->app[0].community[0] };
	const char *set[] = {
		"name", "sdkappid", "identifier", "secret_key_env", "region", "id", "from_account"
	};

	(void)state;
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];
		bool skipped = strcmp(o->fallback, "INHERIT") == 0;

		for (size_t j = 0; j < sizeof(set) / sizeof(set[0]); j++)
			skipped = skipped || (strcmp(o->key, set[j]) == 0 && o->scope != SCOPE_ROOT);
		if (!skipped)
			check_default(o, (const char *)object[o->scope] + o->offset);
	}
	conf_free(c);
}

static void the_contract_s_defaults_are_in_force(void **state)
{
	struct conf *c = read_good(APP(WHERE "communities = [ \"a\" ];"));
	const struct conf_app *app = &c->app[0];

	(void)state;
	assert_int_equal(c->interval_ms, 60000);
	assert_int_equal(c->timeout_ms, 10000);
	assert_int_equal(c->stale_after_ms, 0);
	assert_int_equal(c->max_inflight, 32);
	assert_string_equal(c->level, "topic");
	assert_int_equal(c->max_series, 500000);
	assert_int_equal(c->disable.n, 0);
	CHECK(c->listen.n == 1 && strcmp(c->listen.at[0], ":10058") == 0);
	assert_string_equal(c->telemetry_path, "/metrics");
	assert_int_equal(c->max_requests, 40);
	assert_int_equal(c->max_connections, 128);
	assert_string_equal(c->log_level, "info");
	assert_string_equal(c->log_format, "logfmt");
	assert_string_equal(app->name, "7");
	CHECK(app->budget > 19.999 && app->budget < 20.001);
	assert_int_equal(app->usersig_ttl_ms, 86400000);
	assert_int_equal(app->silent_after_ms, 86400000);
	assert_int_equal(app->community[0].interval_ms, 60000);
	assert_int_equal(app->community[0].stale_after_ms, 300000);
	assert_int_equal(app->community[0].silent_after_ms, 86400000);
	assert_string_equal(app->community[0].level, "topic");
	assert_int_equal(app->community[0].topics.n, 0);
	assert_int_equal(app->community[0].label_n, 0);
	conf_free(c);
}

static void the_reference_names_every_option(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, TEXT_MAX);
	conf_explain(&out);
	for (size_t i = 0; i < OPTIONS; i++) {
		char row[128];

		(void)snprintf(row, sizeof(row), "\n| `%s` | ", options[i].key);
		CHECK(strstr(buf_text(&out), row) != NULL);
		CHECK(strstr(buf_text(&out), options[i].help) != NULL);
	}
	buf_done(&out);
}

/* ---- durations ---- */
static void durations_read_as_prometheus_writes_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "0ms", 0 },
		{ "1ms", 1 },
		{ "250ms", 250 },
		{ "1s", 1000 },
		{ "90s", 90000 },
		{ "5m", 300000 },
		{ "1h", 3600000 },
		{ "1h30m", 5400000 },
		{ "1d", 86400000 },
		{ "1w", 604800000 },
		{ "1y", 31536000000 },
		{ "1y2w3d4h5m6s7ms", 31536000000 + 2 * 604800000LL + 3 * 86400000LL + 4 * 3600000 + 306007 },
		{ "007m", 420000 },
		{ "100y", 3153600000000 },
		{ "3153600000000ms", 3153600000000 },
		{ "99y365d", 3153600000000 },
	};
	static const char *const bad[] = {
		"",
		" ",
		"s",
		"ms",
		"5",
		"00",
		"1",
		"-1s",
		"+1s",
		"1.5s",
		"1 s",
		" 1s",
		"1s ",
		"1S",
		"1M",
		"1min",
		"1sec",
		"1s1s",
		"1s1m",
		"1ms1s",
		"1d1w",
		"1h 1m",
		"1hm",
		"h1",
		"0x1s",
		"1e3s",
		"1us",
		"1\xc2\xb5s",
		"1s\n",
		"101y",
		"100y1ms",
		"3153600000001ms",
		"99999999999999s",
		"9223372036854775807ms",
		"18446744073709551617s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ms = -1;

		if (!conf_duration(good[i].text, &ms) || ms != good[i].ms)
			fail_msg("'%s' reads as %lld", good[i].text, (long long)ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ms = -1;

		if (conf_duration(bad[i], &ms) || ms != -1)
			fail_msg("'%s' is taken as %lld", bad[i], (long long)ms);
	}
}

static void durations_print_short_and_read_back(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 1, "1ms" },
		{ 999, "999ms" },
		{ 1000, "1s" },
		{ 1001, "1s1ms" },
		{ 60000, "1m" },
		{ 90000, "1m30s" },
		{ 3600000, "1h" },
		{ 5400000, "1h30m" },
		{ 86400000, "1d" },
		{ 604800000, "7d" },
		{ 31536000000, "365d" },
		{ 3153600000000 - 1, "36499d23h59m59s999ms" },
		{ 3153600000000, "36500d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char room[DURATION_ROOM];
		int64_t ms = -1;

		assert_string_equal(duration_text(cases[i].ms, room), cases[i].text);
		CHECK(conf_duration(room, &ms) && ms == cases[i].ms);
	}
}

/* ---- memory ---- */
static void what_the_arena_gives_is_zeroed_aligned_and_apart(void **state)
{
	struct conf_arena *a = NULL;
	char *last = NULL;

	(void)state;
	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		char *at = arena_take(&a, size);

		CHECK(at != NULL && (uintptr_t)at % _Alignof(max_align_t) == 0);
		for (size_t i = 0; i < size; i++)
			CHECK(at[i] == 0);
		memset(at, 'x', size);
		CHECK(last == NULL || *last == 'x');
		last = at;
	}
	assert_string_equal(arena_text(&a, "abc", 2), "ab");
	arena_free(a);
	arena_free(NULL);
	conf_free(NULL);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("CONFIG_TEST_KEY", "0123456789", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_is_refused_when_fnmatch_would_take_it_for_text),
		cmocka_unit_test(every_region_has_a_host),
		cmocka_unit_test(an_endpoint_loses_its_slashes_at_the_end),
		cmocka_unit_test(numbers_of_every_size_mean_what_they_say),
		cmocka_unit_test(a_flag_s_number_obeys_the_table),
		cmocka_unit_test(an_inline_key_is_kept_and_never_printed),
		cmocka_unit_test(every_default_is_within_its_own_limits),
		cmocka_unit_test(the_contract_s_defaults_are_in_force),
		cmocka_unit_test(the_reference_names_every_option),
		cmocka_unit_test(durations_read_as_prometheus_writes_them),
		cmocka_unit_test(durations_print_short_and_read_back),
		cmocka_unit_test(what_the_arena_gives_is_zeroed_aligned_and_apart),
	};

	return cmocka_run_group_tests_name("config_value", tests, set_up, NULL);
}
