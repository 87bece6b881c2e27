#include "exporters/topic/inside.h"

/* Ids in one question; the topics below which, and the polls after which, an easier way is tried again. */
enum { BATCH = 200, EASY_TOPICS = 1500, EASY_POLLS = 20, WHOLE_POLLS = 60 };

/* ---- where to start ---- */
static enum step first_step(struct topic_poll *p)
{
	const struct topic_way *w = &p->start;

	if (w->step == STEP_FILTER && w->since >= WHOLE_POLLS) {
		p->now.since = 0;
		return STEP_WHOLE;
	}
	if (w->step == STEP_IDS && w->topics < EASY_TOPICS && w->since >= EASY_POLLS) {
		p->now.since = 0;
		return w->filter == FILTER_ABANDONED ? STEP_WHOLE : STEP_FILTER;
	}
	return (enum step)w->step;
}

/* What fitted last, and now and then more. */
size_t way_batch(struct topic_poll *p)
{
	const struct topic_way *w = &p->start;
	const bool named = p->q.topic_n > 0;
	const size_t most = named ? p->asked.n : BATCH;

	if (p->now.batch == 0)
		return named ? 0 : BATCH;
	if (named && p->now.batch >= most && w->since >= WHOLE_POLLS) {
		p->now.since = 0;
		return 0;
	}
	if (p->now.batch >= most)
		return most;
	if (w->since < EASY_POLLS)
		return p->now.batch;
	p->now.since = 0;
	return p->now.batch * 2u < most ? p->now.batch * 2u : most;
}

void way_begin(struct topic_poll *p)
{
	const bool named = p->q.topic_n > 0;

	p->step = named ? STEP_BATCH : first_step(p);
	p->size = named ? way_batch(p) : 0;
}

bool way_is_filtered(const struct topic_poll *p)
{
	return p->step == STEP_FILTER || (p->step == STEP_BATCH && p->size > 0 && p->now.filter < FILTER_SUSPECT);
}

/* ---- an answer too large, or a question refused as it is ---- */
static bool shrink_batch(struct topic_poll *p, bool refused)
{
	const size_t asked = p->asked.to - p->asked.from;

	if (refused && way_is_filtered(p) && p->now.filter == FILTER_UNTRIED) {
		p->now.filter = FILTER_SUSPECT;
		return true;
	}
	if (!refused && p->size == 0 && p->now.filter != FILTER_ABANDONED)
		p->size = asked < BATCH ? asked : BATCH; /* the filter is new and may be all it takes */
	else if (asked == 1)
		return false;
	else
		p->size = asked > 2 * BATCH ? BATCH : asked / 2;
	if (p->now.filter == FILTER_SUSPECT)
		p->now.filter = FILTER_UNTRIED; /* it was not the filter, or nobody can tell */
	p->now.batch = (uint16_t)p->size;
	asked_window(&p->asked, p->asked.from, p->size);
	return true;
}

bool way_less(struct topic_poll *p, bool refused)
{
	p->now.since = 0;
	switch (p->step) {
	case STEP_BATCH:
		return shrink_batch(p, refused);
	case STEP_IDS:
		if (p->now.by_face)
			return false;
		p->now.by_face = true;
		return true;
	case STEP_FILTER:
		if (refused)
			p->now.filter = FILTER_ABANDONED;
		p->step = STEP_IDS;
		break;
	case STEP_WHOLE:
		p->step = p->now.filter == FILTER_ABANDONED ? STEP_IDS : STEP_FILTER;
		break;
	}
	p->now.step = (uint8_t)p->step;
	return true;
}

void way_unfilter(struct topic_poll *p)
{
	p->now.filter = FILTER_ABANDONED;
	p->now.since = 0;
	if (p->step == STEP_FILTER) {
		p->step = STEP_IDS;
		p->now.step = STEP_IDS;
	}
}

void way_proven(struct topic_poll *p)
{
	if (way_is_filtered(p))
		p->now.filter = FILTER_WORKS;
	else if (p->step == STEP_BATCH && p->now.filter == FILTER_SUSPECT)
		p->now.filter = FILTER_ABANDONED;
}

/* ---- what is remembered ---- */
void way_more(struct topic_poll *p)
{
	*p->way = p->now;
}

/* What was learnt on the way into a dead end is worth nothing; the poll itself keeps it, for a retry. */
void way_dead_end(struct topic_poll *p, bool refused)
{
	*p->way = p->now;
	p->way->by_face = false;
	p->way->batch = p->start.batch;
	if (refused || p->now.filter == FILTER_SUSPECT)
		p->way->filter = FILTER_UNTRIED;
}

void way_complete(struct topic_poll *p)
{
	struct topic_way *w = &p->now;
	const uint16_t since = (uint16_t)(w->since + (w->since < UINT16_MAX));

	if (p->step == STEP_WHOLE || (p->step == STEP_BATCH && p->size == 0)) {
		*w = (struct topic_way){ 0 };
	} else {
		w->since = since;
		w->topics = (uint16_t)p->asked.n;
		if (p->step == STEP_FILTER)
			w->step = STEP_FILTER;
		else
			w->batch = (uint16_t)(p->size < UINT16_MAX ? p->size : UINT16_MAX);
	}
	*p->way = *w;
}
