/* What a poll changed, by family: how a page knows which of its lines are as they were. */
#include <limits.h>
#include <string.h>

#include "exporters/topic/inside.h"

static unsigned bit(enum metric m, bool differs)
{
	return (unsigned)differs << m;
}

static bool names_differ(const struct facts *a, const struct topic *x, const struct facts *b,
                         const struct topic *y)
{
	return x->name_len != y->name_len ||
	       (x->name_len > 0 && memcmp(topic_name(a, x).at, topic_name(b, y).at, x->name_len) != 0);
}

/* The families in which topic i of both has other lines. What neither has a line of does not count. */
static unsigned changed(const struct facts *a, const struct facts *b, uint32_t i)
{
	const struct topic *x = &a->topic[i], *y = &b->topic[i];
	const unsigned either = (unsigned)x->has | y->has;
	const unsigned flags = (unsigned)x->flags ^ y->flags;
	unsigned m = (unsigned)x->has ^ y->has;

	if (topic_compare(a, x, b, y) != 0)
		return either;
	m |= bit(M_TOPIC_CREATED, x->created_s != y->created_s);
	m |= bit(M_TOPIC_LAST_MESSAGE, x->last_message_s != y->last_message_s);
	m |= bit(M_TOPIC_MESSAGES, x->next_seq != y->next_seq);
	m |= bit(M_TOPIC_MUTED, (flags & TOPIC_MUTED) != 0);
	m |= bit(M_TOPIC_OBSERVER_UNREAD, a->observed && b->observed && a->unread[i] != b->unread[i]);
	m |= bit(M_TOPIC_OBSERVER_MUTED, (flags & TOPIC_WATCHER_MUTED) != 0);
	m |= bit(M_TOPIC_ERROR, x->error_row != y->error_row);
	m |= bit(M_TOPIC_INFO, (either & 1u << M_TOPIC_INFO) != 0 && names_differ(a, x, b, y));
	return m & either;
}

/* Those of topics that the other facts have no counterpart of. */
static unsigned added(const struct facts *f, uint32_t from)
{
	unsigned m = 0;

	for (uint32_t i = from; i < f->topic_n; i++)
		m |= f->topic[i].has;
	return m;
}

static unsigned families_changed(const struct facts *a, const struct facts *b)
{
	const uint32_t both = a->topic_n < b->topic_n ? a->topic_n : b->topic_n;
	unsigned m = added(a, both) | added(b, both);

	for (uint32_t i = 0; i < both; i++)
		m |= changed(a, b, i);
	return m;
}

void facts_follow(struct facts *f, const struct facts *before, uint64_t revision)
{
	const unsigned anew = before != NULL ? families_changed(f, before) : UINT_MAX;

	for (int m = 0; m < TOPIC_FAMILIES; m++)
		f->revision[m] = (anew >> m & 1) != 0 ? revision : before->revision[m];
}

uint64_t facts_revision(const struct facts *f, enum metric m, uint64_t floor)
{
	const uint64_t own = f->revision[m], rank = f->revision[M_TOPIC_LAST_MESSAGE];

	return floor == 0 || floor == TOPIC_NONE || own > rank ? own : rank;
}
