#include <inttypes.h>

#include "exporters/pages/status_html.h"

static const struct {
	const char *class, *shape;
} states[STATE_COUNT] = {
	[STATE_OK] = { "s-ok", "\xe2\x97\x8f" },           /* a disc */
	[STATE_FAILING] = { "s-failing", "\xe2\x96\xb2" }, /* a triangle */
	[STATE_STALE] = { "s-stale", "\xe2\x97\x86" },     /* a diamond */
	[STATE_PENDING] = { "s-pending", "\xe2\x97\x8b" }, /* a ring */
	[STATE_GONE] = { "s-gone", "\xe2\x9c\x95" },       /* a cross */
};

/* As a reader looks at them. */
static const enum health_state order[STATE_COUNT] = { STATE_OK, STATE_PENDING, STATE_STALE, STATE_FAILING,
	                                                  STATE_GONE };

const char *html_state_class(enum health_state s)
{
	return states[s].class;
}

void html_badge(struct buf *out, enum health_state s)
{
	buf_fmt(out, "<span class=\"badge %s\"><i aria-hidden=\"true\">%s</i> %s</span>", states[s].class,
	        states[s].shape, status_state_label(s));
}

void html_verdict(struct buf *out, bool fine, const char *word)
{
	buf_fmt(out, "<span class=\"badge %s\"><i aria-hidden=\"true\">%s</i> %s</span>",
	        states[fine ? STATE_OK : STATE_FAILING].class, states[fine ? STATE_OK : STATE_FAILING].shape,
	        word);
}

/* A bar of 1000 units; what is there at all is seen. */
static void add_bar(struct buf *out, const uint64_t count[STATE_COUNT], uint64_t all)
{
	enum { WIDTH = 1000, LEAST = 8 };
	unsigned present = 0, segments = 0, at = 0;
	uint64_t before = 0;

	for (int i = 0; i < STATE_COUNT; i++)
		present += count[i] > 0;
	buf_fmt(out, "<svg class=\"bar\" viewBox=\"0 0 %d 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
	        WIDTH);
	for (int i = 0; i < STATE_COUNT; i++) {
		const enum health_state s = order[i];
		unsigned end;

		if (count[s] == 0)
			continue;
		before += count[s];
		end = LEAST * ++segments + (unsigned)((WIDTH - LEAST * present) * before / all);
		buf_fmt(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"8\"/>", states[s].class, at,
		        end - at);
		at = end;
	}
	buf_str(out, "</svg>\n");
}

void html_states(struct buf *out, const uint64_t count[STATE_COUNT])
{
	uint64_t all = 0;

	for (int i = 0; i < STATE_COUNT; i++)
		all += count[i];
	if (all > 0)
		add_bar(out, count, all);
	buf_str(out, "<ul class=\"states\">");
	for (int i = 0; i < STATE_COUNT; i++) {
		const enum health_state s = order[i];

		buf_fmt(out, "<li class=\"%s%s\"><i aria-hidden=\"true\">%s</i> <b>", states[s].class,
		        count[s] == 0 ? " zero" : "", states[s].shape);
		html_number(out, (int64_t)count[s]);
		buf_fmt(out, "</b> %s</li>", status_state_label(s));
	}
	buf_str(out, "</ul>\n");
}

void html_reason(struct buf *out, enum err reason, int code)
{
	if (reason == ERR_OK)
		return;
	buf_fmt(out, "<b>%s", err_label(reason));
	if (code != 0)
		buf_fmt(out, " %d", code);
	buf_str(out, "</b> ");
	html_str(out,
	         code != 0 && reason != ERR_HTTP_STATUS ? chat_code(chat_row(code))->text : err_text(reason));
}
