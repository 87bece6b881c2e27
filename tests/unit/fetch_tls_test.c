/* Who is trusted, and what of TLS stays secret. */
#include "tests/unit/fetch_certs.h"

#include <sys/stat.h>

static void a_certificate_is_trusted_for_the_call_that_names_its_authority(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	u = open_tls(AF_INET, &shown_good);
	CHECK(call_tls(f, in_folder("ca")).err == ERR_OK);
	CHECK(call_tls(f, in_folder("ca")).err == ERR_OK);
	CHECK(upstream_count(u, &u->connections) == 1 && upstream_count(u, &u->requests) == 2);
	/* Neither the handle nor the connection hands the trust on. */
	CHECK(call_tls(f, NULL).err == ERR_TLS);
	CHECK(call_tls(f, "").err == ERR_TLS);
	CHECK(call_tls(f, in_folder("absent")).err == ERR_TLS);
	CHECK(upstream_count(u, &u->requests) == 2);
	CHECK(call_tls(f, in_folder("ca")).err == ERR_OK);
	fetch_free(f);
}

struct doubt {
	struct shown shown;
	const char *ca, *why; /* what the explanation begins with */
};

static void a_host_that_cannot_prove_itself_gets_nothing_and_the_log_says_why(void **state)
{
	static const struct doubt doubts[] = {
		{ { -2 * DAY_S, -60, HERE, false, false }, "ca", "certificate expired: " },
		{ { 3600, DAY_S, HERE, false, false }, "ca", "certificate not yet valid (" },
		{ { -60, DAY_S, "DNS:other.test", false, false }, "ca", "certificate of another host: " },
		{ { -60, DAY_S, "DNS:other.test,IP:127.0.0.2", false, false },
		  "ca",
		  "certificate of another host: " },
		{ { -60, DAY_S, HERE, true, false }, "ca", "unknown issuer: " },
		{ { -60, DAY_S, HERE, false, true }, "ca", "protocol version below TLS 1.2: " },
		{ { -60, DAY_S, HERE, false, false }, "absent", "CA file missing or not readable: " },
	};
	struct fetch *f = open_fetch(1, 5000); /* one handle, so that a verdict is never one of before */

	(void)state;
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		struct reply r;

		u = open_tls(AF_INET, &doubts[i].shown);
		r = call_tls(f, in_folder(doubts[i].ca));
		if (r.err != ERR_TLS || strncmp(r.why.text, doubts[i].why, strlen(doubts[i].why)) != 0)
			fail_msg("case %zu: %s: %s", i, err_label(r.err), r.why.text);
		CHECK(r.sent == 0 && upstream_count(u, &u->requests) == 0);
		upstream_free(u);
		u = NULL;
	}
	fetch_free(f);
}

static void the_name_in_the_url_is_the_one_that_counts(void **state)
{
	const struct shown shown = { -60, DAY_S, "DNS:api.test", false, false };
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	names_answer("127.0.0.1");
	u = open_tls(AF_INET, &shown);
	CHECK(call_named(f, "api.test", "/fine", in_folder("ca")).err == ERR_OK);
	CHECK(call_named(f, "API.Test", "/fine", in_folder("ca")).err == ERR_OK);
	CHECK(call_named(f, "api.test.evil.test", "/fine", in_folder("ca")).err == ERR_TLS);
	CHECK(call_named(f, "127.0.0.1", "/fine", in_folder("ca")).err == ERR_TLS);
	fetch_free(f);
}

static void a_host_without_tls_gets_nothing(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r;

	(void)state;
	u = upstream_new(acts, ACTS, NULL);
	r = call_tls(f, NULL);
	CHECK(r.err == ERR_TLS && strstr(r.why.text, "does not speak TLS") != NULL);
	CHECK(upstream_count(u, &u->requests) == 0);
	fetch_free(f);
}

static void tls_secrets_are_not_written_down(void **state)
{
	struct fetch *f;
	struct stat st;

	(void)state;
	CHECK(setenv("SSLKEYLOGFILE", in_folder("keys"), 1) == 0);
	u = open_tls(AF_INET, &shown_good);
	f = open_fetch(1, 5000);
	CHECK(call_tls(f, in_folder("ca")).err == ERR_OK);
	fetch_free(f);
	CHECK(stat(in_folder("keys"), &st) != 0);
	(void)unsetenv("SSLKEYLOGFILE");
}

#define TLS(TEST) cmocka_unit_test_teardown(TEST, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS(a_certificate_is_trusted_for_the_call_that_names_its_authority),
		TLS(a_host_that_cannot_prove_itself_gets_nothing_and_the_log_says_why),
		TLS(the_name_in_the_url_is_the_one_that_counts),
		TLS(a_host_without_tls_gets_nothing),
		TLS(tls_secrets_are_not_written_down),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
