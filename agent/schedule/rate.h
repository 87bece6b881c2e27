/* A token bucket in whole milli-tokens: no floating point, no allocation, no clock of its own.
 * One bucket per app and command. */
#ifndef AGENT_SCHEDULE_RATE_H
#define AGENT_SCHEDULE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/now.h"

struct rate {
	int64_t milli_per_s;  /* refill, milli-calls a second */
	int64_t milli_burst;  /* the bucket's size */
	int64_t milli_tokens; /* what it holds as of at_ms */
	int64_t at_ms;
	int64_t hush_until_ms; /* nothing is given before */
	int64_t rest;          /* milli-token fractions (1/1000) the refill still owes */
};

/* Starts full. `milli_per_s` and `burst` must be at least 1. */
void rate_init(struct rate *r, int64_t milli_per_s, int64_t burst, const struct now *now);
/* Changes the refill from now on, at least 1; what is in the bucket stays. */
void rate_set(struct rate *r, int64_t milli_per_s, const struct now *now);
/* Takes one call's token; false when there is none yet. */
bool rate_take(struct rate *r, const struct now *now);
/* Takes `n` tokens whether they are there or not; what is missing is owed. */
void rate_spend(struct rate *r, unsigned n, const struct now *now);
/* Milliseconds until rate_take can succeed, rounded up; 0 when it can now. */
int64_t rate_wait_ms(const struct rate *r, const struct now *now);
/* The server said: too fast. Gives nothing for `for_ms`; never shortens an earlier hush. */
void rate_hush(struct rate *r, int64_t for_ms, const struct now *now);

#endif
