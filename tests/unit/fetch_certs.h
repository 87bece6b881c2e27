/* TLS upstreams whose certificates are right or wrong in one way each. For the programs fetch_*test. */
#ifndef TESTS_UNIT_FETCH_CERTS_H
#define TESTS_UNIT_FETCH_CERTS_H

#include "tests/simulator/certs.c"
#include "tests/unit/fetch_calls.h"

#define HERE "IP:127.0.0.1,IP:::1,DNS:localhost,DNS:api.test"

struct shown {
	long from_s, to_s; /* valid, from now */
	const char *names;
	bool foreign; /* signed by an authority that the file "ca" does not hold */
	bool old;     /* TLS 1.1 at most */
};

static const struct shown shown_good = { -DAY_S, DAY_S, HERE, false, false };

static char folder[] = "/tmp/fetch_test.XXXXXX";

static inline const char *in_folder(const char *name)
{
	static char path[2][64];
	static unsigned turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static inline int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	(void)state;
	(void)unlink(in_folder("ca"));
	(void)unlink(in_folder("keys"));
	return rmdir(folder);
}

/* The authority it is to be verified with stands in the file "ca" afterwards. */
static inline struct upstream *open_tls(int family, const struct shown *s)
{
	struct authority ours = { 0 }, foreign = { 0 }, *signer = s->foreign ? &foreign : &ours;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = fopen(in_folder("ca"), "w");
	struct upstream *tls;
	char *ca, *cert_text, *key_text;
	X509 *cert;

	CHECK(authority_new("Ours", &ours) && authority_new("Foreign", &foreign));
	cert = cert_begin(key, "upstream", X509_get_subject_name(signer->cert), s->from_s, s->to_s);
	CHECK(cert != NULL && extension_add(cert, signer->cert, NID_subject_alt_name, s->names) &&
	      cert_finish(cert, signer->cert, signer->key, server_extensions));
	ca = cert_pem(ours.cert);
	cert_text = cert_pem(cert);
	key_text = key_pem(key);
	CHECK(file != NULL && ca != NULL && fputs(ca, file) >= 0 && fclose(file) == 0);
	tls = upstream_new_on(family, acts, ACTS, upstream_tls(cert_text, key_text, s->old));
	free(ca);
	free(cert_text);
	free(key_text);
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_done(&ours);
	authority_done(&foreign);
	return tls;
}

/* One call to https://host:port/path of the upstream `u`. */
static inline struct reply call_named(struct fetch *f, const char *host, const char *path,
                                      const char *ca_file)
{
	char base[400];
	struct reply r;

	(void)snprintf(base, sizeof(base), "https://%s:%u", host, u->port);
	CHECK(fetch_room(f) || !fetch_take(f, &r)); /* a lent reply goes back first */
	CHECK(send_to(f, 7, base, path, ca_file) == ERR_OK);
	return await(f);
}

/* The same at https://api.test. */
static inline struct reply named(struct fetch *f, const char *path)
{
	return call_named(f, "api.test", path, in_folder("ca"));
}

/* Look-ups that are still under way end. */
static inline void let_names_settle(struct fetch *f)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	struct reply r;

	while (f->lookups > 0) {
		CHECK(clock_ms() < end_ms);
		CHECK(fetch_wait(f, NULL, 0, 10) == ERR_OK && !fetch_take(f, &r));
	}
}

static inline struct reply call_tls(struct fetch *f, const char *ca_file)
{
	return call_named(f, "127.0.0.1", "/fine", ca_file);
}

#endif
