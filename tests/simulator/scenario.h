/* Reads a scenario file into a world. The format stands in README.md. */
#ifndef SIMULATOR_SCENARIO_H
#define SIMULATOR_SCENARIO_H

#include "tests/simulator/world.h"

/* Every mistake is refused with `file:line: what is wrong, what is allowed`. An app without a secret
 * key gets a random one. `start_unix_s` is the Unix time at world time 0. */
enum err scenario_load(const char *path, double start_unix_s, struct world *ret, struct why *why) MUST_USE;

#endif
