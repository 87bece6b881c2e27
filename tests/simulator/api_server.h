/* The API over HTTP: one thread a connection, so that a fault may simply wait. */
#ifndef SIMULATOR_API_SERVER_H
#define SIMULATOR_API_SERVER_H

#include <microhttpd.h>

#include "tests/simulator/certs.h"
#include "tests/simulator/listen.h"
#include "tests/simulator/simulator.h"

/* `certs` NULL: plain HTTP. Everything is borrowed until the daemon is stopped. */
enum err api_server_start(struct simulator *s, const struct listen_address *at, const struct certs *certs,
                          struct MHD_Daemon **ret, struct why *why) MUST_USE;

#endif
