/* What a page of this configuration will be like before there is one: made-up answers go through the real
 * decoder, store and exposition, and what comes out is measured. Of many communities some are measured and
 * stand for the others. */
#ifndef AGENT_FORECAST_H
#define AGENT_FORECAST_H

#include "agent/config/conf.h"
#include "exporters/metric/catalog.h"

/* A community whose topics nobody named is taken to have so many. */
enum { FORECAST_TOPICS = 20 };

/* Sample lines of a page, without the header lines. */
struct forecast {
	double series, bytes, gzip;
};

struct forecast_app {
	struct forecast topics, communities; /* of the configured ones */
	struct forecast discovered;          /* of one that is discovered, with its topics; 0: none is */
	struct forecast own;                 /* the families of the app itself */
};

/* What gzip makes of the lines: its bytes to theirs. */
struct forecast_ratios {
	double topics, communities;
};

/* Errors: ERR_MEMORY. */
enum err forecast_ratios(const struct conf *c, struct forecast_ratios *ret) MUST_USE;
enum err forecast_app(const struct conf *c, size_t app, const struct forecast_ratios *ratio,
                      struct forecast_app *ret) MUST_USE;
enum err forecast_exporter(const struct conf *c, struct forecast *ret) MUST_USE;
/* The header lines of a page that shows every family that is not disabled. */
double forecast_heads(const struct conf *c);

#endif
