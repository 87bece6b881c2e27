#include "agent/once_json.h"

#include <inttypes.h>
#include <string.h>

#include "agent/version.h"

enum { TEXT_MAX = 64 << 20 };

/* ---- texts ---- */
/* `text` is as label text is written: its three escapes are those of JSON, and it is UTF-8. What JSON escapes
 * besides are control characters. */
static void put_label(struct buf *out, struct span text)
{
	size_t plain = 0;

	buf_str(out, "\"");
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.at[i];

		if (c >= ' ')
			continue;
		buf_add(out, text.at + plain, i - plain);
		buf_fmt(out, "\\u%04x", c);
		plain = i + 1;
	}
	buf_add(out, text.at + plain, text.len - plain);
	buf_str(out, "\"");
}

static void put_text(struct buf *out, const char *text)
{
	struct buf label;

	buf_init(&label, TEXT_MAX);
	label_escape(&label, span_of(text), 0);
	put_label(out, buf_view(&label));
	if (label.status != ERR_OK)
		out->status = ERR_MEMORY;
	buf_done(&label);
}

/* The next member of an object that may have some. */
static void put_key(struct buf *out, const char *key)
{
	buf_fmt(out, "%s\"%s\":", out->len > 0 && out->at[out->len - 1] == '{' ? "" : ",", key);
}

static void put_number(struct buf *out, const char *key, int64_t value)
{
	put_key(out, key);
	buf_fmt(out, "%" PRId64, value);
}

static void put_truth(struct buf *out, const char *key, bool value)
{
	put_key(out, key);
	buf_str(out, value ? "true" : "false");
}

/* A time of which the unit is a thousandth or a millionth of a second, exactly. */
static void put_seconds(struct buf *out, const char *key, int64_t value, int64_t unit, int digits)
{
	put_key(out, key);
	buf_fmt(out, "%" PRId64 ".%0*" PRId64, value / unit, digits, value % unit);
}

/* A metric's name without what all of its scope begin with. */
static const char *key_of(enum metric m)
{
	const struct metric_info *info = metric_info(m);
	const char *name = info->family.at + strlen("tencentchat_");

	return name + strlen(metric_scope_word(info->scope)) + strlen("_");
}

/* ---- topics ---- */
static void put_topic(struct buf *out, const struct topic_place *at, const struct facts *f, size_t i)
{
	struct span name;
	struct buf id;

	buf_init(&id, TEXT_MAX);
	topic_id(f, i, at->community, &id);
	buf_str(out, i > 0 ? ",\n{\"id\":" : "\n{\"id\":");
	put_label(out, buf_view(&id));
	if (id.status != ERR_OK)
		out->status = ERR_MEMORY;
	buf_done(&id);
	if (topic_named(f, i, &name)) {
		put_key(out, "name");
		put_label(out, name);
	}
	for (int m = 0; m < TOPIC_FAMILIES; m++) {
		uint64_t value;

		if (metric_info((enum metric)m)->kind == METRIC_INFO || !topic_value(f, (enum metric)m, i, &value))
			continue;
		if (m == M_TOPIC_MUTED || m == M_TOPIC_OBSERVER_MUTED)
			put_truth(out, key_of((enum metric)m), value != 0);
		else
			put_number(out, key_of((enum metric)m), (int64_t)value);
	}
	if (topic_error(f, i) != NULL) {
		put_key(out, "error");
		put_text(out, topic_error(f, i));
	}
	buf_str(out, "}");
}

/* ---- communities ---- */
/* `label_text` is key="value",key="value". */
static void put_labels(struct buf *out, struct span label_text)
{
	const char *at = label_text.at, *const end = at + label_text.len;

	put_key(out, "labels");
	buf_str(out, "{");
	while (at < end) {
		const char *value = memchr(at, '"', (size_t)(end - at));
		const char *close;

		if (value == NULL)
			break;
		for (close = ++value; close < end && *close != '"'; close++)
			close += *close == '\\';
		if (close > value) {
			buf_fmt(out, "%s\"%.*s\":", out->at[out->len - 1] == '{' ? "" : ",",
			        (int)(value - at - (ptrdiff_t)strlen("=\"")), at);
			put_label(out, (struct span){ value, (size_t)(close - value) });
		}
		at = close + strlen("\",");
	}
	buf_str(out, "}");
}

static void put_health(struct buf *out, const struct pin *p, size_t i)
{
	const struct health_community *h = pin_health(p, i);

	put_key(out, "health");
	buf_str(out, "{");
	put_seconds(out, "poll_interval_seconds", pin_interval(p, i), 1000, 3);
	put_seconds(out, "silent_after_seconds", pin_settings(p, i).silent_after_ms, 1000, 3);
	if (h->last_poll_s != 0) {
		put_truth(out, "up", h->reason == ERR_OK);
		put_number(out, "last_poll_timestamp_seconds", h->last_poll_s);
		put_seconds(out, "poll_duration_seconds", h->took_us, 1000000, 6);
		put_number(out, "consecutive_failures", h->failures);
	}
	if (h->last_success_s != 0)
		put_number(out, "last_success_timestamp_seconds", h->last_success_s);
	buf_str(out, "}");
	if (h->reason == ERR_OK)
		return;
	put_key(out, "error");
	buf_fmt(out, "{\"reason\":\"%s\"", err_label(h->reason));
	if (h->code != 0)
		buf_fmt(out, ",\"code\":\"%d\"", h->code);
	buf_str(out, "}");
}

static void put_facts(struct buf *out, const struct store_community *c, const struct facts *f)
{
	put_key(out, "facts");
	buf_str(out, "{");
	for (int i = 0; i < METRIC_COUNT; i++) {
		const enum metric m = (enum metric)i;
		const int64_t value = m == M_COMMUNITY_TOPICS_FOLDED ? -1 : topic_community_value(f, m, 0);

		if (value >= 0)
			put_number(out, key_of(m), value);
	}
	buf_str(out, "}");
	if (c->level != METRIC_TOPIC)
		return;
	put_key(out, "topics");
	buf_str(out, "[");
	for (size_t i = 0; i < facts_topics(f); i++)
		put_topic(out, &c->place, f, i);
	buf_str(out, "]");
}

static void put_community(struct buf *out, const struct pin *p, size_t i)
{
	const struct store_community *c = pin_community(p, i);
	const struct facts *f = pin_facts(p, i);

	buf_str(out, "{\"id\":");
	put_label(out, c->place.community);
	put_labels(out, c->settings.info);
	put_health(out, p, i);
	if (f != NULL)
		put_facts(out, c, f);
	buf_str(out, "}");
}

/* ---- apps ---- */
static void put_app(struct buf *out, const struct daemon *d, size_t a)
{
	static const char *const state[STATE_COUNT] = {
		[STATE_OK] = "ok",           [STATE_FAILING] = "failing", [STATE_STALE] = "stale",
		[STATE_PENDING] = "pending", [STATE_GONE] = "gone",
	};
	const struct health_app *h = &d->app_health[a];

	buf_fmt(out, "{\"sdkappid\":\"%lld\",\"name\":", (long long)d->conf->app[a].sdkappid);
	put_text(out, d->conf->app[a].name);
	if (h->up != UP_UNKNOWN)
		put_truth(out, "up", h->up == UP_YES);
	put_key(out, "communities_by_state");
	buf_str(out, "{");
	for (int i = 0; i < STATE_COUNT; i++)
		put_number(out, state[i], (int64_t)h->communities[i]);
	buf_str(out, "}");
	put_number(out, "topics", (int64_t)(h->topics_muted + h->topics_open + h->topics_unknown));
	put_key(out, "communities");
	buf_str(out, "[");
}

static enum err flush(struct output *o, struct buf *b, struct why *why)
{
	enum err e = b->status;

	if (e != ERR_OK)
		return err_because(why, e, "out of memory");
	e = output_add(o, b->at, b->len, why);
	buf_reset(b);
	return e;
}

static enum err put_communities(const struct pin *p, size_t a, struct output *o, struct buf *b,
                                struct why *why)
{
	const char *between = "\n";
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < pin_communities(p); i++) {
		if (pin_community(p, i)->app != a || pin_community(p, i)->level > METRIC_COMMUNITY)
			continue;
		buf_str(b, between);
		put_community(b, p, i);
		between = ",\n";
		e = flush(o, b, why);
	}
	return e;
}

enum err once_json(const struct daemon *d, const struct pin *p, struct output *o, struct why *why)
{
	struct buf b;
	enum err e = ERR_OK;

	buf_init(&b, TEXT_MAX);
	buf_fmt(&b,
	        "{\"program\":\"tencentchat_exporter\",\"version\":\"%s\",\"timestamp_seconds\":%" PRId64
	        ",\"apps\":[\n",
	        version_program(), d->now.unix_s);
	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++) {
		buf_str(&b, a > 0 ? ",\n" : "");
		put_app(&b, d, a);
		e = flush(o, &b, why);
		if (e == ERR_OK)
			e = put_communities(p, a, o, &b, why);
		buf_str(&b, "]}");
	}
	buf_str(&b, "\n]}\n");
	if (e == ERR_OK)
		e = flush(o, &b, why);
	buf_done(&b);
	return e;
}
