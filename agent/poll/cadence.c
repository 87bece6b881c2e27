/* How often a job is polled: its period, what adaptive polling makes of it, and rest for what cannot get
 * better soon. */
#include "agent/poll/inside.h"

enum {
	REST_PERIODS = 10,     /* for what was deleted, or may not be read */
	REST_MAX_MS = 3600000, /* but an hour is enough */
	QUIET_POLLS = 2,       /* without a message, until a community is asked more rarely */
};

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static bool needs_rest(const struct outcome *o)
{
	return o->verdict == CHAT_GONE || o->verdict == CHAT_DENIED || o->verdict == CHAT_REFUSED;
}

static int64_t rest_ms(int64_t period_ms)
{
	const int64_t long_ms = period_ms * REST_PERIODS;

	return clamp(long_ms, period_ms, period_ms > REST_MAX_MS ? period_ms : REST_MAX_MS);
}

/* In powers of two of the least period, so that the load stays even. */
static int64_t adapt(struct task *t, uint64_t messages, bool spare)
{
	const int64_t least = t->conf.period_min_ms, most = t->conf.period_max_ms;
	const int64_t now_ms = clamp(t->period_ms, least, most);

	if (messages > 0) {
		t->quiet = 0;
		return spare ? clamp(now_ms / 2, least, most) : now_ms;
	}
	if (++t->quiet < QUIET_POLLS)
		return now_ms;
	t->quiet = 0;
	return clamp(now_ms * 2, least, most);
}

int64_t cadence(struct task *t, const struct outcome *o, uint64_t messages, bool spare)
{
	const bool adaptive = t->conf.period_max_ms > 0;

	if (needs_rest(o))
		return rest_ms(t->conf.period_ms);
	if (!adaptive)
		return t->conf.period_ms;
	return o->err == ERR_OK ? adapt(t, messages, spare)
	                        : clamp(t->period_ms, t->conf.period_min_ms, t->conf.period_max_ms);
}
