#include "agent/schedule/breaker.h"

/* +-20 %, so that many exporters do not knock together. */
static int64_t jittered(struct breaker *b, int64_t gap_ms)
{
	b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return gap_ms - gap_ms / 5 + (int64_t)((b->random >> 33) % (uint64_t)(gap_ms * 2 / 5 + 1));
}

void breaker_init(struct breaker *b, int64_t gap_max_ms, uint64_t seed)
{
	*b = (struct breaker){
		.random = seed,
		.gap_max_ms = gap_max_ms < BREAKER_GAP_MAX_MS ? gap_max_ms : BREAKER_GAP_MAX_MS,
	};
}

int64_t breaker_wait_ms(const struct breaker *b, const struct now *now)
{
	if (!b->open)
		return 0;
	if (b->probing)
		return INT64_MAX;
	return b->probe_at_ms > now->mono_ms ? b->probe_at_ms - now->mono_ms : 0;
}

bool breaker_start(struct breaker *b)
{
	if (!b->open)
		return false;
	b->probing = true;
	return true;
}

static void plan_probe(struct breaker *b, const struct now *now)
{
	int64_t gap_ms = b->held_ms;

	if (gap_ms == 0) {
		gap_ms = jittered(b, b->gap_ms);
		if (gap_ms > b->gap_max_ms)
			gap_ms = b->gap_max_ms;
		b->gap_ms = b->gap_ms * 2 < b->gap_max_ms ? b->gap_ms * 2 : b->gap_max_ms;
	}
	b->probe_at_ms = now->mono_ms + gap_ms;
	b->hurried = false;
}

bool breaker_good(struct breaker *b)
{
	const bool was_open = b->open;

	if (was_open) {
		b->history = 0; /* what was before says nothing about now */
		b->known = 0;
	}
	b->history <<= 1;
	b->known += b->known < BREAKER_LOOK;
	b->row = 0;
	b->open = b->probing = false;
	b->held_ms = 0;
	return was_open;
}

static bool half_failed(const struct breaker *b)
{
	const uint32_t seen = b->history & ((1U << BREAKER_LOOK) - 1);

	return b->known == BREAKER_LOOK && __builtin_popcount(seen) * 2 >= BREAKER_LOOK;
}

bool breaker_bad(struct breaker *b, bool on_the_way, bool probe, const struct now *now)
{
	b->history = b->history << 1 | 1;
	b->known += b->known < BREAKER_LOOK;
	b->row = on_the_way ? b->row + 1 : 0;
	if (b->open) {
		if (probe) {
			b->probing = false;
			plan_probe(b, now);
		}
		return false;
	}
	if (b->row < BREAKER_ROW && !half_failed(b))
		return false;
	b->open = true;
	b->gap_ms = BREAKER_GAP_MS;
	plan_probe(b, now);
	return true;
}

void breaker_neutral(struct breaker *b, bool probe, const struct now *now)
{
	b->row = 0;
	if (!b->open || !probe)
		return;
	b->probing = false;
	plan_probe(b, now);
}

void breaker_hold(struct breaker *b, int64_t every_ms, const struct now *now)
{
	b->open = true;
	b->probing = false;
	b->held_ms = every_ms;
	plan_probe(b, now);
}

void breaker_hurry(struct breaker *b, const struct now *now)
{
	const int64_t soonest_ms = b->probe_at_ms - b->held_ms + BREAKER_APART_MS;

	if (!b->open || b->probing || b->hurried || b->held_ms <= BREAKER_APART_MS)
		return;
	b->hurried = true;
	b->probe_at_ms = soonest_ms > now->mono_ms ? soonest_ms : now->mono_ms;
}
