/* /status/community as HTML: why it is in its state, its facts, and how to ask the service by hand. */
#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { WHY_MAX = 4 << 10, STRIP = 420 };

static const char *title_of(const struct status_row *r)
{
	return r->member.name != NULL ? r->member.name : r->member.id;
}

static void add_crumbs(struct buf *out, const struct status_row *r)
{
	char room[QUERY_MAX];
	struct buf link;

	buf_wrap(&link, room, sizeof(room));
	buf_str(&link, "?");
	status_pair(&link, "app", r->app->name);
	buf_str(out,
	        "<nav class=\"crumbs\" aria-label=\"Way back\"><a href=\"../status\">Status</a> \xe2\x80\xba "
	        "<a href=\"../status");
	html_take(out, &link);
	buf_str(out, "\">");
	html_name(out, r->app->name);
	buf_str(out, "</a></nav>\n");
}

static void add_why(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	char room[WHY_MAX];
	struct buf why;

	buf_wrap(&why, room, sizeof(room));
	status_why(s, r, &why);
	buf_fmt(out, "<p class=\"lead why %s\">", html_state_class(r->state));
	html_take(out, &why);
	buf_str(out, ".</p>\n");
}

static void add_polls(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	html_fact(out, "Latest poll");
	html_when(out, &s->now, r->last_poll_s);
	if (r->took_us >= 0) {
		buf_str(out, " <span class=\"sub\">took ");
		html_took(out, r->took_us);
		buf_str(out, "</span>");
	}
	html_fact_end(out);
	html_fact(out, "Latest usable answer");
	html_when(out, &s->now, r->last_success_s);
	html_fact_end(out);
	html_fact(out, "Next poll");
	html_in(out, &s->now, r->member.next_poll_s);
	buf_str(out, " <span class=\"sub\">every ");
	status_span(out, (r->interval_ms + 500) / 1000);
	buf_str(out, "</span>");
	html_fact_end(out);
	if (r->since_s >= 0) {
		html_fact(out, "In trouble since");
		html_when(out, &s->now, r->since_s);
		html_fact_end(out);
	}
	html_fact(out, "Failed in a row");
	html_number(out, r->failures);
	html_fact_end(out);
}

static void add_fact(struct buf *out, const char *term, int64_t n)
{
	html_fact(out, term);
	html_number(out, n);
	html_fact_end(out);
}

static void add_topics(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	const struct facts *f = pin_facts(s->pin, r->i);

	add_fact(out, "Topics", r->topics);
	add_fact(out, "Muted", r->muted);
	html_fact(out, "Silent");
	html_number(out, r->silent);
	buf_str(out, " <span class=\"sub\">for more than ");
	status_span(out, pin_settings(s->pin, r->i).silent_after_ms / 1000);
	buf_str(out, "</span>");
	html_fact_end(out);
	add_fact(out, "In error", f != NULL ? topic_community_value(f, M_COMMUNITY_TOPICS_FAILED, 0) : -1);
	html_fact(out, "Quietest topic");
	if (r->idle_s >= 0)
		status_span(out, r->idle_s);
	else
		html_number(out, -1);
	html_fact_end(out);
	html_fact(out, "Messages a minute");
	html_milli(out, r->rate_milli);
	html_fact_end(out);
}

static void add_head(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	buf_str(out, "<section id=\"facts\" data-live aria-labelledby=\"facts-h\">\n<h1 id=\"facts-h\">");
	html_name(out, title_of(r));
	buf_str(out, " ");
	html_badge(out, r->state);
	buf_str(out, "</h1>\n<p class=\"ids\"><code>");
	html_name(out, r->member.id);
	buf_str(out, "</code> <span class=\"tag\">");
	html_name(out, r->app->name);
	buf_fmt(out, "</span> <span class=\"sub\">sdkappid %" PRIu64 "%s</span></p>\n", r->app->sdk_app_id,
	        r->member.discovered ? ", discovered" : "");
	add_why(out, s, r);
	buf_str(out, "<dl class=\"facts\">\n");
	add_polls(out, s, r);
	add_topics(out, s, r);
	buf_str(out, "</dl>\n");
	if (r->idle != NULL) {
		buf_str(out, "<div class=\"heat wide\">");
		html_idle_strip(out, r->idle, STRIP);
		buf_str(out, "</div>\n");
		html_idle_legend(out, r->idle);
	}
	buf_str(out, "</section>\n");
}

static void add_curl(struct buf *out, const struct status_row *r)
{
	if (r->member.curl == NULL)
		return;
	buf_str(
		out,
		"<section aria-labelledby=\"curl-h\">\n<h2 id=\"curl-h\">The same call by hand</h2>\n"
		"<p class=\"sub\">The signature is left out: put one in its place.</p>\n"
		"<div class=\"copy\"><pre id=\"curl\" tabindex=\"0\" role=\"region\" aria-label=\"curl command\">");
	html_str(out, r->member.curl);
	buf_str(out, "</pre><button type=\"button\" data-copy=\"curl\" hidden>Copy</button></div>\n</section>\n");
}

void status_community_html(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out)
{
	struct html_frame frame = {
		.title = title_of(r),
		.root = "../",
		.here = "/status/community",
		.version = s->version,
		.telemetry_path = s->telemetry_path,
		.now_s = s->now.unix_s,
		.live = true,
	};

	html_begin(out, &frame);
	add_crumbs(out, r);
	add_head(out, s, r);
	html_attempts(out, s, r);
	add_curl(out, r);
	html_topics(out, s, r, from);
	html_end(out, &frame);
}
