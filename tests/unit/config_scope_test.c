/* What is in force for an app and a community: given by the scopes around it, and derived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/config_texts.h"

#define CHECK assert_true

/* ---- scopes ---- */
static void the_nearest_scope_wins(void **state)
{
	struct conf *c = read_good("poll = { interval = \"2m\"; stale_after = \"20m\"; };" APP(
		WHERE "interval = \"3m\"; silent_after = \"3h\"; communities = ( \"a\", "
			  "{ id = \"b\"; interval = \"4m\"; stale_after = \"40m\"; silent_after = \"4h\"; }, "
			  "{ id = \"c\"; interval = \"5m\"; }, { id = \"d\"; stale_after = \"0s\"; } );"));
	const struct conf_community *com = c->app[0].community;

	(void)state;
	assert_int_equal(c->interval_ms, 120000);
	assert_int_equal(c->app[0].interval_ms, 180000);
	assert_int_equal(c->app[0].stale_after_ms, 1200000);
	assert_int_equal(c->app[0].silent_after_ms, 10800000);

	assert_int_equal(com[0].interval_ms, 180000);
	assert_int_equal(com[0].stale_after_ms, 1200000);
	assert_int_equal(com[0].silent_after_ms, 10800000);
	assert_int_equal(com[1].interval_ms, 240000);
	assert_int_equal(com[1].stale_after_ms, 2400000);
	assert_int_equal(com[1].silent_after_ms, 14400000);
	assert_int_equal(com[2].interval_ms, 300000);
	assert_int_equal(com[2].stale_after_ms, 1200000);
	assert_int_equal(com[3].interval_ms, 180000);
	assert_int_equal(com[3].stale_after_ms, 540000); /* 0s: three intervals */
	conf_free(c);
}

static void stale_after_of_zero_is_three_intervals_but_five_minutes(void **state)
{
	struct conf *c = read_good(APP(WHERE "communities = ( { id = \"a\"; interval = \"1s\"; }, "
	                                     "{ id = \"b\"; interval = \"100s\"; }, "
	                                     "{ id = \"c\"; interval = \"101s\"; } );"));

	(void)state;
	assert_int_equal(c->app[0].community[0].stale_after_ms, 300000);
	assert_int_equal(c->app[0].community[1].stale_after_ms, 300000);
	assert_int_equal(c->app[0].community[2].stale_after_ms, 303000);
	conf_free(c);
}

static void only_a_from_account_that_is_set_makes_an_observer(void **state)
{
	struct conf *c =
		read_good("apps = ("
	              "{ sdkappid = 7; identifier = \"admin\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
	              "communities = ( \"a\", { id = \"b\"; from_account = \"bot\"; }, "
	              "{ id = \"c\"; from_account = \"admin\"; } ); },"
	              "{ sdkappid = 8; identifier = \"root\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
	              "from_account = \"eye\"; "
	              "communities = ( \"a\", { id = \"b\"; from_account = \"bot\"; } ); } );");
	const struct conf_community *a = c->app[0].community, *b = c->app[1].community;

	(void)state;
	CHECK(!a[0].observer && strcmp(a[0].from_account, "admin") == 0);
	CHECK(a[1].observer && strcmp(a[1].from_account, "bot") == 0);
	CHECK(a[2].observer && strcmp(a[2].from_account, "admin") == 0);
	CHECK(b[0].observer && strcmp(b[0].from_account, "eye") == 0);
	CHECK(b[1].observer && strcmp(b[1].from_account, "bot") == 0);
	conf_free(c);
}

static void poll_gives_what_nobody_nearer_says(void **state)
{
	struct conf *c = read_good("poll = { silent_after = \"2h\"; from_account = \"eye\"; };" APP(
		WHERE "communities = ( \"a\", { id = \"b\"; silent_after = \"3h\"; from_account = \"bot\"; } ); }, "
			  "{ sdkappid = 8; identifier = \"root\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
			  "silent_after = \"4h\"; from_account = \"app\"; communities = [ \"a\" ];"));
	const struct conf_community *a = c->app[0].community, *b = c->app[1].community;

	(void)state;
	CHECK(a[0].observer && strcmp(a[0].from_account, "eye") == 0 && a[0].silent_after_ms == 7200000);
	CHECK(a[1].observer && strcmp(a[1].from_account, "bot") == 0 && a[1].silent_after_ms == 10800000);
	CHECK(b[0].observer && strcmp(b[0].from_account, "app") == 0 && b[0].silent_after_ms == 14400000);
	conf_free(c);
}

/* ---- adaptive ---- */
static void check_pace(const struct conf_community *c, int64_t start_ms, int64_t min_ms, int64_t max_ms,
                       int64_t stale_after_ms)
{
	assert_int_equal(c->interval_ms, start_ms);
	assert_int_equal(c->adaptive_min_ms, min_ms);
	assert_int_equal(c->adaptive_max_ms, max_ms);
	assert_int_equal(c->stale_after_ms, stale_after_ms);
}

static void without_adaptive_the_interval_is_fixed(void **state)
{
	struct conf *c = read_good(APP(WHERE "communities = ( \"a\", "
	                                     "{ id = \"b\"; adaptive = { min = \"1s\"; max = \"1d\"; }; } );"));

	(void)state;
	CHECK(c->adaptive_min_ms == 0 && c->adaptive_max_ms == 0);
	CHECK(c->app[0].adaptive_min_ms == 0 && c->app[0].adaptive_max_ms == 0);
	check_pace(&c->app[0].community[0], 60000, 0, 0, 300000);
	check_pace(&c->app[0].community[1], 60000, 1000, 86400000, 3 * 86400000LL);
	check_pace(&c->app[0].discovered, 60000, 0, 0, 300000);
	conf_free(c);
}

static void the_nearest_adaptive_wins_and_the_interval_is_where_it_starts(void **state)
{
	struct conf *c =
		read_good("poll = { interval = \"30s\"; adaptive = { min = \"20s\"; max = \"1m\"; }; };" APP(
			WHERE "adaptive = { max = \"4m\"; min = \"2m\"; }; communities = ( \"a\", "
				  "{ id = \"b\"; interval = \"3m\"; }, { id = \"c\"; interval = \"1h\"; }, "
				  "{ id = \"d\"; adaptive = { min = \"10s\"; max = \"30s\"; }; }, "
				  "{ id = \"e\"; stale_after = \"4m\"; } ); }, "
				  "{ sdkappid = 8; identifier = \"root\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
				  "communities = [ \"a\" ];"));
	const struct conf_community *com = c->app[0].community;

	(void)state;
	check_pace(&com[0], 120000, 120000, 240000, 720000);
	check_pace(&com[1], 180000, 120000, 240000, 720000);
	check_pace(&com[2], 240000, 120000, 240000, 720000);
	check_pace(&com[3], 30000, 10000, 30000, 300000);
	check_pace(&com[4], 120000, 120000, 240000, 240000);
	check_pace(&c->app[0].discovered, 120000, 120000, 240000, 720000);
	check_pace(&c->app[1].community[0], 30000, 20000, 60000, 300000);
	conf_free(c);
}

/* ---- discovery ---- */
static void discovery_is_off_until_it_is_asked_for(void **state)
{
	struct conf *c = read_good(APP(WHERE "communities = [ \"a\" ];"));
	const struct conf_app *app = &c->app[0];

	(void)state;
	CHECK(!app->discovery_enabled);
	assert_int_equal(app->discovery_interval_ms, 600000);
	CHECK(app->discovery_include.n == 1 && strcmp(app->discovery_include.at[0], "@TGS#_*") == 0);
	assert_int_equal(app->discovery_exclude.n, 0);
	assert_string_equal(app->proxy, "");
	conf_free(c);
}

static void a_discovered_community_has_what_the_app_says(void **state)
{
	struct conf *c = read_good("poll = { from_account = \"eye\"; };" APP(
		WHERE
		"proxy = \"http://proxy:3128\"; interval = \"5m\"; stale_after = \"1h\"; silent_after = \"2h\"; "
		"adaptive = { min = \"30s\"; max = \"15m\"; }; "
		"discovery = { enabled = true; interval = \"1m\"; include = [ \"a*\", \"b\" ]; "
		"exclude = [ \"c\" ]; }; }, "
		"{ sdkappid = 8; identifier = \"root\"; secret_key_env = \"CONFIG_TEST_KEY\"; " WHERE
		"from_account = \"\"; "));
	const struct conf_app *app = &c->app[0];

	(void)state;
	CHECK(app->discovery_enabled && app->community_n == 0);
	assert_int_equal(app->discovery_interval_ms, 60000);
	CHECK(app->discovery_include.n == 2 && strcmp(app->discovery_include.at[1], "b") == 0);
	CHECK(app->discovery_exclude.n == 1 && strcmp(app->discovery_exclude.at[0], "c") == 0);
	assert_string_equal(app->proxy, "http://proxy:3128");
	check_pace(&app->discovered, 300000, 30000, 900000, 3600000);
	assert_int_equal(app->discovered.silent_after_ms, 7200000);
	CHECK(app->discovered.observer && strcmp(app->discovered.from_account, "eye") == 0);
	CHECK(app->discovered.id[0] == '\0' && app->discovered.name[0] == '\0');
	CHECK(app->discovered.label_n == 0 && app->discovered.topics.n == 0);
	assert_int_equal(app->discovered.line, app->line);
	conf_free(c);
}

static void without_an_observer_the_identifier_asks_for_what_is_discovered(void **state)
{
	struct conf *c = read_good(APP(WHERE "discovery = { enabled = true; };"));

	(void)state;
	CHECK(!c->app[0].discovered.observer);
	assert_string_equal(c->app[0].discovered.from_account, "admin");
	conf_free(c);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("CONFIG_TEST_KEY", "0123456789", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_scope_wins),
		cmocka_unit_test(stale_after_of_zero_is_three_intervals_but_five_minutes),
		cmocka_unit_test(only_a_from_account_that_is_set_makes_an_observer),
		cmocka_unit_test(poll_gives_what_nobody_nearer_says),
		cmocka_unit_test(without_adaptive_the_interval_is_fixed),
		cmocka_unit_test(the_nearest_adaptive_wins_and_the_interval_is_where_it_starts),
		cmocka_unit_test(discovery_is_off_until_it_is_asked_for),
		cmocka_unit_test(a_discovered_community_has_what_the_app_says),
		cmocka_unit_test(without_an_observer_the_identifier_asks_for_what_is_discovered),
	};

	return cmocka_run_group_tests_name("config_scope", tests, set_up, NULL);
}
