/* The API over HTTP: one thread a connection, so that a fault may simply wait. */
#ifndef SIMULATOR_API_SERVER_H
#define SIMULATOR_API_SERVER_H

#include "tests/simulator/certs.h"
#include "tests/simulator/listen.h"
#include "tests/simulator/simulator.h"

struct api_server;

/* `certs` NULL: plain HTTP. Everything is borrowed until api_server_stop. */
enum err api_server_start(struct simulator *s, const struct listen_address *at, const struct certs *certs,
                          enum certs_kind kind, struct api_server **ret, struct why *why) MUST_USE;
unsigned api_server_port(const struct api_server *a);
void api_server_stop(struct api_server *a);

/* From now on this certificate is shown, at the same address; every open connection ends. Not under the lock:
 * the connections that end want it. ERR_CONFIG when the API is plain. */
enum err api_server_present(struct api_server *a, enum certs_kind kind, struct why *why) MUST_USE;
const char *api_server_presents(const struct api_server *a); /* the name of the kind; "" when plain */

#endif
