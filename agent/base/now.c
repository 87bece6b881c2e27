#include "agent/base/now.h"

#include <time.h>

struct now now_read(void)
{
	struct timespec mono = { 0 }, real = { 0 };

	/* Both clocks exist on every Linux this program builds on, so the calls cannot fail. */
	(void)clock_gettime(CLOCK_BOOTTIME, &mono);
	(void)clock_gettime(CLOCK_REALTIME, &real);
	return (struct now){
		.mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
		.unix_s = (int64_t)real.tv_sec,
	};
}

int64_t now_monotonic_us(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
