/* Messages over time, computed and never stored: how many a topic has had at a moment and when the
 * last one came. A pure function of the topic's start, rate, day profile and salt, so that it costs the
 * same after a second and after a year, and repeats for the same seed.
 *
 * The k-th message falls at a hashed place inside the k-th unit of expected messages. The count
 * therefore never falls, is never more than one away from its expectation, and is irregular to look at. */
#ifndef SIMULATOR_FLOW_H
#define SIMULATOR_FLOW_H

#include <stdbool.h>
#include <stdint.h>

enum { HOURS = 24 };

/* Weight of each hour of the day; 1.0 is the nominal rate. */
struct profile {
	double weight[HOURS];
	double before[HOURS + 1]; /* sum of the weights before each hour */
	double start_hour;        /* hour of the day when the world starts */
};

struct flow {
	double since_s;  /* world time, 0 = start of the simulator; may be negative */
	double per_hour; /* at weight 1.0; 0: nothing ever comes */
	uint64_t salt;
};

struct flow_state {
	int64_t count; /* messages since since_s */
	double last_s; /* world time of the last of them; meaningless when count is 0 */
};

void profile_set(struct profile *p, const double weight[HOURS], double start_hour);
struct flow_state flow_at(const struct flow *f, const struct profile *p, double now_s);

/* A well-mixed hash of two numbers, and the same as a fraction in [0, 1). */
uint64_t mix(uint64_t a, uint64_t b);
double mix_fraction(uint64_t a, uint64_t b);
uint64_t mix_text(uint64_t seed, const char *text);

#endif
