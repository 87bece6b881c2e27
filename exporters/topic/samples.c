#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"

enum { DIGITS = 20 };

/* ---- topic families: which facts a line needs, and its value ---- */
static int64_t value_one(const struct facts *f, size_t i)
{
	(void)f;
	(void)i;
	return 1;
}

static int64_t value_created(const struct facts *f, size_t i)
{
	return f->topic[i].created_s != 0 ? (int64_t)f->topic[i].created_s : -1;
}

static int64_t value_last_message(const struct facts *f, size_t i)
{
	return f->topic[i].last_message_s != 0 ? (int64_t)f->topic[i].last_message_s : -1;
}

static bool sequence_told(const struct topic *t)
{
	return t->next_seq != 0 && (t->flags & TOPIC_SEQ_UNTOLD) == 0;
}

static int64_t value_messages(const struct facts *f, size_t i)
{
	return sequence_told(&f->topic[i]) ? f->topic[i].next_seq - 1 : -1;
}

static int64_t value_muted(const struct facts *f, size_t i)
{
	return (f->topic[i].flags & TOPIC_MUTED) != 0;
}

static int64_t value_unread(const struct facts *f, size_t i)
{
	return f->observed && sequence_told(&f->topic[i]) ? f->unread[i] : -1;
}

static int64_t value_watcher_muted(const struct facts *f, size_t i)
{
	return (f->topic[i].flags & TOPIC_WATCHER_MUTED) != 0;
}

static int64_t value_error(const struct facts *f, size_t i)
{
	return f->topic[i].error_row != 0 ? 1 : -1;
}

struct row {
	uint16_t need;                                     /* flags that must be set */
	int64_t (*value)(const struct facts *f, size_t i); /* below 0: not known */
};

static const struct row rows[METRIC_COUNT] = {
	[M_TOPIC_INFO] = { TOPIC_NAMED, value_one },
	[M_TOPIC_CREATED] = { 0, value_created },
	[M_TOPIC_LAST_MESSAGE] = { 0, value_last_message },
	[M_TOPIC_MESSAGES] = { 0, value_messages },
	[M_TOPIC_MUTED] = { TOPIC_MUTE_KNOWN, value_muted },
	[M_TOPIC_OBSERVER_UNREAD] = { 0, value_unread },
	[M_TOPIC_OBSERVER_MUTED] = { TOPIC_WATCHED, value_watcher_muted },
	[M_TOPIC_ERROR] = { 0, value_error },
};

/* The label that only this family has, of one topic; empty for most families. */
static void find_extra(const struct facts *f, enum metric m, const struct topic *t, struct span *ret_key,
                       struct span *ret_value)
{
	if (m == M_TOPIC_INFO) {
		*ret_key = span_of("\",topic_name=\"");
		*ret_value = (struct span){ f->text + t->name_at, t->name_len };
	} else {
		*ret_key = span_of("\",code=\"");
		*ret_value = span_of(chat_code(t->error_row - 1u)->label);
	}
}

int64_t topic_value(const struct facts *f, enum metric m, size_t i)
{
	const struct row *row = &rows[m];

	return (f->topic[i].flags & row->need) == row->need ? row->value(f, i) : -1;
}

static char *put(char *at, struct span s)
{
	memcpy(at, s.at, s.len);
	return at + s.len;
}

/* Everything of a line but the topic is the same from topic to topic and made once. */
struct line {
	struct span shared, own; /* up to the topic id; `shared` includes the community's id */
	bool extra;
};

static bool write_line(const struct facts *f, enum metric m, const struct line *l, size_t i, int64_t value,
                       struct buf *out)
{
	const struct topic *t = &f->topic[i];
	const struct span head = (t->flags & TOPIC_OWN_ID) != 0 ? l->own : l->shared;
	const struct span id = { f->text + t->id_at, t->id_len };
	struct span key = { "", 0 }, text = { "", 0 };
	char digits[DIGITS], *end = digits + sizeof(digits), *first, *start, *at;

	if (l->extra)
		find_extra(f, m, t, &key, &text);
	start = at = buf_room(out, head.len + id.len + key.len + text.len + DIGITS + 4);
	if (at == NULL)
		return false;
	at = put(at, head);
	at = put(at, id);
	at = put(at, key);
	at = put(at, text);
	at = put(at, (struct span){ "\"} ", 3 });
	first = sample_digits(end, (uint64_t)value);
	at = put(at, (struct span){ first, (size_t)(end - first) });
	*at++ = '\n';
	out->len += (size_t)(at - start);
	return true;
}

size_t topic_samples(const struct facts *f, enum metric m, const struct topic_place *at, uint64_t floor,
                     size_t from, struct buf *out)
{
	const struct row *row = &rows[m];
	char text[1024];
	struct buf head;
	struct line l = { .extra = m == M_TOPIC_INFO || m == M_TOPIC_ERROR };

	if (row->value == NULL)
		return f->topic_n;
	buf_wrap(&head, text, sizeof(text));
	buf_span(&head, metric_info(m)->family);
	buf_str(&head, "{");
	buf_span(&head, at->labels);
	buf_str(&head, ",topic=\"");
	l.own = buf_view(&head);
	buf_span(&head, at->community);
	l.shared = buf_view(&head);
	for (size_t i = from; i < f->topic_n; i++) {
		const int64_t value = (f->topic[i].flags & row->need) == row->need ? row->value(f, i) : -1;

		if (value >= 0 && topic_rank(&f->topic[i]) >= floor && !write_line(f, m, &l, i, value, out))
			return i;
	}
	return f->topic_n;
}

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

void topic_community_sample(const struct facts *f, enum metric m, const struct topic_place *at,
                            uint64_t floor, struct buf *out)
{
	const struct {
		enum metric m;
		int64_t value;
	} row[] = {
		{ M_COMMUNITY_TOPICS, f->fine },
		{ M_COMMUNITY_TOPICS_MUTED, count_if_told(f, f->mute_known, f->muted) },
		{ M_COMMUNITY_TOPICS_FAILED, f->failed },
		{ M_COMMUNITY_TOPICS_NEVER, count_if_told(f, f->last_known, f->never) },
		{ M_COMMUNITY_TOPICS_SILENT, count_if_told(f, f->last_known, f->silent) },
		{ M_COMMUNITY_TOPICS_FOLDED, m == M_COMMUNITY_TOPICS_FOLDED ? folded(f, floor) : 0 },
		{ M_COMMUNITY_MESSAGES, f->messages },
		{ M_COMMUNITY_LAST_MESSAGE, f->last_message_s != 0 ? f->last_message_s : -1 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].m == m && row[i].value >= 0)
			sample_int(out, m, at->labels, (struct span){ 0 }, row[i].value);
}
