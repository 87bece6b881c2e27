/* The list for people at a terminal, at most 120 columns. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { STATE = 7, REASON = 18, LAST = 38, LINE = 118, APPS_MAX = 100 };

/* ---- the program ---- */
static void add_program(struct buf *out, const struct status_source *s)
{
	const struct health_exporter *x = s->exporter;

	buf_fmt(out, "tencentchat_exporter %s, up ", s->version);
	status_span(out, s->now.unix_s - s->started_s);
	buf_str(out, ", ");
	buf_str(out, s->unready != NULL ? "NOT READY" : "ready");
	buf_str(out, s->unwell != NULL ? ", UNHEALTHY" : ", healthy");
	buf_fmt(out, ", config %012" PRIx64 " of ", (uint64_t)x->config_hash);
	status_time(out, x->reload_s);
	buf_str(out, " UTC\n");
	if (!x->reload_ok)
		buf_str(out, "  THE LATEST RELOAD FAILED: the configuration before it is in force\n");
	for (int i = 0; i < 2; i++) {
		const char *text = i == 0 ? s->unready : s->unwell;

		if (text == NULL)
			continue;
		buf_str(out, "  ");
		(void)text_plain(out, span_of(text), LINE);
		buf_str(out, "\n");
	}
}

/* ---- apps ---- */
static void add_state(struct buf *out, const struct health_app *h)
{
	static const char *const up[] = { [UP_UNKNOWN] = "not known yet", [UP_NO] = "DOWN", [UP_YES] = "up" };

	buf_fmt(out, ": %s, communities:", up[h->up]);
	for (int i = 0; i < STATE_COUNT; i++)
		buf_fmt(out, " %" PRIu64 " %s%s", h->communities[i], status_state_label((enum health_state)i),
		        i < STATE_COUNT - 1 ? "," : "");
	buf_fmt(out, "; %" PRIu64 " topics\n", h->topics_muted + h->topics_open + h->topics_unknown);
}

static void add_quota(struct buf *out, const struct status_source *s, const struct status_app *a)
{
	const struct health_app *h = a->health;
	const struct health_quota *q = &h->quota[CHAT_GET_TOPIC];

	buf_str(out, "  get_topic/s: now ");
	text_milli(out, a->now_milli[CHAT_GET_TOPIC], 0);
	buf_fmt(out, ", peak %u, required ", q->peak);
	text_milli(out, q->required_milli, 0);
	buf_str(out, ", effective ");
	text_milli(out, q->in_force_milli, 0);
	buf_str(out, " of ");
	text_milli(out, q->budget_milli, 0);
	buf_fmt(out, ", limit %d", chat_command_limit(CHAT_GET_TOPIC));
	if (h->usersig_expiry_s > 0) {
		buf_str(out, "; UserSig ends in ");
		status_span(out, h->usersig_expiry_s - s->now.unix_s);
	}
	if (h->skew_known)
		buf_fmt(out, "; clock %+" PRId64 " s", h->skew_s);
	if (h->late_ms >= 1000) {
		buf_str(out, "; LATE by ");
		status_span(out, h->late_ms / 1000);
	}
	buf_str(out, "\n");
}

static void add_apps(struct buf *out, const struct status_source *s, const struct status_query *q)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < s->app_n; i++) {
		const struct status_app *a = &s->app[i];

		if (a->name == NULL || (q->app != NULL && strcmp(a->name, q->app) != 0))
			continue;
		if (shown++ >= APPS_MAX) {
			left++;
			continue;
		}
		buf_str(out, "app ");
		(void)text_plain(out, span_of(a->name), LAST);
		buf_fmt(out, " (%" PRIu64 ")", a->sdk_app_id);
		add_state(out, a->health);
		add_quota(out, s, a);
	}
	if (left > 0)
		buf_fmt(out, "and %zu more apps\n", left);
}

/* ---- communities ---- */
static void add_place(struct buf *out, const struct status_row *r)
{
	const size_t used = text_plain(out, span_of(r->member.id), LAST);

	if (r->member.name == NULL || used + 4 > LAST)
		return;
	buf_str(out, "  ");
	(void)text_plain(out, span_of(r->member.name), LAST - used - 2);
}

static void add_row(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	const int64_t now_s = s->now.unix_s, next_s = r->member.next_poll_s;
	char text[64];
	struct buf reason;

	buf_wrap(&reason, text, sizeof(text));
	text_reason(&reason, r->reason, r->code);
	text_padded(out, span_of(status_state_label(r->state)), STATE);
	text_span(out, r->since_s >= 0 ? now_s - r->since_s : -1, 6);
	buf_str(out, "  ");
	text_padded(out, buf_view(&reason), REASON);
	text_number(out, r->topics, 6);
	text_number(out, r->muted, 6);
	text_number(out, r->silent, 7);
	text_span(out, r->idle_s, 6);
	text_milli(out, r->rate_milli, 9);
	text_span(out,
	          r->last_poll_s >= 0 && now_s > r->last_poll_s ? now_s - r->last_poll_s
	          : r->last_poll_s >= 0                         ? 0
	                                                        : -1,
	          6);
	text_span(out, next_s > now_s ? next_s - now_s : next_s >= 0 ? 0 : -1, 6);
	buf_str(out, "  ");
	add_place(out, r);
	buf_str(out, "\n");
}

void status_text(const struct status_source *s, const struct status_list *l, struct buf *out)
{
	const struct status_query *q = &l->query;
	const size_t pages = (l->matched + q->per_page - 1) / q->per_page;

	add_program(out, s);
	add_apps(out, s, q);
	buf_fmt(out, "\n%zu of %zu communities by %s, page %zu (0 to %zu)\n", l->matched, l->all,
	        status_sort_label(q->sort), q->page, pages > 0 ? pages - 1 : 0);
	buf_str(out,
	        "STATE   SINCE  REASON            TOPICS MUTED SILENT  IDLE MSGS/MIN  LAST  NEXT  COMMUNITY\n");
	for (size_t i = 0; i < l->row_n; i++)
		add_row(out, s, &l->row[i]);
	if (q->page + 1 < pages) {
		buf_str(out, "more: /status");
		status_query_print(q, q->page + 1, out);
		buf_str(out, "\n");
	}
}
