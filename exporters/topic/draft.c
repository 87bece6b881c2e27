#include <stdlib.h>
#include <string.h>

#include "exporters/topic/inside.h"

/* 200,000 elements of one answer of 8 MiB, or 20,000 topics asked for in batches, stay far below. */
enum { DRAFT_TEXT_MAX = 256 << 20 };

#define UNREAD_REPEATED INT64_MIN /* marks a topic that has to go */

void draft_init(struct draft *d)
{
	*d = (struct draft){ 0 };
	buf_init(&d->text, 0);
}

void draft_done(struct draft *d)
{
	free(d->topic);
	free(d->unread);
	buf_done(&d->text);
}

enum err draft_reserve(struct draft *d, size_t topics, size_t text)
{
	const size_t least = d->n + topics, room = least > 2 * d->room ? least : 2 * d->room;
	struct topic *topic;
	int64_t *unread;

	if (d->text.max < d->text.len + text)
		d->text.max = d->text.len + text < DRAFT_TEXT_MAX ? d->text.len + text : DRAFT_TEXT_MAX;
	if (least <= d->room)
		return ERR_OK;
	topic = realloc(d->topic, room * sizeof(*topic));
	if (topic == NULL)
		return ERR_MEMORY;
	d->topic = topic;
	unread = realloc(d->unread, room * sizeof(*unread));
	if (unread == NULL)
		return ERR_MEMORY;
	d->unread = unread;
	d->room = room;
	return ERR_OK;
}

void draft_rewind(struct draft *d, const struct draft *mark)
{
	d->n = mark->n;
	d->failed = mark->failed;
	buf_rewind(&d->text, mark->text.len);
}

/* ---- topics that are there twice ---- */
/* Marks them and counts. In the common case the answer repeats the order of `before`, whose ids differ, and
 * nothing has to be sorted. */
static enum err mark_repeated(struct draft *d, const struct facts *before, uint32_t *ret_twice)
{
	const struct facts view = { .topic = d->topic, .text = d->text.at, .topic_n = (uint32_t)d->n };
	uint32_t *sorted;
	bool same = before != NULL && before->topic_n == d->n;

	*ret_twice = 0;
	for (size_t i = 0; same && i < d->n; i++)
		same = topic_compare(before, &before->topic[i], &view, &d->topic[i]) == 0;
	if (same || d->n < 2)
		return ERR_OK;
	sorted = topics_sort(&view);
	if (sorted == NULL)
		return ERR_MEMORY;
	for (size_t i = 1; i < d->n; i++) {
		if (topic_compare(&view, &d->topic[sorted[i - 1]], &view, &d->topic[sorted[i]]) == 0) {
			d->unread[sorted[i]] = UNREAD_REPEATED; /* the sort is stable: this one came later */
			++*ret_twice;
		}
	}
	free(sorted);
	return ERR_OK;
}

static void copy_unmarked(const struct draft *d, struct topic *topic, int64_t *unread)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->unread[i] == UNREAD_REPEATED)
			continue;
		topic[kept] = d->topic[i];
		if (unread != NULL)
			unread[kept] = d->unread[i];
		kept++;
	}
}

/* ---- sums ---- */
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

static void count_idle(struct facts *f, const struct topic *t, const struct topic_context *c)
{
	if ((t->flags & TOPIC_LAST_KNOWN) == 0)
		return;
	f->idle[t->last_message_s == 0 ? IDLE_NEVER : idle_bucket(c->now.unix_s - (int64_t)t->last_message_s)]++;
}

static void note_last(struct facts *f, uint32_t last_s)
{
	if (last_s > f->last_message_s)
		f->last_message_s = last_s;
	if (last_s != 0 && (f->quietest_s == 0 || last_s < f->quietest_s))
		f->quietest_s = last_s;
}

static uint32_t span_ms(int64_t from_ms, int64_t to_ms)
{
	const int64_t ms = to_ms > from_ms ? to_ms - from_ms : 0;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static enum err sum_up(struct facts *f, const struct topic_context *c, const struct facts *before)
{
	struct finder finder = { .in = before };

	for (uint32_t i = 0; i < f->topic_n; i++) {
		const struct topic *t = &f->topic[i];

		note_last(f, t->last_message_s);
		if ((t->flags & TOPIC_MUTE_KNOWN) == 0)
			f->mutes.unknown++;
		else if ((t->flags & TOPIC_MUTED) != 0)
			f->mutes.muted++;
		else
			f->mutes.open++;
		count_idle(f, t, c);
		f->fresh = add_messages(f->fresh, new_messages(t, finder_find(&finder, f, t), before));
		if (t->error_row == 0)
			count_fine(f, t, c);
	}
	f->messages = add_messages(before != NULL ? before->messages : 0, f->fresh);
	finder_done(&finder);
	return finder.blind ? ERR_MEMORY : ERR_OK;
}

/* One piece of memory: the facts, the texts, the topics, what is unread. Where there is a text there is a
 * topic, so that TEXT_STEP bytes of anything can be read. The draft stays as it is, so that after a failure
 * it can be rewound. */
static struct facts *pack(const struct draft *d, uint32_t twice, bool observer)
{
	const size_t n = d->n - twice, text = text_room(d->text.len);
	const size_t topics = n * sizeof(d->topic[0]), unread = observer ? n * sizeof(d->unread[0]) : 0;
	struct facts *f = calloc(1, sizeof(*f) + text + topics + unread);
	char *at = (char *)(f + 1);

	if (f == NULL)
		return NULL;
	f->text = at;
	f->text_len = (uint32_t)d->text.len;
	f->unread = observer ? (const int64_t *)(at + text) : NULL;
	f->topic = (const struct topic *)(at + text + unread);
	f->topic_n = (uint32_t)n;
	if (d->text.len > 0)
		memcpy(at, d->text.at, d->text.len);
	copy_unmarked(d, (struct topic *)(at + text + unread), observer ? (int64_t *)(at + text) : NULL);
	return f;
}

enum err draft_seal(struct draft *d, const struct topic_context *c, const struct facts *before,
                    uint32_t *ret_twice, struct facts **ret)
{
	enum err e = mark_repeated(d, before, ret_twice);
	struct facts *f;

	if (e != ERR_OK)
		return e;
	f = pack(d, *ret_twice, c->observer);
	if (f == NULL)
		return ERR_MEMORY;
	f->refs = 1;
	f->poll_s = c->now.unix_s;
	f->poll_ms = c->now.mono_ms;
	f->span_ms = before != NULL ? span_ms(before->poll_ms, f->poll_ms) : 0;
	f->failed = d->failed;
	f->observed = c->observer;
	topics_rank(f, (struct topic *)f->topic, c->community);
	if (sum_up(f, c, before) != ERR_OK) {
		facts_drop(f);
		return ERR_MEMORY;
	}
	*ret = f;
	return ERR_OK;
}
