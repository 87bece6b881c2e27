/* What a request gets: status, header fields and body, over loopback sockets. */
#include "tests/unit/web_house.h"

#define DELETE "DELETE /text HTTP/1.1\r\n" HOST "\r\n"

/* Sorted names of the header fields, "allow connection ...". */
static int by_name(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static void expect_headers(const struct answer *a, const char *expected)
{
	char copy[sizeof(a->head)], list[512] = "", *name[32], *rest = copy;
	size_t n = 0;

	memcpy(copy, a->head, sizeof(copy));
	(void)strsep(&rest, "\n");
	for (char *line; (line = strsep(&rest, "\n")) != NULL && strchr(line, ':') != NULL;) {
		CHECK(n < 32);
		*strchr(line, ':') = '\0';
		name[n++] = line;
	}
	qsort(name, n, sizeof(name[0]), by_name);
	for (size_t i = 0; i < n; i++)
		(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i > 0 ? " " : "", name[i]);
	assert_string_equal(list, expected);
}

static void a_page_comes_with_exactly_these_headers(void **state)
{
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	struct answer a;

	(void)state;
	client_write(&c, GET("/text"), strlen(GET("/text")));
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && body_is(&a, "fine\n"));
	expect_headers(&a, "Cache-Control Content-Length Content-Security-Policy Content-Type Date "
	                   "X-Content-Type-Options X-Frame-Options");
	CHECK(answer_has(&a, "Content-Type", "text/plain; charset=utf-8") &&
	      answer_has(&a, "Content-Length", "5"));
	CHECK(answer_has(&a, "X-Content-Type-Options", "nosniff") && answer_has(&a, "Cache-Control", "no-store"));
	CHECK(answer_has(&a, "Content-Security-Policy",
	                 "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
	CHECK(seen.asked == 1 && !seen.head && !seen.http10);
	buf_done(&a.body);
	client_write(&c, DELETE, strlen(DELETE));
	a = client_read(&c, false);
	CHECK(a.status == 405 && a.whole && client_ended(&c));
	expect_headers(&a,
	               "Allow Cache-Control Connection Content-Length Content-Security-Policy Content-Type Date "
	               "X-Content-Type-Options X-Frame-Options");
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

static void a_stream_is_chunked_whole_and_closed_once(void **state)
{
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	struct answer a;

	(void)state;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && a.body.len == (size_t)BLOCKS << 14);
	for (size_t i = 0; i < BLOCKS; i++)
		CHECK(a.body.at[i << 14] == (char)('a' + i % 26) &&
		      a.body.at[(i << 14) + 16383] == (char)('a' + i % 26));
	CHECK(answer_has(&a, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
	CHECK(answer_has(&a, "Vary", "Accept, Accept-Encoding") && answer_has(&a, "Content-Length", NULL));
	CHECK(seen.opened == 1 && seen.closed == 1 && seen.stream.least_room >= 16 << 10);
	buf_done(&a.body);
	/* The connection lives on. */
	client_write(&c, GET("/text"), strlen(GET("/text")));
	a = client_read(&c, false);
	CHECK(a.status == 200);
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

static void a_stream_of_known_size_says_so_also_in_http_1_0(void **state)
{
	static const char request[] = "GET /stream HTTP/1.0\r\n\r\n";
	struct web *w = open_one(8, 10);
	struct answer a;
	bool ended;

	(void)state;
	seen.size = BLOCKS << 14;
	a = ask(w, request, strlen(request), false, &ended);
	CHECK(a.status == 200 && a.whole && a.body.len == (size_t)BLOCKS << 14 && ended);
	CHECK(answer_has(&a, "Content-Length", "655360") && answer_has(&a, "Transfer-Encoding", NULL));
	CHECK(seen.closed == 1);
	buf_done(&a.body);
	/* Of unknown size it would look whole however it ended: no answer is better. */
	seen.size = WEB_SIZE_UNKNOWN;
	seen.stream.left = BLOCKS;
	a = ask(w, request, strlen(request), false, &ended);
	CHECK(a.status == 0 && ended && seen.opened == 2 && seen.closed == 2);
	buf_done(&a.body);
	web_free(w);
}

static void a_broken_stream_is_visibly_cut(void **state)
{
	static const char old[] = "GET /stream HTTP/1.0\r\n\r\n";
	struct web *w = open_one(8, 10);
	bool ended;

	(void)state;
	for (int i = 0; i < 4; i++) {
		const bool sized = i % 2 == 1;
		struct answer a;

		seen.size = sized ? BLOCKS << 14 : WEB_SIZE_UNKNOWN;
		seen.stream = (struct stream){ .left = BLOCKS, .break_at = i < 2 ? 20 : 1 };
		a = ask(w, sized ? old : GET("/stream"), strlen(sized ? old : GET("/stream")), false, &ended);
		CHECK(!a.whole && ended && seen.closed == (unsigned)i + 1);
		CHECK(i >= 2 || a.body.len == 19 << 14);
		buf_done(&a.body);
	}
	/* A stream that ends before its size is cut as well. */
	seen.size = (BLOCKS << 14) + 1;
	seen.stream = (struct stream){ .left = BLOCKS };
	{
		struct answer a = ask(w, old, strlen(old), false, &ended);

		CHECK(a.status == 200 && !a.whole && ended);
		buf_done(&a.body);
	}
	web_free(w);
}

static void head_gets_the_headers_of_get_and_nothing_more(void **state)
{
	static const char request[] = "HEAD /text HTTP/1.1\r\n" HOST "\r\n"
								  "HEAD /stream HTTP/1.1\r\n" HOST "\r\n"
								  "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n" GET("/text");
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	struct answer a;

	(void)state;
	seen.size = 655360;
	client_write(&c, request, strlen(request));
	a = client_read(&c, true);
	CHECK(a.status == 200 && answer_has(&a, "Content-Length", "5") && seen.head);
	a = client_read(&c, true);
	CHECK(a.status == 200 && answer_has(&a, "Vary", "Accept, Accept-Encoding"));
	CHECK(answer_has(&a, "Content-Length", "655360"));
	a = client_read(&c, true);
	CHECK(a.status == 404 && answer_has(&a, "Content-Length", "13"));
	a = client_read(&c, false); /* right behind: no body between */
	CHECK(a.status == 200 && body_is(&a, "fine\n") && !seen.head);
	CHECK(seen.opened == 1 && seen.closed == 1 && seen.stream.sent == 0);
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

/* libmicrohttpd would send the last chunk of a body that is not there, in front of the next answer. */
static void head_of_a_stream_of_unknown_size_ends_the_connection_instead_of_lying(void **state)
{
	static const char *const request[] = { "HEAD /stream HTTP/1.1\r\n" HOST "\r\n" GET("/text"),
		                                   "HEAD /stream HTTP/1.0\r\n\r\n" };
	struct web *w = open_one(8, 10);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool ended;
		struct answer a = ask(w, request[i], strlen(request[i]), true, &ended);

		CHECK(a.status == 200 && ended && answer_has(&a, "Connection", "close"));
		CHECK(answer_has(&a, "Content-Length", NULL) && answer_has(&a, "Transfer-Encoding", NULL));
		CHECK(answer_has(&a, "Vary", "Accept, Accept-Encoding"));
		CHECK(seen.opened == i + 1 && seen.closed == i + 1 && seen.stream.sent == 0 && seen.asked == 0);
	}
	web_free(w);
}

static void the_coding_of_a_body_is_told_to_get_and_head(void **state)
{
	static const char *const request[] = { GET("/stream"), "HEAD /stream HTTP/1.1\r\n" HOST "\r\n" };
	struct web *w = open_one(8, 10);

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct answer a;

		seen.encoding = i / 2 % 2 == 1 ? "gzip" : NULL;
		seen.size = i < 4 ? BLOCKS << 14 : WEB_SIZE_UNKNOWN;
		seen.stream = (struct stream){ .left = BLOCKS };
		a = ask(w, request[i % 2], strlen(request[i % 2]), i % 2 == 1, NULL);
		CHECK(a.status == 200 && a.whole && answer_has(&a, "Content-Encoding", seen.encoding));
		CHECK(i % 2 == 1 || a.body.len == (size_t)BLOCKS << 14); /* the bytes are the stream's own */
		buf_done(&a.body);
	}
	web_free(w);
}

static void http_1_0_gets_a_length_and_its_end(void **state)
{
	static const char request[] = "GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
								  "GET /text HTTP/1.0\r\n\r\n";
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);

	(void)state;
	client_write(&c, request, strlen(request));
	for (int i = 0; i < 2; i++) { /* the first asked to stay */
		struct answer a = client_read(&c, false);

		CHECK(a.status == 200 && a.whole && answer_has(&a, "Content-Length", "5") && seen.http10);
		CHECK(answer_has(&a, "Connection", i == 0 ? "Keep-Alive" : "close"));
		buf_done(&a.body);
	}
	CHECK(client_ended(&c) && c.in.len == 0 && seen.asked == 2);
	client_close(&c);
	web_free(w);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	static const char request[] = GET("/text") GET("/stream") GET("/nowhere") GET("/") GET("/text?app=last");
	static const int status[] = { 200, 200, 404, 503, 200 };
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);

	(void)state;
	client_write(&c, request, strlen(request));
	for (size_t i = 0; i < 5; i++) {
		struct answer a = client_read(&c, false);

		CHECK(a.status == status[i] && a.whole);
		CHECK(i != 3 || answer_has(&a, "Retry-After", "1"));
		CHECK(i == 3 || answer_has(&a, "Retry-After", NULL));
		buf_done(&a.body);
	}
	CHECK(seen.asked == 2 && strcmp(seen.query, "last") == 0);
	client_close(&c);
	web_free(w);
}

static void a_body_above_the_cap_is_no_answer_at_all(void **state)
{
	struct web *w = open_one(8, 10);

	(void)state;
	CHECK(status_of(w, GET("/huge")) == 0);
	CHECK(status_of(w, GET("/text")) == 200);
	web_free(w);
}

struct request {
	int status; /* 0: the connection just ends */
	const char *text;
};

static void targets_and_methods_find_their_answer(void **state)
{
	static const struct request request[] = {
		{ 200, GET("/text") },
		{ 200, GET("/text?") },
		{ 200, GET("/text?app=a&x=%20+b&&=") },
		{ 200, GET("/%74ext") },
		{ 200, GET("/t%65xt") },
		{ 404, GET("/text/") },
		{ 404, GET("//text") },
		{ 404, GET("/./text") },
		{ 404, GET("/x/../text") },
		{ 404, GET("/TEXT") },
		{ 404, GET("/text%2f") },
		{ 404, GET("/text%3fapp=a") },
		{ 404, GET("/tex") },
		{ 404, GET("/%zz%") },
		{ 404, GET("/%2574ext") },
		{ 404, GET("/%ff%fe") },
		{ 404, "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
		{ 405, "POST /text HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
		{ 405, "POST /text HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" },
		{ 405, "PUT /text HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
		{ 405, "DELETE /text HTTP/1.1\r\n" HOST "\r\n" },
		{ 405, "OPTIONS /text HTTP/1.1\r\n" HOST "\r\n" },
		{ 405, "TRACE /text HTTP/1.1\r\n" HOST "\r\n" },
		{ 405, "BREW /text HTTP/1.1\r\n" HOST "\r\n" },
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++) {
		struct answer a = ask(w, request[i].text, strlen(request[i].text), false, NULL);

		if (a.status != request[i].status || !a.whole)
			fail_msg("status %d for %s", a.status, request[i].text);
		CHECK(answer_has(&a, "Allow", a.status == 405 ? "GET, HEAD" : NULL));
		buf_done(&a.body);
	}
	web_free(w);
}

/* What changes something is never done by a link, and never twice. */
static void what_acts_is_posted_without_a_body(void **state)
{
	static const struct {
		int status;
		const char *text;
	} request[] = {
		{ 200, "POST /act HTTP/1.1\r\n" HOST "\r\n" },
		{ 200, "POST /act HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
		{ 200, "PUT /act?a=b HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
		{ 400, "POST /act HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" },
		{ 400, "PUT /act HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
		{ 405, GET("/act") },
		{ 405, "DELETE /act HTTP/1.1\r\n" HOST "\r\n" },
		{ 405, "post /act HTTP/1.1\r\n" HOST "\r\n" },
	};
	struct web *w = open_one(8, 10);

	(void)state;
	seen.acted = 0;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++) {
		struct answer a = ask(w, request[i].text, strlen(request[i].text), false, NULL);

		if (a.status != request[i].status || !a.whole)
			fail_msg("status %d for %s", a.status, request[i].text);
		CHECK(answer_has(&a, "Allow", a.status == 405 ? "POST, PUT" : NULL));
		buf_done(&a.body);
	}
	CHECK(seen.acted == 3);
	web_free(w);
}

static void headers_and_queries_reach_the_answer(void **state)
{
	struct web *w = open_one(8, 10);

	(void)state;
	CHECK(status_of(w, "GET /text?app=a%20b%26c&app=second HTTP/1.0\r\naccept: text/plain;q=0.5\r\n\r\n") ==
	      200);
	CHECK(strcmp(seen.header, "text/plain;q=0.5") == 0 && strcmp(seen.query, "a b&c") == 0 && seen.http10);
	CHECK(status_of(w, GET("/text?apps=1")) == 200);
	CHECK(strcmp(seen.header, "absent") == 0 && strcmp(seen.query, "absent") == 0);
	web_free(w);
}

static void several_fields_are_one_and_every_pair_is_given(void **state)
{
	struct web *w = open_one(8, 10);

	(void)state;
	CHECK(status_of(w, "GET /text?name%5B%5D=a%20b&name[]=c+d&level&x=%zz&=1&y=%C3%A9 HTTP/1.1\r\nHost: x\r\n"
	                   "Accept: text/plain;q=0.5\r\nX: y\r\naccept: a/b\r\nACCEPT: \r\n"
	                   "Connection: close\r\n\r\n") == 200);
	assert_string_equal(seen.headers, "text/plain;q=0.5, a/b, ");
	assert_string_equal(seen.pairs, "name[]=a b;name[]=c d;level=;x=%zz;=1;y=\xc3\xa9;");
	CHECK(status_of(w, GET("/text")) == 200);
	CHECK(seen.headers[0] == '\0' && seen.pairs[0] == '\0');
	web_free(w);
}

static void seconds_are_read_and_rounded_up(void **state)
{
	static const struct {
		const char *text;
		unsigned seconds;
	} row[] = {
		{ "10", 10 },
		{ "9.5", 10 },
		{ "9.000", 9 },
		{ "9.0001", 10 },
		{ "0.25", 1 },
		{ "5.", 5 },
		{ "007", 7 },
		{ "10 \t", 10 },
		{ "86400", 86400 },
		{ "86400.1", WEB_SECONDS_MAX },
		{ "4294967297", WEB_SECONDS_MAX },
		{ "99999999999999999999999999999999", WEB_SECONDS_MAX },
		{ "0", 0 },
		{ "0.000", 0 },
		{ "", 0 },
		{ ".5", 0 },
		{ ".", 0 },
		{ "-1", 0 },
		{ "+5", 0 },
		{ "5s", 0 },
		{ "1e3", 0 },
		{ "5.5.5", 0 },
		{ "5,5", 0 },
		{ "5 5", 0 },
		{ "0x10", 0 },
		{ "NaN", 0 },
		{ "Inf", 0 },
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char request[256];

		(void)snprintf(request, sizeof(request), "GET /text HTTP/1.1\r\n" HOST "X-Timeout: %s\r\n\r\n",
		               row[i].text);
		CHECK(status_of(w, request) == 200);
		if (seen.seconds != row[i].seconds)
			fail_msg("'%s' is read as %u", row[i].text, seen.seconds);
	}
	CHECK(status_of(w, GET("/text")) == 200 && seen.seconds == 0); /* absent */
	CHECK(status_of(w, "GET /text HTTP/1.1\r\n" HOST "X-Timeout: 3\r\nX-Timeout: 4\r\n\r\n") == 200);
	CHECK(seen.seconds == 3);
	web_free(w);
}

static uint64_t counted(const struct web *w, const char *handler, const char *status)
{
	struct web_count c;

	for (size_t row = 0; web_count(w, row, &c); row++)
		if (strcmp(c.handler, handler) == 0 && strcmp(c.status, status) == 0)
			return c.n;
	return UINT64_MAX;
}

static void answers_are_counted_by_route_and_status(void **state)
{
	struct web *w = open_one(8, 10);
	struct web_count c;
	uint64_t sum = 0;

	(void)state;
	CHECK(status_of(w, GET("/text")) == 200 && status_of(w, GET("/text?x")) == 200);
	CHECK(status_of(w, GET("/")) == 503 && status_of(w, GET("/nowhere")) == 404);
	CHECK(status_of(w, "POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") ==
	      405);
	CHECK(status_of(w, "GET /text HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx") ==
	      400);
	CHECK(counted(w, "/text", "200") == 2 && counted(w, "/", "503") == 1 && counted(w, "other", "404") == 1);
	CHECK(counted(w, "/text", "405") == 1 && counted(w, "/text", "400") == 1);
	CHECK(counted(w, "/", "200") == 0 && counted(w, "/nowhere", "404") == UINT64_MAX);
	for (size_t row = 0; web_count(w, row, &c); row++)
		sum += c.n;
	CHECK(sum == 6);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_comes_with_exactly_these_headers),
		cmocka_unit_test(a_stream_is_chunked_whole_and_closed_once),
		cmocka_unit_test(a_stream_of_known_size_says_so_also_in_http_1_0),
		cmocka_unit_test(a_broken_stream_is_visibly_cut),
		cmocka_unit_test(head_gets_the_headers_of_get_and_nothing_more),
		cmocka_unit_test(head_of_a_stream_of_unknown_size_ends_the_connection_instead_of_lying),
		cmocka_unit_test(the_coding_of_a_body_is_told_to_get_and_head),
		cmocka_unit_test(http_1_0_gets_a_length_and_its_end),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_body_above_the_cap_is_no_answer_at_all),
		cmocka_unit_test(targets_and_methods_find_their_answer),
		cmocka_unit_test(what_acts_is_posted_without_a_body),
		cmocka_unit_test(headers_and_queries_reach_the_answer),
		cmocka_unit_test(several_fields_are_one_and_every_pair_is_given),
		cmocka_unit_test(seconds_are_read_and_rounded_up),
		cmocka_unit_test(answers_are_counted_by_route_and_status),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
