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
	return f->mutes;
}

static size_t sealed_size(size_t topic_n, size_t text_len, bool observed)
{
	return sizeof(struct facts) + topic_n * (sizeof(struct topic) + (observed ? sizeof(int64_t) : 0)) +
	       text_len;
}

size_t facts_bytes(const struct facts *f)
{
	return sealed_size(f->topic_n, f->text_len, f->observed);
}

int topic_compare(const struct facts *a, const struct topic *x, const struct facts *b, const struct topic *y)
{
	const int own = (x->flags & TOPIC_OWN_ID) - (y->flags & TOPIC_OWN_ID);

	if (own != 0)
		return own;
	if (x->id_len != y->id_len)
		return x->id_len < y->id_len ? -1 : 1;
	if (x->id_len == 0) /* the community's id itself; a draft may have no text at all yet */
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

/* The numbers of all topics in the order of their ids; NULL: no memory, or no topics. */
static uint32_t *sort_topics(const struct facts *f)
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
		f->sorted = sort_topics(in);
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

/* ---- sealing ---- */
#define UNREAD_REPEATED INT64_MIN /* marks a topic that has to go */

/* An id may stand in an answer once; of several the first wins. In the common case the answer repeats the
 * order of `before`, whose ids differ, and nothing has to be sorted. */
static enum err drop_repeated(struct draft *d, const struct facts *before, uint32_t *ret_twice)
{
	const struct facts view = { .topic = d->topic, .text = d->text.at, .topic_n = (uint32_t)d->n };
	uint32_t *sorted;
	size_t kept = 0;
	bool same = before != NULL && before->topic_n == d->n;

	*ret_twice = 0;
	for (size_t i = 0; same && i < d->n; i++)
		same = topic_compare(before, &before->topic[i], &view, &d->topic[i]) == 0;
	if (same || d->n < 2)
		return ERR_OK;
	sorted = sort_topics(&view);
	if (sorted == NULL)
		return ERR_MEMORY;
	for (size_t i = 1; i < d->n; i++)
		if (topic_compare(&view, &d->topic[sorted[i - 1]], &view, &d->topic[sorted[i]]) == 0)
			d->unread[sorted[i]] = UNREAD_REPEATED; /* the sort is stable: this one came later */
	free(sorted);
	for (size_t i = 0; i < d->n; i++) {
		if (d->unread[i] == UNREAD_REPEATED) {
			++*ret_twice;
			continue;
		}
		d->topic[kept] = d->topic[i];
		d->unread[kept++] = d->unread[i];
	}
	d->n = kept;
	return ERR_OK;
}

/* What a topic adds to the community's message counter: the steps since the previous poll; all of it for a
 * topic created after that poll; nothing for one that is merely seen for the first time. An old topic without
 * a sequence (it was in error) tells nothing. */
static int64_t new_messages(const struct topic *t, const struct topic *old, const struct facts *before)
{
	if (before == NULL || t->next_seq == 0)
		return 0;
	if (old != NULL && topic_is_anew(old, t))
		return t->created_s > old->created_s ? t->next_seq - 1 : 0;
	if (old != NULL && old->next_seq != 0)
		return t->next_seq > old->next_seq ? t->next_seq - old->next_seq : 0;
	return t->created_s != 0 && t->created_s >= before->poll_s ? t->next_seq - 1 : 0;
}

/* A service that sends absurd numbers can stop the counter, not overflow it. */
static int64_t add_messages(int64_t sum, int64_t step)
{
	return sum <= INT64_MAX - step ? sum + step : INT64_MAX;
}

static void count_fine(struct facts *f, const struct topic *t, const struct topic_context *c)
{
	f->fine++;
	f->mute_known += (t->flags & TOPIC_MUTE_KNOWN) != 0;
	f->muted += (t->flags & TOPIC_MUTED) != 0;
	if ((t->flags & TOPIC_LAST_KNOWN) == 0)
		return;
	f->last_known++;
	if (t->last_message_s == 0)
		f->never++;
	else if (c->now.unix_s - (int64_t)t->last_message_s > c->silent_after_s)
		f->silent++;
}

static void sum_up(struct facts *f, const struct topic_context *c, const struct facts *before)
{
	struct finder finder = { .in = before };

	f->messages = before != NULL ? before->messages : 0;
	for (uint32_t i = 0; i < f->topic_n; i++) {
		const struct topic *t = &f->topic[i];

		if (t->last_message_s > f->last_message_s)
			f->last_message_s = t->last_message_s;
		if ((t->flags & TOPIC_MUTE_KNOWN) == 0)
			f->mutes.unknown++;
		else if ((t->flags & TOPIC_MUTED) != 0)
			f->mutes.muted++;
		else
			f->mutes.open++;
		f->messages = add_messages(f->messages, new_messages(t, finder_find(&finder, f, t), before));
		if (t->error_row == 0)
			count_fine(f, t, c);
	}
	finder_done(&finder);
}

enum err facts_seal(struct draft *d, const struct topic_context *c, const struct facts *before,
                    uint32_t *ret_twice, struct facts **ret)
{
	enum err e = drop_repeated(d, before, ret_twice);
	struct facts *f;
	char *at;

	if (e != ERR_OK)
		return e;
	f = calloc(1, sealed_size(d->n, d->text.len, c->observer));
	if (f == NULL)
		return ERR_MEMORY;
	f->refs = 1;
	f->topic_n = (uint32_t)d->n;
	f->text_len = (uint32_t)d->text.len;
	f->poll_s = c->now.unix_s;
	f->failed = d->failed;
	f->observed = c->observer;
	at = (char *)(f + 1);
	f->topic = memcpy(at, d->topic, d->n * sizeof(d->topic[0]));
	at += d->n * sizeof(d->topic[0]);
	if (c->observer) {
		f->unread = memcpy(at, d->unread, d->n * sizeof(d->unread[0]));
		at += d->n * sizeof(d->unread[0]);
	}
	f->text = at;
	if (d->text.len > 0)
		memcpy(at, d->text.at, d->text.len);
	sum_up(f, c, before);
	*ret = f;
	return ERR_OK;
}
