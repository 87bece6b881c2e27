/* Answers that come later: who waits, who leaves, and whom the listener's end meets. */
#include "tests/unit/web_house.h"

#include <sys/resource.h>

enum { ROOM = 400 };

/* The requests that wait, in the order they came; NULL: answered, or gone. */
static struct {
	struct web_later *at[ROOM];
	size_t n, gone;
	bool at_once, streamed;
	unsigned within_s;
} desk;

static void on_gone(void *arg)
{
	struct web_later **l = arg;

	CHECK(*l != NULL);
	*l = NULL;
	desk.gone++;
}

static void give(struct web_later **l, unsigned status, const char *text)
{
	struct web_reply reply;

	web_reply_init(&reply);
	reply.status = status;
	buf_str(&reply.body, text);
	if (desk.streamed)
		reply.stream = (struct web_stream){
			.next = stream_next, .close = stream_close, .arg = &seen.stream, .size = WEB_SIZE_UNKNOWN
		};
	web_later_answer(*l, &reply);
	*l = NULL;
}

static void answer_later(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct web_later **l = &desk.at[desk.n];

	(void)arg;
	CHECK(desk.n < ROOM);
	reply->within_s = desk.within_s;
	buf_str(&reply->body, "never seen\n");
	*l = web_later(q, on_gone, l);
	CHECK(*l != NULL);
	desk.n++;
	if (desk.at_once)
		give(l, 200, "at once\n");
}

static struct web *open_desk(unsigned max_connections, unsigned idle_timeout_s)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	static const struct web_route later[] = { { .path = "/later", .answer = answer_later },
		                                      { .path = "/text", .answer = answer_text } };
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .max_connections = max_connections, .idle_timeout_s = idle_timeout_s
	};
	struct web *w = NULL;
	struct why why = { "" };

	memset(&seen, 0, sizeof(seen));
	memset(&desk, 0, sizeof(desk));
	seen.stream = (struct stream){ .left = 4, .least_room = SIZE_MAX };
	if (web_new(&c, later, 2, &seen, &w, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return w;
}

static struct client ask_later(struct web *w, const char *request)
{
	const size_t before = desk.n;
	struct client c = client_open(w, 0);

	client_write(&c, request, strlen(request));
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; desk.n == before;)
		turn(w, -1, end_ms);
	return c;
}

static void wait_until_gone(struct web *w, size_t n)
{
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; desk.gone < n;)
		turn(w, -1, end_ms);
}

static void expect(struct client *c, int status, const char *body, bool head)
{
	struct answer a = client_read(c, head);

	CHECK(a.status == status && a.whole);
	if (!head)
		CHECK(body_is(&a, body));
	buf_done(&a.body);
}

/* How often the listener wants a turn while nothing happens. */
static unsigned turns_in(struct web *w, int64_t ms)
{
	const int64_t end_ms = clock_ms() + ms;
	unsigned n = 0;

	for (int64_t left_ms; (left_ms = end_ms - clock_ms()) > 0; n++) {
		struct pollfd fd = { web_fd(w), POLLIN, 0 };
		const int64_t wait_ms = web_wait_ms(w) < left_ms ? web_wait_ms(w) : left_ms;

		CHECK(poll(&fd, 1, (int)wait_ms) >= 0);
		web_turn(w);
	}
	return n;
}

static void an_answer_comes_when_it_is_known_and_the_connection_goes_on(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client c = ask_later(w, GET("/later"));

	(void)state;
	CHECK(turns_in(w, 300) < 20); /* nobody spins while it waits */
	CHECK(status_of(w, GET("/text")) == 200);
	give(&desk.at[0], 200, "at last\n");
	expect(&c, 200, "at last\n", false);
	client_write(&c, GET("/text"), strlen(GET("/text")));
	expect(&c, 200, "fine\n", false);
	client_write(&c, GET("/later"), strlen(GET("/later")));
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; desk.n < 2;)
		turn(w, -1, end_ms);
	give(&desk.at[1], 429, "no budget\n");
	expect(&c, 429, "no budget\n", false);
	client_close(&c);
	CHECK(desk.gone == 0);
	web_free(w);
}

static void an_answer_that_is_known_at_once_is_sent_at_once(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client c;

	(void)state;
	desk.at_once = true;
	c = ask_later(w, GET("/later") GET("/text"));
	expect(&c, 200, "at once\n", false);
	expect(&c, 200, "fine\n", false);
	client_close(&c);
	web_free(w);
	CHECK(desk.gone == 0);
}

static void head_and_the_old_protocol_wait_as_well(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client head = ask_later(w, "HEAD /later HTTP/1.1\r\n" HOST "\r\n");
	struct client old = ask_later(w, "GET /later HTTP/1.0\r\n\r\n");

	(void)state;
	give(&desk.at[0], 200, "at last\n");
	give(&desk.at[1], 200, "at last\n");
	expect(&head, 200, "", true);
	expect(&old, 200, "at last\n", false);
	CHECK(client_ended(&old));
	client_close(&head);
	client_close(&old);
	web_free(w);
}

static void a_stream_may_be_the_answer(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client c = ask_later(w, GET("/later"));
	struct answer a;

	(void)state;
	desk.streamed = true;
	give(&desk.at[0], 200, "");
	a = client_read(&c, false);
	CHECK(a.status == 200 && a.whole && a.body.len == 4 * (16 << 10) && seen.closed == 1);
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
	CHECK(seen.closed == 1);
}

static void three_hundred_wait_and_each_gets_its_own(void **state)
{
	enum { CROWD = 300 };
	static struct client c[CROWD];
	struct rlimit files = { 0 };
	struct web *w;

	(void)state;
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max < 2048 ? files.rlim_max : 2048;
	CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
	w = open_desk(CROWD, 10);
	for (int i = 0; i < CROWD; i++)
		c[i] = ask_later(w, GET("/later"));
	CHECK(turns_in(w, 300) < 20);
	for (int i = CROWD; i-- > 0;) {
		char text[32];

		(void)snprintf(text, sizeof(text), "number %d\n", i);
		give(&desk.at[i], 200, text);
	}
	for (int i = 0; i < CROWD; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "number %d\n", i);
		expect(&c[i], 200, text, false);
		client_close(&c[i]);
	}
	CHECK(desk.gone == 0);
	web_free(w);
}

static void whoever_leaves_is_told_of_once_and_soon(void **state)
{
	enum { CROWD = 40 };
	static struct client c[CROWD];
	struct web *w = open_desk(CROWD + 1, 10);
	const int64_t began_ms = clock_ms();

	(void)state;
	for (int i = 0; i < CROWD; i++)
		c[i] = ask_later(w, GET("/later"));
	for (int i = 0; i < CROWD; i += 2) {
		const struct linger none = { .l_onoff = 1 };

		if (i % 4 == 0) /* with a reset */
			CHECK(setsockopt(c[i].fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0);
		client_close(&c[i]);
	}
	wait_until_gone(w, CROWD / 2);
	CHECK(clock_ms() - began_ms < 5000);
	for (int i = 0; i < CROWD; i++)
		CHECK((desk.at[i] == NULL) == (i % 2 == 0));
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) > CROWD / 2;)
		turn(w, -1, end_ms);
	for (int i = 1; i < CROWD; i += 2) {
		give(&desk.at[i], 200, "still here\n");
		expect(&c[i], 200, "still here\n", false);
		client_close(&c[i]);
	}
	web_free(w);
	CHECK(desk.gone == CROWD / 2);
}

static void an_answer_for_whoever_left_unseen_is_dropped(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client c = ask_later(w, GET("/later"));

	(void)state;
	client_close(&c);
	desk.streamed = true;
	give(&desk.at[0], 200, "");
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) > 0;)
		turn(w, -1, end_ms);
	CHECK(desk.gone == 0 && seen.closed == 1);
	web_free(w);
}

static void a_wait_longer_than_silence_is_no_silence_and_ends_with_its_own_time(void **state)
{
	struct web *w = open_desk(8, 1);
	struct client patient = ask_later(w, GET("/later")), c;
	struct answer a;

	(void)state;
	CHECK(turns_in(w, 2200) < 40); /* an answer has three times the second of silence */
	CHECK(desk.gone == 0);
	give(&desk.at[0], 200, "at last\n");
	expect(&patient, 200, "at last\n", false);
	client_close(&patient);
	desk.within_s = 1;
	c = ask_later(w, GET("/later"));
	wait_until_gone(w, 1);
	a = client_read(&c, false);
	CHECK(a.status == 0 && client_ended(&c));
	buf_done(&a.body);
	client_close(&c);
	web_free(w);
}

static void the_end_of_the_listener_tells_everybody_who_waits(void **state)
{
	struct web *w = open_desk(8, 10);
	struct client quiet = ask_later(w, GET("/later")), waits = ask_later(w, GET("/later"));
	struct client answered = ask_later(w, GET("/later"));

	(void)state;
	web_quiesce(w);
	give(&desk.at[0], 503, "stopping\n");
	expect(&quiet, 503, "stopping\n", false);
	CHECK(client_ended(&quiet)); /* the last one of its connection */
	desk.streamed = true;
	give(&desk.at[2], 200, ""); /* and the listener ends before it looks again */
	web_free(w);
	CHECK(desk.gone == 1 && desk.at[1] == NULL && seen.closed == 1);
	client_close(&quiet);
	client_close(&waits);
	client_close(&answered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_when_it_is_known_and_the_connection_goes_on),
		cmocka_unit_test(an_answer_that_is_known_at_once_is_sent_at_once),
		cmocka_unit_test(head_and_the_old_protocol_wait_as_well),
		cmocka_unit_test(a_stream_may_be_the_answer),
		cmocka_unit_test(three_hundred_wait_and_each_gets_its_own),
		cmocka_unit_test(whoever_leaves_is_told_of_once_and_soon),
		cmocka_unit_test(an_answer_for_whoever_left_unseen_is_dropped),
		cmocka_unit_test(a_wait_longer_than_silence_is_no_silence_and_ends_with_its_own_time),
		cmocka_unit_test(the_end_of_the_listener_tells_everybody_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
