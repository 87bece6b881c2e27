/* Who is due: a min-heap over target numbers 0 .. n-1. Mechanism only: no clock, no I/O.
 * A target is planned (in the heap) or taken, never both. */
#ifndef AGENT_SCHEDULE_PLAN_H
#define AGENT_SCHEDULE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"
#include "agent/base/now.h"

struct plan;

/* Room for `n` targets, all of them taken at first. `seed` feeds the jitter only. */
enum err plan_new(size_t n, uint64_t seed, struct plan **ret) MUST_USE;
void plan_free(struct plan *p); /* NULL is fine */
/* Room for targets 0 .. n-1; never shrinks. Errors: ERR_MEMORY, and nothing changed. */
enum err plan_reserve(struct plan *p, size_t n) MUST_USE;
/* All targets are taken. */
void plan_clear(struct plan *p);
/* Asks for every planned target when it is due from now on; PLAN_TAKE: it is taken. One pass over them. */
#define PLAN_TAKE INT64_MAX
typedef int64_t plan_ask(void *arg, size_t target, int64_t due_ms);
void plan_revise(struct plan *p, plan_ask *ask, void *arg);

/* Plans a taken target. Planning a planned one is a bug of the caller. */
void plan_put(struct plan *p, size_t target, int64_t due_ms);
/* Takes the target that has been due longest (ties: the lower number); false when none is due. */
bool plan_take(struct plan *p, const struct now *now, size_t *ret_target);
/* The earliest planned target, due or not; false when nothing is planned. It stays planned. */
bool plan_peek(const struct plan *p, size_t *ret_target);
/* Takes it. */
void plan_drop(struct plan *p);
/* When the earliest planned target is due; INT64_MAX when nothing is planned. */
int64_t plan_due_ms(const struct plan *p);
/* Waiting time until then, never negative; INT64_MAX when nothing is planned. */
int64_t plan_wait_ms(const struct plan *p, const struct now *now);

/* 0 .. span_ms - 1 from the seed; 0 when span_ms is 0 or less. */
int64_t plan_jitter(struct plan *p, int64_t span_ms);

/* The grid of a periodic target: all times t with t = phase (mod period), the phase being
 * key / 2^64 of the period. The grid depends on nothing but its arguments, so a restart or a
 * new neighbour moves nobody. Returns the first grid time after `after_ms`. `period_ms` is at least 1. */
int64_t plan_slot(uint64_t key, int64_t period_ms, int64_t after_ms);

#endif
