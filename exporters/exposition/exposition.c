#include "exporters/exposition/exposition.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL_MAX = 64 << 20 };

/* Where the next line comes from. */
struct cursor {
	int metric; /* METRIC_COUNT: only the small families are left */
	size_t community, topic;
	bool headed;  /* the family's header has been sent */
	size_t small; /* bytes of the small families sent */
};

struct exposition {
	struct pin *pin;
	struct cursor at;
	struct buf small; /* app and exporter families, rendered when opened */
	size_t spill_sent, spill_len;
	char spill[EXPOSITION_BLOCK_MIN]; /* a block for a caller with less room than that */
};

/* A header that no sample followed is taken back, so a family without samples leaves no trace. */
static void small_family(struct buf *out, enum metric m, const struct exposition_parts *p)
{
	const size_t start = out->len;
	size_t head;

	metric_header(out, m);
	head = out->len;
	if (metric_info(m)->scope == METRIC_EXPORTER)
		health_exporter_samples(p->exporter, m, out);
	else
		for (size_t i = 0; i < p->app_n; i++)
			health_app_samples(&p->app[i], m, out);
	if (out->status == ERR_OK && out->len == head)
		buf_rewind(out, start);
}

enum err exposition_open(const struct exposition_parts *parts, struct exposition **ret)
{
	struct exposition *e = calloc(1, sizeof(*e));
	enum err status;

	if (e == NULL) {
		store_unpin(parts->pin);
		return ERR_MEMORY;
	}
	e->pin = parts->pin;
	buf_init(&e->small, SMALL_MAX);
	for (int m = 0; m < METRIC_COUNT; m++)
		if (metric_info((enum metric)m)->scope >= METRIC_APP)
			small_family(&e->small, (enum metric)m, parts);
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
	store_unpin(e->pin);
	buf_done(&e->small);
	free(e);
}

/* The lines of one family and community; true when all of them fitted. */
static bool render_community(struct exposition *e, enum metric m, struct buf *out)
{
	const struct store_community *c = pin_community(e->pin, e->at.community);
	const struct facts *f = pin_facts(e->pin, e->at.community);
	const struct metric_info *info = metric_info(m);

	if (info->from == METRIC_HEALTH) {
		const struct health_settings set = pin_settings(e->pin, e->at.community);

		health_community_sample(pin_health(e->pin, e->at.community), &set, m, c->place.labels, out);
	} else if (f != NULL && info->scope == METRIC_COMMUNITY) {
		topic_community_sample(f, m, &c->place, out);
	} else if (f != NULL) {
		const size_t n = facts_topics(f);

		e->at.topic = topic_samples(f, m, &c->place, e->at.topic, out);
		return e->at.topic >= n;
	}
	return out->status == ERR_OK;
}

/* Renders the family the cursor stands in until it ends or the buffer is full; true when it ended. */
static bool render_family(struct exposition *e, struct buf *out)
{
	const enum metric m = (enum metric)e->at.metric;
	const size_t start = out->len;
	size_t head = start;
	bool ended = true;

	if (!e->at.headed) {
		metric_header(out, m);
		head = out->len;
	}
	for (; e->at.community < pin_communities(e->pin); e->at.community++, e->at.topic = 0) {
		if (out->status != ERR_OK || !render_community(e, m, out)) {
			ended = false;
			break;
		}
	}
	if (out->len > head)
		e->at.headed = true;
	else
		out->len = start;
	out->status = ERR_OK; /* a line that did not fit left the length as it was */
	return ended;
}

static size_t render_block(struct exposition *e, char *at, size_t room)
{
	struct buf out;

	buf_wrap(&out, at, room);
	while (e->at.metric < METRIC_COUNT) {
		const enum metric_scope scope = metric_info((enum metric)e->at.metric)->scope;

		if (scope <= METRIC_COMMUNITY && !render_family(e, &out))
			return out.len;
		e->at = (struct cursor){ .metric = e->at.metric + 1 };
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
