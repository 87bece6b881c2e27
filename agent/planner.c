#include "agent/planner.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "agent/forecast.h"

enum {
	BUDGET_MAX = 200,
	CALL_MS = 300, /* a call of the service that takes long */
};
static const double timeout_least_s = 10;  /* Prometheus' own default */
static const double read_series_s = 50000; /* series a second that a busy Prometheus takes in */
static const double read_bytes_s = 1e7;    /* bytes a second over a bad line */
static const double heads_gzip = 5;        /* header lines deflate to a fifth; they are few */

/* Intervals that people choose. */
static const struct {
	int64_t ms;
	const char *text;
} intervals[] = {
	{ 1000, "1s" },     { 2000, "2s" },     { 5000, "5s" },      { 10000, "10s" },   { 15000, "15s" },
	{ 20000, "20s" },   { 30000, "30s" },   { 45000, "45s" },    { 60000, "1m" },    { 90000, "90s" },
	{ 120000, "2m" },   { 180000, "3m" },   { 240000, "4m" },    { 300000, "5m" },   { 420000, "7m" },
	{ 600000, "10m" },  { 900000, "15m" },  { 1200000, "20m" },  { 1800000, "30m" }, { 2700000, "45m" },
	{ 3600000, "1h" },  { 5400000, "90m" }, { 7200000, "2h" },   { 10800000, "3h" }, { 14400000, "4h" },
	{ 21600000, "6h" }, { 28800000, "8h" }, { 43200000, "12h" }, { 86400000, "1d" },
};
enum { INTERVALS = sizeof(intervals) / sizeof(intervals[0]) };

/* Calls a second of an app. Adaptive polling moves between the two ends, and stays inside the budget where it
 * can: what must fit is the slow one. */
struct demand {
	double start, slow, fast;
	bool adaptive;
};

/* A page, or an app's part of it. */
struct page {
	double topics, others; /* series */
	double bytes, gzip;
};

static struct demand demand_of(const struct conf_app *app)
{
	struct demand d = { 0 };

	for (size_t i = 0; i < app->community_n; i++) {
		const struct conf_community *c = &app->community[i];
		const bool adaptive = c->adaptive_max_ms > 0;

		d.adaptive |= adaptive;
		d.start += 1000.0 / (double)c->interval_ms;
		d.slow += 1000.0 / (double)(adaptive ? c->adaptive_max_ms : c->interval_ms);
		d.fast += 1000.0 / (double)(adaptive ? c->adaptive_min_ms : c->interval_ms);
	}
	return d;
}

/* The nearest of those that are not below; past the last one: NULL. */
static const char *interval_from(double ms)
{
	for (size_t i = 0; i < INTERVALS; i++)
		if ((double)intervals[i].ms >= ms)
			return intervals[i].text;
	return NULL;
}

static void put_time(struct buf *out, double s)
{
	if (s < 120)
		buf_fmt(out, "%.1f s", s);
	else if (s < 7200)
		buf_fmt(out, "%.1f min", s / 60);
	else
		buf_fmt(out, "%.1f h", s / 3600);
}

static void put_bytes(struct buf *out, double bytes)
{
	if (bytes < 1e6)
		buf_fmt(out, "%.1f kB", bytes / 1e3);
	else
		buf_fmt(out, "%.1f MB", bytes / 1e6);
}

/* Two digits, rounded up. */
static double round_up(double n)
{
	double unit = 1;

	while (n / unit > 100)
		unit *= 10;
	return ceil(n / unit) * unit;
}

/* ---- what a scrape of it needs ---- */
static void put_page(struct buf *out, const struct conf *c, const struct page *p)
{
	const double series = p->topics + p->others;
	const double seconds = series / read_series_s + p->bytes / read_bytes_s;
	const char *timeout = interval_from(1000 * (seconds > timeout_least_s ? seconds : timeout_least_s));
	double topics = 1.5 * p->topics;

	if (c->max_series > 0 && topics > (double)c->max_series)
		topics = (double)c->max_series;
	buf_fmt(out, "#   series           %.0f: %.0f of topics, %.0f others\n", series, p->topics, p->others);
	buf_str(out, "#   bytes            ");
	put_bytes(out, p->bytes);
	buf_str(out, ", with gzip ");
	put_bytes(out, p->gzip);
	buf_fmt(out, "\n#   scrape_timeout   %s\n", timeout != NULL ? timeout : "more than a day");
	buf_fmt(out, "#   sample_limit     %.0f\n", round_up(topics + 1.5 * p->others));
}

/* Topics above the cap are folded, those of all apps alike. */
static void page_add(struct page *p, const struct forecast *f, double share, bool topics)
{
	*(topics ? &p->topics : &p->others) += f->series * share;
	p->bytes += f->bytes * share;
	p->gzip += f->gzip * share;
}

/* ---- an app ---- */
static void put_calls(struct buf *out, const struct conf *c, const struct conf_app *app,
                      const struct demand *d)
{
	buf_fmt(out, "#   calls            %.3f/s of a budget of %.15g/s", d->start, app->budget);
	if (c->shard.total > 1)
		buf_fmt(out, ", its part of %.15g/s", app->whole.budget);
	if (d->adaptive)
		buf_fmt(out, " to begin with; adaptive: %.3f/s when nobody talks, %.3f/s when everybody does",
		        d->slow, d->fast);
	buf_str(out, "\n#   sweep            ");
	put_time(out, (double)app->community_n / app->budget);
	buf_str(out, " at the budget\n");
}

static size_t listed(const struct conf_app *app)
{
	size_t n = 0;

	for (size_t i = 0; i < app->community_n; i++)
		n += app->community[i].list != NULL;
	return n;
}

static void put_app(struct buf *out, const struct conf *c, const struct conf_app *app,
                    const struct forecast_app *f, const struct page *page)
{
	const struct demand d = demand_of(app);

	buf_fmt(out, "#\n# app '%s'\n", app->name);
	buf_fmt(out, "#   communities      %zu ", app->community_n);
	if (c->shard.total > 1)
		buf_fmt(out, "of %zu ", app->whole.community_n);
	buf_str(out, "configured, ");
	if (app->list_files.n > 0)
		buf_fmt(out, "%zu of them in %zu lists, ", listed(app), app->list_files.n);
	buf_fmt(out, "discovery %s\n", app->discovery_enabled ? "on" : "off");
	put_calls(out, c, app, &d);
	put_page(out, c, page);
	if (!app->discovery_enabled)
		return;
	buf_fmt(out, "#   each discovered  %.3f calls/s, %.0f series, ",
	        1000.0 / (double)app->discovered.interval_ms, f->discovered.series);
	put_bytes(out, f->discovered.bytes);
	buf_str(out, ", with gzip ");
	put_bytes(out, f->discovered.gzip);
	buf_str(out, "; not in the figures above\n");
}

/* ---- what cannot work ---- */
static enum err check_budget(const struct conf *c, const struct conf_app *app, const char *path,
                             struct buf *faults)
{
	const struct demand d = demand_of(app);
	const double fits_ms = 1000.0 * (double)app->community_n / app->budget;
	const char *interval = interval_from(fits_ms);
	const double budget = ceil(d.slow) * c->shard.total;

	if (d.slow <= app->budget * (1 + 1e-9)) {
		if (d.start > app->budget)
			buf_fmt(faults,
			        "%s:%d: warning: app '%s' needs %.3f calls/s to begin with, and its budget is "
			        "%.15g; its polls are late until adaptive intervals have grown\n",
			        path, app->line, app->name, d.start, app->budget);
		return ERR_OK;
	}
	buf_fmt(faults, "%s:%d: app '%s': %zu communities need %.3f calls/s, and its budget is %.15g; ", path,
	        app->line, app->name, app->community_n, d.slow, app->budget);
	if (interval != NULL)
		buf_fmt(faults, "%s = \"%s\" for all of them fits", d.adaptive ? "adaptive.max" : "interval",
		        interval);
	if (budget <= (double)BUDGET_MAX)
		buf_fmt(faults, "%sbudget = %.0f does", interval != NULL ? ", or " : "", budget);
	else if (interval == NULL)
		buf_fmt(faults, "no interval up to 1d fits, and no budget up to %d: no app can be asked faster",
		        BUDGET_MAX);
	if (c->shard.total > 1)
		buf_fmt(faults, " (shard %u of %u has %.15g of a budget of %.15g)", c->shard.number, c->shard.total,
		        app->budget, app->whole.budget);
	buf_str(faults, "\n");
	return ERR_CONFIG;
}

static void check_inflight(const struct conf *c, const struct conf_app *app, const char *path,
                           struct buf *faults)
{
	const double needed = app->budget * (double)CALL_MS / 1000;

	if (needed > (double)c->max_inflight)
		buf_fmt(faults,
		        "%s:%d: warning: app '%s': when calls take %d ms, its budget of %.15g/s needs %.0f of "
		        "them in flight; poll.max_inflight is %" PRId64 "\n",
		        path, app->line, app->name, CALL_MS, app->budget, ceil(needed), c->max_inflight);
}

/* A second holds whole calls only. */
static void check_share(const struct conf *c, const struct conf_app *app, const char *path,
                        struct buf *faults)
{
	if (c->shard.total > 1 && app->budget < 1)
		buf_fmt(faults,
		        "%s:%d: warning: app '%s': its budget of %.15g/s is %.15g/s for each of %u shards; below "
		        "1/s calls of several may meet in one second; budget = %u or fewer shards keep them apart\n",
		        path, app->line, app->name, app->whole.budget, app->budget, c->shard.total, c->shard.total);
}

/* ---- all of it ---- */
/* `f` by app; `exporter` is on every page. */
static void put_plan(struct buf *out, const struct conf *c, const struct forecast_app *f,
                     const struct forecast *exporter)
{
	const double heads = forecast_heads(c);
	struct page all = { .others = exporter->series,
		                .bytes = heads + exporter->bytes,
		                .gzip = heads / heads_gzip + exporter->gzip };
	double topics = 0, share = 1;

	for (size_t a = 0; a < c->app_n; a++)
		topics += f[a].topics.series;
	if (c->max_series > 0 && topics > (double)c->max_series)
		share = (double)c->max_series / topics;
	buf_str(out, "\n# The plan");
	if (c->shard.total > 1)
		buf_fmt(out, " of shard %u, one of %u counted from 0: its communities, and its part of each budget",
		        c->shard.number, c->shard.total);
	buf_fmt(out,
	        ". A community whose topics are not named is taken to have %d; bytes are measured on "
	        "made-up ones.\n",
	        FORECAST_TOPICS);
	for (size_t a = 0; a < c->app_n; a++) {
		struct page one = { .others = exporter->series,
			                .bytes = heads + exporter->bytes,
			                .gzip = heads / heads_gzip + exporter->gzip };

		for (int i = 0; i < 2; i++) {
			struct page *p = i == 0 ? &one : &all;

			page_add(p, &f[a].topics, share, true);
			page_add(p, &f[a].communities, 1, false);
			page_add(p, &f[a].own, 1, false);
		}
		put_app(out, c, &c->app[a], &f[a], &one);
	}
	buf_str(out, "#\n# a scrape of all apps\n");
	put_page(out, c, &all);
	if (share < 1)
		buf_fmt(
			out,
			"#   max_series       %.0f series of topics would be above it: the quietest topics are folded\n",
			topics - (double)c->max_series);
}

enum err planner(const struct conf *c, const char *path, struct buf *out, struct buf *faults)
{
	struct forecast_app *f = calloc(c->app_n, sizeof(f[0]));
	struct forecast_ratios ratio;
	struct forecast exporter;
	enum err e = f != NULL ? forecast_exporter(c, &exporter) : ERR_MEMORY;

	if (e == ERR_OK)
		e = forecast_ratios(c, &ratio);
	for (size_t a = 0; e == ERR_OK && a < c->app_n; a++)
		e = forecast_app(c, a, &ratio, &f[a]);
	if (e == ERR_OK)
		put_plan(out, c, f, &exporter);
	free(f);
	for (size_t a = 0; e != ERR_MEMORY && a < c->app_n; a++) {
		check_inflight(c, &c->app[a], path, faults);
		check_share(c, &c->app[a], path, faults);
		if (check_budget(c, &c->app[a], path, faults) != ERR_OK)
			e = ERR_CONFIG;
	}
	return out->status == ERR_OK && faults->status == ERR_OK ? e : ERR_MEMORY;
}
