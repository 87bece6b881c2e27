/* Raw requests that are not by the grammar. What is refused here is how requests are smuggled past a proxy.
 */
#include "tests/unit/web_house.h"

static void ambiguous_requests_are_refused_and_the_connection_ends(void **state)
{
	/* Behind each stands a second request that must never be answered. */
	static const char *const request[] = {
		"GET /text HTTP/1.1\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Host: other\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
		"HEAD /text HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
		"POST /text HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 0, 40\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /text HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "transfer-encoding:\tchunked\r\n\r\n0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length : 40\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost : localhost\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X\x01: y\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X(y): z\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST ": no name\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X: a\r\n\tfolded\r\nY: b\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: localhost\r\n :8080\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: a,b\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: user@a\r\n\r\n",
		"GET /text HTTP/1.1\n" HOST "\r\n",
		"GET /text HTTP/1.1\r\nHost: localhost\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "\n",
		"GET /text HTTP/1.2\r\n\r\n",
		"GET  /text HTTP/1.1\r\n" HOST "\r\n",
		"GET /text  HTTP/1.1\r\n" HOST "\r\n",
		"GET /text HTTP/1.1 \r\n" HOST "\r\n",
		"G(T /text HTTP/1.1\r\n" HOST "\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		"POST /text HTTP/1.1\r\n" HOST "Content-Length: five\r\n\r\n",
		"POST /text HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
		"GET http://localhost/text HTTP/1.1\r\n" HOST "\r\n",
		"GET localhost/text HTTP/1.1\r\n" HOST "\r\n",
		"GET text HTTP/1.1\r\n" HOST "\r\n",
		"GET ?app=a HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
		"CONNECT localhost:443 HTTP/1.1\r\n" HOST "\r\n",
		"GET /text%00 HTTP/1.1\r\n" HOST "\r\n",
		"GET /text%00/secret HTTP/1.1\r\n" HOST "\r\n",
		"GET /text?app=%00 HTTP/1.1\r\n" HOST "\r\n",
		"GET /te xt HTTP/1.1\r\n" HOST "\r\n",
		"GET /text?a b HTTP/1.1\r\n" HOST "\r\n",
		"GET /text\t HTTP/1.1\r\n" HOST "\r\n",
		"GET /text?\x01 HTTP/1.1\r\n" HOST "\r\n",
		"GET /text?\x7f HTTP/1.1\r\n" HOST "\r\n",
		"GET /text?\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++) {
		char both[1024];
		struct answer a;
		bool ended;

		(void)snprintf(both, sizeof(both), "%s%s", request[i], GET("/text"));
		a = ask(w, both, strlen(both), strncmp(both, "HEAD", 4) == 0, &ended);
		if (a.status != 400 || !ended)
			fail_msg("status %d and %s end for %s", a.status, ended ? "an" : "no", request[i]);
		CHECK(answer_has(&a, "Connection", "close"));
		buf_done(&a.body);
	}
	CHECK(seen.asked == 0);
	web_free(w);
}

/* The same after a good request, on a connection that was kept: whatever was learned there is forgotten. */
static void the_second_request_is_judged_like_the_first(void **state)
{
	static const char *const request[] = {
		GET("/text") "GET /text HTTP/1.1\r\n\r\n" GET("/text"),
		GET("/text") "GET /text HTTP/1.1\r\n" HOST "Content-Length: 0, 40\r\n\r\n" GET("/text"),
		GET("/text") "GET /text HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/text"),
		GET("/text") "GET /text%00 HTTP/1.1\r\n" HOST "\r\n" GET("/text"),
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++) {
		struct client c = client_open(w, 0);
		struct answer a;

		client_write(&c, request[i], strlen(request[i]));
		a = client_read(&c, false);
		CHECK(a.status == 200 && a.whole);
		buf_done(&a.body);
		a = client_read(&c, false);
		CHECK(a.status == 400 && a.whole && client_ended(&c) && c.in.len == 0);
		buf_done(&a.body);
		client_close(&c);
	}
	CHECK(seen.asked == 4);
	web_free(w);
}

static void what_the_grammar_allows_is_served(void **state)
{
	static const char *const request[] = {
		"\r\n" GET("/text"),
		"GET /text HTTP/1.1\r\nhOST:localhost:80\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost:\t [::1]:9100 \t\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /text HTTP/1.2\r\n" HOST "\r\n",
		"GET /text HTTP/1.0\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Content-Length: 0 \r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "X:\r\nX: \r\nX: \xc3\xa9 : \t;\r\n\r\n",
		"GET /text HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", /* there is nothing to continue */
		"GET /text HTTP/1.1\r\n" HOST "Cookie: a=b; c=\"d\r\n\r\n",
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++)
		if (status_of(w, request[i]) != 200)
			fail_msg("refused: %s", request[i]);
	web_free(w);
}

static void bytes_that_are_not_http_get_no_page(void **state)
{
	static const struct {
		size_t len;
		const char *bytes;
	} noise[] = {
#define NOISE(TEXT) { sizeof(TEXT) - 1, TEXT }
		NOISE("GET /text\0/secret HTTP/1.1\r\n" HOST "\r\n"),
		NOISE("GET /text?a\0b HTTP/1.1\r\n" HOST "\r\n"),
		NOISE("GET /text HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
		NOISE("GET\0/text HTTP/1.1\r\n" HOST "\r\n"),
		NOISE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
		NOISE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		NOISE("GET /text HTTP/2.0\r\n" HOST "\r\n"),
		NOISE("GET /text FTP/1.1\r\n" HOST "\r\n"),
		NOISE("GET /text HTTP/1.1\r\nno colon\r\n\r\n"),
		NOISE("/text\r\n\r\n"),
		NOISE("GET \r\n\r\n"),
		NOISE("GET /text\r\n" HOST "\r\n"),
		NOISE("GET /text HTTP/1.1\0\r\n" HOST "\r\n"),
		NOISE("GET /text HTTP/1.1\r\n" HOST "X\0: a\r\n\r\n"),
		/* a bare LF less and a NUL more */
		NOISE("GET /text HTTP/1.1\r\nHost: localhost\nX: a\0\r\n\r\n"),
		NOISE("GET /text HTTP/1.1\r\n" HOST "X: \0x\n\n"),
		NOISE("GET /text HTTP/1.1\0x\n" HOST "\r\n"),
		NOISE("GET /text\0 HTTP/1.1\r\nHost: localhost\n\r\n"),
		NOISE("\xff\xfe\xfd\xfc\r\n\r\n\r\n"),
#undef NOISE
	};
	struct web *w = open_one(8, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		bool ended;
		struct answer a = ask(w, noise[i].bytes, noise[i].len, false, &ended);

		/* 0: where there is not even a space, libmicrohttpd hangs up without a word */
		if ((a.status != 400 && a.status != 505 && a.status != 0) || !ended)
			fail_msg("status %d and %s end for noise %zu", a.status, ended ? "an" : "no", i);
		buf_done(&a.body);
	}
	CHECK(seen.asked == 0);
	web_free(w);
}

/* A head of `len` bytes: its target or, without one, a header field is as long as needed. */
static char *long_head(size_t len, bool in_target)
{
	const char *before = in_target ? "GET /text?" : "GET /text HTTP/1.1\r\n" HOST "X: ";
	const char *after = in_target ? " HTTP/1.1\r\n" HOST "\r\n" : "\r\n\r\n";
	char *text = malloc(len + 1);

	CHECK(text != NULL);
	memset(text, 'x', len);
	memcpy(text, before, strlen(before));
	memcpy(text + len - strlen(after), after, strlen(after) + 1);
	return text;
}

static void a_head_may_be_16_kib_and_a_target_4(void **state)
{
	static const struct {
		size_t len;
		int status;
		bool in_target;
	} head[] = {
		{ HEAD_MAX, 200, false },           { HEAD_MAX + 1, 431, false },       { 100 << 10, 431, false },
		{ TARGET_MAX + 4 + 30, 200, true }, { TARGET_MAX + 4 + 31, 414, true }, { HEAD_MAX, 414, true },
		{ 100 << 10, 414, true },
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		char *text = long_head(head[i].len, head[i].in_target);
		struct answer a;
		bool ended = true;

		a = ask(w, text, head[i].len, false, head[i].status == 200 ? NULL : &ended);
		if (a.status != head[i].status || !ended)
			fail_msg("status %d for head %zu", a.status, i);
		buf_done(&a.body);
		free(text);
	}
	for (int i = 0; i < 2; i++) { /* more than memory is set aside for: refused or cut, never served */
		char *text = long_head(1 << 20, i == 0);
		struct answer a = ask(w, text, 1 << 20, false, NULL);

		CHECK(a.status == 0 || a.status >= 400);
		buf_done(&a.body);
		free(text);
	}
	CHECK(seen.asked == 2);
	web_free(w);
}

/* Each part costs a record in the connection's memory, 128 KiB. */
static void many_small_parts_are_refused_once(void **state)
{
	static const struct {
		const char *before, *part;
		size_t n;
		int status;
	} flood[] = {
		{ "GET /text?", "&", ARGUMENTS_MAX - 1, 200 },
		{ "GET /text?", "&", ARGUMENTS_MAX, 400 },
		{ "GET /text?", "a&", 2000, 400 },
		{ "GET /text HTTP/1.1\r\n" HOST, "X:\r\n", FIELDS_MAX - 1, 200 },
		{ "GET /text HTTP/1.1\r\n" HOST, "X:\r\n", FIELDS_MAX, 431 },
		{ "GET /text HTTP/1.1\r\n" HOST, "X:\r\n", 4000, 431 },
		{ "GET /text HTTP/1.1\r\n" HOST "Cookie: ", "a;", 8000, 200 },
	};
	struct web *w = open_one(8, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(flood) / sizeof(flood[0]); i++) {
		struct buf b;
		struct answer a;
		bool ended = true;

		buf_init(&b, 64 << 10);
		buf_str(&b, flood[i].before);
		for (size_t n = 0; n < flood[i].n; n++)
			buf_str(&b, flood[i].part);
		buf_str(&b, i < 3 ? " HTTP/1.1\r\n" HOST "\r\n" : i == 6 ? "\r\n\r\n" : "\r\n");
		a = ask(w, buf_text(&b), b.len, false, flood[i].status == 200 ? NULL : &ended);
		if (a.status != flood[i].status || !a.whole || !ended)
			fail_msg("status %d for flood %zu", a.status, i);
		buf_done(&a.body);
		buf_done(&b);
	}
	web_free(w);
}

static void a_head_in_small_pieces_and_a_large_head_still_get_their_stream(void **state)
{
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	char *text = long_head(HEAD_MAX, false);
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	struct answer a;

	(void)state;
	memcpy(text, "GET /stream HTTP/1.1\r\n" HOST "X:", strlen("GET /stream HTTP/1.1\r\n" HOST "X:"));
	for (size_t i = 0; i < HEAD_MAX; i += 64) {
		client_write(&c, text + i, 64);
		turn(w, -1, end_ms);
	}
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && a.body.len == (size_t)BLOCKS << 14);
	CHECK(seen.stream.least_room >= 16 << 10);
	buf_done(&a.body);
	client_close(&c);
	free(text);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ambiguous_requests_are_refused_and_the_connection_ends),
		cmocka_unit_test(the_second_request_is_judged_like_the_first),
		cmocka_unit_test(what_the_grammar_allows_is_served),
		cmocka_unit_test(bytes_that_are_not_http_get_no_page),
		cmocka_unit_test(a_head_may_be_16_kib_and_a_target_4),
		cmocka_unit_test(many_small_parts_are_refused_once),
		cmocka_unit_test(a_head_in_small_pieces_and_a_large_head_still_get_their_stream),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
