/* How long connections are kept: what is asked of libcurl, and what it does then. */
#include <dlfcn.h>

#include "tests/unit/fetch_certs.h"

/* libcurl's whole seconds end up to one later. */
enum { SHORT_S = 1, LONG_S = 60 };

/* ---- the options in force: this program's setter stands before libcurl's ---- */
static long life_s, idle_s;

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	CURLcode (*const real)(CURL *, CURLoption, ...) =
		(CURLcode(*)(CURL *, CURLoption, ...))dlsym(RTLD_NEXT, "curl_easy_setopt");
	curl_off_t big;
	va_list args;
	void *pointer;
	long number;
	CURLcode e;

	va_start(args, option);
	if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) {
		big = va_arg(args, curl_off_t);
		e = real(easy, option, big);
	} else if (option >= CURLOPTTYPE_OBJECTPOINT) {
		pointer = va_arg(args, void *);
		e = real(easy, option, pointer);
	} else {
		number = va_arg(args, long);
		e = real(easy, option, number);
		if (option == CURLOPT_MAXLIFETIME_CONN)
			life_s = number;
		if (option == CURLOPT_MAXAGE_CONN)
			idle_s = number;
	}
	va_end(args);
	return e;
}

static unsigned connections(void)
{
	return upstream_count(u, &u->connections);
}

static void rest(struct fetch *f, int64_t until_ms)
{
	struct reply r;

	while (clock_ms() < until_ms)
		CHECK(fetch_wait(f, NULL, 0, until_ms - clock_ms()) == ERR_OK && !fetch_take(f, &r));
}

static void connections_live_ten_minutes_and_idle_thirty_seconds(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(life_s == 600 && idle_s == 30);
	CHECK(call_named(f, "127.0.0.1", "/fine", "/absent").err ==
	      ERR_TLS); /* and after a reset of the handle */
	life_s = idle_s = 0;
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(life_s == 600 && idle_s == 30);
	fetch_free(f);
}

/* Calls without a break until a second connection was made. */
static void a_connection_that_is_old_ends_though_it_is_busy(void **state)
{
	struct fetch *f = open_fetch_for(1, 5000, SHORT_S, LONG_S);
	const int64_t opened_ms = clock_ms();
	unsigned calls = 0;

	(void)state;
	while (connections() < 2) {
		const struct reply r = call(f, "/fine");

		CHECK(r.err == ERR_OK && r.sent == 1);
		calls++;
		CHECK(clock_ms() < opened_ms + PATIENCE_MS);
		rest(f, clock_ms() + 20);
	}
	CHECK(clock_ms() - opened_ms >= 1000 * SHORT_S && calls > 2);
	print_message("%u calls on a connection of %d ms\n", calls - 1, (int)(clock_ms() - opened_ms));
	fetch_free(f);
}

static void a_connection_that_is_idle_ends_though_it_is_young(void **state)
{
	struct fetch *f = open_fetch_for(1, 5000, LONG_S, SHORT_S);

	(void)state;
	CHECK(call(f, "/fine").err == ERR_OK);
	rest(f, clock_ms() + 1000 * (SHORT_S + 1) + 100);
	CHECK(connections() == 1);
	CHECK(call(f, "/fine").err == ERR_OK && connections() == 2);
	fetch_free(f);
}

/* The same time as above; on a machine that stands still for longer than a pause may be, again. */
static void a_connection_that_is_neither_is_kept(void **state)
{
	(void)state;
	for (int again = 0; again < 10; again++) {
		struct fetch *f = open_fetch_for(1, 5000, LONG_S, SHORT_S);
		const int64_t end_ms = clock_ms() + 1000 * (SHORT_S + 1) + 100;
		const unsigned before = connections();
		int64_t last_ms = clock_ms(), longest_ms = 0;

		while (last_ms < end_ms) {
			CHECK(call(f, "/fine").err == ERR_OK);
			if (clock_ms() - last_ms > longest_ms)
				longest_ms = clock_ms() - last_ms;
			last_ms = clock_ms();
			rest(f, last_ms + 100);
		}
		const unsigned opened = connections() - before;

		fetch_free(f);
		if (longest_ms < 1000 * SHORT_S) {
			CHECK(opened == 1);
			return;
		}
	}
	fail_msg("%s", "this machine stood still for seconds, ten times");
}

#define KEPT(TEST) cmocka_unit_test_setup_teardown(TEST, open_upstream, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(connections_live_ten_minutes_and_idle_thirty_seconds),
		KEPT(a_connection_that_is_old_ends_though_it_is_busy),
		KEPT(a_connection_that_is_idle_ends_though_it_is_young),
		KEPT(a_connection_that_is_neither_is_kept),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
