/* The list as JSON; README.md tells its shape. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { HOURS_MAX = 32 }; /* apps on a page; with more of them nobody gets an hour of minutes */

/* ---- the program ---- */
static void add_program(struct buf *out, const struct status_source *s)
{
	const struct health_exporter *x = s->exporter;

	buf_str(out, "{\"version\":1,\"program\":\"tencentchat_exporter\"");
	object_text(out, "program_version", s->version);
	object_number(out, "timestamp_seconds", s->now.unix_s);
	object_number(out, "start_timestamp_seconds", s->started_s);
	object_truth(out, "ready", s->unready == NULL);
	object_text(out, "ready_detail", s->unready);
	object_truth(out, "healthy", s->unwell == NULL);
	object_text(out, "healthy_detail", s->unwell);
	object_text(out, "telemetry_path", s->telemetry_path);
	object_key(out, "config");
	buf_str(out, "{");
	object_number(out, "hash", x->config_hash);
	object_truth(out, "last_reload_successful", x->reload_ok);
	object_number(out, "last_reload_success_timestamp_seconds", x->reload_s);
	buf_str(out, "}");
}

/* ---- apps ---- */
static void add_quota(struct buf *out, const struct status_app *a, int command)
{
	const struct health_quota *q = &a->health->quota[command];
	const struct tally *t = a->health->tally[command];

	object_key(out, chat_command_label((enum chat_command)command));
	buf_str(out, "{");
	object_decimal(out, "now_requests_per_second", a->now_milli[command], 3);
	object_number(out, "peak_requests_per_second", q->peak);
	object_decimal(out, "required_requests_per_second", q->required_milli, 3);
	object_decimal(out, "effective_requests_per_second", q->in_force_milli, 3);
	object_decimal(out, "budget_requests_per_second", q->budget_milli, 3);
	object_number(out, "limit_requests_per_second", chat_command_limit((enum chat_command)command));
	object_number(out, "requests_total", (int64_t)t->requests);
	object_number(out, "failed_total", (int64_t)tally_failed(t));
	object_number(out, "throttled_total", (int64_t)t->throttled);
	object_number(out, "retries_total", (int64_t)t->retries);
	buf_str(out, "}");
}

/* Four lists of numbers, oldest first. */
static void add_hour(struct buf *out, const struct history_app *h)
{
	static const char *const key[] = { "calls", "failed", "throttled", "busiest_second" };
	struct history_minute minute[HISTORY_MINUTES];
	const size_t n = history_app_minutes(h, minute);

	object_key(out, "minutes");
	buf_str(out, "{");
	for (size_t k = 0; k < sizeof(key) / sizeof(key[0]); k++) {
		object_key(out, key[k]);
		for (size_t i = 0; i < n; i++) {
			const uint32_t value[] = { minute[i].calls, minute[i].failed, minute[i].throttled,
				                       minute[i].peak };

			buf_fmt(out, "%c%" PRIu32, i == 0 ? '[' : ',', value[k]);
		}
		buf_str(out, n == 0 ? "[]" : "]");
	}
	buf_str(out, "}");
}

static void add_app(struct buf *out, const struct status_app *a, bool hour)
{
	const struct health_app *h = a->health;

	buf_str(out, "{");
	object_text(out, "name", a->name);
	object_key(out, "sdkappid");
	buf_fmt(out, "\"%" PRIu64 "\"", a->sdk_app_id);
	if (h->up != UP_UNKNOWN)
		object_truth(out, "up", h->up == UP_YES);
	object_key(out, "communities_by_state");
	buf_str(out, "{");
	for (int i = 0; i < STATE_COUNT; i++)
		object_number(out, status_state_label((enum health_state)i), (int64_t)h->communities[i]);
	buf_str(out, "}");
	object_number(out, "topics", (int64_t)(h->topics_muted + h->topics_open + h->topics_unknown));
	object_number(out, "topics_muted", (int64_t)h->topics_muted);
	object_key(out, "quota");
	buf_str(out, "{");
	for (int c = 0; c < CHAT_COMMANDS; c++)
		add_quota(out, a, c);
	buf_str(out, "}");
	object_number(out, "inflight_requests", h->inflight);
	if (h->usersig_expiry_s > 0)
		object_number(out, "usersig_expiry_timestamp_seconds", h->usersig_expiry_s);
	object_number(out, "usersig_renewals_total", (int64_t)h->usersig_renewals);
	if (h->skew_known) {
		object_key(out, "clock_skew_seconds");
		buf_fmt(out, "%" PRId64, h->skew_s);
	}
	object_decimal(out, "scheduler_lag_seconds", h->late_ms, 3);
	object_decimal(out, "last_sweep_duration_seconds", h->sweep_ms, 3);
	if (hour)
		add_hour(out, a->history);
	buf_str(out, "}");
}

static bool is_shown(const struct status_app *a, const struct status_query *q)
{
	return a->name != NULL && (q->app == NULL || strcmp(a->name, q->app) == 0);
}

static void add_apps(struct buf *out, const struct status_source *s, const struct status_query *q)
{
	const char *between = "\n";
	size_t n = 0;

	for (size_t i = 0; i < s->app_n; i++)
		n += is_shown(&s->app[i], q);
	object_key(out, "apps");
	buf_str(out, "[");
	for (size_t i = 0; i < s->app_n; i++) {
		if (!is_shown(&s->app[i], q))
			continue;
		buf_str(out, between);
		add_app(out, &s->app[i], n <= HOURS_MAX);
		between = ",\n";
	}
	buf_str(out, "]");
}

/* ---- the page ---- */
static void add_query(struct buf *out, const struct status_query *q)
{
	object_key(out, "query");
	buf_str(out, "{");
	object_text(out, "app", q->app);
	object_text(out, "find", q->find);
	object_text(out, "sort", status_sort_label(q->sort));
	object_text(out, "order", status_sort_descends(q->sort) != q->reverse ? "desc" : "asc");
	object_truth(out, "problems", q->problems);
	object_number(out, "page", (int64_t)q->page);
	object_number(out, "per_page", (int64_t)q->per_page);
	buf_str(out, "}");
}

static void add_next(struct buf *out, const struct status_list *l)
{
	const struct status_query *q = &l->query;
	struct buf next;

	if ((q->page + 1) * q->per_page >= l->matched)
		return;
	buf_init(&next, 16 << 10);
	buf_str(&next, "/api/v1/status");
	status_query_print(q, q->page + 1, &next);
	object_span(out, "next", buf_view(&next));
	if (next.status != ERR_OK)
		out->status = ERR_MEMORY;
	buf_done(&next);
}

void status_json(const struct status_source *s, const struct status_list *l, struct buf *out)
{
	add_program(out, s);
	add_apps(out, s, &l->query);
	add_query(out, &l->query);
	object_number(out, "communities_total", (int64_t)l->all);
	object_number(out, "communities_matched", (int64_t)l->matched);
	object_key(out, "communities");
	buf_str(out, "[");
	for (size_t i = 0; i < l->row_n; i++) {
		buf_str(out, i > 0 ? ",\n{" : "\n{");
		object_row(out, s, &l->row[i]);
		buf_str(out, "}");
	}
	buf_str(out, "]");
	add_next(out, l);
	buf_str(out, "}\n");
}
