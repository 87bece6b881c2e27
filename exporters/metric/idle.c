#include "exporters/metric/idle.h"

static const struct {
	const char *label;
	int64_t below_s;
} idle[IDLE_BUCKETS] = {
	{ "0-5m", 300 },          { "5m-1h", 3600 },     { "1h-1d", 86400 }, { "1d-7d", 7 * 86400 },
	{ "7d-30d", 30 * 86400 }, { "30d+", INT64_MAX }, { "never", 0 },
};

const char *idle_label(size_t bucket)
{
	return idle[bucket].label;
}

size_t idle_bucket(int64_t age_s)
{
	size_t i = 0;

	while (i < IDLE_NEVER - 1 && age_s >= idle[i].below_s)
		i++;
	return i;
}
