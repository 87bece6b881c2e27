/* When the steps of a call were done. */
#include "tests/unit/fetch_certs.h"

enum { LATE_US = 30000 };

static bool in_order(const struct reply *r)
{
	return r->dns_us <= r->took_us && r->connect_us <= r->took_us && r->tls_us <= r->took_us &&
	       r->first_us <= r->took_us && (r->tls_us == 0 || r->tls_us >= r->connect_us) &&
	       (r->connect_us == 0 || r->connect_us >= r->dns_us) &&
	       (r->first_us == 0 || r->first_us >= r->tls_us);
}

static void a_kept_connection_has_no_steps_but_the_answer(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r = call(f, "/fine");

	(void)state;
	CHECK(r.err == ERR_OK && in_order(&r));
	CHECK(r.dns_us == 0 && r.connect_us > 0 && r.tls_us == 0 && r.first_us > 0);
	for (int i = 0; i < 5; i++) {
		r = call(f, "/fine");
		CHECK(r.err == ERR_OK && in_order(&r));
		CHECK(r.dns_us == 0 && r.connect_us == 0 && r.tls_us == 0 && r.first_us > 0);
	}
	CHECK(upstream_count(u, &u->connections) == 1);
	fetch_free(f);
}

static void a_second_try_made_a_connection_of_its_own(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r = call(f, "/once");

	(void)state;
	CHECK(r.err == ERR_OK && r.connect_us > 0);
	r = call(f, "/once");
	CHECK(r.err == ERR_OK && r.sent == 2 && in_order(&r));
	CHECK(r.connect_us > 0 && r.first_us > 0);
	fetch_free(f);
}

static void what_did_not_happen_is_zero(void **state)
{
	struct fetch *f = open_fetch(1, 300);
	struct reply r;
	unsigned port;
	const int reserved = upstream_socket(AF_INET, false, &port);
	char base[64];

	(void)state;
	CHECK(call(f, "/fine").first_us > 0); /* whose times must not show in the next ones */
	r = call(f, "/silent");
	CHECK(r.err == ERR_TIMEOUT && r.first_us == 0 && in_order(&r));
	r = call(f, "/nothing");
	CHECK(r.err == ERR_RESET && r.first_us == 0 && in_order(&r));
	r = call(f, "/cut");
	CHECK(r.err == ERR_TRUNCATED && r.first_us > 0 && in_order(&r));
	(void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, base, "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.err == ERR_CONNECT && r.dns_us == 0 && r.connect_us == 0 && r.tls_us == 0 && r.first_us == 0);
	CHECK(!fetch_take(f, &r) && send_to(f, 0, "ftp://127.0.0.1", "/", NULL) == ERR_OK);
	r = await(f);
	CHECK(r.took_us == 0 && r.connect_us == 0 && r.first_us == 0);
	close(reserved);
	fetch_free(f);
}

static void a_handshake_comes_behind_the_connection(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct upstream *plain = u;
	struct reply r;

	(void)state;
	u = open_tls(AF_INET, &shown_good);
	names_answer("127.0.0.1");
	r = named(f, "/fine");
	CHECK(r.err == ERR_OK && in_order(&r));
	CHECK(r.dns_us > 0 && r.connect_us > 0 && r.tls_us > r.connect_us && r.first_us > 0);
	r = named(f, "/fine");
	CHECK(r.err == ERR_OK && r.dns_us == 0 && r.connect_us == 0 && r.tls_us == 0 && r.first_us > 0);
	fetch_free(f);
	upstream_free(u);
	u = plain;
	names_answer("");
}

/* The resolver hangs until the call has waited for a while. */
static void waiting_for_the_name_is_told(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	char base[64];
	const int64_t start_ms = clock_ms();
	struct reply r;

	(void)state;
	names_answer(NULL);
	(void)snprintf(base, sizeof(base), "https://slow.test:%u", u->port);
	CHECK(send_to(f, 0, base, "/", NULL) == ERR_OK);
	while (clock_ms() - start_ms < 2 * LATE_US / 1000)
		CHECK(fetch_wait(f, NULL, 0, 10) == ERR_OK && !fetch_take(f, &r));
	names_answer("");
	r = await(f);
	CHECK(r.err == ERR_DNS && r.dns_us >= LATE_US && in_order(&r));
	CHECK(r.connect_us == 0 && r.tls_us == 0 && r.first_us == 0);
	fetch_free(f);
}

#define TIMED(TEST) cmocka_unit_test_setup_teardown(TEST, open_upstream, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TIMED(a_kept_connection_has_no_steps_but_the_answer),
		TIMED(a_second_try_made_a_connection_of_its_own),
		TIMED(what_did_not_happen_is_zero),
		TIMED(a_handshake_comes_behind_the_connection),
		TIMED(waiting_for_the_name_is_told),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
