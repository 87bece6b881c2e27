/* What --config.check says beyond the configuration itself: what it will cost, and whether it can work. */
#ifndef AGENT_PLANNER_H
#define AGENT_PLANNER_H

#include "agent/config/conf.h"

/* Appends the plan to `out`, as comments of a configuration file. Each app that needs more calls than its
 * budget allows gets a line in `faults`, "PATH:LINE: ...", and ERR_CONFIG is returned; a line with "warning:"
 * is none. Errors: ERR_MEMORY too. */
enum err planner(const struct conf *c, const char *path, struct buf *out, struct buf *faults) MUST_USE;

#endif
