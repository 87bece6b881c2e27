/* The checks of the service's front, in its order: URL, account and signature, quota, body. */
#ifndef SIMULATOR_GATE_H
#define SIMULATOR_GATE_H

#include "tests/simulator/call.h"

/* True when the call may go on to its command: app, command and json are known. Otherwise the answer
 * is a refusal. `sign_unix_s` is the clock the signature is judged by. */
bool gate_pass(struct world *w, struct call *c, int64_t sign_unix_s);

#endif
