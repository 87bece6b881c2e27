#include "agent/schedule/pace.h"

#include <string.h>

enum {
	TOKEN = 1000,
	SECOND_MS = 1000,
	NEVER_MS = INT32_MIN, /* long before any mono time */
	BURST_PART = 10,      /* the bucket holds a tenth of a second's calls */
	RECOVER_PART = 85,    /* per cent of the ceiling that is trusted again soon */
	RECOVER_MS = 15000,
	PROBE_PART = 20, /* above it: a twentieth of the budget */
	PROBE_MS = 10000,
	GROW_STEP_MS = 50,   /* fractions of less would be lost */
	RAMP_STEP_MS = 1000, /* each gives a tenth of the budget */
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t floor_milli(const struct pace *p)
{
	return p->budget_milli / 4 < TOKEN ? (p->budget_milli + 3) / 4 : TOKEN;
}

static int64_t burst_calls(int64_t milli_per_s)
{
	const int64_t calls = milli_per_s / TOKEN / BURST_PART;

	return calls > 1 ? calls : 1;
}

void pace_init(struct pace *p, int64_t budget_milli, const struct now *now)
{
	*p = (struct pace){
		.budget_milli = budget_milli,
		.allowed_milli = budget_milli,
		.grown_ms = now->mono_ms,
		.halved_ms = NEVER_MS,
		.ramp_ms = NEVER_MS,
	};
	rate_init(&p->rate, budget_milli, burst_calls(budget_milli), now);
	for (unsigned i = 0; i < PACE_MAX_PER_S; i++)
		p->sent_ms[i] = NEVER_MS;
}

/* Lets the rate grow for at most `ms` at `micro_per_ms`, at most to `to_milli`; returns the time it took. */
static int64_t grow_to(struct pace *p, int64_t to_milli, int64_t micro_per_ms, int64_t ms)
{
	const int64_t missing_micro = (to_milli - p->allowed_milli) * 1000;
	const int64_t needed_ms = (missing_micro + micro_per_ms - 1) / micro_per_ms;

	if (ms >= needed_ms) {
		p->allowed_milli = to_milli;
		return needed_ms;
	}
	p->allowed_milli += ms * micro_per_ms / 1000;
	return ms;
}

/* Adds what has grown since the last look: first back to where it was trusted, then the search for more. */
static void grow(struct pace *p, const struct now *now)
{
	const int64_t trusted_milli = p->ceiling_milli * RECOVER_PART / 100;
	const int64_t recover = (trusted_milli - p->ceiling_milli / 2) * 1000 / RECOVER_MS + 1;
	const int64_t search = p->budget_milli * 1000 / PROBE_PART / PROBE_MS + 1;
	int64_t passed_ms = now->mono_ms - p->grown_ms;

	if (p->allowed_milli >= p->budget_milli)
		p->grown_ms = now->mono_ms;
	else if (passed_ms >= GROW_STEP_MS) {
		p->grown_ms = now->mono_ms;
		if (p->allowed_milli < trusted_milli)
			passed_ms -= grow_to(p, trusted_milli, recover, passed_ms);
		(void)grow_to(p, p->budget_milli, search, passed_ms);
	}
}

int64_t pace_in_force(struct pace *p, const struct now *now)
{
	const int64_t ramp_steps = 1 + (now->mono_ms - p->ramp_ms) / RAMP_STEP_MS;
	int64_t milli;

	grow(p, now);
	milli = p->allowed_milli;
	if (ramp_steps < 10)
		milli = least(milli, p->budget_milli * (ramp_steps > 0 ? ramp_steps : 1) / 10);
	if (milli < 1)
		milli = 1;
	if (milli != p->rate.milli_per_s) {
		rate_set(&p->rate, milli, now);
		p->rate.milli_burst = burst_calls(milli) * TOKEN;
	}
	return milli;
}

void pace_spent(struct pace *p, const struct now *now)
{
	for (unsigned i = 0; i < PACE_MAX_PER_S; i++)
		p->sent_ms[i] = now->mono_ms;
}

void pace_budget(struct pace *p, int64_t budget_milli, const struct now *now)
{
	bool whole;

	(void)pace_in_force(p, now);
	whole = p->allowed_milli >= p->budget_milli;
	p->budget_milli = budget_milli;
	if (whole || p->allowed_milli > budget_milli)
		p->allowed_milli = budget_milli;
	(void)pace_in_force(p, now);
}

/* Until the window has room: the call that is as many places back as a second may hold must be a second old.
 */
static int64_t window_wait_ms(const struct pace *p, int64_t milli_per_s, const struct now *now)
{
	const unsigned room = (unsigned)least((milli_per_s + TOKEN - 1) / TOKEN, PACE_MAX_PER_S);
	const int64_t then_ms = p->sent_ms[(p->sent_at + PACE_MAX_PER_S - room) % PACE_MAX_PER_S];

	if (then_ms == PACE_UNSENT)
		return SECOND_MS;
	return now->mono_ms - then_ms >= SECOND_MS ? 0 : then_ms + SECOND_MS - now->mono_ms;
}

static void note_taken(struct pace *p)
{
	p->sent_ms[p->sent_at] = PACE_UNSENT;
	p->sent_at = (p->sent_at + 1) % PACE_MAX_PER_S;
	if (p->unsent < PACE_MAX_PER_S)
		p->unsent++;
}

static void note_peak(struct pace *p, unsigned n, const struct now *now)
{
	const int64_t second = now->mono_ms / 1000;
	const size_t place = (size_t)(second % PACE_PEAK_S);

	if (p->second[place] != second) {
		p->second[place] = second;
		p->count[place] = 0;
	}
	p->count[place] += n;
}

/* The oldest of those taken: which call it is said of does not matter. */
static void settle(struct pace *p, unsigned n, const struct now *now)
{
	for (; n > 0 && p->unsent > 0; n--, p->unsent--)
		p->sent_ms[(p->sent_at + PACE_MAX_PER_S - p->unsent) % PACE_MAX_PER_S] = now->mono_ms;
}

void pace_sent(struct pace *p, unsigned n, const struct now *now)
{
	if (n > 0)
		note_peak(p, n, now);
	settle(p, n, now);
}

void pace_never(struct pace *p, unsigned n, const struct now *now)
{
	settle(p, n, now);
}

bool pace_take(struct pace *p, const struct now *now)
{
	if (window_wait_ms(p, pace_in_force(p, now), now) > 0 || !rate_take(&p->rate, now))
		return false;
	note_taken(p);
	return true;
}

void pace_spend(struct pace *p, unsigned n, const struct now *now)
{
	(void)pace_in_force(p, now);
	rate_spend(&p->rate, n, now);
	for (unsigned i = 0; i < n; i++) {
		note_taken(p);
		pace_sent(p, 1, now);
	}
}

int64_t pace_wait_ms(struct pace *p, const struct now *now)
{
	const int64_t window_ms = window_wait_ms(p, pace_in_force(p, now), now);
	const int64_t rate_ms = rate_wait_ms(&p->rate, now);

	return window_ms > rate_ms ? window_ms : rate_ms;
}

void pace_throttled(struct pace *p, int64_t stay_away_ms, const struct now *now)
{
	const int64_t milli = pace_in_force(p, now);

	rate_hush(&p->rate, stay_away_ms, now);
	if (now->mono_ms - p->halved_ms < PACE_HALVE_MS)
		return;
	p->halved_ms = p->grown_ms = now->mono_ms;
	p->ceiling_milli = milli;
	p->allowed_milli = milli / 2 > floor_milli(p) ? milli / 2 : least(milli, floor_milli(p));
	(void)pace_in_force(p, now);
}

void pace_ramp(struct pace *p, const struct now *now)
{
	p->ramp_ms = now->mono_ms;
	(void)pace_in_force(p, now);
}

unsigned pace_peak(const struct pace *p, const struct now *now)
{
	const int64_t second = now->mono_ms / 1000;
	unsigned most = 0;

	for (size_t i = 0; i < PACE_PEAK_S; i++)
		if (p->second[i] > second - PACE_PEAK_S && p->second[i] <= second && p->count[i] > most)
			most = p->count[i];
	return most;
}

unsigned pace_recent(const struct pace *p, int64_t seconds, const struct now *now)
{
	const int64_t second = now->mono_ms / 1000;
	unsigned n = 0;

	for (size_t i = 0; i < PACE_PEAK_S; i++)
		if (p->second[i] >= second - seconds && p->second[i] < second)
			n += p->count[i];
	return n;
}
