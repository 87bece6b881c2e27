/* A host with several addresses: the one that fails rests for a minute, and calls go to the others. */
#include "tests/unit/fetch_certs.h"

enum { MINUTE_MS = 60000, TIMEOUT_MS = 3000 };

/* Beside `u`, which is at 127.0.0.1. */
#define SECOND "127.0.0.2"
#define BOTH   SECOND ",127.0.0.1"

static struct upstream *second;

/* A socket at SECOND with the port of `u`. */
static int second_socket(int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)u->port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	CHECK(inet_pton(AF_INET, SECOND, &a.sin_addr) == 1);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	CHECK(bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, backlog) == 0);
	return fd;
}

static void open_second(SSL_CTX *tls)
{
	second = upstream_new_at(second_socket(16), u->port, acts, ACTS, tls);
}

/* The same certificate, for the same name. */
static SSL_CTX *same(void)
{
	CHECK(SSL_CTX_up_ref(u->tls) == 1);
	return u->tls;
}

static void close_second(void)
{
	if (second != NULL)
		upstream_free(second);
	second = NULL;
}

static int open_good(void **state)
{
	(void)state;
	fill_texts();
	u = open_tls(AF_INET, &shown_good);
	names_answer(BOTH);
	return 0;
}

static int close_both(void **state)
{
	close_second();
	fresh = false;
	return close_upstream(state);
}

static void expect(struct fetch *f, const char *path, enum err e)
{
	const struct reply r = named(f, path);

	if (r.err != e)
		fail_msg("%s: %s, %s", path, err_label(r.err), r.why.text);
}

static bool rests(const struct fetch *f, const char *address)
{
	return !place_offers(&f->place[0], address, now_ms);
}

static unsigned connections(struct upstream *at)
{
	return upstream_count(at, &at->connections);
}

static unsigned requests(struct upstream *at)
{
	return upstream_count(at, &at->requests);
}

/* A call failed there, `after_ms` after it was made at the earliest. Until a minute later every call goes to
 * `u`, and no longer. */
static void expect_a_minute_of_rest(struct fetch *f, int64_t after_ms)
{
	const unsigned before = requests(u);
	const int64_t bad_ms = f->place[0].address[0].bad_ms;

	CHECK(strcmp(f->place[0].address[0].text, SECOND) == 0);
	CHECK(bad_ms >= now_ms + after_ms && bad_ms <= now_ms + 2 * TIMEOUT_MS);
	CHECK(rests(f, SECOND) && !rests(f, "127.0.0.1"));
	if (second == NULL)
		open_second(same());
	for (int i = 0; i < 3; i++) {
		now_ms += MINUTE_MS / 4;
		expect(f, "/last", ERR_OK);
	}
	now_ms = bad_ms + MINUTE_MS - 1;
	expect(f, "/last", ERR_OK);
	let_names_settle(f); /* a name that is looked up again keeps what is known of its addresses */
	CHECK(connections(second) == 0 && requests(u) == before + 4);
	now_ms = bad_ms + MINUTE_MS;
	expect(f, "/last", ERR_OK);
	let_names_settle(f);
	CHECK(requests(second) == 1 && requests(u) == before + 4);
}

static void an_address_where_nobody_listens_rests_for_a_minute(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);

	(void)state;
	expect(f, "/last", ERR_OK); /* libcurl goes on to the other one by itself */
	expect_a_minute_of_rest(f, 0);
	fetch_free(f);
}

static void an_address_that_swallows_packets_rests_for_a_minute(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);
	const int full = second_socket(0);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int filler[4];

	(void)state;
	CHECK(getsockname(full, (struct sockaddr *)&a, &len) == 0);
	for (int i = 0; i < 4; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(filler[i], (const struct sockaddr *)&a, len);
	}
	expect(f, "/last", ERR_OK);
	for (int i = 0; i < 4; i++)
		close(filler[i]);
	close(full);
	expect_a_minute_of_rest(f, 1000);
	fetch_free(f);
}

static void an_address_with_a_wrong_certificate_costs_one_call_a_minute(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);
	SSL_CTX *wrong;

	(void)state;
	upstream_free(u);
	u = open_tls(AF_INET, &(struct shown){ -60, DAY_S, "DNS:other.test", false, false });
	wrong = same();
	upstream_free(u);
	u = open_tls(AF_INET, &shown_good);
	open_second(wrong);
	for (int minute = 0; minute < 3; minute++) {
		expect(f, "/last", ERR_TLS);
		for (int i = 0; i < 5; i++)
			expect(f, "/last", ERR_OK);
		now_ms = f->place[0].address[0].bad_ms + MINUTE_MS;
		let_names_settle(f);
	}
	CHECK(connections(second) == 3 && requests(second) == 0 && requests(u) == 15);
	close_second(); /* and is put right */
	open_second(same());
	expect(f, "/last", ERR_OK);
	CHECK(requests(second) == 1 && !rests(f, SECOND));
	fetch_free(f);
}

static void an_address_without_tls_rests(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);

	(void)state;
	open_second(NULL);
	expect(f, "/last", ERR_TLS);
	close_second();
	expect_a_minute_of_rest(f, 0);
	fetch_free(f);
}

/* What a test does with the connection that comes in at `fd`. */
static struct reply call_met_by(struct fetch *f, int fd, bool reset)
{
	const struct linger now = { .l_onoff = 1 };
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	char base[64];
	struct reply r;
	int peer = -1;

	CHECK(fetch_room(f) || !fetch_take(f, &r));
	(void)snprintf(base, sizeof(base), "https://api.test:%u", u->port);
	CHECK(send_to(f, 0, base, "/last", in_folder("ca")) == ERR_OK);
	while (!fetch_take(f, &r)) {
		CHECK(fetch_wait(f, NULL, 0, 5) == ERR_OK && clock_ms() < end_ms);
		if (peer < 0)
			peer = accept(fd, NULL, NULL);
		if (peer >= 0 && reset) {
			(void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
			close(peer);
			peer = -1;
		}
	}
	if (peer >= 0)
		close(peer);
	return r;
}

static void an_address_that_resets_or_is_silent_in_the_handshake_rests(void **state)
{
	(void)state;
	for (int reset = 0; reset <= 1; reset++) {
		struct fetch *f = open_fetch(1, 1000);
		const int fd = second_socket(16);
		const struct reply r = call_met_by(f, fd, reset);

		close(fd);
		/* A reset that comes soon looks like nobody, and libcurl goes on to the other address. */
		if (reset ? r.err != ERR_TLS && r.err != ERR_RESET && r.err != ERR_OK : r.err != ERR_TIMEOUT)
			fail_msg("%s: %s", err_label(r.err), r.why.text);
		CHECK(r.sent == (r.err == ERR_OK));
		expect_a_minute_of_rest(f, reset ? 0 : 900);
		close_second();
		fetch_free(f);
	}
}

static void what_comes_after_the_request_is_not_the_address_s_fault(void **state)
{
	static const struct {
		const char *path;
		enum err err;
	} ends[] = {
		{ "/limit", ERR_HTTP_STATUS }, { "/gateway", ERR_HTTP_STATUS }, { "/moved", ERR_HTTP_STATUS },
		{ "/reset", ERR_RESET },       { "/nothing", ERR_RESET },       { "/reset_body", ERR_TRUNCATED },
		{ "/cut", ERR_TRUNCATED },     { "/above", ERR_TOO_LARGE },     { "/babble", ERR_RESET },
		{ "/silent", ERR_TIMEOUT },
	};
	struct fetch *f = open_fetch(1, 2000);

	(void)state;
	open_second(same());
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct reply r = named(f, ends[i].path);

		if (r.err != ends[i].err && !(r.err == ERR_RESET && ends[i].err == ERR_TRUNCATED))
			fail_msg("%s: %s, %s", ends[i].path, err_label(r.err), r.why.text);
		if (rests(f, SECOND))
			fail_msg("%s rests it", ends[i].path);
	}
	CHECK(connections(u) == 0);
	fetch_free(f);
}

static void our_own_trouble_is_not_the_address_s_fault(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);
	struct rlimit limit, none;
	struct reply r;

	(void)state;
	open_second(same());
	expect(f, "/last", ERR_OK);
	CHECK(call_named(f, "api.test", "/last", in_folder("absent")).err == ERR_TLS);
	CHECK(!rests(f, SECOND));
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = limit;
	none.rlim_cur = 3;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	r = named(f, "/last");
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(r.err == ERR_LOCAL_RESOURCE && !rests(f, SECOND) && !rests(f, "127.0.0.1"));
	fetch_free(f);
}

static void when_all_rest_all_are_tried(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);
	const unsigned port = u->port;
	unsigned before;

	(void)state;
	names_answer(SECOND ",127.0.0.3");
	for (int i = 0; i < 2; i++)
		expect(f, "/last", ERR_CONNECT); /* both of them, each time */
	CHECK(f->place[0].address[0].bad_ms >= 0 && f->place[0].address[1].bad_ms >= 0);
	CHECK(!rests(f, SECOND) && !rests(f, "127.0.0.3"));
	open_second(same());
	now_ms += 1000;
	expect(f, "/last", ERR_OK);
	before = requests(second);
	CHECK(rests(f, "127.0.0.3") && !rests(f, SECOND)); /* an answer ends the rest */
	close_second();
	now_ms += 1000;
	expect(f, "/last", ERR_CONNECT);
	CHECK(!rests(f, SECOND) && !rests(f, "127.0.0.3") && before == 1 && u->port == port);
	fetch_free(f);
}

static void only_an_answer_to_a_later_call_ends_the_rest(void **state)
{
	struct place p = { .address = { { SECOND, -1, -1 }, { "127.0.0.1", -1, -1 } }, .address_n = 2 };
	char list[ADDRESS_LIST];

	(void)state;
	place_bad(&p, SECOND, 5000);
	place_good(&p, SECOND, 4000); /* that call was under way when it failed */
	CHECK(!place_offers(&p, SECOND, 6000) && place_offers(&p, SECOND, 5000 + MINUTE_MS));
	place_list(&p, 6000, list, sizeof(list));
	CHECK(strcmp(list, "127.0.0.1") == 0);
	place_bad(&p, SECOND, 4500); /* older news */
	CHECK(!place_offers(&p, SECOND, 4999 + MINUTE_MS));
	place_list(&p, 0, list, sizeof(list)); /* at an unknown time nobody rests */
	CHECK(strcmp(list, BOTH) == 0);
	place_good(&p, SECOND, 5001);
	place_bad(&p, "127.0.0.1", 5002);
	CHECK(place_offers(&p, SECOND, 6000) && !place_offers(&p, "127.0.0.1", 6000));
	CHECK(!place_offers(&p, "127.0.0.9", 6000));
	place_bad(&p, "127.0.0.9", 6000);
	place_good(&p, "127.0.0.9", 6000);
	place_bad(&p, SECOND, 6000);
	place_list(&p, 7000, list, sizeof(list));
	CHECK(strcmp(list, BOTH) == 0);
}

static void a_name_with_many_addresses_has_eight(void **state)
{
	struct fetch *f = open_fetch(1, TIMEOUT_MS);

	(void)state;
	names_answer("127.0.1.1,127.0.1.2,127.0.1.3,127.0.1.4,127.0.1.5,127.0.1.6,127.0.1.7,127.0.0.1,127.0.1.9");
	expect(f, "/last", ERR_OK);
	CHECK(f->place[0].address_n == ADDRESSES_MAX);
	for (unsigned i = 0; i < ADDRESSES_MAX - 1; i++)
		CHECK(rests(f, f->place[0].address[i].text));
	CHECK(!rests(f, "127.0.0.1"));
	fetch_free(f);
}

/* ---- kept connections ---- */
/* The one kept connection leads to SECOND, and the name has both. */
static struct fetch *with_one_kept(void)
{
	struct fetch *f = open_fetch(4, TIMEOUT_MS);

	open_second(same());
	expect(f, "/fine", ERR_OK);
	expect(f, "/fine", ERR_OK);
	CHECK(connections(second) == 1 && requests(second) == 2 && connections(u) == 0);
	return f;
}

/* Every call is answered by `u`, with one request. */
static void expect_moved(struct fetch *f)
{
	const unsigned there = requests(second), here = requests(u);

	for (int i = 0; i < 5; i++) {
		const struct reply r = named(f, "/fine");

		if (r.err != ERR_OK || r.sent != 1)
			fail_msg("call %d: %s, sent %u times", i, err_label(r.err), r.sent);
	}
	CHECK(requests(second) == there && requests(u) == here + 5);
}

static void a_kept_connection_to_an_address_that_rests_is_not_used(void **state)
{
	struct fetch *f = with_one_kept();

	(void)state;
	upstream_refuse(second);
	fresh = true;
	expect(f, "/last", ERR_OK); /* found nobody there, went on to the other one */
	fresh = false;
	CHECK(rests(f, SECOND));
	expect_moved(f);
	fetch_free(f);
}

static void a_kept_connection_to_an_address_that_dns_no_longer_names_is_not_used(void **state)
{
	struct fetch *f = with_one_kept();

	(void)state;
	names_answer("127.0.0.1");
	now_ms += MINUTE_MS;
	expect(f, "/fine", ERR_OK); /* the answer of the resolver is on its way */
	let_names_settle(f);
	CHECK(requests(second) == 3 && requests(u) == 0);
	expect_moved(f);
	fetch_free(f);
}

static void many_kept_connections_to_such_an_address_are_all_turned_down(void **state)
{
	enum { CALLS = 4 };
	struct fetch *f = open_fetch(CALLS, TIMEOUT_MS);
	char base[64];

	(void)state;
	open_second(same());
	(void)snprintf(base, sizeof(base), "https://api.test:%u", u->port);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < CALLS; i++)
			CHECK((fetch_room(f) || !fetch_take(f, &(struct reply){ 0 })) &&
			      send_to(f, i, base, "/fine", in_folder("ca")) == ERR_OK);
		for (size_t i = 0; i < CALLS; i++) {
			const struct reply r = await(f);

			CHECK(r.err == ERR_OK && r.sent == 1);
		}
		place_bad(&f->place[0], SECOND, now_ms);
	}
	CHECK(requests(second) == CALLS && requests(u) == CALLS && connections(u) <= CALLS);
	fetch_free(f);
}

static void kept_connections_are_used_when_all_rest_or_the_resolver_is_dead(void **state)
{
	struct fetch *f = with_one_kept();

	(void)state;
	place_bad(&f->place[0], SECOND, now_ms);
	place_bad(&f->place[0], "127.0.0.1", now_ms);
	for (int i = 0; i < 3; i++)
		expect(f, "/fine", ERR_OK);
	names_answer("");
	now_ms += MINUTE_MS;
	for (int i = 0; i < 3; i++) {
		expect(f, "/fine", ERR_OK);
		let_names_settle(f);
	}
	CHECK(f->place[0].address_n == 1); /* the one that has answered */
	CHECK(connections(second) == 1 && requests(second) == 8 && connections(u) == 0);
	fetch_free(f);
}

#define TWO(TEST) cmocka_unit_test_setup_teardown(TEST, open_good, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO(an_address_where_nobody_listens_rests_for_a_minute),
		TWO(an_address_that_swallows_packets_rests_for_a_minute),
		TWO(an_address_with_a_wrong_certificate_costs_one_call_a_minute),
		TWO(an_address_without_tls_rests),
		TWO(an_address_that_resets_or_is_silent_in_the_handshake_rests),
		TWO(what_comes_after_the_request_is_not_the_address_s_fault),
		TWO(our_own_trouble_is_not_the_address_s_fault),
		TWO(when_all_rest_all_are_tried),
		cmocka_unit_test(only_an_answer_to_a_later_call_ends_the_rest),
		TWO(a_name_with_many_addresses_has_eight),
		TWO(a_kept_connection_to_an_address_that_rests_is_not_used),
		TWO(a_kept_connection_to_an_address_that_dns_no_longer_names_is_not_used),
		TWO(many_kept_connections_to_such_an_address_are_all_turned_down),
		TWO(kept_connections_are_used_when_all_rest_or_the_resolver_is_dead),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
