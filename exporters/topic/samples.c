#include <assert.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"

/* ---- topic families: which facts a line needs, and its value ---- */
static bool sequence_told(const struct topic *t)
{
	return t->next_seq != 0 && (t->flags & TOPIC_SEQ_UNTOLD) == 0;
}

static bool is_known(const struct facts *f, enum metric m, size_t i)
{
	const struct topic *t = &f->topic[i];

	switch (m) {
	case M_TOPIC_INFO:
		return (t->flags & TOPIC_NAMED) != 0;
	case M_TOPIC_CREATED:
		return t->created_s != 0;
	case M_TOPIC_LAST_MESSAGE:
		return t->last_message_s != 0;
	case M_TOPIC_MESSAGES:
		return sequence_told(t);
	case M_TOPIC_MUTED:
		return (t->flags & TOPIC_MUTE_KNOWN) != 0;
	case M_TOPIC_OBSERVER_UNREAD:
		return f->observed && sequence_told(t) && f->unread[i] >= 0;
	case M_TOPIC_OBSERVER_MUTED:
		return (t->flags & TOPIC_WATCHED) != 0;
	case M_TOPIC_ERROR:
		return t->error_row != 0;
	default:
		return false;
	}
}

/* Where it is known. */
static inline uint64_t value_of(const struct facts *f, enum metric m, size_t i)
{
	const struct topic *t = &f->topic[i];

	switch (m) {
	case M_TOPIC_CREATED:
		return t->created_s;
	case M_TOPIC_LAST_MESSAGE:
		return t->last_message_s;
	case M_TOPIC_MESSAGES:
		return (uint64_t)t->next_seq - 1;
	case M_TOPIC_MUTED:
		return (t->flags & TOPIC_MUTED) != 0;
	case M_TOPIC_OBSERVER_UNREAD:
		return (uint64_t)f->unread[i];
	case M_TOPIC_OBSERVER_MUTED:
		return (t->flags & TOPIC_WATCHER_MUTED) != 0;
	default: /* an info */
		return 1;
	}
}

bool topic_value(const struct facts *f, enum metric m, size_t i, uint64_t *ret)
{
	if (!is_known(f, m, i))
		return false;
	*ret = value_of(f, m, i);
	return true;
}

unsigned topic_families(const struct facts *f, size_t i)
{
	unsigned families = 0;

	for (int m = 0; m < TOPIC_FAMILIES; m++)
		families |= (unsigned)is_known(f, (enum metric)m, i) << m;
	return families;
}

/* ---- lines ---- */
/* Texts are copied in whole steps, without a call and without a look at their length. What that reads behind
 * a text is there (TEXT_STEP); what it writes there is overwritten by what follows. */
static inline char *put(char *at, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i += TEXT_STEP)
		memcpy(at + i, text + i, TEXT_STEP);
	return at + len;
}

static inline char *put_exactly(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static inline char *put_word(char *at, const char *word)
{
	return put_exactly(at, word, strlen(word));
}

/* Everything of a line up to the topic's id is the same from topic to topic. Ids of communities are at most
 * 96 bytes, and escaping doubles at worst. */
enum { HEAD_MAX = 512 };
struct head {
	size_t len[ID_KINDS]; /* the whole with an id of that kind */
	char text[HEAD_MAX + TEXT_STEP];
};

static void make_head(struct head *h, enum metric m, const struct topic_place *place)
{
	static const char open[] = "{", topic[] = ",topic=\"";
	const struct span family = metric_info(m)->family, labels = place->labels, id = place->community;
	char *at = h->text;

	assert(family.len + labels.len + id.len + sizeof(open) + sizeof(topic) +
	           sizeof(TOPIC_MARK TOPIC_MARK_MADE) <=
	       HEAD_MAX);
	at = put_word(put_exactly(at, family.at, family.len), open);
	at = put_word(put_exactly(at, labels.at, labels.len), topic);
	h->len[ID_WHOLE] = (size_t)(at - h->text);
	at = put_exactly(at, id.at, id.len);
	h->len[ID_AFTER_COMMUNITY] = (size_t)(at - h->text);
	at = put_word(at, TOPIC_MARK);
	h->len[ID_AFTER_MARK] = (size_t)(at - h->text);
	at = put_word(at, TOPIC_MARK_MADE);
	h->len[ID_MADE] = (size_t)(at - h->text);
}

/* The label that only an info has, and the quote before it: without the name, a few bytes and a code. */
enum { EXTRA_MAX = 32 };

static inline char *put_extra(char *at, const struct facts *f, enum metric m, const struct topic *t)
{
	if (m == M_TOPIC_INFO)
		return put(put_word(at, "\",topic_name=\""), topic_name(f, t).at, t->name_len);
	if (m == M_TOPIC_ERROR)
		return put_word(put_word(at, "\",code=\""), chat_code(t->error_row - 1u)->label);
	return at;
}

/* The most a line takes behind its head. In the end it is the value, with `"} ` before it and a newline
 * behind, 24 bytes, or what a step wrote too much. */
static inline size_t room_for(enum metric m, const struct topic *t)
{
	const size_t extra = m == M_TOPIC_INFO || m == M_TOPIC_ERROR ? EXTRA_MAX : 0;

	return t->id_len + extra + (m == M_TOPIC_INFO ? t->name_len : 0u) + TEXT_STEP;
}

/* As topic_samples. Made once a family, with `m` a constant: what differs is decided outside of the loop. */
static inline __attribute__((always_inline)) size_t write_lines(const struct facts *f, enum metric m,
                                                                const struct head *h, uint64_t floor,
                                                                size_t from, struct buf *out)
{
	const struct topic *const topic = f->topic;
	const char *const text = f->text;
	const size_t n = f->topic_n;
	size_t room = 0; /* from `at` on */
	char *at = NULL;

	for (size_t i = from; i < n; i++) {
		const struct topic *t = &topic[i];
		const size_t head = h->len[t->flags & TOPIC_ID_KIND];
		const size_t most = head + room_for(m, t);
		const char *start;

		if ((t->has >> m & 1) == 0 || topic_rank(t) < floor)
			continue;
		if (room < most) {
			at = buf_room(out, most);
			if (at == NULL)
				return i;
			room = out->cap - out->len;
		}
		start = at;
		at = put(at, h->text, head);
		at = put(at, text + t->id_at, t->id_len);
		at = put_extra(at, f, m, t);
		at = sample_number(put_word(at, "\"} "), value_of(f, m, i));
		*at++ = '\n';
		out->len += (size_t)(at - start);
		room -= (size_t)(at - start);
	}
	return n;
}

size_t topic_samples(const struct facts *f, enum metric m, const struct topic_place *at, uint64_t floor,
                     size_t from, struct buf *out)
{
	/* A scrape makes a head for each community and family; the compiler need not clear it first. */
	struct head h __attribute__((uninitialized));

	if (metric_info(m)->scope != METRIC_TOPIC || f->series[m] == 0 || floor == TOPIC_NONE)
		return f->topic_n;
	make_head(&h, m, at);
	switch (m) {
	case M_TOPIC_INFO:
		return write_lines(f, M_TOPIC_INFO, &h, floor, from, out);
	case M_TOPIC_CREATED:
		return write_lines(f, M_TOPIC_CREATED, &h, floor, from, out);
	case M_TOPIC_LAST_MESSAGE:
		return write_lines(f, M_TOPIC_LAST_MESSAGE, &h, floor, from, out);
	case M_TOPIC_MESSAGES:
		return write_lines(f, M_TOPIC_MESSAGES, &h, floor, from, out);
	case M_TOPIC_MUTED:
		return write_lines(f, M_TOPIC_MUTED, &h, floor, from, out);
	case M_TOPIC_OBSERVER_UNREAD:
		return write_lines(f, M_TOPIC_OBSERVER_UNREAD, &h, floor, from, out);
	case M_TOPIC_OBSERVER_MUTED:
		return write_lines(f, M_TOPIC_OBSERVER_MUTED, &h, floor, from, out);
	default:
		return write_lines(f, M_TOPIC_ERROR, &h, floor, from, out);
	}
}

/* ---- community families ---- */
/* A count over topics of which none told the fact is not 0 but unknown. */
static int64_t count_if_told(const struct facts *f, uint32_t told, uint32_t count)
{
	return told > 0 || f->fine == 0 ? (int64_t)count : -1;
}

static int64_t folded(const struct facts *f, uint64_t floor)
{
	if (floor == 0 || floor == TOPIC_NONE)
		return floor == 0 ? 0 : (int64_t)f->topic_n;
	return (int64_t)(f->topic_n - facts_above(f, floor, 0).topics);
}

int64_t topic_community_value(const struct facts *f, enum metric m, uint64_t floor)
{
	switch (m) {
	case M_COMMUNITY_TOPICS:
		return f->fine;
	case M_COMMUNITY_TOPICS_MUTED:
		return count_if_told(f, f->mute_known, f->muted);
	case M_COMMUNITY_TOPICS_FAILED:
		return f->failed;
	case M_COMMUNITY_TOPICS_NEVER:
		return count_if_told(f, f->last_known, f->never);
	case M_COMMUNITY_TOPICS_SILENT:
		return count_if_told(f, f->last_known, f->silent);
	case M_COMMUNITY_TOPICS_FOLDED:
		return folded(f, floor);
	case M_COMMUNITY_MESSAGES:
		return f->messages;
	case M_COMMUNITY_LAST_MESSAGE:
		return f->last_message_s != 0 ? (int64_t)f->last_message_s : -1;
	default:
		return -1;
	}
}

void topic_community_sample(const struct facts *f, enum metric m, const struct topic_place *at,
                            uint64_t floor, struct buf *out)
{
	const int64_t value = topic_community_value(f, m, floor);

	if (value >= 0)
		sample_int(out, m, at->labels, (struct span){ 0 }, value);
}
