/* One card an app: its quota now and over the last hour, its signature, its communities. */
#include <inttypes.h>
#include <string.h>

#include "exporters/pages/status_html.h"

enum {
	CARDS_MAX = 24, /* with more apps the page shows the first; a filter finds the others */
	STEP = 4,       /* of the sparkline, units a minute */
	TALL = 36,
};

/* ---- the last hour ---- */
struct hour {
	struct history_minute minute[HISTORY_MINUTES];
	size_t n;
	uint32_t most;
	uint64_t calls, failed, throttled;
};

static struct hour hour_of(const struct history_app *h)
{
	struct hour r = { .n = 0 };

	r.n = history_app_minutes(h, r.minute);
	for (size_t i = 0; i < r.n; i++) {
		r.most = r.minute[i].calls > r.most ? r.minute[i].calls : r.most;
		r.calls += r.minute[i].calls;
		r.failed += r.minute[i].failed;
		r.throttled += r.minute[i].throttled;
	}
	return r;
}

static unsigned height_of(uint32_t calls, uint32_t most)
{
	return calls > 0 ? 1 + (unsigned)((uint64_t)calls * (TALL - 1) / most) : 0;
}

static void add_minute(struct buf *out, const struct history_minute *m, unsigned x, uint32_t most)
{
	const unsigned h = height_of(m->calls, most), bad = height_of(m->failed, most);

	if (h > bad)
		buf_fmt(out, "<rect class=\"c\" x=\"%u\" y=\"%u\" width=\"3\" height=\"%u\"/>", x, TALL - h, h - bad);
	if (bad > 0)
		buf_fmt(out, "<rect class=\"f\" x=\"%u\" y=\"%u\" width=\"3\" height=\"%u\"/>", x,
		        TALL - (bad < TALL ? bad : TALL), bad);
	if (m->failed > 0) /* a mark below, so that colour does not tell it alone */
		buf_fmt(out, "<path class=\"%s\" d=\"M%u %dh3l-1.5-3z\"/>", m->throttled > 0 ? "q" : "f", x,
		        TALL + 5);
}

static void add_says(struct buf *out, const struct hour *h)
{
	buf_fmt(out, "Calls a minute over the last %zu min: ", h->n);
	html_number(out, (int64_t)h->calls);
	buf_str(out, " in all, at most ");
	html_number(out, h->most);
	buf_str(out, " in a minute, ");
	html_number(out, (int64_t)h->failed);
	buf_str(out, " failed, ");
	html_number(out, (int64_t)h->throttled);
	buf_str(out, " throttled");
}

static void add_hour(struct buf *out, const struct hour *h)
{
	enum { WIDE = HISTORY_MINUTES * STEP };

	buf_str(out, "<figure class=\"hour\">");
	buf_fmt(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"", WIDE,
	        TALL + 6);
	if (h->n > 0)
		add_says(out, h);
	else
		buf_str(out, "Calls a minute: no whole minute yet");
	buf_fmt(out, "\"><path class=\"base\" d=\"M0 %d.5h%d\"/>", TALL, WIDE);
	for (size_t i = 0; i < h->n; i++)
		add_minute(out, &h->minute[i], (unsigned)(HISTORY_MINUTES - h->n + i) * STEP, h->most);
	buf_str(out, "</svg><figcaption>");
	if (h->n > 0)
		add_says(out, h);
	else
		buf_str(out, "Calls a minute appear after the first whole minute");
	buf_str(out, "</figcaption></figure>\n");
}

/* ---- the quota ---- */
static void add_meter(struct buf *out, const struct status_app *a, enum chat_command c)
{
	const struct health_quota *q = &a->health->quota[c];
	const int64_t now = a->now_milli[c];

	buf_str(out, "<p class=\"rate\"><b>");
	html_milli(out, now);
	buf_str(out, "</b> of ");
	html_milli(out, q->in_force_milli);
	buf_fmt(out, " calls a second <code>%s</code></p>\n", chat_command_label(c));
	if (now >= 0 && q->budget_milli > 0) {
		buf_fmt(out,
		        "<meter min=\"0\" max=\"%.3f\" low=\"%.3f\" high=\"%.3f\" optimum=\"0\" value=\"%.3f\" "
		        "aria-label=\"calls a second now, of the budget\">",
		        (double)q->budget_milli / 1e3, (double)q->in_force_milli * 0.95 / 1e3,
		        (double)q->in_force_milli / 1e3, (double)now / 1e3);
		html_milli(out, now);
		buf_str(out, "</meter>\n");
	}
	buf_fmt(out, "<p class=\"sub parts\"><span>peak second <b>%u</b></span> <span>needed <b>", q->peak);
	html_milli(out, q->required_milli);
	buf_str(out, "</b></span> <span>in force <b>");
	html_milli(out, q->in_force_milli);
	buf_str(out, "</b></span> <span>budget <b>");
	html_milli(out, q->budget_milli);
	buf_str(out, "</b></span></p>\n");
}

/* ---- the card ---- */
static void add_signature(struct buf *out, const struct health_app *h, const struct now *now)
{
	html_fact(out, "Signature");
	if (h->usersig_expiry_s <= 0) {
		buf_str(out, "none made yet");
	} else if (h->usersig_expiry_s <= now->unix_s) {
		buf_str(out, "expired ");
		html_ago(out, now, h->usersig_expiry_s);
	} else {
		buf_str(out, "ends ");
		html_in(out, now, h->usersig_expiry_s);
	}
	buf_str(out, " <span class=\"sub\">renewed ");
	html_number(out, (int64_t)h->usersig_renewals);
	buf_str(out, h->usersig_renewals == 1 ? " time</span>" : " times</span>");
	html_fact_end(out);
}

static void add_facts(struct buf *out, const struct health_app *h, const struct now *now,
                      const struct hour *hour)
{
	buf_str(out, "<dl class=\"facts tight\">\n");
	add_signature(out, h, now);
	html_fact(out, "Throttled");
	html_number(out, hour->n > 0 ? (int64_t)hour->throttled : -1);
	if (hour->n > 0)
		buf_fmt(out, " <span class=\"sub\">in the last %zu min</span>", hour->n);
	else
		buf_str(out, " <span class=\"sub\">known after the first minute</span>");
	html_fact_end(out);
	html_fact(out, "Clock skew");
	if (h->skew_known)
		html_skew(out, h->skew_s);
	else
		html_number(out, -1);
	html_fact_end(out);
	html_fact(out, "Latest sweep");
	html_took(out, h->sweep_ms < 0 ? -1 : h->sweep_ms * 1000);
	html_fact_end(out);
	html_fact(out, "Overdue");
	if (h->late_ms > 0)
		html_took(out, h->late_ms * 1000);
	else
		buf_str(out, "nothing");
	html_fact_end(out);
	html_fact(out, "Topics");
	html_number(out, (int64_t)(h->topics_muted + h->topics_open + h->topics_unknown));
	buf_str(out, " <span class=\"sub\">");
	html_number(out, (int64_t)h->topics_muted);
	buf_str(out, " muted</span>");
	html_fact_end(out);
	buf_str(out, "</dl>\n");
}

static void add_title(struct buf *out, const struct status_app *a)
{
	char room[QUERY_MAX];
	struct buf link;

	buf_wrap(&link, room, sizeof(room));
	buf_str(&link, "?");
	status_pair(&link, "app", a->name);
	buf_str(out, "<header><h3><a href=\"");
	html_take(out, &link);
	buf_str(out, "\">");
	html_name(out, a->name);
	buf_str(out, "</a></h3>");
	if (a->health->up == UP_UNKNOWN)
		buf_str(
			out,
			"<span class=\"badge s-pending\"><i aria-hidden=\"true\">\xe2\x97\x8b</i> not known yet</span>");
	else
		html_verdict(out, a->health->up == UP_YES, a->health->up == UP_YES ? "up" : "down");
	buf_fmt(out, "<span class=\"sub\">sdkappid %" PRIu64 "</span></header>\n", a->sdk_app_id);
}

static void add_card(struct buf *out, const struct status_source *s, const struct status_app *a)
{
	const struct health_app *h = a->health;
	const struct hour hour = hour_of(a->history);

	buf_str(out, "<article class=\"card\">");
	add_title(out, a);
	for (int c = 0; c < CHAT_COMMANDS; c++)
		if (c == CHAT_GET_TOPIC || (h->tally[c] != NULL && h->tally[c]->requests > 0))
			add_meter(out, a, (enum chat_command)c);
	add_hour(out, &hour);
	html_states(out, h->communities);
	add_facts(out, h, &s->now, &hour);
	buf_str(out, "</article>\n");
}

void html_apps(struct buf *out, const struct status_source *s, const struct status_query *q)
{
	size_t shown = 0, wanted = 0;

	buf_str(out, "<section id=\"apps\" data-live aria-labelledby=\"apps-h\">\n<h2 id=\"apps-h\">Apps</h2>\n"
	             "<div class=\"cards\">\n");
	for (size_t i = 0; i < s->app_n; i++) {
		const struct status_app *a = &s->app[i];

		if (a->name == NULL || (q->app != NULL && strcmp(a->name, q->app) != 0))
			continue;
		wanted++;
		if (shown < CARDS_MAX) {
			add_card(out, s, a);
			shown++;
		}
	}
	buf_str(out, "</div>\n");
	if (wanted > shown)
		buf_fmt(out, "<p class=\"note\">%zu more apps: choose one in the filter below.</p>\n",
		        wanted - shown);
	buf_str(out, "</section>\n");
}
