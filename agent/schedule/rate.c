#include "agent/schedule/rate.h"

enum { TOKEN = 1000 };

void rate_init(struct rate *r, int64_t milli_per_s, int64_t burst, const struct now *now)
{
	*r = (struct rate){
		.milli_per_s = milli_per_s,
		.milli_burst = burst * TOKEN,
		.milli_tokens = burst * TOKEN,
		.at_ms = now->mono_ms,
		.hush_until_ms = INT64_MIN,
	};
}

/* Brings the bucket up to now. What a millisecond adds, milli_per_s / 1000 milli-tokens, is carried exactly
 * in .rest. */
static void refill(struct rate *r, const struct now *now)
{
	/* Any longer pause fills the bucket; a debt makes that later. */
	const int64_t full_ms = (r->milli_burst - r->milli_tokens) / r->milli_per_s * 1000 + 1000;
	int64_t passed_ms = now->mono_ms - r->at_ms;

	if (passed_ms <= 0)
		return; /* the same turn; or a clock that went back, which gives nothing */
	r->at_ms = now->mono_ms;
	if (passed_ms > full_ms)
		passed_ms = full_ms;
	r->rest += passed_ms * r->milli_per_s;
	r->milli_tokens += r->rest / 1000;
	r->rest %= 1000;
	if (r->milli_tokens >= r->milli_burst) {
		r->milli_tokens = r->milli_burst;
		r->rest = 0;
	}
}

void rate_set(struct rate *r, int64_t milli_per_s, const struct now *now)
{
	refill(r, now);
	r->milli_per_s = milli_per_s;
}

bool rate_take(struct rate *r, const struct now *now)
{
	refill(r, now);
	if (now->mono_ms < r->hush_until_ms || r->milli_tokens < TOKEN)
		return false;
	r->milli_tokens -= TOKEN;
	return true;
}

void rate_spend(struct rate *r, unsigned n, const struct now *now)
{
	refill(r, now);
	r->milli_tokens -= (int64_t)n * TOKEN;
}

int64_t rate_wait_ms(const struct rate *r, const struct now *now)
{
	struct rate then = *r;
	int64_t wait_ms = 0;

	refill(&then, now);
	if (then.milli_tokens < TOKEN)
		wait_ms = ((TOKEN - then.milli_tokens) * 1000 - then.rest + then.milli_per_s - 1) / then.milli_per_s +
		          then.at_ms - now->mono_ms; /* a clock that went back must first come here again */
	if (r->hush_until_ms > now->mono_ms && r->hush_until_ms - now->mono_ms > wait_ms)
		wait_ms = r->hush_until_ms - now->mono_ms;
	return wait_ms;
}

void rate_hush(struct rate *r, int64_t for_ms, const struct now *now)
{
	if (now->mono_ms + for_ms > r->hush_until_ms)
		r->hush_until_ms = now->mono_ms + for_ms;
}
