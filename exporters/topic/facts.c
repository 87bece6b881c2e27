#include <stdlib.h>
#include <string.h>

#include "exporters/topic/inside.h"

struct facts *facts_hold(struct facts *f)
{
	f->refs++;
	return f;
}

void facts_drop(struct facts *f)
{
	if (f != NULL && --f->refs == 0)
		free(f);
}

size_t facts_topics(const struct facts *f)
{
	return f->topic_n;
}

struct topic_mutes facts_mutes(const struct facts *f)
{
	return (struct topic_mutes){ f->mutes.muted, f->mutes.open, f->mutes.unknown };
}

size_t facts_bytes(const struct facts *f)
{
	const size_t unread = f->observed ? sizeof(f->unread[0]) : 0;

	return sizeof(*f) + text_room(f->text_len) + f->topic_n * (sizeof(f->topic[0]) + unread);
}

void facts_ahead(const struct facts *f, enum facts_part part)
{
	enum { LINE = 64, TOPICS = 20, TEXT = 24 }; /* what most communities have at most, and their topics */
	const size_t sums = offsetof(struct facts, idle);
	const size_t all = sizeof(*f) + TOPICS * (sizeof(f->topic[0]) + TEXT);

	/* A compiler that sees nothing but prefetches finds the function without effect, and drops its calls. */
	__asm__ volatile("");
	for (size_t at = 0; at < (part == FACTS_ALL ? all : sums); at += LINE)
		__builtin_prefetch((const char *)f + at);
}

uint64_t facts_new_messages(const struct facts *f)
{
	return (uint64_t)f->fresh;
}

int64_t facts_rate_milli(const struct facts *f)
{
	const __int128 milli = (__int128)f->fresh * 60000 * 1000;

	if (f->span_ms == 0)
		return -1;
	return milli / f->span_ms < INT64_MAX ? (int64_t)(milli / f->span_ms) : INT64_MAX;
}

int64_t facts_quietest_s(const struct facts *f)
{
	return f->quietest_s;
}

const uint32_t *facts_idle(const struct facts *f)
{
	return f->idle;
}

int topic_compare(const struct facts *a, const struct topic *x, const struct facts *b, const struct topic *y)
{
	const int kind = (x->flags & TOPIC_ID_KIND) - (y->flags & TOPIC_ID_KIND);

	if (kind != 0)
		return kind;
	if (x->id_len != y->id_len)
		return x->id_len < y->id_len ? -1 : 1;
	if (x->id_len == 0) /* a draft may have no text at all yet */
		return 0;
	return memcmp(a->text + x->id_at, b->text + y->id_at, x->id_len);
}

bool topic_is_anew(const struct topic *old, const struct topic *t)
{
	return old->created_s != 0 && t->created_s != 0 && old->created_s != t->created_s;
}

/* ---- finding ---- */
static int by_id(const void *left, const void *right, void *arg)
{
	const struct facts *f = arg;
	const uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
	const int order = topic_compare(f, &f->topic[l], f, &f->topic[r]);

	return order != 0 ? order : (l > r) - (l < r);
}

uint32_t *topics_sort(const struct facts *f)
{
	uint32_t *sorted = f->topic_n > 0 ? malloc(f->topic_n * sizeof(*sorted)) : NULL;

	if (sorted == NULL)
		return NULL;
	for (uint32_t i = 0; i < f->topic_n; i++)
		sorted[i] = i;
	qsort_r(sorted, f->topic_n, sizeof(*sorted), by_id, (void *)f);
	return sorted;
}

const struct topic *finder_find(struct finder *f, const struct facts *view, const struct topic *t)
{
	const struct facts *in = f->in;
	size_t low = 0, high;

	if (in == NULL || in->topic_n == 0)
		return NULL;
	if (f->next < in->topic_n && topic_compare(in, &in->topic[f->next], view, t) == 0)
		return &in->topic[f->next++];
	if (f->sorted == NULL)
		f->sorted = topics_sort(in);
	f->blind = f->blind || f->sorted == NULL;
	high = f->sorted != NULL ? in->topic_n : 0;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const int order = topic_compare(in, &in->topic[f->sorted[mid]], view, t);

		if (order == 0) {
			f->next = f->sorted[mid] + 1;
			return &in->topic[f->sorted[mid]];
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void finder_done(struct finder *f)
{
	free(f->sorted);
}
