/* The last requests of a community: what each came to, and where its time went. */
#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { WIDE = 200, HEIGHT = 12 };

static const struct {
	const char *says, *class;
} parts[] = {
	{ "DNS", "p0" }, { "connect", "p1" }, { "TLS", "p2" }, { "first byte", "p3" }, { "rest", "p4" },
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* Each is counted from the start of the attempt, 0 when it did not happen; a part begins where the one before
 * ended. Below 0: there was none. */
static void parts_of(const struct history_attempt *t, int64_t ret[PARTS])
{
	const uint32_t ends[PARTS] = { t->dns_us, t->connect_us, t->tls_us, t->first_us, t->total_us };
	uint32_t before = 0;

	for (size_t i = 0; i < PARTS; i++) {
		ret[i] = ends[i] == 0 ? -1 : ends[i] > before ? (int64_t)ends[i] - before : 0;
		before = ends[i] > before ? ends[i] : before;
	}
}

/* For the eye only: the numbers stand beside it. */
static void add_bar(struct buf *out, const int64_t part[PARTS], uint32_t longest_us)
{
	unsigned at = 0;

	buf_fmt(out,
	        "<svg class=\"took\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
	        WIDE, HEIGHT);
	for (size_t i = 0; i < PARTS; i++) {
		const unsigned w = part[i] > 0 ? (unsigned)(part[i] * WIDE / longest_us) : 0;

		if (w > 0)
			buf_fmt(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"%d\"/>", parts[i].class, at, w,
			        HEIGHT);
		at += w;
	}
	buf_str(out, "</svg>");
}

static void add_attempt(struct buf *out, const struct now *now, const struct history_attempt *t,
                        uint32_t longest_us)
{
	int64_t part[PARTS];

	parts_of(t, part);
	buf_str(out, "<tr><td class=\"t\">");
	html_ago(out, now, t->end_s);
	buf_str(out, "</td><th scope=\"row\" class=\"why\">");
	html_verdict(out, t->reason == ERR_OK, t->reason == ERR_OK ? "usable" : "failed");
	if (t->reason != ERR_OK) {
		buf_str(out, " <span class=\"what\">");
		html_reason(out, (enum err)t->reason, t->code);
		buf_str(out, "</span>");
	}
	buf_str(out, "</th><td class=\"n\">");
	html_number(out, t->status > 0 ? t->status : -1);
	buf_str(out, "</td><td class=\"n\">");
	html_bytes(out, t->bytes);
	buf_str(out, "</td>");
	for (size_t i = 0; i < PARTS; i++) {
		buf_str(out, "<td class=\"n\">");
		html_took(out, part[i]);
		buf_str(out, "</td>");
	}
	buf_str(out, "<td class=\"n\"><b>");
	html_took(out, t->total_us);
	buf_str(out, "</b></td><td class=\"bars\">");
	add_bar(out, part, longest_us);
	buf_str(out, "</td></tr>\n");
}

static void add_head(struct buf *out)
{
	buf_str(out,
	        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of requests\"><table>"
	        "<caption class=\"hidden\">Latest requests, the newest first</caption>\n<thead><tr>"
	        "<th scope=\"col\">Ended</th><th scope=\"col\">Result</th><th scope=\"col\" class=\"n\">HTTP</th>"
	        "<th scope=\"col\" class=\"n\">Bytes</th>");
	for (size_t i = 0; i < PARTS; i++)
		buf_fmt(out, "<th scope=\"col\" class=\"n\"><i class=\"key %s\" aria-hidden=\"true\"></i>%s</th>",
		        parts[i].class, parts[i].says);
	buf_str(out, "<th scope=\"col\" class=\"n\">Total</th><th scope=\"col\" "
	             "class=\"bars\">Time</th></tr></thead><tbody>\n");
}

void html_attempts(struct buf *out, const struct status_source *s, const struct status_row *r)
{
	struct history_attempt attempt[HISTORY_ATTEMPTS];
	const size_t n = history_attempts_read(r->member.attempts, attempt);
	uint32_t longest_us = 1;

	buf_str(out, "<section id=\"tries\" data-live aria-labelledby=\"tries-h\">\n<h2 id=\"tries-h\">Latest "
	             "requests</h2>\n");
	for (size_t i = 0; i < n; i++)
		longest_us = attempt[i].total_us > longest_us ? attempt[i].total_us : longest_us;
	if (n == 0) {
		buf_str(out, "<p class=\"empty\">Nothing was asked yet.</p>\n");
	} else {
		add_head(out);
		for (size_t i = 0; i < n; i++)
			add_attempt(out, &s->now, &attempt[i], longest_us);
		buf_str(out, "</tbody></table></div>\n");
	}
	buf_str(out, "</section>\n");
}
