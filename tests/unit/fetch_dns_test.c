/* Names: looked up apart from the calls, remembered, and never a stall. */
#include "tests/unit/fetch_certs.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, TURN_MAX_MS = 250, HOSTS = 100, DEAD_MS = 1000 };

static struct fetch *open_named(unsigned max_inflight, long timeout_ms)
{
	names_answer("127.0.0.1");
	(void)pthread_mutex_lock(&names.lock);
	names.asked = names.most = 0;
	(void)pthread_mutex_unlock(&names.lock);
	return open_fetch(max_inflight, timeout_ms);
}

/* Threads of this process. */
static unsigned threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	CHECK(d != NULL);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void a_name_is_looked_up_once_a_minute(void **state)
{
	struct fetch *f = open_named(4, 5000);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char base[64];

		(void)snprintf(base, sizeof(base), "https://%s:%u", i % 2 == 0 ? "api.test" : "API.Test", u->port);
		CHECK(send_to(f, i, base, "/last", in_folder("ca")) == ERR_OK);
	}
	for (int i = 0; i < 4; i++)
		CHECK(await(f).err == ERR_OK);
	CHECK(names_count(&names.asked) == 1 && upstream_count(u, &u->connections) == 4);
	now_ms += MINUTE_MS - 1;
	CHECK(named(f, "/last").err == ERR_OK && names_count(&names.asked) == 1);
	now_ms += 1;
	for (int i = 0; i < 3; i++)
		CHECK(named(f, "/last").err == ERR_OK);
	let_names_settle(f);
	CHECK(names_count(&names.asked) == 2 && upstream_count(u, &u->connections) == 8);
	fetch_free(f);
}

static void at_an_unknown_time_every_address_is_old(void **state)
{
	const int64_t then_ms = now_ms;
	struct fetch *f = open_named(1, 5000);

	(void)state;
	now_ms = 0;
	for (unsigned i = 1; i <= 3; i++) {
		CHECK(named(f, "/last").err == ERR_OK);
		let_names_settle(f);
		CHECK(names_count(&names.asked) == i);
	}
	now_ms = then_ms;
	fetch_free(f);
}

static void an_address_that_changed_is_used_within_a_minute(void **state)
{
	struct fetch *f = open_named(1, 5000);

	(void)state;
	names_answer("127.0.0.2"); /* nobody listens there */
	CHECK(named(f, "/last").err == ERR_CONNECT);
	names_answer("127.0.0.1");
	now_ms += MINUTE_MS;
	CHECK(named(f, "/last").err == ERR_CONNECT); /* what is known, while the new answer is on its way */
	let_names_settle(f);
	CHECK(named(f, "/last").err == ERR_OK);
	fetch_free(f);
}

static void a_dead_name_leaves_the_address_that_answered_last(void **state)
{
	struct fetch *f = open_named(1, 5000);
	int64_t good_ms;
	struct reply r;

	(void)state;
	names_answer("127.0.0.2,127.0.0.1"); /* the second one answers */
	CHECK(named(f, "/last").err == ERR_OK);
	names_answer("");
	for (unsigned minute = 1; minute <= 5; minute++) {
		now_ms += MINUTE_MS;
		for (int i = 0; i < 3; i++)
			CHECK(named(f, "/last").err == ERR_OK);
		let_names_settle(f);
		CHECK(names_count(&names.asked) == 1 + minute); /* one call a minute tries again */
	}
	CHECK(f->place[0].address_n == 1 && strcmp(f->place[0].address[0].text, "127.0.0.1") == 0);
	good_ms = now_ms;
	now_ms = good_ms + HOUR_MS - 1;
	CHECK(named(f, "/last").err == ERR_OK); /* and is good from here on */
	now_ms += HOUR_MS;
	r = named(f, "/last");
	CHECK(r.err == ERR_DNS && r.sent == 0 && strstr(r.why.text, "api.test") != NULL);
	names_answer("127.0.0.1");
	CHECK(named(f, "/last").err == ERR_OK);
	fetch_free(f);
}

static void an_address_that_never_answered_is_not_kept(void **state)
{
	struct fetch *f = open_named(1, 5000);

	(void)state;
	names_answer("127.0.0.2");
	CHECK(named(f, "/last").err == ERR_CONNECT);
	names_answer("");
	now_ms += MINUTE_MS;
	CHECK(named(f, "/last").err == ERR_CONNECT);
	let_names_settle(f);
	CHECK(named(f, "/last").err == ERR_DNS);
	fetch_free(f);
}

static void a_resolver_that_hangs_does_not_hold_up_a_host_that_is_known(void **state)
{
	struct fetch *f = open_named(1, 5000);
	int64_t start_ms;

	(void)state;
	CHECK(named(f, "/last").err == ERR_OK);
	names_answer(NULL);
	start_ms = clock_ms();
	for (int minute = 0; minute < 20; minute++) {
		now_ms += MINUTE_MS;
		CHECK(named(f, "/last").err == ERR_OK);
	}
	CHECK(clock_ms() - start_ms < 5000);
	CHECK(names_count(&names.asked) == 2 && f->lookups == 1);
	names_answer("127.0.0.1");
	let_names_settle(f);
	fetch_free(f);
}

/* Longest turn in milliseconds until `n` replies came, all of them for want of an address. */
static int64_t worst_turn(struct fetch *f, unsigned n, unsigned *ret_threads)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	int64_t worst_ms = 0;

	while (n > 0) {
		const int64_t start_ms = clock_ms();
		struct reply r;
		unsigned now;

		if (fetch_take(f, &r)) {
			CHECK(r.err == ERR_DNS && r.sent == 0 && r.status == 0);
			CHECK(r.took_us >= DEAD_MS * 990 && r.took_us < DEAD_MS * 3000);
			n--;
		}
		CHECK(fetch_wait(f, NULL, 0, 20) == ERR_OK);
		worst_ms = clock_ms() - start_ms - 20 > worst_ms ? clock_ms() - start_ms - 20 : worst_ms;
		now = threads();
		*ret_threads = now > *ret_threads ? now : *ret_threads;
		CHECK(clock_ms() < end_ms);
	}
	return worst_ms;
}

static void dead_dns_costs_one_thread_a_host_and_stalls_nothing(void **state)
{
	enum { CALLS = 16, ROUNDS = 3 };
	struct fetch *f = open_named(CALLS, DEAD_MS);
	const unsigned before = threads();
	unsigned most = 0;
	int64_t worst_ms = 0;
	struct reply r;

	(void)state;
	names_answer(NULL);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CALLS; i++) {
			CHECK(fetch_room(f) || !fetch_take(f, &r));
			CHECK(send_to(f, i, i % 2 == 0 ? "https://one.test" : "https://two.test", "/", NULL) == ERR_OK);
		}
		CHECK(fetch_inflight(f) == CALLS);
		const int64_t worst = worst_turn(f, CALLS, &most);

		worst_ms = worst > worst_ms ? worst : worst_ms;
		now_ms += 1000;
	}
	print_message("worst turn %d ms, %u resolver threads for %d calls\n", (int)worst_ms, most - before,
	              ROUNDS * CALLS);
	CHECK(worst_ms < TURN_MAX_MS);
	CHECK(most - before <= 2 && names_count(&names.most) == 2 && names_count(&names.asked) == 2);
	r = call_named(f, "127.0.0.1", "/fine", in_folder("ca")); /* others are served meanwhile */
	CHECK(r.err == ERR_OK);
	names_answer("127.0.0.1");
	CHECK(named(f, "/fine").err == ERR_OK);
	let_names_settle(f);
	fetch_free(f);
}

static void resolver_threads_have_a_cap_whatever_the_number_of_hosts(void **state)
{
	struct fetch *f = open_named(HOSTS, DEAD_MS);
	const unsigned before = threads();
	unsigned refused = 0, most = 0;
	int64_t worst_ms = 0;

	(void)state;
	names_answer(NULL);
	for (size_t i = 0; i < HOSTS; i++) {
		char base[64];

		(void)snprintf(base, sizeof(base), "https://host-%zu.test", i);
		CHECK(send_to(f, i, base, "/", NULL) == ERR_OK);
	}
	refused = HOSTS - fetch_inflight(f);
	CHECK(refused == HOSTS - LOOKUPS_MAX);
	for (unsigned i = 0; i < refused; i++)
		CHECK(await(f).err == ERR_DNS);
	worst_ms = worst_turn(f, LOOKUPS_MAX, &most);
	print_message("worst turn %d ms, %u resolver threads\n", (int)worst_ms, most - before);
	CHECK(worst_ms < TURN_MAX_MS && most - before <= LOOKUPS_MAX && names_count(&names.most) <= LOOKUPS_MAX);
	fetch_free(f); /* waits for none of them */
	names_answer("");
}

static void the_end_does_not_wait_for_a_resolver(void **state)
{
	struct fetch *f = open_named(2, 5000);
	const int64_t start_ms = clock_ms();

	(void)state;
	names_answer(NULL);
	CHECK(send_to(f, 0, "https://stuck.test", "/", NULL) == ERR_OK);
	CHECK(fetch_wait(f, NULL, 0, 10) == ERR_OK && !fetch_take(f, &(struct reply){ 0 }));
	fetch_free(f);
	CHECK(clock_ms() - start_ms < 2000);
	names_answer("");
}

static void waiting_for_the_name_is_part_of_the_timeout(void **state)
{
	struct fetch *f = open_named(1, 1000);
	const int64_t start_ms = clock_ms();
	char base[64];
	struct reply r;

	(void)state;
	names_answer(NULL);
	(void)snprintf(base, sizeof(base), "https://api.test:%u", u->port);
	CHECK(send_to(f, 0, base, "/silent", in_folder("ca")) == ERR_OK);
	while (clock_ms() < start_ms + 600)
		CHECK(fetch_wait(f, NULL, 0, 20) == ERR_OK && !fetch_take(f, &r));
	names_answer("127.0.0.1");
	r = await(f);
	CHECK(r.err == ERR_TIMEOUT && r.sent == 1);
	CHECK(r.took_us > 900000 && clock_ms() - start_ms < 1500);
	fetch_free(f);
}

static void a_look_up_that_cannot_start_is_our_own_trouble(void **state)
{
	struct fetch *f = open_named(1, 5000);
	struct rlimit limit, none;
	struct reply r;

	(void)state;
	CHECK(call_named(f, "127.0.0.1", "/last", in_folder("ca")).err ==
	      ERR_OK); /* what stays open is open now */
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = limit;
	none.rlim_cur = 3;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	r = named(f, "/fine");
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (r.err != ERR_LOCAL_RESOURCE)
		fail_msg("%s: %s", err_label(r.err), r.why.text);
	CHECK(names_count(&names.asked) == 0 && named(f, "/fine").err == ERR_OK);
	fetch_free(f);
}

/* One call to a name of its own, which the certificate does not have: it ends when the address was used. */
static void numbered(struct fetch *f, unsigned i)
{
	char host[64];

	now_ms++;
	(void)snprintf(host, sizeof(host), "%u.api.test", i);
	CHECK(call_named(f, host, "/fine", in_folder("ca")).err == ERR_TLS);
	let_names_settle(f);
}

static void the_oldest_idle_name_makes_room_for_a_new_one(void **state)
{
	struct fetch *f = open_named(2, 60000);
	unsigned asked = PLACES_MAX;
	char base[64];

	(void)state;
	(void)snprintf(base, sizeof(base), "https://api.test:%u", u->port);
	CHECK(send_to(f, 0, base, "/silent", in_folder("ca")) == ERR_OK);
	for (unsigned i = 1; i < PLACES_MAX; i++)
		numbered(f, i);
	CHECK(names_count(&names.asked) == asked);
	now_ms += MINUTE_MS;
	numbered(f, 1); /* asked again, so that now 2 is the oldest that no call uses */
	CHECK(names_count(&names.asked) == ++asked);
	numbered(f, PLACES_MAX);
	CHECK(names_count(&names.asked) == ++asked);
	CHECK(strncmp(f->place[0].name, "api.test:", 9) == 0);
	numbered(f, 1);
	CHECK(names_count(&names.asked) == asked);
	numbered(f, 2);
	CHECK(names_count(&names.asked) == ++asked);
	fetch_free(f);
}

static void every_spelling_of_a_host_is_looked_up_by_us_alone(void **state)
{
	static const char *const hosts[] = { "api.test.", "under_score.test", "%61pi2.test", "xn--nxasmq6b.test",
		                                 "user:word@api3.test" };
	static const char *const refused[] = { "*", "-", "+x.test", "" };
	struct fetch *f = open_named(1, 5000);
	char endless[300] = { 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const struct reply r = call_named(f, hosts[i], "/last", in_folder("ca"));

		if (names_count(&names.asked) != i + 1)
			fail_msg("%s: %u: %s: %s", hosts[i], names_count(&names.asked), err_label(r.err), r.why.text);
		CHECK(r.err == (i == 0 ? ERR_OK : ERR_TLS));
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(call_named(f, refused[i], "/fine", in_folder("ca")).err == ERR_CONNECT);
	memset(endless, 'a', 254);
	CHECK(call_named(f, endless, "/fine", in_folder("ca")).err == ERR_CONNECT);
	CHECK(names_count(&names.asked) == sizeof(hosts) / sizeof(hosts[0]));
	fetch_free(f);
}

static void both_families_are_tried(void **state)
{
	static const char *const orders[] = { "127.0.0.1,::1", "::1,127.0.0.1" };
	static const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	if (!upstream_family_exists(AF_INET6))
		skip();
	for (size_t i = 0; i < 4; i++) {
		struct fetch *f = open_named(1, 5000);
		struct reply r;

		upstream_free(u);
		u = open_tls(families[i / 2], &shown_good);
		names_answer(orders[i % 2]);
		r = named(f, "/fine");
		if (r.err != ERR_OK || r.took_us > 2000000)
			fail_msg("case %zu: %s: %s", i, err_label(r.err), r.why.text);
		CHECK(f->place[0].address_n == 2); /* later versions of libcurl take the families in turns */
		for (unsigned a = 0; a < 2; a++) {
			const struct address *one = &f->place[0].address[a];

			CHECK((one->good_ms >= 0) == ((strchr(one->text, ':') != NULL) == (families[i / 2] == AF_INET6)));
		}
		r = call_named(f, families[i / 2] == AF_INET6 ? "[::1]" : "127.0.0.1", "/fine", in_folder("ca"));
		CHECK(r.err == ERR_OK && names_count(&names.asked) == 1); /* an address needs no looking up */
		names_answer("");
		now_ms += MINUTE_MS;
		CHECK(named(f, "/last").err == ERR_OK);
		let_names_settle(f);
		CHECK(named(f, "/last").err == ERR_OK); /* the good one, also when it is an IPv6 address */
		fetch_free(f);
	}
}

static int open_good(void **state)
{
	(void)state;
	u = open_tls(AF_INET, &shown_good);
	return 0;
}

#define NAMED(TEST) cmocka_unit_test_setup_teardown(TEST, open_good, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED(a_name_is_looked_up_once_a_minute),
		NAMED(at_an_unknown_time_every_address_is_old),
		NAMED(an_address_that_changed_is_used_within_a_minute),
		NAMED(a_dead_name_leaves_the_address_that_answered_last),
		NAMED(an_address_that_never_answered_is_not_kept),
		NAMED(a_resolver_that_hangs_does_not_hold_up_a_host_that_is_known),
		NAMED(dead_dns_costs_one_thread_a_host_and_stalls_nothing),
		NAMED(resolver_threads_have_a_cap_whatever_the_number_of_hosts),
		NAMED(the_end_does_not_wait_for_a_resolver),
		NAMED(waiting_for_the_name_is_part_of_the_timeout),
		NAMED(a_look_up_that_cannot_start_is_our_own_trouble),
		NAMED(the_oldest_idle_name_makes_room_for_a_new_one),
		NAMED(every_spelling_of_a_host_is_looked_up_by_us_alone),
		NAMED(both_families_are_tried),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
