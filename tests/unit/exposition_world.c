#include "tests/unit/exposition_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Families in the order of the catalogue. */
enum {
	INFO,
	CREATED,
	LAST,
	MESSAGES,
	MUTED,
	UNREAD,
	SHUT,
	ERROR,
	UP,
	C_INFO,
	TOPICS,
	TOPICS_MUTED,
	FAILED,
	NEVER,
	SILENT,
	FOLDED,
	SILENT_AFTER,
	C_MESSAGES,
	C_LAST,
	LAST_POLL,
	LAST_SUCCESS,
	INTERVAL,
	DURATION,
	FAILURES,
	LAST_ERROR
};

static void add(struct world_page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct world_page *p, const char *format, ...)
{
	va_list list;

	assert_true(p->n < WORLD_LINES);
	va_start(list, format);
	assert_true(vsnprintf(p->line[p->n++], WORLD_LINE, format, list) < WORLD_LINE);
	va_end(list);
}

static void whole_id(const struct world_community *c, const struct world_topic *t, char ret[96])
{
	if (t->id[0] == '!')
		(void)snprintf(ret, 96, "%s", t->id + 1);
	else
		(void)snprintf(ret, 96, "%s%s", c->id, t->id);
}

uint64_t world_rank(const struct world_community *c, const struct world_topic *t)
{
	char id[96];
	uint32_t h = 2166136261u;

	whole_id(c, t, id);
	for (const char *s = id; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return (t->last > 0 ? (uint64_t)t->last : 0) * 4294967296u + h;
}

/* -1: no series. */
static long long value(const struct world *w, const struct world_topic *t, int family)
{
	const long long unread = t->seq - 1 - t->read;

	if (t->error != 0)
		return family == ERROR ? 1 : -1;
	switch (family) {
	case INFO:
		return t->name >= 0 ? 1 : -1;
	case CREATED:
		return t->created > 0 ? t->created : -1;
	case LAST:
		return t->last > 0 ? t->last : -1;
	case MESSAGES:
		return t->seq > 0 ? t->seq - 1 : -1;
	case MUTED:
		return t->muted;
	case UNREAD:
		return w->observer && t->seq > 0 && t->read >= 0 ? (unread > 0 ? unread : 0) : -1;
	case SHUT:
		return w->observer && t->shut >= 0 ? t->shut > 0 : -1;
	default:
		return -1;
	}
}

unsigned world_series(const struct world *w, const struct world_topic *t, const bool *shown)
{
	unsigned n = 0;

	for (int family = INFO; family <= ERROR; family++)
		n += shown[family] && value(w, t, family) >= 0;
	return n;
}

static void expect_topic(const struct world *w, const struct world_community *c, const struct world_topic *t,
                         const bool *shown, struct world_page *p)
{
	static const char *const name[] = { "info",
		                                "created_timestamp_seconds",
		                                "last_message_timestamp_seconds",
		                                "messages_total",
		                                "muted",
		                                "observer_unread_messages",
		                                "observer_muted",
		                                "error_info" };
	char id[96], extra[64] = "";

	whole_id(c, t, id);
	for (int family = INFO; family <= ERROR; family++) {
		if (!shown[family] || value(w, t, family) < 0)
			continue;
		extra[0] = '\0';
		if (family == INFO)
			(void)snprintf(extra, sizeof(extra), ",topic_name=\"name \\\"%d\\\"\"", t->name);
		if (family == ERROR)
			(void)snprintf(extra, sizeof(extra), ",code=\"%d\"", t->error);
		add(p, "tencentchat_topic_%s{sdkappid=\"%zu\",community=\"%s\",topic=\"%s\"%s} %lld", name[family],
		    c->app + 1, c->id, id, extra, value(w, t, family));
	}
}

static void community_line(const struct world_community *c, const char *name, long long value_,
                           struct world_page *p)
{
	if (value_ >= 0)
		add(p, "tencentchat_community_%s{sdkappid=\"%zu\",community=\"%s\"} %lld", name, c->app + 1, c->id,
		    value_);
}

static void expect_sums(const struct world_community *c, uint64_t floor, const bool *shown,
                        struct world_page *p)
{
	long long fine = 0, failed = 0, muted = 0, mute_told = 0, last_told = 0, never = 0, silent = 0,
			  folded = 0, last = 0;

	for (size_t i = 0; i < c->topic_n; i++) {
		const struct world_topic *t = &c->topic[i];

		folded += c->level > 0 || world_rank(c, t) < floor;
		if (t->error != 0) {
			failed++;
			continue;
		}
		fine++;
		mute_told += t->muted >= 0;
		muted += t->muted > 0;
		last_told += t->last >= 0;
		never += t->last == 0;
		silent += t->last > 0 && WORLD_NOW_S - t->last > WORLD_SILENT_S;
		last = t->last > last ? t->last : last;
	}
	if (shown[TOPICS])
		community_line(c, "topics", fine, p);
	if (shown[TOPICS_MUTED])
		community_line(c, "topics_muted", mute_told > 0 || fine == 0 ? muted : -1, p);
	if (shown[FAILED])
		community_line(c, "topics_failed", failed, p);
	if (shown[NEVER])
		community_line(c, "topics_never_active", last_told > 0 || fine == 0 ? never : -1, p);
	if (shown[SILENT])
		community_line(c, "topics_silent", last_told > 0 || fine == 0 ? silent : -1, p);
	if (shown[FOLDED])
		community_line(c, "topics_folded", folded, p);
	if (shown[C_MESSAGES])
		community_line(c, "messages_total", 0, p);
	if (shown[C_LAST])
		community_line(c, "last_message_timestamp_seconds", last > 0 ? last : -1, p);
}

static void expect_health(const struct world_community *c, const bool *shown, struct world_page *p)
{
	if (shown[C_INFO])
		add(p, "tencentchat_community_info{sdkappid=\"%zu\",community=\"%s\",community_name=\"c\"} 1",
		    c->app + 1, c->id);
	if (shown[SILENT_AFTER])
		community_line(c, "silent_after_seconds", WORLD_SILENT_S, p);
	if (shown[INTERVAL])
		community_line(c, "poll_interval_seconds", 60, p);
	if (shown[UP] && c->polled)
		community_line(c, "up", !c->failing, p);
	if (shown[LAST_POLL] && c->polled)
		community_line(c, "last_poll_timestamp_seconds", WORLD_NOW_S, p);
	if (shown[LAST_SUCCESS] && c->ever_fine)
		community_line(c, "last_success_timestamp_seconds", WORLD_NOW_S, p);
	if (shown[DURATION] && c->polled)
		community_line(c, "poll_duration_seconds", 2, p);
	if (shown[FAILURES] && c->polled)
		community_line(c, "consecutive_failures", c->failing, p);
	if (shown[LAST_ERROR] && c->failing)
		add(p,
		    "tencentchat_community_last_error_info{sdkappid=\"%zu\",community=\"%s\",reason=\"timeout\",code="
		    "\"\"} 1",
		    c->app + 1, c->id);
}

void world_expect(const struct world *w, const struct world_want *want, struct world_page *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < w->community_n; i++) {
		const struct world_community *c = &w->community[i];
		const int level = c->level > want->level ? c->level : want->level;

		if (level > 1 || (want->app >= 0 && (size_t)want->app != c->app))
			continue;
		expect_health(c, want->shown, ret);
		if (!c->facts)
			continue;
		expect_sums(c, want->floor, want->shown, ret);
		for (size_t t = 0; level == 0 && t < c->topic_n; t++)
			if (world_rank(c, &c->topic[t]) >= want->floor)
				expect_topic(w, c, &c->topic[t], want->shown, ret);
	}
}
