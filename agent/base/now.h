/* The two clocks of the program, read together once per turn of the loop.
 * Rooms never read a clock: they are handed a `struct now`, so tests own the time. */
#ifndef AGENT_BASE_NOW_H
#define AGENT_BASE_NOW_H

#include <stdint.h>

struct now {
	int64_t mono_ms; /* CLOCK_BOOTTIME: waits and ages; goes on while the machine sleeps, never jumps */
	int64_t unix_s;  /* CLOCK_REALTIME: only for what leaves the program, signatures and timestamps */
};

/* Called by the loop in agent/ and by nobody else. */
struct now now_read(void);
/* CLOCK_MONOTONIC, for service managers, who compare it with theirs. Not for waits. */
int64_t now_monotonic_us(void);

#endif
