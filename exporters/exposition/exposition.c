#include "exporters/exposition/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/inside.h"

enum { SMALL_MAX = 64 << 20 };

/* ---- the small families ---- */
static uint64_t count_lines(const struct buf *b, size_t from)
{
	uint64_t n = 0;

	for (; b->status == ERR_OK && from < b->len; from++)
		n += b->at[from] == '\n';
	return n;
}

/* A header that no sample followed is taken back, so a family without samples leaves no trace. */
static void small_family(struct exposition *e, enum metric m, const struct exposition_parts *p)
{
	const enum metric_scope scope = metric_info(m)->scope;
	const size_t start = e->small.len;
	size_t head;

	metric_header(&e->small, m, e->form);
	head = e->small.len;
	if (scope == METRIC_PROBE) {
		if (p->probe != NULL)
			health_probe_samples(p->probe, m, &e->small);
	} else if (scope == METRIC_EXPORTER) {
		health_exporter_samples(p->exporter, m, &e->small);
	} else {
		for (size_t i = 0; i < p->app_n; i++)
			if (p->app[i].labels.len > 0 && (p->want.app == EXPOSITION_EVERY_APP || (size_t)p->want.app == i))
				health_app_samples(&p->app[i], m, &e->small);
	}
	if (scope < METRIC_SCOPES)
		e->small_series[scope] += count_lines(&e->small, head);
	if (e->small.status == ERR_OK && e->small.len == head)
		buf_rewind(&e->small, start);
}

/* ---- life ---- */
enum err exposition_open(const struct exposition_parts *parts, struct exposition **ret)
{
	struct exposition *e = calloc(1, sizeof(*e));
	enum err status;

	if (e == NULL) {
		store_unpin(parts->pin);
		return ERR_MEMORY;
	}
	e->view = (struct view){ parts->pin, parts->want.level, parts->want.app };
	e->form = parts->want.type.form;
	e->full = parts->want.full;
	e->metrics = parts->want.metrics;
	buf_init(&e->small, SMALL_MAX);
	for (int m = 0; m < METRIC_COUNT; m++)
		if (e->metrics.has[m] && metric_info((enum metric)m)->scope >= METRIC_APP)
			small_family(e, (enum metric)m, parts);
	buf_str(&e->small, metric_end(e->form));
	status = e->small.status;
	if (status == ERR_OK && parts->want.coding == CODING_GZIP) {
		e->gzip = gzip_new(e, parts->cache);
		status = e->gzip != NULL ? ERR_OK : ERR_MEMORY;
	}
	if (status != ERR_OK) {
		exposition_close(e);
		return status;
	}
	*ret = e;
	return ERR_OK;
}

void exposition_close(struct exposition *e)
{
	if (e == NULL)
		return;
	store_unpin(e->view.pin);
	buf_done(&e->small);
	gzip_free(e->gzip);
	free(e);
}

/* ---- the stream ---- */
bool exposition_is_streamed(const struct exposition *e)
{
	const enum metric_scope scope = metric_info((enum metric)e->at.metric)->scope;

	return e->metrics.has[e->at.metric] && scope <= METRIC_COMMUNITY && scope >= e->view.level;
}

void exposition_advance(struct exposition *e)
{
	e->at = (struct cursor){ .metric = e->at.metric + 1, .lines = e->at.lines };
}

size_t exposition_next(struct exposition *e, char *at, size_t room)
{
	size_t n;

	if (e->gzip != NULL)
		return gzip_next(e, at, room);
	if (e->spill_sent == e->spill_len && room >= EXPOSITION_BLOCK_MIN)
		return plain_next(e, at, room);
	if (e->spill_sent == e->spill_len) {
		e->spill_len = plain_next(e, e->spill, sizeof(e->spill));
		e->spill_sent = 0;
	}
	n = e->spill_len - e->spill_sent;
	if (n > room)
		n = room;
	memcpy(at, e->spill + e->spill_sent, n);
	e->spill_sent += n;
	return n;
}

int64_t exposition_measure(struct exposition *e)
{
	const struct cursor start = e->at;
	int64_t sum = 0;

	for (;;) {
		const size_t n = plain_next(e, e->spill, sizeof(e->spill));

		if (n == 0)
			break;
		sum += (int64_t)n;
	}
	e->at = start;
	return sum;
}

bool exposition_series(const struct exposition *e, uint64_t ret[METRIC_SCOPES])
{
	if (!e->full || e->at.metric < METRIC_COUNT || e->at.small < e->small.len)
		return false;
	memcpy(ret, e->small_series, sizeof(e->small_series));
	ret[METRIC_TOPIC] = pin_fold(e->view.pin)->shown;
	ret[METRIC_COMMUNITY] = e->at.lines;
	return true;
}
