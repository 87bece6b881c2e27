#include "exporters/exposition/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/exposition/inside.h"

enum { SMALL_MAX = 64 << 20 };

struct cursor {
	int metric; /* METRIC_COUNT: only the small families are left */
	struct place at;
	bool headed;    /* the family's header has been sent */
	size_t small;   /* bytes of the small families sent */
	uint64_t lines; /* of community families */
};

struct exposition {
	struct view view;
	struct metric_set metrics; /* to show */
	enum form form;
	struct cursor at;
	struct buf small; /* app and exporter families, and the end mark; rendered when opened */
	bool full;
	uint64_t small_series[METRIC_SCOPES];
	size_t spill_sent, spill_len;
	char spill[EXPOSITION_BLOCK_MIN]; /* a block for a caller with less room than that */
};

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
	if (scope == METRIC_EXPORTER)
		health_exporter_samples(p->exporter, m, &e->small);
	else
		for (size_t i = 0; i < p->app_n; i++)
			if (p->want.app == EXPOSITION_EVERY_APP || (size_t)p->want.app == i)
				health_app_samples(&p->app[i], m, &e->small);
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
	free(e);
}

/* ---- the stream ---- */
/* Renders the family the cursor stands in until it ends or the buffer is full; true when it ended. */
static bool render_family(struct exposition *e, struct buf *out)
{
	const enum metric m = (enum metric)e->at.metric;
	const size_t start = out->len;
	size_t head = start;
	bool ended;

	if (!e->at.headed) {
		metric_header(out, m, e->form);
		head = out->len;
	}
	ended = out->status == ERR_OK &&
	        lines_write(&e->view, m, &e->at.at, pin_communities(e->view.pin), out, &e->at.lines);
	if (out->len > head)
		e->at.headed = true;
	else
		out->len = start;
	out->status = ERR_OK; /* a line that did not fit left the length as it was */
	return ended;
}

static bool is_streamed(const struct exposition *e)
{
	return e->metrics.has[e->at.metric] && metric_info((enum metric)e->at.metric)->scope <= METRIC_COMMUNITY;
}

static size_t render_block(struct exposition *e, char *at, size_t room)
{
	struct buf out;

	buf_wrap(&out, at, room);
	while (e->at.metric < METRIC_COUNT) {
		if (is_streamed(e) && !render_family(e, &out))
			return out.len;
		e->at = (struct cursor){ .metric = e->at.metric + 1, .lines = e->at.lines };
	}
	room -= out.len;
	if (room > e->small.len - e->at.small)
		room = e->small.len - e->at.small;
	buf_add(&out, e->small.at + e->at.small, room);
	e->at.small += room;
	return out.len;
}

size_t exposition_next(struct exposition *e, char *at, size_t room)
{
	size_t n;

	if (e->spill_sent == e->spill_len && room >= EXPOSITION_BLOCK_MIN)
		return render_block(e, at, room);
	if (e->spill_sent == e->spill_len) {
		e->spill_len = render_block(e, e->spill, sizeof(e->spill));
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
		const size_t n = render_block(e, e->spill, sizeof(e->spill));

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
