/* Pieces of JSON (RFC 8259). */
#include <inttypes.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/pages/status_inside.h"

void object_key(struct buf *out, const char *key)
{
	const char last = out->len > 0 ? out->at[out->len - 1] : '{';

	buf_fmt(out, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", key);
}

/* What is no UTF-8 becomes U+FFFD: a text is somebody else's, and the document must stand. */
void object_span(struct buf *out, const char *key, struct span text)
{
	object_key(out, key);
	buf_str(out, "\"");
	for (size_t i = 0, len; i < text.len; i += len) {
		const unsigned char c = (unsigned char)text.at[i];

		len = utf8_plain(text.at + i, text.len - i);
		if (len > 0) {
			buf_add(out, text.at + i, len);
			continue;
		}
		len = utf8_char(text.at + i, text.len - i);
		if (len > 1)
			buf_add(out, text.at + i, len);
		else if (len == 0)
			buf_str(out, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_fmt(out, "\\%c", c);
		else
			buf_fmt(out, "\\u%04x", c);
		len += len == 0;
	}
	buf_str(out, "\"");
}

void object_text(struct buf *out, const char *key, const char *text)
{
	if (text != NULL)
		object_span(out, key, span_of(text));
}

void object_truth(struct buf *out, const char *key, bool value)
{
	object_key(out, key);
	buf_str(out, value ? "true" : "false");
}

void object_number(struct buf *out, const char *key, int64_t value)
{
	if (value < 0)
		return;
	object_key(out, key);
	buf_fmt(out, "%" PRId64, value);
}

void object_decimal(struct buf *out, const char *key, int64_t value, int digits)
{
	int64_t unit = 1;

	if (value < 0)
		return;
	for (int i = 0; i < digits; i++)
		unit *= 10;
	object_key(out, key);
	buf_fmt(out, "%" PRId64 ".%0*" PRId64, value / unit, digits, value % unit);
}

void status_json_error(struct buf *out, const char *text)
{
	buf_str(out, "{\"version\":1");
	object_text(out, "error", text);
	buf_str(out, "}\n");
}

/* ---- a community ---- */
static void add_idle(struct buf *out, const uint32_t *idle)
{
	if (idle == NULL)
		return;
	object_key(out, "topics_by_idle_time");
	buf_str(out, "{");
	for (size_t i = 0; i < IDLE_BUCKETS; i++)
		object_number(out, idle_label(i), idle[i]);
	buf_str(out, "}");
}

static void add_why(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	char text[512];
	struct buf why;

	buf_wrap(&why, text, sizeof(text));
	status_why(s, r, &why);
	object_span(out, "why", buf_view(&why));
}

void object_row(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	object_text(out, "app", r->app->name);
	object_key(out, "sdkappid");
	buf_fmt(out, "\"%" PRIu64 "\"", r->app->sdk_app_id);
	object_text(out, "id", r->member.id);
	object_text(out, "name", r->member.name);
	object_truth(out, "discovered", r->member.discovered);
	object_text(out, "state", status_state_label(r->state));
	add_why(out, s, r);
	if (r->reason != ERR_OK)
		object_text(out, "reason", err_label(r->reason));
	if (r->code != 0) {
		object_key(out, "code");
		buf_fmt(out, "\"%d\"", r->code);
	}
	object_number(out, "since_timestamp_seconds", r->since_s);
	if (r->last_poll_s >= 0)
		object_number(out, "consecutive_failures", r->failures);
	object_number(out, "topics", r->topics);
	object_number(out, "topics_muted", r->muted);
	object_number(out, "topics_silent", r->silent);
	object_number(out, "longest_idle_seconds", r->idle_s);
	add_idle(out, r->idle);
	object_decimal(out, "messages_per_minute", r->rate_milli, 3);
	object_number(out, "last_poll_timestamp_seconds", r->last_poll_s);
	object_number(out, "last_success_timestamp_seconds", r->last_success_s);
	object_decimal(out, "poll_duration_seconds", r->took_us, 6);
	object_decimal(out, "poll_interval_seconds", r->interval_ms, 3);
	object_number(out, "next_poll_timestamp_seconds", r->member.next_poll_s);
}
