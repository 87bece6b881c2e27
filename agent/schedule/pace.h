/* How fast one command of one app is called: a token bucket at the rate in force, a window that no sliding
 * second of sends overfills, and the rate's own adaptation to answers that mean "too fast". No clock, no I/O,
 * no allocation.
 *
 * - The budget is what the operator allows; the rate in force is never above it.
 * - A call counts in the window until a second after it was really sent, which may be long after it was
 * taken: its connection has to be made first.
 * - A throttle answer halves the rate, at most once in PACE_HALVE_MS, down to one call a second (a quarter of
 * the budget, when that is less). It then grows to most of what it was, gently, and from there by a twentieth
 * of the budget every ten seconds.
 * - After an outage the rate ramps up from a tenth of the budget, by a tenth a second. */
#ifndef AGENT_SCHEDULE_PACE_H
#define AGENT_SCHEDULE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/now.h"
#include "agent/schedule/rate.h"

enum { PACE_MAX_PER_S = 200, PACE_HALVE_MS = 5000, PACE_PEAK_S = 60 };

#define PACE_UNSENT INT64_MAX

struct pace {
	struct rate rate;      /* refilled at the rate in force */
	int64_t budget_milli;  /* milli-calls a second, 1 .. 1000 * PACE_MAX_PER_S */
	int64_t allowed_milli; /* the rate in force, but for the ramp */
	int64_t ceiling_milli; /* the rate at which the service last said: too fast; 0: never */
	int64_t grown_ms;      /* up to when growth has been added */
	int64_t halved_ms, ramp_ms;
	int64_t sent_ms[PACE_MAX_PER_S]; /* when the latest calls went, a ring; PACE_UNSENT: not yet */
	unsigned sent_at, unsent;        /* the latest `unsent` of them */
	int64_t second[PACE_PEAK_S];     /* which second a count is of */
	unsigned count[PACE_PEAK_S];
};

void pace_init(struct pace *p, int64_t budget_milli, const struct now *now);
/* Another budget from now on. What was sent stays in the window, so no change gives a burst; a rate that a
 * throttle answer lowered stays low and grows towards the new budget. */
void pace_budget(struct pace *p, int64_t budget_milli, const struct now *now);
/* Nothing for a second: whoever had this budget before may just have spent it. */
void pace_spent(struct pace *p, const struct now *now);
/* One call may go now, and counts; false: not yet. pace_sent or pace_never follows. */
bool pace_take(struct pace *p, const struct now *now);
/* `n` of the calls that were taken have been sent. */
void pace_sent(struct pace *p, unsigned n, const struct now *now);
/* `n` of them never will be: they count in the window as if they went now, but in no peak. */
void pace_never(struct pace *p, unsigned n, const struct now *now);
/* `n` calls went that nobody asked for (the HTTP client's own resends): they are owed. */
void pace_spend(struct pace *p, unsigned n, const struct now *now);
/* Milliseconds until pace_take can succeed; 0 when it can now. When it depends on a call that has not gone: a
 * second. */
int64_t pace_wait_ms(struct pace *p, const struct now *now);
/* The service said: too fast. Nothing is given for `stay_away_ms`. */
void pace_throttled(struct pace *p, int64_t stay_away_ms, const struct now *now);
/* The endpoint works again after an outage. */
void pace_ramp(struct pace *p, const struct now *now);

/* Milli-calls a second in force now. */
int64_t pace_in_force(struct pace *p, const struct now *now);
/* Calls in the busiest whole second of the last PACE_PEAK_S. */
unsigned pace_peak(const struct pace *p, const struct now *now);
/* Calls in the last `seconds` whole seconds, at most PACE_PEAK_S - 1; the one under way is not among them. */
unsigned pace_recent(const struct pace *p, int64_t seconds, const struct now *now);

#endif
