/* Whether an endpoint is asked at all. Closed: it is. Open: one probe at a time, with growing gaps; the first
 * good answer closes it. No clock, no I/O, no allocation.
 *
 * It opens when BREAKER_ROW calls in a row fail on the way, when at least half of the last BREAKER_LOOK calls
 * fail for any reason that is not the caller's, or when it is told to (breaker_hold). */
#ifndef AGENT_SCHEDULE_BREAKER_H
#define AGENT_SCHEDULE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/now.h"

enum {
	BREAKER_ROW = 5,
	BREAKER_LOOK = 20,
	BREAKER_GAP_MS = 1000,
	BREAKER_GAP_MAX_MS = 30000,
	BREAKER_APART_MS = 5000
};

struct breaker {
	uint64_t random;  /* of the jitter */
	uint32_t history; /* one bit for each of the latest calls: it failed */
	unsigned known;   /* how many of them there are */
	unsigned row;     /* failed on the way, in a row */
	bool open, probing, hurried;
	int64_t held_ms; /* gap of an opening by decision; 0: none */
	int64_t gap_ms, gap_max_ms, probe_at_ms;
};

/* `gap_max_ms`: no two probes are further apart, at most BREAKER_GAP_MAX_MS. */
void breaker_init(struct breaker *b, int64_t gap_max_ms, uint64_t seed);
/* 0: a call may go now; INT64_MAX: a probe is under way. */
int64_t breaker_wait_ms(const struct breaker *b, const struct now *now);
/* A call goes. True: it is the probe, and its end is told with `probe`. */
bool breaker_start(struct breaker *b);

/* A call came to a good end: closes. True: it was open. */
bool breaker_good(struct breaker *b);
/* A call failed; `on_the_way`: there was no answer. True: this opened it. */
bool breaker_bad(struct breaker *b, bool on_the_way, bool probe, const struct now *now);
/* A call ended in a way that says nothing about the endpoint. */
void breaker_neutral(struct breaker *b, bool probe, const struct now *now);
/* Opens by decision: a probe every `every_ms` until one is good. */
void breaker_hold(struct breaker *b, int64_t every_ms, const struct now *now);
/* Somebody says that what it was opened for is cured: the next probe goes now, but not within
 * BREAKER_APART_MS of the one before. Nothing else changes. */
void breaker_hurry(struct breaker *b, const struct now *now);

#endif
