#include "tests/simulator/certs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400, PEM_MAX = 8192 };

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

struct extension {
	int nid;
	const char *value;
};

/* Strict verifiers (Python 3.13's default among them) want every one of these. */
static const struct extension authority_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0, NULL },
};
static const struct extension server_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid" },
	{ 0, NULL },
};

static bool extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool done;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	done = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return done;
}

static bool serial_set(X509 *cert)
{
	unsigned char bytes[8];
	uint64_t serial = 0;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f;
	for (size_t i = 0; i < sizeof(bytes); i++)
		serial = serial << 8 | bytes[i];
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial | 1) == 1;
}

/* A certificate with everything but its extensions and its signature. */
static X509 *cert_begin(EVP_PKEY *key, const char *name, X509_NAME *issuer, long from_s, long to_s)
{
	X509 *cert = X509_new();
	X509_NAME *subject = cert != NULL ? X509_get_subject_name(cert) : NULL;

	if (subject != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && serial_set(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), from_s) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), to_s) != NULL && X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) ==
	        1 &&
	    X509_set_issuer_name(cert, issuer != NULL ? issuer : subject) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool cert_finish(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key, const struct extension *extensions)
{
	for (; extensions->value != NULL; extensions++)
		if (!extension_add(cert, issuer, extensions->nid, extensions->value))
			return false;
	return X509_sign(cert, issuer_key, EVP_sha256()) > 0;
}

static bool authority_new(const char *name, struct authority *ret)
{
	ret->key = EVP_EC_gen("P-256");
	ret->cert = ret->key != NULL ? cert_begin(ret->key, name, NULL, -2 * DAY_S, 30 * DAY_S) : NULL;
	return ret->cert != NULL && cert_finish(ret->cert, ret->cert, ret->key, authority_extensions);
}

static void authority_done(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static char *pem_take(BIO *bio)
{
	char *at = NULL;
	long len = BIO_get_mem_data(bio, &at);

	return len > 0 && len < PEM_MAX ? strndup(at, (size_t)len) : NULL;
}

static char *cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 ? pem_take(bio) : NULL;

	BIO_free(bio);
	return pem;
}

static char *key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		pem = pem_take(bio);
	BIO_free(bio);
	return pem;
}

static bool server_new(enum certs_kind kind, const struct authority *signer, struct certs *ret)
{
	const char *names =
		kind == CERTS_WRONG_HOST ? "DNS:somewhere.else.example" : "IP:127.0.0.1,IP:::1,DNS:localhost";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = NULL;
	bool done = false;

	if (key != NULL)
		cert = cert_begin(key, "Tencent Chat simulator", X509_get_subject_name(signer->cert), -2 * DAY_S,
		                  kind == CERTS_EXPIRED ? -DAY_S : 30 * DAY_S);
	if (cert != NULL && extension_add(cert, signer->cert, NID_subject_alt_name, names) &&
	    cert_finish(cert, signer->cert, signer->key, server_extensions)) {
		ret->server[kind].cert_pem = cert_pem(cert);
		ret->server[kind].key_pem = key_pem(key);
		done = ret->server[kind].cert_pem != NULL && ret->server[kind].key_pem != NULL;
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return done;
}

enum err certs_new(struct certs *ret, struct why *why)
{
	struct authority shown = { 0 }, hidden = { 0 };
	struct certs made = { 0 };
	bool done = authority_new("Simulator CA", &shown) && authority_new("Another simulator CA", &hidden);

	for (int kind = 0; done && kind < CERTS_KIND_COUNT; kind++)
		done = server_new((enum certs_kind)kind, kind == CERTS_UNKNOWN_CA ? &hidden : &shown, &made);
	if (done)
		made.ca_pem = cert_pem(shown.cert);
	authority_done(&shown);
	authority_done(&hidden);
	if (made.ca_pem == NULL) {
		certs_free(&made);
		return err_because(why, ERR_TLS, "cannot make the certificates");
	}
	*ret = made;
	return ERR_OK;
}

void certs_free(struct certs *c)
{
	for (int kind = 0; kind < CERTS_KIND_COUNT; kind++) {
		char *key = c->server[kind].key_pem;

		if (key != NULL)
			OPENSSL_cleanse(key, strlen(key));
		free(key);
		free(c->server[kind].cert_pem);
	}
	free(c->ca_pem);
	*c = (struct certs){ 0 };
}

static const char *const kind_names[CERTS_KIND_COUNT] = {
#define KIND(ID, NAME) NAME,
	CERTS_KINDS(KIND)
#undef KIND
};

const char *certs_kind_name(enum certs_kind kind)
{
	return kind_names[kind];
}

enum certs_kind certs_kind_of(const char *name)
{
	int kind = 0;

	while (kind < CERTS_KIND_COUNT && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (enum certs_kind)kind;
}
