/* Too many, too slow, too long: who waits, who is sent away, and what is left behind. */
#include "tests/unit/web_house.h"

#include <sys/syscall.h>

enum { SECOND_MS = 950 /* at least: the library reads a coarse clock */ };

/* Stands in for the C library's, so that any failure can be had on any machine. */
static int accept_fails; /* an errno */

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	if (accept_fails != 0) {
		errno = accept_fails;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, from, len, flags);
}

static void a_full_house_sends_newcomers_away_at_once(void **state)
{
	static const char *const listen[] = { "127.0.0.1:0", "127.0.0.1:0" };
	struct web *w = open_web(listen, 2, 3, 10);
	struct client c[3], late;
	struct answer a;

	(void)state;
	for (size_t i = 0; i < 3; i++) { /* the limit counts both addresses together */
		c[i] = client_open(w, i % 2);
		client_write(&c[i], GET("/text"), strlen(GET("/text")));
		a = client_read(&c[i], false);
		CHECK(a.status == 200 && web_connections(w) == i + 1);
		buf_done(&a.body);
	}
	late = client_open(w, 1);
	client_write(&late, GET("/text"), strlen(GET("/text")));
	a = client_read(&late, false);
	CHECK(a.status == 503 && a.whole && answer_has(&a, "Retry-After", "1") && client_ended(&late));
	CHECK(web_connections(w) == 3);
	buf_done(&a.body);
	client_close(&late);
	client_close(&c[0]);
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) == 3;)
		turn(w, -1, end_ms);
	CHECK(status_of(w, GET("/text")) == 200);
	client_close(&c[1]);
	client_close(&c[2]);
	web_free(w);
}

/* Whoever asks nothing can only be told to leave when even the lobby is full. */
static void a_full_lobby_is_told_before_it_asks_and_nothing_spins(void **state)
{
	struct web *w = open_one(1, 10);
	struct pollfd fd = { web_fd(w), POLLIN, 0 };
	struct client c[1 + LOBBY], late;
	bool calm = false;
	struct answer a;

	(void)state;
	for (unsigned i = 0; i < 1 + LOBBY; i++) {
		const int64_t end_ms = clock_ms() + PATIENCE_MS;

		c[i] = client_open(w, 0);
		while (web_connections(w) <= i)
			turn(w, -1, end_ms);
	}
	late = client_open(w, 0);
	a = client_read(&late, false);
	CHECK(a.status == 503 && a.whole && client_ended(&late) && late.in.len == 0);
	CHECK(answer_has(&a, "Retry-After", "1") && answer_has(&a, "Connection", "close"));
	CHECK(answer_has(&a, "X-Content-Type-Options", "nosniff") && answer_has(&a, "Cache-Control", "no-store"));
	buf_done(&a.body);
	client_close(&late);
	for (int i = 0; i < 10 && !calm; i++) { /* a tick may fall between */
		web_turn(w);
		calm = poll(&fd, 1, 0) == 0 && web_wait_ms(w) > 0;
	}
	CHECK(calm && web_connections(w) == 1 + LOBBY);
	client_write(&c[0], GET("/text"), strlen(GET("/text"))); /* the only one inside */
	a = client_read(&c[0], false);
	CHECK(a.status == 200 && a.whole);
	buf_done(&a.body);
	for (unsigned i = 0; i < 1 + LOBBY; i++)
		client_close(&c[i]);
	web_free(w);
}

/* Those who left since the last turn do not count. */
static void a_place_is_free_as_soon_as_it_is_left(void **state)
{
	struct web *w = open_one(1, 10);

	(void)state;
	for (int i = 0; i < 100; i++)
		CHECK(status_of(w, GET("/text")) == 200);
	CHECK(seen.asked == 100);
	web_free(w);
}

static void a_reader_that_stalls_holds_nobody_up(void **state)
{
	struct web *w = open_one(8, 10);
	struct client stalled = client_open(w, 0);
	const int64_t end_ms = clock_ms() + PATIENCE_MS;

	(void)state;
	seen.stream.left = ENDLESS;
	client_write(&stalled, GET("/stream"), strlen(GET("/stream")));
	for (int before = -1;
	     seen.stream.sent > before || seen.opened == 0;) { /* until no buffer takes any more */
		before = seen.stream.sent;
		web_turn(w);
	}
	CHECK(status_of(w, GET("/text")) == 200 && seen.closed == 0);
	client_close(&stalled); /* and its end is noticed */
	while (seen.closed == 0)
		turn(w, -1, end_ms);
	CHECK(seen.closed == 1);
	web_free(w);
}

/* libmicrohttpd hangs up in one turn and cleans up in the next, which is due at once. */
static void until_empty(struct web *w)
{
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) > 0;)
		turn(w, -1, end_ms);
}

static void an_idle_connection_ends_after_its_time(void **state)
{
	struct web *w = open_one(8, 1);
	struct client silent = client_open(w, 0), half = client_open(w, 0), kept = client_open(w, 0);
	const int64_t start_ms = clock_ms();
	struct answer a;

	(void)state;
	client_write(&half, "GET /text HTTP/1.1\r\nHo", 22);
	client_write(&kept, GET("/text"), strlen(GET("/text")));
	a = client_read(&kept, false);
	CHECK(a.status == 200 && a.whole);
	buf_done(&a.body);
	CHECK(client_ended(&silent) && client_ended(&half) && client_ended(&kept));
	CHECK(clock_ms() - start_ms >= SECOND_MS && silent.in.len == 0 && half.in.len == 0 && kept.in.len == 0);
	until_empty(w);
	CHECK(seen.asked == 1);
	client_close(&silent);
	client_close(&half);
	client_close(&kept);
	web_free(w);
}

/* Turns for a short while, whatever happens. */
static void turn_briefly(struct web *w)
{
	struct pollfd fd = { web_fd(w), POLLIN, 0 };

	CHECK(poll(&fd, 1, 20) >= 0);
	web_turn(w);
}

static void a_head_that_comes_byte_by_byte_ends_after_its_time(void **state)
{
	struct web *w = open_one(8, 1);
	struct client c = client_open(w, 0);
	const int64_t start_ms = clock_ms();

	(void)state;
	client_write(&c, "GET /text HTTP/1.1\r\nX: ", 23);
	while (web_connections(w) == 0)
		turn(w, -1, start_ms + PATIENCE_MS);
	for (; web_connections(w) == 1; turn_briefly(w)) {
		CHECK(clock_ms() - start_ms < PATIENCE_MS);
		client_write(&c, "x", 1); /* never idle */
	}
	CHECK(clock_ms() - start_ms >= SECOND_MS && client_ended(&c) && c.in.len == 0);
	client_close(&c);
	web_free(w);
}

/* Reads an endless answer without ever being idle, until it is cut; returns how long it lasted. */
static int64_t read_until_cut(struct web *w)
{
	struct client c = client_open(w, 0);
	const int64_t start_ms = clock_ms();
	int64_t took_ms;

	seen.stream.left = ENDLESS;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	while (seen.closed == 0) {
		static char bytes[1 << 20];
		ssize_t n;

		CHECK(clock_ms() - start_ms < PATIENCE_MS);
		turn_briefly(w);
		n = recv(c.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		CHECK(n > 0 || errno == EAGAIN || seen.closed == 1);
	}
	took_ms = clock_ms() - start_ms;
	CHECK(seen.closed == 1);
	until_empty(w);
	client_close(&c);
	return took_ms;
}

static void an_answer_that_is_read_too_slowly_is_cut(void **state)
{
	struct web *w = open_one(8, 1);

	(void)state;
	seen.within_s = 100; /* more than is given to anybody */
	CHECK(read_until_cut(w) >= 3 * SECOND_MS);
	web_free(w);
}

/* The listener alone would allow thirty seconds, which are more than PATIENCE_MS. */
static void an_answer_may_have_less_time_than_others(void **state)
{
	struct web *w = open_one(8, 10);

	(void)state;
	seen.within_s = 1;
	CHECK(read_until_cut(w) >= SECOND_MS);
	web_free(w);
}

static int error_of(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	return error;
}

/* What the kernel holds for a reader who takes nothing goes with the connection. Who waits between two
 * requests, or has his whole answer, hears an orderly end. */
static void a_reader_whose_time_is_over_is_reset_and_nobody_else(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct web *w = open_one(8, 2);
		struct client stalled = client_open(w, 0), idle = client_open(w, 0);
		const int64_t end_ms = clock_ms() + PATIENCE_MS;
		struct answer a;
		char c;

		client_write(&idle, GET("/text"), strlen(GET("/text")));
		a = client_read(&idle, false);
		CHECK(a.status == 200);
		buf_done(&a.body);
		seen.stream.left = ENDLESS;
		seen.within_s = i; /* 0: the library's own timeout comes first */
		client_write(&stalled, GET("/stream"), strlen(GET("/stream")));
		while (web_connections(w) > 0)
			turn(w, -1, end_ms);
		CHECK(seen.closed == 1 && error_of(stalled.fd) == ECONNRESET);
		CHECK(error_of(idle.fd) == 0 && recv(idle.fd, &c, 1, MSG_DONTWAIT) == 0);
		client_close(&stalled);
		client_close(&idle);
		web_free(w);
	}
}

static void who_stops_sending_still_gets_the_whole_answer(void **state)
{
	struct web *w = open_one(8, 1);
	struct client c = client_open(w, 0);
	struct answer a;

	(void)state;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	CHECK(shutdown(c.fd, SHUT_WR) == 0);
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && client_ended(&c) && error_of(c.fd) == 0);
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

static void the_time_of_an_answer_is_not_that_of_the_next_head(void **state)
{
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	struct answer a;

	(void)state;
	seen.within_s = 1;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && w->guest != NULL && w->guest->left_s >= 10);
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

static void quiescing_refuses_newcomers_and_finishes_the_rest(void **state)
{
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0);
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct answer r;
	int fd;

	(void)state;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	while (seen.opened == 0)
		turn(w, -1, end_ms);
	CHECK(getpeername(c.fd, (struct sockaddr *)&a, &len) == 0);
	web_quiesce(w);
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&a, len) != 0 && errno == ECONNREFUSED);
	close(fd);
	r = client_read(&c, false);
	CHECK(r.status == 200 && r.whole && seen.closed == 1);
	buf_done(&r.body);
	client_write(&c, GET("/text"), strlen(GET("/text"))); /* one more, and then the connection ends too */
	r = client_read(&c, false);
	CHECK(r.status == 200 && r.whole && answer_has(&r, "Connection", "close") && client_ended(&c));
	buf_done(&r.body);
	client_close(&c);
	CHECK(web_connections(w) == 0);
	web_quiesce(w);
	web_free(w);
}

static void the_end_closes_streams_and_every_descriptor(void **state)
{
	const size_t before = open_descriptors();
	struct web *w = open_one(8, 10);
	struct client c = client_open(w, 0), idle = client_open(w, 0);
	const int64_t end_ms = clock_ms() + PATIENCE_MS;

	(void)state;
	seen.stream.left = ENDLESS;
	client_write(&c, GET("/stream"), strlen(GET("/stream")));
	while (seen.opened == 0)
		turn(w, -1, end_ms);
	web_free(w);
	CHECK(seen.closed == 1);
	client_close(&c);
	client_close(&idle);
	CHECK(open_descriptors() == before);
	web_free(NULL);
}

static void nothing_piles_up(void **state)
{
	static const char *const request[] = { GET("/text"), GET("/stream"), "GET /text HTTP/1.1\r\n\r\n",
		                                   "noise\r\n" };
	struct web *w = open_one(8, 10);
	const size_t before = open_descriptors();

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		struct client c = client_open(w, 0);

		seen.stream.left = BLOCKS;
		client_write(&c, request[i % 4], strlen(request[i % 4]));
		if (i % 3 != 0) /* others leave at once, or while a stream is sent */
			web_turn(w);
		if (i % 3 == 2)
			(void)client_more(&c);
		client_close(&c);
	}
	until_empty(w);
	CHECK(open_descriptors() == before && seen.opened > 0 && seen.closed == seen.opened);
	web_free(w);
}

static void no_descriptor_left_means_waiting_not_spinning(void **state)
{
	static const int codes[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct web *w = open_one(8, 10);
		struct client c = client_open(w, 0);
		struct pollfd fd = { web_fd(w), POLLIN, 0 };
		struct answer a;

		accept_fails = codes[i];
		CHECK(poll(&fd, 1, PATIENCE_MS) == 1);
		web_turn(w);
		CHECK(poll(&fd, 1, 0) == 0 && web_connections(w) == 0);
		CHECK(web_wait_ms(w) > 0 && web_wait_ms(w) <= 1000); /* tries again by itself */
		accept_fails = 0;
		client_write(&c, GET("/text"), strlen(GET("/text")));
		web_turn(w);
		a = client_read(&c, false);
		CHECK(a.status == 200);
		buf_done(&a.body);
		CHECK(status_of(w, GET("/text")) == 200); /* newcomers wake the listener again */
		client_close(&c);
		web_free(w);
	}
}

static void a_newcomer_who_left_before_he_was_taken_in_harms_nobody(void **state)
{
	struct web *w = open_one(8, 10);

	(void)state;
	accept_fails = ECONNABORTED;
	web_turn(w);
	accept_fails = 0;
	CHECK(status_of(w, GET("/text")) == 200);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_house_sends_newcomers_away_at_once),
		cmocka_unit_test(a_full_lobby_is_told_before_it_asks_and_nothing_spins),
		cmocka_unit_test(a_place_is_free_as_soon_as_it_is_left),
		cmocka_unit_test(a_reader_that_stalls_holds_nobody_up),
		cmocka_unit_test(an_idle_connection_ends_after_its_time),
		cmocka_unit_test(a_head_that_comes_byte_by_byte_ends_after_its_time),
		cmocka_unit_test(an_answer_that_is_read_too_slowly_is_cut),
		cmocka_unit_test(an_answer_may_have_less_time_than_others),
		cmocka_unit_test(a_reader_whose_time_is_over_is_reset_and_nobody_else),
		cmocka_unit_test(who_stops_sending_still_gets_the_whole_answer),
		cmocka_unit_test(the_time_of_an_answer_is_not_that_of_the_next_head),
		cmocka_unit_test(quiescing_refuses_newcomers_and_finishes_the_rest),
		cmocka_unit_test(the_end_closes_streams_and_every_descriptor),
		cmocka_unit_test(nothing_piles_up),
		cmocka_unit_test(no_descriptor_left_means_waiting_not_spinning),
		cmocka_unit_test(a_newcomer_who_left_before_he_was_taken_in_harms_nobody),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
