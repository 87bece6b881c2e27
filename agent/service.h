/* The running program as a service: what its manager hears, and what it gives up once it serves. */
#ifndef AGENT_SERVICE_H
#define AGENT_SERVICE_H

#include "agent/daemon.h"

/* It listens: enters the sandbox, if wanted, and says so to the manager and in the log. Nothing may have
 * started a thread before. */
void service_start(struct daemon *d, bool sandbox);
/* Once a turn. */
void service_turn(struct daemon *d);
/* Until the next turn must come at the latest. */
int64_t service_wait_ms(const struct daemon *d);

#endif
