/* A page of a store, measured; for forecast.c. */
#ifndef AGENT_FORECAST_WEIGH_H
#define AGENT_FORECAST_WEIGH_H

#include "agent/config/conf.h"
#include "exporters/exposition/exposition.h"

/* What a page really had. */
struct weight {
	uint64_t series, bytes, head_bytes, gzip;
};

/* The metrics of one scope that the configuration leaves. */
struct metric_set forecast_metrics(const struct conf *c, enum metric_scope scope);
/* The lines of one scope: as they are, and compressed. `parts` without a pin, a wish and a cache. Errors:
 * ERR_MEMORY. */
enum err forecast_weigh(const struct conf *c, struct store *s, enum metric_scope scope,
                        const struct exposition_parts *parts, struct weight *ret) MUST_USE;

#endif
