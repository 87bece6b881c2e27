/* One community as the pages tell of it. */
#include <string.h>

#include "exporters/pages/status_inside.h"

int64_t status_fact(const struct facts *f, enum metric m)
{
	return f != NULL ? topic_community_value(f, m, 0) : -1;
}

int64_t status_idle_s(const struct facts *f, const struct now *now)
{
	const int64_t last_s = f != NULL ? facts_quietest_s(f) : 0;

	if (last_s == 0)
		return -1;
	return now->unix_s > last_s ? now->unix_s - last_s : 0;
}

void status_row_fill(const struct status_source *s, size_t i, bool curl, struct status_row *ret)
{
	const struct health_community *h = pin_health(s->pin, i);
	const struct facts *f = pin_facts(s->pin, i);

	*ret = (struct status_row){
		.i = i,
		.app = &s->app[pin_app(s->pin, i)],
		.state = health_state(h, f != NULL),
		.reason = h->reason,
		.code = h->reason != ERR_OK ? h->code : 0,
		.since_s = h->since_s != 0 ? (int64_t)h->since_s : -1,
		.failures = h->failures,
		.topics = status_fact(f, M_COMMUNITY_TOPICS),
		.muted = status_fact(f, M_COMMUNITY_TOPICS_MUTED),
		.silent = status_fact(f, M_COMMUNITY_TOPICS_SILENT),
		.idle_s = status_idle_s(f, &s->now),
		.last_poll_s = h->last_poll_s != 0 ? h->last_poll_s : -1,
		.last_success_s = h->last_success_s != 0 ? h->last_success_s : -1,
		.took_us = h->last_poll_s != 0 ? h->took_us : -1,
		.interval_ms = pin_interval(s->pin, i),
		.rate_milli = f != NULL ? facts_rate_milli(f) : -1,
		.idle = f != NULL ? facts_idle(f) : NULL,
	};
	s->member(s->arg, i, curl, &ret->member);
}

bool status_find(const struct status_source *s, const char *app, const char *id, size_t *ret)
{
	for (size_t i = 0; i < pin_communities(s->pin); i++) {
		const struct status_app *a = &s->app[pin_app(s->pin, i)];
		struct status_member m;

		if (strcmp(a->name, app) != 0)
			continue;
		s->member(s->arg, i, false, &m);
		if (strcmp(m.id, id) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}
