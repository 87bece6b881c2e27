/* One community for people at a terminal. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { LINE = 118, ID = 44, NAME = 36, NAME_IN_ERROR = 20, TEXT_MAX = 4 << 10 };

static void add_facts(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	buf_str(out, "topics ");
	text_number(out, r->topics, 0);
	buf_str(out, ", muted ");
	text_number(out, r->muted, 0);
	buf_str(out, ", silent ");
	text_number(out, r->silent, 0);
	buf_str(out, ", longest idle ");
	text_span(out, r->idle_s, 0);
	buf_str(out, ", messages a minute ");
	text_milli(out, r->rate_milli, 0);
	buf_str(out, "\npolled every ");
	status_span(out, r->interval_ms / 1000);
	if (r->last_poll_s >= 0) {
		buf_str(out, ", the latest ");
		status_span(out, s->now.unix_s - r->last_poll_s);
		buf_str(out, " ago, in ");
		text_milli(out, r->took_us, 0);
		buf_str(out, " ms");
	}
	buf_str(out, r->member.discovered ? "; discovered\n" : "; configured\n");
}

/* ---- attempts ---- */
static void add_ms(struct buf *out, uint32_t us)
{
	text_milli(out, us > 0 ? (int64_t)us : -1, 9);
}

static void add_attempts(struct buf *out, const struct status_source *s, const struct history_attempts *a)
{
	struct history_attempt attempt[HISTORY_ATTEMPTS];
	const size_t n = history_attempts_read(a, attempt);

	buf_str(out, "\nATTEMPT   HTTP  DNS ms  CONN ms   TLS ms  1st byte  TOTAL ms    BYTES  SENT  RESULT\n");
	for (size_t i = 0; i < n; i++) {
		const struct history_attempt *t = &attempt[i];

		text_span(out, s->now.unix_s > t->end_s ? s->now.unix_s - t->end_s : 0, 5);
		buf_str(out, " ago");
		text_number(out, t->status != 0 ? t->status : -1, 5);
		text_milli(out, t->dns_us > 0 ? (int64_t)t->dns_us : -1, 8);
		add_ms(out, t->connect_us);
		add_ms(out, t->tls_us);
		text_milli(out, t->first_us > 0 ? (int64_t)t->first_us : -1, 10);
		text_milli(out, t->total_us, 10);
		text_number(out, t->bytes, 9);
		text_number(out, t->sent, 6);
		buf_str(out, "  ");
		if (t->reason == ERR_OK)
			buf_str(out, "ok");
		text_reason(out, (enum err)t->reason, t->code);
		buf_str(out, "\n");
	}
	if (n == 0)
		buf_str(out, "none yet\n");
}

/* ---- topics ---- */
static int64_t value_of(const struct facts *f, enum metric m, size_t i)
{
	uint64_t value;

	return topic_value(f, m, i, &value) ? (int64_t)value : -1;
}

static void add_label(struct buf *out, struct span label, size_t columns)
{
	char text[TEXT_MAX];
	struct buf plain;

	buf_wrap(&plain, text, sizeof(text));
	status_unescape(&plain, label);
	text_padded(out, buf_view(&plain), columns);
}

/* What an id adds to that of its community; all of an id that does not begin with it. */
static struct span own_part(struct span id, struct span community)
{
	if (id.len > community.len && memcmp(id.at, community.at, community.len) == 0)
		return (struct span){ id.at + community.len, id.len - community.len };
	return id;
}

static void add_topic(struct buf *out, const struct status_source *s, struct span community,
                      const struct facts *f, size_t i)
{
	const int64_t last_s = value_of(f, M_TOPIC_LAST_MESSAGE, i), muted = value_of(f, M_TOPIC_MUTED, i);
	const char *error = topic_error(f, i);
	char text[TEXT_MAX];
	struct span name = { 0 };
	struct buf id;

	buf_wrap(&id, text, sizeof(text));
	topic_id(f, i, community, &id);
	(void)topic_named(f, i, &name);
	text_span(out, last_s < 0 ? -1 : s->now.unix_s > last_s ? s->now.unix_s - last_s : 0, 6);
	buf_str(out, muted < 0 ? "      -" : muted > 0 ? "    yes" : "     no");
	text_number(out, value_of(f, M_TOPIC_MESSAGES, i), 11);
	text_number(out, value_of(f, M_TOPIC_OBSERVER_UNREAD, i), 8);
	buf_str(out, "  ");
	add_label(out, own_part(buf_view(&id), community), ID);
	buf_str(out, "  ");
	add_label(out, name, error != NULL ? NAME_IN_ERROR : NAME);
	if (error != NULL)
		buf_fmt(out, "  ErrorCode %s", error);
	while (out->status == ERR_OK && out->len > 0 && out->at[out->len - 1] == ' ')
		out->len--;
	buf_str(out, "\n");
}

static void add_topics(struct buf *out, const struct status_source *s, const struct status_row *r,
                       size_t from)
{
	const struct facts *f = pin_facts(s->pin, r->i);
	const struct span community = pin_community(s->pin, r->i)->place.community;
	const size_t n = f != NULL ? facts_topics(f) : 0;
	const size_t first = from < n ? from : n;
	const size_t end = n - first < STATUS_PER_PAGE_MAX ? n : first + STATUS_PER_PAGE_MAX;

	if (f == NULL)
		return;
	buf_fmt(out, "\n%zu topics, from number %zu\n", n, first);
	buf_str(out, "  IDLE  MUTED   MESSAGES  UNREAD  ID (behind that of the community)             NAME\n");
	for (size_t i = first; i < end; i++)
		add_topic(out, s, community, f, i);
	if (end < n) {
		buf_str(out, "more: /status/community");
		status_community_query(r, end, out);
		buf_str(out, "\n");
	}
}

void status_community_text(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out)
{
	char text[512];
	struct buf why;

	buf_wrap(&why, text, sizeof(text));
	status_why(s, r, &why);
	buf_str(out, "community ");
	(void)text_plain(out, span_of(r->member.id), LINE);
	if (r->member.name != NULL) {
		buf_str(out, "\nname      ");
		(void)text_plain(out, span_of(r->member.name), LINE);
	}
	buf_str(out, "\napp       ");
	(void)text_plain(out, span_of(r->app->name), LINE);
	buf_fmt(out, " (%" PRIu64 ")\n", r->app->sdk_app_id);
	buf_str(out, "state     ");
	buf_span(out, buf_view(&why));
	buf_str(out, "\n");
	add_facts(out, s, r);
	if (r->member.curl != NULL)
		buf_fmt(out, "\nthe same call, with a UserSig of your own in $USERSIG:\n%s\n", r->member.curl);
	add_attempts(out, s, r->member.attempts);
	add_topics(out, s, r, from);
}
