/* One community as JSON; README.md tells its shape. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

/* A body ends at 1 MiB, and topics may have long texts: the page ends before, and `next` goes on there. */
enum { FULL = 900 << 10, TEXT_MAX = 4 << 10 };

/* ---- attempts ---- */
static void add_attempt(struct buf *out, const struct history_attempt *t)
{
	const bool fine = t->reason == ERR_OK;

	buf_str(out, "{");
	object_number(out, "end_timestamp_seconds", t->end_s);
	object_text(out, "result", fine ? "ok" : err_label((enum err)t->reason));
	if (t->code != 0) {
		object_key(out, "code");
		buf_fmt(out, "\"%" PRId32 "\"", t->code);
	}
	object_number(out, "http_status", t->status != 0 ? t->status : -1);
	object_decimal(out, "dns_seconds", t->dns_us > 0 ? (int64_t)t->dns_us : -1, 6);
	object_decimal(out, "connect_seconds", t->connect_us > 0 ? (int64_t)t->connect_us : -1, 6);
	object_decimal(out, "tls_seconds", t->tls_us > 0 ? (int64_t)t->tls_us : -1, 6);
	object_decimal(out, "first_byte_seconds", t->first_us > 0 ? (int64_t)t->first_us : -1, 6);
	object_decimal(out, "total_seconds", t->total_us, 6);
	object_number(out, "bytes", t->bytes);
	object_number(out, "requests", t->sent);
	buf_str(out, "}");
}

static void add_attempts(struct buf *out, const struct history_attempts *a)
{
	struct history_attempt attempt[HISTORY_ATTEMPTS];
	const size_t n = history_attempts_read(a, attempt);

	object_key(out, "attempts");
	buf_str(out, "[");
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ",\n" : "\n");
		add_attempt(out, &attempt[i]);
	}
	buf_str(out, "]");
}

/* ---- topics ---- */
static void add_label(struct buf *out, const char *key, struct span label)
{
	char text[TEXT_MAX];
	struct buf plain;

	buf_wrap(&plain, text, sizeof(text));
	status_unescape(&plain, label);
	object_span(out, key, buf_view(&plain));
}

static void add_value(struct buf *out, const struct facts *f, size_t i, enum metric m, const char *key)
{
	uint64_t value;

	if (!topic_value(f, m, i, &value))
		return;
	if (m == M_TOPIC_MUTED || m == M_TOPIC_OBSERVER_MUTED)
		object_truth(out, key, value != 0);
	else
		object_number(out, key, (int64_t)value);
}

static void add_topic(struct buf *out, const struct status_source *s, struct span community,
                      const struct facts *f, size_t i)
{
	char text[TEXT_MAX];
	struct span name;
	struct buf id;
	uint64_t last_s;

	buf_wrap(&id, text, sizeof(text));
	topic_id(f, i, community, &id);
	buf_str(out, "{");
	add_label(out, "id", buf_view(&id));
	if (topic_named(f, i, &name))
		add_label(out, "name", name);
	if (topic_value(f, M_TOPIC_LAST_MESSAGE, i, &last_s)) {
		object_number(out, "last_message_timestamp_seconds", (int64_t)last_s);
		object_number(out, "idle_seconds",
		              s->now.unix_s > (int64_t)last_s ? s->now.unix_s - (int64_t)last_s : 0);
	}
	add_value(out, f, i, M_TOPIC_CREATED, "created_timestamp_seconds");
	add_value(out, f, i, M_TOPIC_MESSAGES, "messages_total");
	add_value(out, f, i, M_TOPIC_MUTED, "muted");
	add_value(out, f, i, M_TOPIC_OBSERVER_UNREAD, "observer_unread_messages");
	add_value(out, f, i, M_TOPIC_OBSERVER_MUTED, "observer_muted");
	object_text(out, "error", topic_error(f, i));
	buf_str(out, "}");
}

void status_community_query(const struct status_row *r, size_t from, struct buf *out)
{
	char digits[24];
	struct buf b;

	buf_wrap(&b, digits, sizeof(digits));
	buf_fmt(&b, "%zu", from);
	buf_str(out, "?");
	status_pair(out, "app", r->app->name);
	status_pair(out, "id", r->member.id);
	if (from > 0)
		status_pair(out, "from", buf_text(&b));
}

static void add_next(struct buf *out, const struct status_row *r, size_t from)
{
	char text[1024];
	struct buf next;

	buf_wrap(&next, text, sizeof(text));
	buf_str(&next, "/api/v1/status");
	status_community_query(r, from, &next);
	object_span(out, "next", buf_view(&next));
}

static void add_topics(struct buf *out, const struct status_source *s, const struct status_row *r,
                       size_t from)
{
	const struct facts *f = pin_facts(s->pin, r->i);
	const struct span community = pin_community(s->pin, r->i)->place.community;
	const size_t n = f != NULL ? facts_topics(f) : 0;
	size_t i = from < n ? from : n;
	const size_t end = n - i < STATUS_PER_PAGE_MAX ? n : i + STATUS_PER_PAGE_MAX;
	const char *between = "\n";

	if (f == NULL)
		return;
	object_number(out, "topics_known", (int64_t)n);
	object_number(out, "from", (int64_t)i);
	object_key(out, "topics");
	buf_str(out, "[");
	for (; i < end && out->len < FULL; i++) {
		buf_str(out, between);
		add_topic(out, s, community, f, i);
		between = ",\n";
	}
	buf_str(out, "]");
	if (i < n)
		add_next(out, r, i);
}

void status_community_json(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out)
{
	buf_str(out, "{\"version\":1");
	object_number(out, "timestamp_seconds", s->now.unix_s);
	object_key(out, "community");
	buf_str(out, "{");
	object_row(out, s, r);
	buf_str(out, "}");
	object_text(out, "curl", r->member.curl);
	add_attempts(out, r->member.attempts);
	add_topics(out, s, r, from);
	buf_str(out, "}\n");
}
