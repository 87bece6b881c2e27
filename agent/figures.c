/* What the program says about itself, and which topics its cap folds. */
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon.h"

enum { PRINT_MAX = 256 << 20, HASH_BYTES = 6 };

/* What stands in lists is not printed with the configuration. */
static void put_listed(const struct conf *c, struct buf *out)
{
	for (size_t a = 0; a < c->app_n; a++)
		for (size_t i = 0; i < c->app[a].community_n; i++)
			if (c->app[a].community[i].list != NULL)
				buf_fmt(out, "%zu %s\n", a, c->app[a].community[i].id);
}

/* The printed configuration has no secrets in it, so two that differ in a key alone have the same hash. */
enum err figures_hash(const struct conf *c, int64_t *ret)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf b;
	enum err e;

	if (c->whole_hash != 0) { /* all shards say the same */
		*ret = c->whole_hash;
		return ERR_OK;
	}
	buf_init(&b, PRINT_MAX);
	conf_print(c, &b);
	put_listed(c, &b);
	e = b.status;
	if (e == ERR_OK) {
		(void)SHA256((const unsigned char *)b.at, b.len, digest);
		*ret = 0;
		for (int i = 0; i < HASH_BYTES; i++)
			*ret = *ret << 8 | digest[i];
	}
	buf_done(&b);
	return e;
}

/* Everything but what the configuration takes away. */
static void choose_metrics(struct daemon *d)
{
	const struct conf_list *disable = &d->conf->disable;
	enum metric m;

	memset(&d->metrics, true, sizeof(d->metrics));
	for (size_t i = 0; i < disable->n; i++)
		if (metric_find(disable->at[i], &m))
			d->metrics.has[m] = false;
}

static unsigned topic_families(const struct metric_set *set)
{
	unsigned families = 0;

	for (int m = 0; m < TOPIC_FAMILIES; m++)
		families |= (unsigned)set->has[m] << m;
	return families;
}

enum err figures_open(struct daemon *d)
{
	struct web_count row;
	size_t rows = 0;
	int64_t hash;
	enum err e;

	while (web_count(d->web, rows, &row))
		rows++;
	d->http = calloc(rows + 1, sizeof(d->http[0]));
	if (d->http == NULL)
		return ERR_MEMORY;
	d->exporter.shard = d->conf->shard.number;
	d->exporter.total_shards = d->conf->shard.total;
	e = figures_hash(d->conf, &hash);
	if (e == ERR_OK)
		figures_adopt(d, hash);
	return e;
}

void figures_adopt(struct daemon *d, int64_t hash)
{
	const struct metric_set before = d->metrics;
	const uint64_t max_series = (uint64_t)d->conf->max_series;

	choose_metrics(d);
	/* It costs the next page a look at everything. */
	if (max_series != d->exporter.series_limit || memcmp(&before, &d->metrics, sizeof(before)) != 0)
		store_cap(d->store, max_series, topic_families(&d->metrics));
	d->exporter.reload_ok = true;
	d->exporter.reload_s = d->now.unix_s;
	d->exporter.series_limit = max_series;
	d->exporter.config_hash = hash;
}

void figures_close(struct daemon *d)
{
	free(d->http);
	d->http = NULL;
}

/* A row that has counted nothing is shown where something is expected to come, so that increase() sees it. */
static void take_requests(struct daemon *d)
{
	struct web_count c;
	size_t n = 0;

	for (size_t row = 0; web_count(d->web, row, &c); row++)
		if (c.n > 0 || c.usual)
			d->http[n++] = (struct health_count){ c.handler, c.status, c.n };
	d->exporter.http = d->http;
	d->exporter.http_n = n;
}

static void take_fold(struct daemon *d, const struct store_fold *f)
{
	const bool folding = f->topics > 0;

	d->exporter.suppressed[SUPPRESSED_MAX_SERIES] = f->capped;
	d->exporter.suppressed[SUPPRESSED_LEVEL] = f->leveled;
	d->exporter.suppressed[SUPPRESSED_DISABLE] = f->other;
	if (folding && !d->folding)
		LOG(SAY_WARN, "topics_folded", LOG_INT("topics", (int64_t)f->topics),
		    LOG_INT("series", (int64_t)f->capped), LOG_INT("max_series", d->conf->max_series),
		    LOG_TEXT("effect", "the quietest topics are counted in their communities only"),
		    LOG_TEXT("cure", "raise metrics.max_series, or set a level for some communities"));
	else if (!folding && d->folding)
		LOG(SAY_INFO, "topics_unfolded", LOG_INT("series", (int64_t)f->shown),
		    LOG_INT("max_series", d->conf->max_series));
	d->folding = folding;
}

void figures_take(struct daemon *d, const struct pin *p)
{
	struct why why = { 0 };

	for (int level = 0; level < SAY_LEVELS; level++)
		d->exporter.log[level] = (struct health_count){ .label = log_level_word((enum log_level)level),
			                                            .n = log_lines((enum log_level)level) };
	d->exporter.ready = daemon_unready(d, &why) == NULL;
	health_process_read(&d->exporter.process);
	take_requests(d);
	take_fold(d, pin_fold(p));
}

void figures_scraped(struct daemon *d, const struct exposition *e)
{
	uint64_t series[METRIC_SCOPES];

	if (!exposition_series(e, series))
		return;
	memcpy(d->exporter.series, series, sizeof(series));
	d->exporter.series_known = true;
}
