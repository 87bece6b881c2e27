/* Calls over real loopback sockets. */
#include "tests/unit/fetch_calls.h"

/* ---- calls that succeed ---- */
static void a_call_is_one_json_post_and_its_reply_comes_back(void **state)
{
	struct fetch *f = open_fetch(2, 5000);
	const struct reply r = call(f, "/fine");

	(void)state;
	CHECK(r.err == ERR_OK && r.status == 200 && r.target == 7);
	CHECK(r.len == 19 && r.bytes == 19 && strcmp(r.body, BODY_19) == 0);
	CHECK(r.took_us > 0 && r.took_us < 5000000);
	CHECK(strncmp(u->last, "POST /fine" SIGNED " HTTP/1.1\r\n", strlen("POST /fine" SIGNED) + 11) == 0);
	CHECK(strstr(u->last, "\r\nContent-Type: application/json\r\n") != NULL);
	CHECK(strstr(u->last, "\r\nUser-Agent: tencentchat_exporter/test\r\n") != NULL);
	CHECK(strstr(u->last, "\r\nContent-Length: 21\r\n") != NULL && strstr(u->last, "Expect") == NULL);
	CHECK(strcmp(strstr(u->last, "\r\n\r\n"), "\r\n\r\n{\"GroupId\":\"@TGS#_a\"}") == 0);
	fetch_free(f);
}

static void an_empty_question_and_an_empty_reply_are_fine(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	char url[96];
	const struct ask a = { .url = url };
	struct reply r;

	(void)state;
	(void)snprintf(url, sizeof(url), "%s/empty", base_url("http"));
	CHECK(fetch_send(f, &a) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_OK && r.len == 0 && r.bytes == 0 && r.body[0] == '\0');
	CHECK(strncmp(u->last, "POST ", 5) == 0 && strstr(u->last, "\r\nContent-Length: 0\r\n") != NULL);
	fetch_free(f);
}

static void a_connection_is_kept_for_the_next_call(void **state)
{
	struct fetch *f = open_fetch(2, 5000);

	(void)state;
	for (int i = 0; i < 5; i++)
		CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 1 && upstream_count(u, &u->requests) == 5);
	CHECK(call(f, "/last").err == ERR_OK);
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 2);
	fetch_free(f);
}

static void a_call_may_have_a_connection_of_its_own(void **state)
{
	struct fetch *f = open_fetch(2, 5000);
	char url[96];
	const struct ask a = { .url = url, .fresh = true };

	(void)state;
	(void)snprintf(url, sizeof(url), "%s/fine", base_url("http"));
	CHECK(call(f, "/fine").err == ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct reply r;

		CHECK(fetch_room(f) || !fetch_take(f, &r));
		CHECK(fetch_send(f, &a) == ERR_OK);
		CHECK(await(f).err == ERR_OK);
	}
	CHECK(upstream_count(u, &u->connections) == 3);
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 3);
	fetch_free(f);
}

static void a_kept_connection_that_died_costs_no_failure(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	CHECK(call(f, "/once").err == ERR_OK);
	CHECK(call(f, "/once").err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 2);
	fetch_free(f);
}

static void replies_carry_their_targets_when_calls_overlap(void **state)
{
	struct fetch *f = open_fetch(4, 5000);
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		CHECK(send_to(f, i, base_url("http"), i % 2 == 0 ? "/fine" : "/limit", NULL) == ERR_OK);
	CHECK(fetch_inflight(f) == 4);
	for (int i = 0; i < 4; i++) {
		const struct reply r = await(f);

		CHECK(r.target < 4 && (seen & 1U << r.target) == 0);
		seen |= 1U << r.target;
		CHECK(r.err == (r.target % 2 == 0 ? ERR_OK : ERR_HTTP_STATUS));
	}
	CHECK(fetch_inflight(f) == 0);
	fetch_free(f);
}

/* ---- calls that fail ---- */
struct failure {
	const char *path;
	enum err err;
	long status;
};

static void every_failure_has_its_reason(void **state)
{
	static const struct failure failure[] = {
		{ "/above", ERR_TOO_LARGE, 200 },
		{ "/chunked", ERR_TOO_LARGE, 200 },
		{ "/bomb", ERR_TOO_LARGE, 200 },
		{ "/long_line", ERR_TOO_LARGE, -1 },
		{ "/many_lines", ERR_TOO_LARGE, -1 },
		{ "/cut", ERR_TRUNCATED, 200 },
		{ "/cut_chunk", ERR_TRUNCATED, 200 },
		{ "/damaged", ERR_TRUNCATED, 200 },
		{ "/reset_body", ERR_RESET, 200 },
		{ "/reset", ERR_RESET, 0 },
		{ "/nothing", ERR_RESET, 0 },
		{ "/babble", ERR_RESET, 0 },
		{ "/moved", ERR_HTTP_STATUS, 302 },
		{ "/limit", ERR_HTTP_STATUS, 429 },
		{ "/no_content", ERR_HTTP_STATUS, 204 },
		{ "/gateway", ERR_HTTP_STATUS, 502 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failure) / sizeof(failure[0]); i++) {
		struct fetch *f =
			open_fetch(1, 5000); /* a failure on a kept connection may be met with a second try */
		const unsigned before = upstream_count(u, &u->requests);
		const struct reply r = call(f, failure[i].path);

		if (r.err != failure[i].err || (failure[i].status >= 0 && r.status != failure[i].status))
			fail_msg("%s: %s with status %ld: %s", failure[i].path, err_label(r.err), r.status, r.why.text);
		CHECK(upstream_count(u, &u->requests) == before + 1); /* nothing followed, nothing repeated */
		CHECK(call(f, "/fine").err == ERR_OK);                /* and nothing left behind */
		fetch_free(f);
	}
}

static void a_reply_may_be_as_large_as_allowed(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r = call(f, "/exact");

	(void)state;
	CHECK(r.err == ERR_OK && r.len == REPLY_MAX && r.body[REPLY_MAX - 1] == '0');
	r = call(f, "/above");
	CHECK(r.err == ERR_TOO_LARGE && r.bytes == REPLY_MAX + 1 && r.len <= REPLY_MAX);
	fetch_free(f);
}

static void bodies_share_one_limit_and_give_it_back(void **state)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	struct fetch *f = open_fetch(2, 5000);
	struct reply r;

	(void)state;
	CHECK(send_to(f, 0, base_url("http"), "/stall", NULL) == ERR_OK);
	while (f->total < HALF_SENT) {
		CHECK(clock_ms() < end_ms);
		CHECK(fetch_wait(f, NULL, 0, end_ms - clock_ms()) == ERR_OK);
		CHECK(!fetch_take(f, &r));
	}
	CHECK(f->total == HALF_SENT);
	r = call(f, "/half"); /* allowed by itself, too much beside the other */
	CHECK(r.err == ERR_LOCAL_RESOURCE && r.target == 7);
	r = call(f, "/fine");
	CHECK(r.err == ERR_OK && f->total == HALF_SENT + 19);
	CHECK(!fetch_take(f, &r) && f->total == HALF_SENT);
	fetch_free(f);
}

static void a_silent_host_costs_the_timeout_and_only_its_own_call(void **state)
{
	struct fetch *f = open_fetch(2, 300);
	struct reply r;

	(void)state;
	CHECK(send_to(f, 1, base_url("http"), "/silent", NULL) == ERR_OK);
	CHECK(send_to(f, 2, base_url("http"), "/fine", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.target == 2 && r.err == ERR_OK);
	r = await(f);
	CHECK(r.target == 1 && r.err == ERR_TIMEOUT && r.status == 0);
	CHECK(r.took_us >= 290000 && r.took_us < 3000000);
	fetch_free(f);
}

static void silence_on_a_kept_connection_is_a_timeout_too(void **state)
{
	struct fetch *f = open_fetch(1, 300);

	(void)state;
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(call(f, "/silent").err == ERR_TIMEOUT);
	CHECK(upstream_count(u, &u->connections) == 1);
	CHECK(call(f, "/fine").err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 2); /* whoever was silent once may answer late */
	fetch_free(f);
}

static void a_port_nobody_listens_on_is_no_connection(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	unsigned port;
	const int reserved = upstream_socket(AF_INET, false, &port);
	char base[64];
	struct reply r;

	(void)state;
	(void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
	CHECK(send_to(f, 0, base, "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_CONNECT && r.status == 0 && r.took_us < 2000000);
	close(reserved);
	fetch_free(f);
}

static void a_name_that_does_not_resolve_is_dns(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r;

	(void)state;
	CHECK(send_to(f, 0, "https://unknown.invalid", "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_DNS && strstr(r.why.text, "unknown.invalid") != NULL);
	fetch_free(f);
}

static void a_socket_that_cannot_be_made_is_our_own_trouble(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct rlimit limit, none;
	struct reply r;
	int next;

	(void)state;
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	next = dup(0); /* the lowest free one; nobody else opens or closes any now */
	CHECK(next >= 0 && close(next) == 0);
	none = limit;
	none.rlim_cur = (rlim_t)next;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(send_to(f, 0, base_url("http"), "/fine", NULL) == ERR_OK);
	r = await(f);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (r.err != ERR_LOCAL_RESOURCE)
		fail_msg("%s: %s", err_label(r.err), r.why.text);
	CHECK(call(f, "/fine").err == ERR_OK);
	fetch_free(f);
}

static void a_signature_never_leaves_in_clear(void **state)
{
	static const char *const loopback[] = { "http://127.0.0.1/", "http://127.0.0.1:80/", "http://[::1]:80/",
		                                    "http://localhost:80/" };
	static const char *const base[] = {
		"http://unknown.invalid",
		"http://192.0.2.1",
		"http://127.0.0.1.unknown.invalid",
		"http://localhostile.invalid",
		"http://localhost:p@unknown.invalid",
		"http://127.0.0.1:80@unknown.invalid",
		"http://127.0.0.1@unknown.invalid",
		"ftp://127.0.0.1",
		"file://",
		"no url",
	};
	struct fetch *f = open_fetch(1, 1000);
	const unsigned before = names_count(&names.asked);
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		CHECK(strcmp(options_protocol(&(struct ask){ .url = loopback[i] }), "http") == 0);
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		CHECK(strcmp(options_protocol(&(struct ask){ .url = loopback[i], .proxy = "http://p:1" }), "https") ==
		      0);
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
		char url[64];

		(void)snprintf(url, sizeof(url), "%s/", base[i]);
		CHECK(strcmp(options_protocol(&(struct ask){ .url = url }), "https") == 0);
		CHECK(fetch_room(f) || !fetch_take(f, &r));
		CHECK(send_to(f, 0, base[i], "/", NULL) == ERR_OK);
		r = await(f);
		if (r.err != ERR_CONNECT || names_count(&names.asked) != before)
			fail_msg("%s: %s: %s", base[i], err_label(r.err), r.why.text);
	}
	fetch_free(f);
}

static void a_compressed_reply_is_handed_over_decoded(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	const struct reply r = call(f, "/gzip");

	(void)state;
	CHECK(r.err == ERR_OK && strcmp(r.body, "{\"ActionStatus\":\"OK\"}") == 0);
	CHECK(strstr(u->last, "\r\nAccept-Encoding: gzip\r\n") != NULL);
	fetch_free(f);
}

/* ---- slots, waiting, the end ---- */
static void full_slots_refuse_and_a_taken_reply_makes_room(void **state)
{
	struct fetch *f = open_fetch(2, 5000);
	struct reply r;

	(void)state;
	CHECK(fetch_room(f) && fetch_inflight(f) == 0 && !fetch_take(f, &r));
	CHECK(send_to(f, 1, base_url("http"), "/silent", NULL) == ERR_OK && fetch_room(f));
	CHECK(send_to(f, 2, base_url("http"), "/fine", NULL) == ERR_OK && !fetch_room(f));
	CHECK(send_to(f, 3, base_url("http"), "/fine", NULL) == ERR_LIMIT && fetch_inflight(f) == 2);
	r = await(f);
	CHECK(r.target == 2 && fetch_inflight(f) == 1);
	CHECK(strcmp(r.body, BODY_19) == 0); /* lent until the next take, which gives its slot back */
	CHECK(!fetch_take(f, &r) && fetch_room(f));
	CHECK(upstream_count(u, &u->requests) <= 2);
	fetch_free(f);
}

static void waiting_ends_early_for_a_descriptor(void **state)
{
	struct fetch *f = open_fetch(1, 60000);
	const int64_t end_ms = clock_ms() + 10000;
	int end[2], many[FETCH_FDS_MAX + 1];
	struct reply r;

	(void)state;
	CHECK(pipe(end) == 0 && write(end[1], "x", 1) == 1);
	for (size_t i = 0; i < FETCH_FDS_MAX + 1; i++)
		many[i] = end[0];
	CHECK(send_to(f, 0, base_url("http"), "/silent", NULL) == ERR_OK);
	for (int i = 0; i < 20; i++) {
		CHECK(fetch_wait(f, many, i % 2 == 0 ? 1 : FETCH_FDS_MAX, INT64_MAX) == ERR_OK);
		CHECK(fetch_wait(f, NULL, 0, -5) == ERR_OK);
		CHECK(!fetch_take(f, &r));
	}
	CHECK(clock_ms() < end_ms);
	CHECK(fetch_wait(f, many, FETCH_FDS_MAX + 1, 0) == ERR_LIMIT);
	close(end[0]);
	close(end[1]);
	fetch_free(f);
}

static void the_end_cancels_calls_in_flight_and_keeps_no_descriptor(void **state)
{
	struct reply r;
	size_t before;

	(void)state;
	fetch_free(open_fetch(1, 5000)); /* whatever a library keeps for good exists now */
	before = open_descriptors();
	for (int i = 0; i < 3; i++) {
		struct fetch *f = open_fetch(4, 5000);

		CHECK(call(f, "/fine").err == ERR_OK); /* and one reply is still lent */
		CHECK(send_to(f, 1, base_url("http"), "/silent", NULL) == ERR_OK);
		CHECK(send_to(f, 2, base_url("http"), "/stall", NULL) == ERR_OK);
		CHECK(!fetch_take(f, &r) || r.target == 7);
		CHECK(send_to(f, 3, base_url("http"), "/fine", NULL) == ERR_OK); /* not begun at all */
		fetch_free(f);
	}
	upstream_free(u); /* its own ends of the connections go with it */
	u = NULL;
	CHECK(open_descriptors() + 3 == before);
	fetch_free(NULL);
	(void)open_upstream(state);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
	static const char *const name[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
		                                "ALL_PROXY" };
	struct fetch *f;

	(void)state;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		CHECK(setenv(name[i], "http://127.0.0.1:1", 1) == 0);
	CHECK(unsetenv("no_proxy") == 0 && unsetenv("NO_PROXY") == 0);
	f = open_fetch(1, 5000);
	CHECK(call(f, "/fine").err == ERR_OK);
	fetch_free(f);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		CHECK(unsetenv(name[i]) == 0);
}

#define PLAIN(TEST) cmocka_unit_test_setup_teardown(TEST, open_upstream, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(a_call_is_one_json_post_and_its_reply_comes_back),
		PLAIN(an_empty_question_and_an_empty_reply_are_fine),
		PLAIN(a_connection_is_kept_for_the_next_call),
		PLAIN(a_call_may_have_a_connection_of_its_own),
		PLAIN(a_kept_connection_that_died_costs_no_failure),
		PLAIN(replies_carry_their_targets_when_calls_overlap),
		PLAIN(every_failure_has_its_reason),
		PLAIN(a_reply_may_be_as_large_as_allowed),
		PLAIN(bodies_share_one_limit_and_give_it_back),
		PLAIN(a_silent_host_costs_the_timeout_and_only_its_own_call),
		PLAIN(silence_on_a_kept_connection_is_a_timeout_too),
		PLAIN(a_port_nobody_listens_on_is_no_connection),
		PLAIN(a_name_that_does_not_resolve_is_dns),
		PLAIN(a_socket_that_cannot_be_made_is_our_own_trouble),
		PLAIN(a_signature_never_leaves_in_clear),
		PLAIN(a_compressed_reply_is_handed_over_decoded),
		PLAIN(full_slots_refuse_and_a_taken_reply_makes_room),
		PLAIN(waiting_ends_early_for_a_descriptor),
		PLAIN(the_end_cancels_calls_in_flight_and_keeps_no_descriptor),
		PLAIN(proxies_of_the_environment_are_ignored),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	fill_texts();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
