/* The control endpoint: JSON over plain HTTP on loopback, for tests and for the curious (README.md). */
#ifndef SIMULATOR_CONTROL_H
#define SIMULATOR_CONTROL_H

#include <microhttpd.h>

#include "tests/simulator/listen.h"
#include "tests/simulator/simulator.h"

enum err control_start(struct simulator *s, const struct listen_address *at, struct MHD_Daemon **ret,
                       struct why *why) MUST_USE;

/* GET and POST /world, with the lock held. `sdkappid` 0: any app; `community` NULL: a list of them. */
enum err control_world_show(struct simulator *s, uint64_t sdkappid, const char *community, struct json_out *o,
                            struct why *why) MUST_USE;
enum err control_world_change(struct simulator *s, const struct json *j, struct json_out *o,
                              struct why *why) MUST_USE;

#endif
