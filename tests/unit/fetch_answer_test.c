/* What a reply says beside its body, and what the sockets of a call are like. */
#include "tests/unit/fetch_calls.h"

#include <fcntl.h>
#include <netinet/tcp.h>

enum { DATED_S = 784887151, CALLS = 200, AT_ONCE = 4 };

/* ---- sent ---- */
static void every_request_on_the_wire_is_counted_also_the_silent_second_one(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r;

	(void)state;
	written = 0;
	r = call(f, "/once");
	CHECK(r.err == ERR_OK && r.sent == 1 && written == 1);
	r = call(f, "/once");                                  /* read by the upstream, and met with an end */
	CHECK(r.err == ERR_OK && r.sent == 2 && written == 2); /* the second one of a call is not told again */
	CHECK(upstream_count(u, &u->requests) == 3);
	fetch_free(f);
}

/* An upstream that reads a request on a kept connection and then ends it in every way it can, while calls
 * overlap. Whoever ends it between two requests may miss one that libcurl did send; that is not played here.
 */
static void what_is_counted_is_what_the_upstream_saw(void **state)
{
	static const char *const paths[] = { "/once", "/fine", "/once", "/reset", "/nothing", "/cut" };
	struct fetch *f = open_fetch(AT_ONCE, 5000);
	unsigned sent = 0, again = 0, done = 0, begun = 0;
	struct reply r;

	(void)state;
	while (done < CALLS) {
		while (begun < CALLS && fetch_room(f)) {
			const char *path = paths[begun * 7919U % 31U % (sizeof(paths) / sizeof(paths[0]))];

			CHECK(send_to(f, begun++, base_url("http"), path, NULL) == ERR_OK);
		}
		while (fetch_take(f, &r)) {
			sent += r.sent;
			again += r.sent > 1 ? r.sent - 1 : 0;
			done++;
		}
		CHECK(fetch_inflight(f) == 0 || fetch_wait(f, NULL, 0, 1000) == ERR_OK);
	}
	print_message("%u calls, %u requests, %u of them again\n", done, sent, again);
	CHECK(again > 10 && sent == done + again);
	CHECK(upstream_count(u, &u->requests) == sent);
	fetch_free(f);
}

static void nothing_was_sent_without_a_connection(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	unsigned port;
	const int reserved = upstream_socket(AF_INET, false, &port);
	char base[64];
	struct reply r;

	(void)state;
	CHECK(call(f, "/dated").sent == 1); /* whose head must not show in the next ones */
	written = 0;
	(void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, base, "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_CONNECT && r.sent == 0 && r.status == 0 && r.date_s == 0);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, "https://unknown.invalid", "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_DNS && r.sent == 0 && r.status == 0 && r.date_s == 0);
	CHECK(written == 0);
	close(reserved);
	fetch_free(f);
}

/* ---- Date and Retry-After ---- */
static void dates_of_the_answer_are_read(void **state)
{
	static const struct {
		const char *path;
		int64_t date_s, retry_after_s;
	} heads[] = {
		{ "/dated", DATED_S, -1 },
		{ "/dated_old", DATED_S, -1 },
		{ "/dated_odd", 0, -1 },
		{ "/dated_empty", 0, -1 },
		{ "/empty", 0, -1 },
		{ "/early", DATED_S, -1 },
		{ "/busy", DATED_S, 7 },
		{ "/busy_none", DATED_S, -1 },
		{ "/busy_now", DATED_S, 0 },
		{ "/busy_long", DATED_S, 300 },
		{ "/busy_endless", DATED_S, 300 },
		{ "/busy_date", DATED_S, 30 },
		{ "/busy_past", DATED_S, 0 },
		{ "/busy_far", DATED_S, 300 },
		{ "/busy_undated", 0, -1 },
		{ "/busy_odd", DATED_S, -1 },
		{ "/busy_minus", DATED_S, -1 },
	};
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct reply r = call(f, heads[i].path);

		CHECK(r.sent == 1 && r.err == (r.status == 429 ? ERR_HTTP_STATUS : ERR_OK));
		if (r.date_s != heads[i].date_s || r.retry_after_s != heads[i].retry_after_s)
			fail_msg("%s: %lld %lld", heads[i].path, (long long)r.date_s, (long long)r.retry_after_s);
	}
	fetch_free(f);
}

/* ---- sockets ---- */
/* This process's end of a connection to the upstream. */
static int connection(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
		    peer.sin_port == htons((uint16_t)u->port))
			return fd;
	}
	return -1;
}

static void an_upstream_that_acknowledges_nothing_is_given_up(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	unsigned ms = 0;
	int keepalive = 0, fd;
	socklen_t len = sizeof(ms);

	(void)state;
	CHECK(call(f, "/fine").err == ERR_OK);
	fd = connection();
	CHECK(fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len) == 0 && ms == 10000);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive, &len) == 0 && keepalive == 1);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	fetch_free(f);
}

static void both_loopback_families_are_reached(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	char base[64];
	struct reply r;

	(void)state;
	if (!upstream_family_exists(AF_INET6))
		skip();
	CHECK(call(f, "/fine").err == ERR_OK);
	upstream_free(u);
	u = upstream_new_on(AF_INET6, acts, ACTS, NULL);
	(void)snprintf(base, sizeof(base), "http://[::1]:%u", u->port);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, base, "/fine", NULL) == ERR_OK);
	CHECK(await(f).err == ERR_OK);
	(void)snprintf(base, sizeof(base), "http://localhost:%u", u->port);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, base, "/fine", NULL) == ERR_OK);
	CHECK(await(f).err == ERR_OK);
	CHECK(upstream_count(u, &u->requests) == 2);
	fetch_free(f);
}

#define PLAIN(TEST) cmocka_unit_test_setup_teardown(TEST, open_upstream, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(every_request_on_the_wire_is_counted_also_the_silent_second_one),
		PLAIN(what_is_counted_is_what_the_upstream_saw),
		PLAIN(nothing_was_sent_without_a_connection),
		PLAIN(dates_of_the_answer_are_read),
		PLAIN(an_upstream_that_acknowledges_nothing_is_given_up),
		PLAIN(both_loopback_families_are_reached),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
