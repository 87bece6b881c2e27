/* A throw-away certificate authority and one server certificate of each kind, made in memory at every start.
 * The authority's key is never written and is gone when certs_new returns. */
#ifndef SIMULATOR_CERTS_H
#define SIMULATOR_CERTS_H

#include "agent/base/err.h"

#define CERTS_KINDS(X)          \
	X(GOOD, "good")             \
	X(EXPIRED, "expired")       \
	X(WRONG_HOST, "wrong-host") \
	X(UNKNOWN_CA, "unknown-ca") \
	X(OLD_TLS, "old-tls")

/* Good is for 127.0.0.1, ::1 and localhost; expired was good until yesterday; wrong-host is for another name
 * and no address; unknown-ca is signed by an authority that ca_pem does not show; old-tls is as good as good,
 * and shown over TLS 1.1 alone. */
enum certs_kind {
#define KIND(ID, NAME) CERTS_##ID,
	CERTS_KINDS(KIND)
#undef KIND
		CERTS_KIND_COUNT /* must be last */
};

struct certs {
	char *ca_pem; /* what a client has to trust */
	struct {
		char *cert_pem, *key_pem; /* what the server presents */
	} server[CERTS_KIND_COUNT];
};

enum err certs_new(struct certs *ret, struct why *why) MUST_USE;
void certs_free(struct certs *c); /* wipes the keys */

const char *certs_kind_name(enum certs_kind kind);
/* CERTS_KIND_COUNT when `name` is none. */
enum certs_kind certs_kind_of(const char *name);

#endif
