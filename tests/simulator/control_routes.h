/* The routes of the control endpoint that are no orders (orders.h): faults, reports, the certificate. */
#ifndef SIMULATOR_CONTROL_ROUTES_H
#define SIMULATOR_CONTROL_ROUTES_H

#include <microhttpd.h>

#include "tests/simulator/control.h"

struct control {
	struct simulator *simulator;
	struct api_server *api;
	struct MHD_Daemon *daemon;
};

/* One request to the control endpoint. */
struct command_call {
	struct control *control;
	struct MHD_Connection *connection;
	struct simulator *simulator;
	struct buf body;
	struct json *json; /* of the body, NULL when there is none */
	struct json_out *out;
	struct why *why;
};

struct route {
	const char *method, *path;
	enum err (*run)(struct command_call *c);
	bool unlocked; /* it may wait for connections to end, which want the lock */
};

/* NULL when there is none; `ret_path_known` becomes true when the path has other methods, and else stays. */
const struct route *route_find(const char *method, const char *path, bool *ret_path_known);
enum err route_run(struct command_call *c, const struct route *r) MUST_USE;

#endif
