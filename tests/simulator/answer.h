/* The commands: each fills the answer of a call that passed the gate. */
#ifndef SIMULATOR_ANSWER_H
#define SIMULATOR_ANSWER_H

#include "tests/simulator/call.h"
#include "tests/simulator/faults.h"

enum { ANSWER_CAP = 1024 * 1024 }; /* above: 10018 */

void answer_topics(struct world *w, struct call *c, double now_s, const struct fault *f);
void answer_groups(struct world *w, struct call *c, const struct fault *f);

#endif
