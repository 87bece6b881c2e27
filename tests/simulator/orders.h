/* What can be changed while the simulator runs: each order is a path of the control endpoint with a JSON
 * object, and a fault of kind "change" can give the same orders between two calls (README.md). The caller
 * holds the lock. */
#ifndef SIMULATOR_ORDERS_H
#define SIMULATOR_ORDERS_H

#include "tests/simulator/simulator.h"

bool order_known(const char *path);
/* Refuses what it does not know. Members of the answer go into `o`, an open object. */
enum err order_run(struct simulator *s, const char *path, const struct json *j, struct json_out *o,
                   struct why *why) MUST_USE;
/* The state that the order changes; false when the path has none to show. */
bool order_show(const struct simulator *s, const char *path, struct json_out *o);

/* POST /world, in world_change.c. */
enum err world_change(struct simulator *s, const struct json *j, struct json_out *o,
                      struct why *why) MUST_USE;

#endif
