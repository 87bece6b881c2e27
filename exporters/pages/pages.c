#include "exporters/pages/pages.h"

#include <inttypes.h>

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tencentchat_exporter</title>\n"
	"<meta name=\"viewport\" content=\"width=device-width\"><style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem}\n"
	"table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.3rem .6rem;"
	"border-bottom:1px solid #8884}\n"
	"th:first-child,td:first-child{text-align:left}code{font-size:.95em}\n"
	"</style></head><body>\n";

/* Text that came from a configuration file, as HTML text. */
static void add_text(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		default:
			buf_add(b, text, 1);
		}
	}
}

static void add_link(struct buf *b, const char *path, const char *says)
{
	buf_str(b, "<li><a href=\"");
	add_text(b, path);
	buf_str(b, "\"><code>");
	add_text(b, path);
	buf_fmt(b, "</code></a> %s</li>\n", says);
}

static void add_app(struct buf *b, const struct page_app *a)
{
	static const char *const up[] = { [UP_UNKNOWN] = "not known yet", [UP_NO] = "down", [UP_YES] = "up" };
	const struct health_app *h = a->health;

	buf_str(b, "<tr><td>");
	add_text(b, a->name);
	buf_fmt(b, "</td><td>%s</td>", up[h->up]);
	for (int i = 0; i < STATE_COUNT; i++)
		buf_fmt(b, "<td>%" PRIu64 "</td>", h->communities[i]);
	buf_fmt(b, "<td>%" PRIu64 "</td></tr>\n", h->topics_muted + h->topics_open + h->topics_unknown);
}

void page_landing(const struct page_state *s, struct web_reply *reply)
{
	struct buf *b = &reply->body;

	reply->type = "text/html; charset=utf-8";
	buf_str(b, head);
	buf_fmt(b, "<h1>tencentchat_exporter</h1>\n<p>Version %s. ", s->version);
	add_text(b, s->unready != NULL ? s->unready : "Ready");
	buf_str(b, ", ");
	add_text(b, s->unwell != NULL ? s->unwell : "healthy");
	buf_str(b, ".</p>\n<ul>\n");
	add_link(b, s->telemetry_path, "the metrics, for Prometheus");
	add_link(b, "/-/healthy", "is the scheduler at work?");
	add_link(b, "/-/ready", "has every app been polled once?");
	buf_str(b, "</ul>\n<table><tr><th>App</th><th>State</th><th>Communities ok</th><th>failing</th>"
	           "<th>stale</th><th>pending</th><th>gone</th><th>Topics</th></tr>\n");
	for (size_t i = 0; i < s->app_n; i++)
		add_app(b, &s->app[i]);
	buf_str(b, "</table>\n</body></html>\n");
}

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
