/* Who is trusted, and what of TLS stays secret. */
#include "tests/simulator/certs.c"
#include "tests/unit/fetch_calls.h"

#include <sys/stat.h>

/* ---- TLS ---- */
static char folder[] = "/tmp/fetch_test.XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[2][64];
	static unsigned turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

/* A TLS server with a certificate of that kind; its authority stands in the file "ca". */
static struct upstream *open_tls(enum certs_kind kind, bool old)
{
	struct certs c = { 0 };
	struct upstream *tls;
	FILE *file;

	CHECK(certs_new(kind, &c, NULL) == ERR_OK);
	file = fopen(in_folder("ca"), "w");
	CHECK(file != NULL && fputs(c.ca_pem, file) >= 0 && fclose(file) == 0);
	tls = upstream_new(acts, ACTS, upstream_tls(&c, old));
	certs_free(&c);
	return tls;
}

static struct reply call_tls(struct fetch *f, const char *ca_file)
{
	struct reply r;

	CHECK(fetch_room(f) || !fetch_take(f, &r));
	CHECK(send_to(f, 0, base_url("https"), "/fine", ca_file) == ERR_OK);
	return await(f);
}

static void a_certificate_is_trusted_for_the_call_that_names_its_authority(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	u = open_tls(CERTS_GOOD, false);
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

static void a_host_that_cannot_prove_itself_gets_nothing(void **state)
{
	static const struct {
		enum certs_kind kind;
		bool old;
	} bad[] = {
		{ CERTS_EXPIRED, false },
		{ CERTS_WRONG_HOST, false },
		{ CERTS_UNKNOWN_CA, false },
		{ CERTS_GOOD, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fetch *f = open_fetch(1, 5000);
		struct reply r;

		u = open_tls(bad[i].kind, bad[i].old);
		r = call_tls(f, in_folder("ca"));
		if (r.err != ERR_TLS || upstream_count(u, &u->connections) != 1)
			fail_msg("case %zu: %s: %s", i, err_label(r.err), r.why.text);
		CHECK(upstream_count(u, &u->requests) == 0);
		fetch_free(f);
		upstream_free(u);
		u = NULL;
	}
}

static void a_host_without_tls_gets_nothing(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	u = upstream_new(acts, ACTS, NULL);
	CHECK(call_tls(f, NULL).err == ERR_TLS);
	CHECK(upstream_count(u, &u->requests) == 0);
	fetch_free(f);
}

static void tls_secrets_are_not_written_down(void **state)
{
	struct fetch *f;
	struct stat st;

	(void)state;
	CHECK(setenv("SSLKEYLOGFILE", in_folder("keys"), 1) == 0);
	u = open_tls(CERTS_GOOD, false);
	f = open_fetch(1, 5000);
	CHECK(call_tls(f, in_folder("ca")).err == ERR_OK);
	fetch_free(f);
	CHECK(stat(in_folder("keys"), &st) != 0);
	(void)unsetenv("SSLKEYLOGFILE");
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(in_folder("ca"));
	(void)unlink(in_folder("keys"));
	return rmdir(folder);
}

#define TLS(TEST) cmocka_unit_test_teardown(TEST, close_upstream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS(a_certificate_is_trusted_for_the_call_that_names_its_authority),
		TLS(a_host_that_cannot_prove_itself_gets_nothing),
		TLS(a_host_without_tls_gets_nothing),
		TLS(tls_secrets_are_not_written_down),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
