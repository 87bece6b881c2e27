/* One page of the list. For very many communities it computes a number for each, orders the numbers, and
 * looks closely at those of the page only. */
#include <stdlib.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { AHEAD = 8 };

/* ---- what is ordered ---- */
/* The worst first, and of those the longest in trouble. */
static uint64_t trouble_of(const struct status_source *s, size_t i)
{
	static const unsigned char rank[STATE_COUNT] = {
		[STATE_GONE] = 0, [STATE_FAILING] = 1, [STATE_STALE] = 2, [STATE_PENDING] = 3, [STATE_OK] = 4,
	};
	const struct health_community *h = pin_health(s->pin, i);
	const enum health_state state = health_state(h, pin_facts(s->pin, i) != NULL);

	return (uint64_t)rank[state] << 33 | (h->since_s != 0 ? (uint64_t)h->since_s : UINT64_C(1) << 32);
}

/* Only what the sort needs is looked at: most of the time goes into waiting for memory. */
static int64_t value_of(const struct status_source *s, enum status_sort sort, size_t i)
{
	const struct facts *f = pin_facts(s->pin, i);
	struct status_member m;

	switch (sort) {
	case SORT_TOPICS:
		return status_fact(f, M_COMMUNITY_TOPICS);
	case SORT_MUTED:
		return status_fact(f, M_COMMUNITY_TOPICS_MUTED);
	case SORT_SILENT:
		return status_fact(f, M_COMMUNITY_TOPICS_SILENT);
	case SORT_IDLE:
		return status_idle_s(f, &s->now);
	case SORT_LAST:
		return pin_health(s->pin, i)->last_poll_s != 0 ? pin_health(s->pin, i)->last_poll_s : -1;
	case SORT_NEXT:
		s->member(s->arg, i, false, &m);
		return m.next_poll_s;
	case SORT_RATE:
		return f != NULL ? facts_rate_milli(f) : -1;
	default:
		return -1;
	}
}

/* What is not known stands at the end, whatever the order. */
static uint64_t key_of(const struct status_source *s, const struct status_query *q, size_t i)
{
	const bool descends = status_sort_descends(q->sort) != q->reverse;
	int64_t value;

	if (q->sort == SORT_TROUBLE)
		return q->reverse ? ~trouble_of(s, i) : trouble_of(s, i);
	value = value_of(s, q->sort, i);
	if (value < 0)
		return UINT64_MAX;
	return (uint64_t)(descends ? INT64_MAX - value : value);
}

static bool is_ok(const struct status_source *s, size_t i)
{
	return health_state(pin_health(s->pin, i), pin_facts(s->pin, i) != NULL) == STATE_OK;
}

static bool is_found(const char *find, const struct status_member *m)
{
	return strcasestr(m->id, find) != NULL || (m->name != NULL && strcasestr(m->name, find) != NULL);
}

static void ask_ahead(const struct status_source *s, enum status_sort sort, size_t i)
{
	if (sort != SORT_TROUBLE && sort != SORT_NAME && i < pin_communities(s->pin) &&
	    pin_facts(s->pin, i) != NULL)
		facts_ahead(pin_facts(s->pin, i), FACTS_SUMS);
}

/* Those that the query wants, with what they are ordered by; returns how many. */
static size_t gather(const struct status_source *s, const struct status_query *q, struct ordering *to)
{
	size_t n = 0;

	for (size_t i = 0; i < pin_communities(s->pin); i++) {
		struct status_member m;

		ask_ahead(s, q->sort, i + AHEAD);
		if (q->app != NULL && strcmp(s->app[pin_app(s->pin, i)].name, q->app) != 0)
			continue;
		if (q->problems && is_ok(s, i))
			continue;
		if (q->find != NULL || to->name != NULL)
			s->member(s->arg, i, false, &m);
		if (q->find != NULL && !is_found(q->find, &m))
			continue;
		if (to->name != NULL)
			order_take_name(to, n, i, m.name != NULL ? m.name : m.id);
		to->at[n++] = (struct order_key){ to->name == NULL ? key_of(s, q, i) : 0, (uint32_t)i };
	}
	return n;
}

/* ---- the page ---- */
static bool ordering_open(struct ordering *s, const struct status_query *q, size_t n)
{
	*s = (struct ordering){
		.at = malloc((n + 1) * sizeof(s->at[0])),
		.room = malloc((n + 1) * sizeof(s->room[0])),
		.name = q->sort == SORT_NAME ? malloc((n + 1) * sizeof(s->name[0])) : NULL,
		.reverse = q->reverse,
	};
	return s->at != NULL && s->room != NULL && (s->name != NULL || q->sort != SORT_NAME);
}

static void ordering_close(struct ordering *s)
{
	free(s->name);
	free(s->room);
	free(s->at);
}

enum err status_list_new(const struct status_source *s, const struct status_query *q,
                         struct status_list **ret)
{
	const size_t all = pin_communities(s->pin), first = q->page * q->per_page;
	struct status_list *l = NULL;
	struct ordering sort;
	size_t n = 0, end = 0;

	if (ordering_open(&sort, q, all)) {
		n = gather(s, q, &sort);
		end = first + q->per_page < n ? first + q->per_page : n;
		l = calloc(1, sizeof(*l) + (end > first ? end - first : 0) * sizeof(l->row[0]));
	}
	if (l != NULL) {
		l->query = *q;
		l->all = all;
		l->matched = n;
		if (sort.name != NULL && end > first)
			order_names(&sort, n, first, end);
		else if (end > first)
			order_numbers(&sort, n);
		for (size_t i = first; i < end; i++)
			status_row_fill(s, sort.at[i].i, false, &l->row[l->row_n++]);
		*ret = l;
	}
	ordering_close(&sort);
	return l != NULL ? ERR_OK : ERR_MEMORY;
}

void status_list_free(struct status_list *l)
{
	free(l);
}
