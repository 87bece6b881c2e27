/* Numbers that look random and come again: the seed is printed, so that a failure can be repeated. Include
 * after cmocka.h. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdint.h>

static uint64_t random_state;

static void random_start(uint64_t seed)
{
	print_message("  seed %llu\n", (unsigned long long)seed);
	random_state = seed;
}

static uint64_t random_below(uint64_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 20) % n;
}

#endif
