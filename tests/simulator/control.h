/* The control endpoint: JSON over plain HTTP on loopback, for tests and for the curious (README.md). */
#ifndef SIMULATOR_CONTROL_H
#define SIMULATOR_CONTROL_H

#include "tests/simulator/api_server.h"
#include "tests/simulator/listen.h"
#include "tests/simulator/simulator.h"

struct control;

/* `api` is borrowed until control_stop. */
enum err control_start(struct simulator *s, struct api_server *api, const struct listen_address *at,
                       struct control **ret, struct why *why) MUST_USE;
unsigned control_port(const struct control *c);
void control_stop(struct control *c);

/* GET /world, with the lock held. `sdkappid` 0: any app; `community` NULL: a list of them. */
enum err control_world_show(struct simulator *s, uint64_t sdkappid, const char *community, struct json_out *o,
                            struct why *why) MUST_USE;

#endif
