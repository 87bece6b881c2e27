#include "agent/forecast_weigh.h"

#include <stdlib.h>
#include <string.h>

#include "agent/forecast_world.h"

enum { BLOCK = 2 * EXPOSITION_BLOCK_MIN };

struct metric_set forecast_metrics(const struct conf *c, enum metric_scope scope)
{
	struct metric_set set = { 0 };
	enum metric m;

	for (int i = 0; i < METRIC_COUNT; i++)
		set.has[i] = metric_info((enum metric)i)->scope == scope;
	for (size_t i = 0; i < c->disable.n; i++)
		if (metric_find(c->disable.at[i], &m))
			set.has[m] = false;
	return set;
}

static void weigh_text(const char *at, size_t len, struct weight *w)
{
	while (len > 0) {
		const char *end = memchr(at, '\n', len);
		const size_t line = end != NULL ? (size_t)(end - at) + 1 : len;

		if (*at == '#') {
			w->head_bytes += line;
		} else {
			w->series++;
			w->bytes += line;
		}
		at += line;
		len -= line;
	}
}

static enum err weigh_body(const struct exposition_parts *parts, struct weight *w)
{
	struct exposition *e = NULL;
	char *block = malloc(BLOCK);
	enum err status = ERR_MEMORY;
	size_t n = 0;

	if (block == NULL)
		store_unpin(parts->pin);
	else
		status = exposition_open(parts, &e);
	while (status == ERR_OK && (n = exposition_next(e, block, BLOCK)) > 0) {
		if (n == EXPOSITION_BROKEN)
			status = ERR_MEMORY;
		else if (parts->want.coding == CODING_GZIP)
			w->gzip += n;
		else
			weigh_text(block, n, w);
	}
	exposition_close(e);
	free(block);
	return status;
}

enum err forecast_weigh(const struct conf *c, struct store *s, enum metric_scope scope,
                        const struct exposition_parts *parts, struct weight *ret)
{
	const struct metric_set set = forecast_metrics(c, scope);
	const struct now now = forecast_now();
	struct exposition_parts p = *parts;
	struct weight w = { 0 };
	enum err e = ERR_MEMORY;

	p.want = exposition_everything(&set);
	p.cache = exposition_cache_new();
	if (p.cache != NULL)
		e = store_pin(s, &now, &p.pin);
	if (e == ERR_OK)
		e = weigh_body(&p, &w);
	p.want.coding = CODING_GZIP;
	if (e == ERR_OK)
		e = store_pin(s, &now, &p.pin);
	if (e == ERR_OK)
		e = weigh_body(&p, &w);
	exposition_cache_free(p.cache);
	if (e == ERR_OK)
		*ret = w;
	return e;
}
