#include "tests/simulator/flow.h"

#include <math.h>

static const double hour_s = 3600;

uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u + b; /* splitmix64 */

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

double mix_fraction(uint64_t a, uint64_t b)
{
	return (double)(mix(a, b) >> 11) * 0x1p-53;
}

uint64_t mix_text(uint64_t seed, const char *text)
{
	uint64_t h = seed ^ 0xcbf29ce484222325u;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return mix(h, seed);
}

void profile_set(struct profile *p, const double weight[HOURS], double start_hour)
{
	p->before[0] = 0;
	p->start_hour = start_hour;
	for (int h = 0; h < HOURS; h++) {
		p->weight[h] = weight[h];
		p->before[h + 1] = p->before[h] + weight[h];
	}
}

/* Weighted hours from midnight of the first day to the world time `s`. */
static double weight_until(const struct profile *p, double s)
{
	double hours = p->start_hour + s / hour_s;
	double day = floor(hours / (double)HOURS);
	double rest = hours - day * (double)HOURS;
	int hour = (int)rest < HOURS ? (int)rest : HOURS - 1;

	return day * p->before[HOURS] + p->before[hour] + p->weight[hour] * (rest - hour);
}

/* The world time at which weight_until reaches `weight`. The day must have some weight. */
static double time_of_weight(const struct profile *p, double weight)
{
	double day = floor(weight / p->before[HOURS]);
	double rest = weight - day * p->before[HOURS];
	int hour = 0;

	while (hour < HOURS - 1 && (rest >= p->before[hour + 1] || p->weight[hour] <= 0))
		hour++;
	if (p->weight[hour] > 0)
		rest = hour + (rest - p->before[hour]) / p->weight[hour];
	else
		rest = hour;
	return (day * (double)HOURS + rest - p->start_hour) * hour_s;
}

struct flow_state flow_at(const struct flow *f, const struct profile *p, double now_s)
{
	struct flow_state state = { .count = 0, .last_s = f->since_s };
	double from, expected, last;

	if (f->per_hour <= 0 || p->before[HOURS] <= 0 || now_s <= f->since_s)
		return state;
	from = weight_until(p, f->since_s);
	expected = (weight_until(p, now_s) - from) * f->per_hour;
	state.count = (int64_t)expected;
	if (expected - (double)state.count >= mix_fraction(f->salt, (uint64_t)state.count))
		state.count++;
	if (state.count == 0)
		return state;
	last = (double)(state.count - 1) + mix_fraction(f->salt, (uint64_t)(state.count - 1));
	state.last_s = time_of_weight(p, from + last / f->per_hour);
	/* Rounding must not put a message before the start or into the future. */
	state.last_s = fmin(fmax(state.last_s, f->since_s), now_s);
	return state;
}
