/* Who has more than its share: addresses, connections that last, and a flood that hides the probes. */
#include "tests/unit/web_house.h"

#include <arpa/inet.h>

/* A flood must not look like a dead program to who probes it. */
static void a_full_house_still_answers_probes(void **state)
{
	struct web *w = open_one(2, 10);
	struct client held[2];
	struct answer a;
	bool ended;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const int64_t end_ms = clock_ms() + PATIENCE_MS;

		held[i] = client_open(w, 0);
		while (web_connections(w) <= i)
			turn(w, -1, end_ms);
	}
	a = ask(w, GET("/probe"), strlen(GET("/probe")), false, &ended);
	CHECK(a.status == 200 && ended && seen.acted == 1); /* and its place is free again */
	buf_done(&a.body);
	CHECK(status_of(w, GET("/text")) == 503 && status_of(w, GET("/nowhere")) == 503 && seen.asked == 0);
	client_close(&held[0]);
	client_close(&held[1]);
	web_free(w);
}

static struct client open_from(struct web *w, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	struct client c = { .web = w };

	buf_init(&c.in, CLIENT_MAX);
	to.sin_port = htons((uint16_t)strtoul(strrchr(web_address(w, 0), ':') + 1, NULL, 10));
	CHECK(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr) == 1 &&
	      inet_pton(AF_INET, address, &from.sin_addr) == 1);
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(c.fd >= 0 && bind(c.fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	CHECK(connect(c.fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return c;
}

static int status_on(struct client *c)
{
	struct answer a;
	int status;

	client_write(c, GET("/text"), strlen(GET("/text")));
	a = client_read(c, false);
	status = a.status;
	buf_done(&a.body);
	return status;
}

static void one_address_has_no_more_than_its_share(void **state)
{
	static const char *const listen[] = { ":0" }; /* IPv4 comes in its mapped form */
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .max_connections = 8, .max_per_address = 2, .idle_timeout_s = 10
	};
	struct web *w = open_conf(&c);
	struct client one = open_from(w, "127.0.0.1"), two = open_from(w, "127.0.0.1"), above, other;

	(void)state;
	CHECK(status_on(&one) == 200 && status_on(&two) == 200);
	above = open_from(w, "127.0.0.1");
	CHECK(status_on(&above) == 503 && client_ended(&above));
	other = open_from(w, "127.0.0.2");
	CHECK(status_on(&other) == 200);
	client_close(&above);
	client_close(&one);
	for (const int64_t end_ms = clock_ms() + PATIENCE_MS; web_connections(w) == 3;)
		turn(w, -1, end_ms);
	above = open_from(w, "127.0.0.1");
	CHECK(status_on(&above) == 200);
	client_close(&above);
	client_close(&two);
	client_close(&other);
	web_free(w);
}

static void a_connection_ends_after_its_thousandth_answer(void **state)
{
	struct web *w = open_one(2, 10);
	struct client c = client_open(w, 0);

	(void)state;
	for (int i = 1; i <= REQUESTS_MAX; i++) {
		struct answer a;

		client_write(&c, GET("/text"), strlen(GET("/text")));
		a = client_read(&c, false);
		CHECK(a.status == 200 && answer_has(&a, "Connection", i < REQUESTS_MAX ? NULL : "close"));
		buf_done(&a.body);
	}
	CHECK(client_ended(&c));
	client_close(&c);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_house_still_answers_probes),
		cmocka_unit_test(one_address_has_no_more_than_its_share),
		cmocka_unit_test(a_connection_ends_after_its_thousandth_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
