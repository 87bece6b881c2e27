#include "exporters/pages/pages.h"

#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { APPS_MAX = 500 }; /* on the landing page; /status pages through the rest */

/* ---- the landing page ---- */
static void add_link(struct buf *b, const char *path, const char *name, const char *says)
{
	buf_str(b, "<li><a href=\"");
	html_str(b, path + 1);
	buf_fmt(b, "\"><code>");
	html_str(b, path);
	buf_fmt(b, "</code><b>%s</b> %s</a></li>\n", name, says);
}

static void add_links(struct buf *b, const struct page_state *s)
{
	buf_str(b,
	        "<section aria-labelledby=\"links-h\">\n<h2 id=\"links-h\">Pages</h2>\n<ul class=\"links\">\n");
	add_link(b, "/status", "Status",
	         "Which communities fail, why and since when; what is left of the quota; what comes next.");
	add_link(b, s->telemetry_path, "Metrics", "For Prometheus, as text or OpenMetrics.");
	add_link(b, "/api/v1/status", "Status as JSON", "The same facts for programs, page by page.");
	add_link(b, "/sd", "Service discovery",
	         "Targets for probe jobs: each community, to be asked through /probe.");
	add_link(b, "/-/healthy", "Health", "Is the scheduler at work? 200 or 503, for liveness probes.");
	add_link(b, "/-/ready", "Readiness", "Has every app been polled once? 200 or 503, with the reason.");
	buf_str(b, "</ul>\n</section>\n");
}

static void add_up(struct buf *b, enum health_up up)
{
	if (up == UP_UNKNOWN)
		buf_str(
			b,
			"<span class=\"badge s-pending\"><i aria-hidden=\"true\">\xe2\x97\x8b</i> not known yet</span>");
	else
		html_verdict(b, up == UP_YES, up == UP_YES ? "up" : "down");
}

static void add_app(struct buf *b, const struct page_app *a)
{
	const struct health_app *h = a->health;
	char room[QUERY_MAX];
	struct buf link;

	buf_wrap(&link, room, sizeof(room));
	buf_str(&link, "?");
	status_pair(&link, "app", a->name);
	buf_str(b, "<tr><th scope=\"row\"><a href=\"status");
	html_take(b, &link);
	buf_str(b, "\">");
	html_name(b, a->name);
	buf_str(b, "</a></th><td>");
	add_up(b, h->up);
	buf_str(b, "</td>");
	for (int i = 0; i < STATE_COUNT; i++) {
		buf_fmt(b, "<td class=\"n%s\">", h->communities[i] == 0 ? " none" : "");
		html_number(b, (int64_t)h->communities[i]);
		buf_str(b, "</td>");
	}
	buf_str(b, "<td class=\"n\">");
	html_number(b, (int64_t)(h->topics_muted + h->topics_open + h->topics_unknown));
	buf_str(b, "</td></tr>\n");
}

static void add_apps(struct buf *b, const struct page_state *s)
{
	buf_str(b,
	        "<section aria-labelledby=\"apps-h\">\n<h2 id=\"apps-h\">Apps</h2>\n"
	        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of apps\"><table>\n"
	        "<caption class=\"hidden\">Apps, and how many communities of each are in which state</caption>\n"
	        "<thead><tr><th scope=\"col\">App</th><th scope=\"col\">State</th>");
	for (int i = 0; i < STATE_COUNT; i++)
		buf_fmt(b, "<th scope=\"col\" class=\"n\">%s</th>", status_state_label((enum health_state)i));
	buf_str(b, "<th scope=\"col\" class=\"n\">Topics</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < s->app_n && i < APPS_MAX && html_has_room(b); i++)
		add_app(b, &s->app[i]);
	buf_str(b, "</tbody></table></div>\n");
	if (s->app_n > APPS_MAX)
		buf_fmt(b, "<p class=\"note\">%zu apps in all; the status page has the others.</p>\n", s->app_n);
	buf_str(b, "</section>\n");
}

static void add_verdicts(struct buf *b, const struct page_state *s)
{
	uint64_t count[STATE_COUNT] = { 0 };

	for (size_t a = 0; a < s->app_n; a++)
		for (int i = 0; i < STATE_COUNT; i++)
			count[i] += s->app[a].health->communities[i];
	buf_str(b, "<section aria-labelledby=\"top-h\">\n<h1 id=\"top-h\">tencentchat_exporter</h1>\n"
	           "<p class=\"lead\">Topics of Tencent Cloud Chat communities, for Prometheus.</p>\n<p>");
	html_verdict(b, s->unready == NULL, s->unready == NULL ? "ready" : "not ready");
	buf_str(b, " ");
	html_verdict(b, s->unwell == NULL, s->unwell == NULL ? "healthy" : "unwell");
	buf_str(b, " <span class=\"sub\">version ");
	html_str(b, s->version);
	buf_str(b, "</span></p>\n");
	if (s->unready != NULL || s->unwell != NULL) {
		buf_str(b, "<p class=\"sub\">");
		html_text(b, span_of(s->unready != NULL ? s->unready : s->unwell), HTML_TITLE);
		buf_str(b, "</p>\n");
	}
	html_states(b, count);
	buf_str(b, "</section>\n");
}

void page_landing(const struct page_state *s, struct web_reply *reply)
{
	const struct html_frame frame = {
		.title = "tencentchat_exporter",
		.root = "",
		.here = "/",
		.version = s->version,
		.telemetry_path = s->telemetry_path,
	};
	struct buf *b = &reply->body;

	reply->type = "text/html; charset=utf-8";
	reply->page = true;
	html_begin(b, &frame);
	add_verdicts(b, s);
	add_links(b, s);
	add_apps(b, s);
	html_end(b, &frame);
}

/* ---- probes ---- */
static void say(struct web_reply *reply, const char *fine, const char *trouble)
{
	reply->type = "text/plain; charset=utf-8";
	if (trouble != NULL) {
		reply->status = 503;
		reply->retry_after_s = 5;
	}
	buf_fmt(&reply->body, "%s\n", trouble != NULL ? trouble : fine);
}

void page_healthy(const struct page_state *s, struct web_reply *reply)
{
	say(reply, "healthy", s->unwell);
}

void page_ready(const struct page_state *s, struct web_reply *reply)
{
	say(reply, "ready", s->unready);
}
