/* Random steps that can be repeated: the seed is printed, and TCE_SEED=N gives it again. */
#ifndef TESTS_UNIT_DRAW_H
#define TESTS_UNIT_DRAW_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t draw_seed(void)
{
	const char *given = getenv("TCE_SEED");
	const uint64_t own = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : own;

	printf("TCE_SEED=%" PRIu64 "\n", seed);
	return seed;
}

/* 0 .. below - 1; any number when `below` is 0. The generator is splitmix64. */
static inline uint64_t draw(uint64_t *seed, uint64_t below)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return below == 0 ? z : z % below;
}

#endif
