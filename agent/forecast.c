#include "agent/forecast.h"

#include "agent/base/log.h"
#include "agent/forecast_weigh.h"
#include "agent/forecast_world.h"
#include "agent/version.h"

enum {
	MEASURED = 64, /* communities of an app; what they differ in is the length of their ids */
	MEASURED_LEAST = 8,
	MEASURED_ALL = 2048, /* of all apps */
	LABELS_MAX = 64 << 10,
};

/* The sample lines alone, for `times` as many as were weighed. Few lines deflate badly, so where they stand
 * for many the ratio comes from elsewhere; below 0: it does not. */
static struct forecast sized(const struct weight *w, double times, double ratio)
{
	struct forecast f = { (double)w->series * times, (double)w->bytes * times, 0 };

	if (ratio < 0 && w->series > 0)
		ratio = (double)w->gzip / (double)(w->bytes + w->head_bytes);
	f.gzip = w->series > 0 ? f.bytes * ratio : 0;
	return f;
}

/* Some of an app's communities: of those that are configured, evenly taken from their list, or, when `made`,
 * of those that could be discovered. */
static enum err fill(struct store *s, const struct conf_app *app, size_t n, bool made)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		const struct conf_community *one =
			made ? &app->discovered : &app->community[i * app->community_n / n];
		char id[FORECAST_ID_MAX];

		forecast_id((unsigned)i, id);
		e = forecast_poll(s, app->sdkappid, made ? id : one->id, one);
	}
	return e;
}

/* Topics and communities. */
struct pair {
	struct weight topics, communities;
};

static enum err weigh_some(const struct conf *c, const struct conf_app *app, size_t n, bool made,
                           struct pair *ret)
{
	const struct exposition_parts parts = { 0 };
	struct store *s = NULL;
	enum err e = store_new(1, &s);

	if (e == ERR_OK)
		e = fill(s, app, n, made);
	if (e == ERR_OK)
		e = forecast_weigh(c, s, METRIC_TOPIC, &parts, &ret->topics);
	if (e == ERR_OK)
		e = forecast_weigh(c, s, METRIC_COMMUNITY, &parts, &ret->communities);
	store_free(s);
	return e;
}

enum err forecast_ratios(const struct conf *c, struct forecast_ratios *ret)
{
	const struct conf_app *app = &c->app[0];
	struct pair p;
	enum err e;

	for (size_t a = 1; a < c->app_n; a++)
		if (c->app[a].community_n > app->community_n)
			app = &c->app[a];
	e = weigh_some(c, app, MEASURED, app->community_n < MEASURED, &p);
	if (e == ERR_OK)
		*ret =
			(struct forecast_ratios){ sized(&p.topics, 1, -1).gzip / ((double)p.topics.bytes + 1),
			                          sized(&p.communities, 1, -1).gzip / ((double)p.communities.bytes + 1) };
	return e;
}

static size_t measured(const struct conf *c)
{
	const size_t share = MEASURED_ALL / c->app_n;

	return share > MEASURED ? MEASURED : share < MEASURED_LEAST ? MEASURED_LEAST : share;
}

static enum err forecast_configured(const struct conf *c, const struct conf_app *app,
                                    const struct forecast_ratios *ratio, struct forecast_app *ret)
{
	const size_t most = measured(c), n = app->community_n < most ? app->community_n : most;
	const double times = n > 0 ? (double)app->community_n / (double)n : 0;
	struct pair p;
	enum err e = weigh_some(c, app, n, false, &p);

	if (e != ERR_OK)
		return e;
	ret->topics = sized(&p.topics, times, ratio->topics);
	ret->communities = sized(&p.communities, times, ratio->communities);
	return ERR_OK;
}

static enum err forecast_discovered(const struct conf *c, const struct conf_app *app,
                                    const struct forecast_ratios *ratio, struct forecast *ret)
{
	const size_t n = measured(c);
	struct forecast t, o;
	struct pair p;
	enum err e = weigh_some(c, app, n, true, &p);

	if (e != ERR_OK)
		return e;
	t = sized(&p.topics, 1.0 / (double)n, ratio->topics);
	o = sized(&p.communities, 1.0 / (double)n, ratio->communities);
	*ret = (struct forecast){ t.series + o.series, t.bytes + o.bytes, t.gzip + o.gzip };
	return ERR_OK;
}

static enum err forecast_own(const struct conf *c, const struct conf_app *app, struct forecast *ret)
{
	static const struct tally idle;
	const struct now now = forecast_now();
	struct health_app h = {
		.up = UP_YES,
		.skew_known = true,
		.usersig_expiry_s = now.unix_s,
		.alive_s = now.unix_s,
	};
	struct exposition_parts parts = { .app = &h, .app_n = 1 };
	struct store *s = NULL;
	struct buf labels, info;
	struct weight w;
	enum err e = store_new(1, &s);

	for (int i = 0; i < CHAT_COMMANDS; i++)
		h.tally[i] = &idle;
	buf_init(&labels, LABELS_MAX);
	buf_init(&info, LABELS_MAX);
	buf_fmt(&labels, "sdkappid=\"%lld\"", (long long)app->sdkappid);
	label_add(&info, "app_name", span_of(app->name), SAMPLE_LABEL_MAX);
	label_add(&info, "api_host", span_of(app->host), SAMPLE_LABEL_MAX);
	h.labels = buf_view(&labels);
	h.info = buf_view(&info);
	if (labels.status != ERR_OK || info.status != ERR_OK)
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = forecast_weigh(c, s, METRIC_APP, &parts, &w);
	if (e == ERR_OK)
		*ret = sized(&w, 1, -1);
	store_free(s);
	buf_done(&info);
	buf_done(&labels);
	return e;
}

enum err forecast_app(const struct conf *c, size_t app, const struct forecast_ratios *ratio,
                      struct forecast_app *ret)
{
	struct forecast_app f = { 0 };
	enum err e = forecast_configured(c, &c->app[app], ratio, &f);

	if (e == ERR_OK && c->app[app].discovery_enabled)
		e = forecast_discovered(c, &c->app[app], ratio, &f.discovered);
	if (e == ERR_OK)
		e = forecast_own(c, &c->app[app], &f.own);
	if (e == ERR_OK)
		*ret = f;
	return e;
}

enum err forecast_exporter(const struct conf *c, struct forecast *ret)
{
	struct health_exporter x = { .series_known = true, .series_limit = (uint64_t)c->max_series };
	struct exposition_parts parts = { .exporter = &x };
	struct store *s = NULL;
	struct buf build;
	struct weight w;
	enum err e = store_new(1, &s);

	buf_init(&build, LABELS_MAX);
	version_labels(&build);
	x.build = buf_view(&build);
	x.reload_s = forecast_now().unix_s;
	x.process.start_ms = x.reload_s * 1000;
	for (int level = 0; level < SAY_LEVELS; level++)
		x.log[level].label = log_level_word((enum log_level)level);
	if (build.status != ERR_OK)
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = forecast_weigh(c, s, METRIC_EXPORTER, &parts, &w);
	if (e == ERR_OK)
		*ret = sized(&w, 1, -1);
	store_free(s);
	buf_done(&build);
	return e;
}

double forecast_heads(const struct conf *c)
{
	struct buf b;
	double len;

	buf_init(&b, LABELS_MAX);
	for (int scope = 0; scope < METRIC_SCOPES; scope++) {
		const struct metric_set set = forecast_metrics(c, (enum metric_scope)scope);

		for (int m = 0; m < METRIC_COUNT; m++)
			if (set.has[m])
				metric_header(&b, (enum metric)m, FORM_TEXT);
	}
	len = (double)b.len;
	buf_done(&b);
	return len;
}
