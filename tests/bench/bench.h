/* What both benches need: clocks and medians. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_ROUNDS = 9 };

static inline double bench_clock_us(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		abort();
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int bench_compare(const void *a, const void *b)
{
	const double l = *(const double *)a, r = *(const double *)b;

	return (l > r) - (l < r);
}

static inline double bench_median(double *at, size_t n)
{
	qsort(at, n, sizeof(at[0]), bench_compare);
	return at[n / 2];
}

#endif
