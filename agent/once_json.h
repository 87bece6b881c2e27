/* One moment of everything as JSON: the facts and the health that /metrics has, but by app, community and
 * topic. Its shape is told in README.md. */
#ifndef AGENT_ONCE_JSON_H
#define AGENT_ONCE_JSON_H

#include "agent/daemon.h"
#include "agent/process/output.h"

/* Errors: ERR_MEMORY, and those of output_add. */
enum err once_json(const struct daemon *d, const struct pin *p, struct output *o, struct why *why) MUST_USE;

#endif
