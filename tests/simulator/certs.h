/* A throw-away certificate authority and one server certificate, made in memory at every start.
 * The authority's key is never written and is gone when certs_new returns. */
#ifndef SIMULATOR_CERTS_H
#define SIMULATOR_CERTS_H

#include "agent/base/err.h"

enum certs_kind {
	CERTS_GOOD,       /* for 127.0.0.1, ::1 and localhost */
	CERTS_EXPIRED,    /* good until yesterday */
	CERTS_WRONG_HOST, /* for another name, and no address */
	CERTS_UNKNOWN_CA, /* signed by an authority that ca_pem does not show */
};

struct certs {
	char *ca_pem;   /* what a client has to trust */
	char *cert_pem; /* what the server presents */
	char *key_pem;
};

enum err certs_new(enum certs_kind kind, struct certs *ret, struct why *why) MUST_USE;
void certs_free(struct certs *c); /* wipes the key */

#endif
