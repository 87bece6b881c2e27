/* The heat strip: one segment a bucket, as wide as its share. Buckets differ in lightness and, where there is
 * room, by a letter, so that nothing is told by colour alone; the counts stand in its label. */
#include <inttypes.h>

#include "exporters/pages/status_html.h"

enum { HEIGHT = 16, LEAST = 3, LETTER_MIN = 11 };

static const struct {
	const char *letter, *says;
} buckets[IDLE_BUCKETS] = {
	{ "m", "under 5 minutes" },     { "h", "under an hour" }, { "d", "under a day" },
	{ "w", "under a week" },        { "M", "under 30 days" }, { "+", "30 days or more" },
	{ "0", "never had a message" },
};

static void add_label(struct buf *out, const uint32_t count[IDLE_BUCKETS])
{
	const char *between = "Topics by silence: ";

	for (size_t i = 0; i < IDLE_BUCKETS; i++)
		if (count[i] > 0) {
			buf_fmt(out, "%s%" PRIu32 " %s", between, count[i], buckets[i].says);
			between = ", ";
		}
}

static void add_segment(struct buf *out, size_t bucket, unsigned x, unsigned w)
{
	buf_fmt(out, "<rect class=\"i%zu\" x=\"%u\" width=\"%u\" height=\"%d\"/>", bucket, x, w, HEIGHT);
	if (w >= LETTER_MIN)
		buf_fmt(out, "<text class=\"t%zu\" x=\"%u\" y=\"12\">%s</text>", bucket, x + w / 2,
		        buckets[bucket].letter);
}

void html_idle_strip(struct buf *out, const uint32_t count[IDLE_BUCKETS], int width)
{
	uint64_t all = 0, before = 0;
	unsigned present = 0, segments = 0, at = 0;

	for (size_t i = 0; i < IDLE_BUCKETS; i++) {
		all += count[i];
		present += count[i] > 0;
	}
	if (all == 0) {
		html_number(out, -1);
		return;
	}
	buf_fmt(
		out,
		"<svg class=\"strip\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
		width, HEIGHT, width, HEIGHT);
	add_label(out, count);
	buf_str(out, "\"><title>");
	add_label(out, count);
	buf_str(out, "</title>");
	for (size_t i = 0; i < IDLE_BUCKETS; i++) {
		unsigned end;

		if (count[i] == 0)
			continue;
		before += count[i];
		end = LEAST * ++segments + (unsigned)(((unsigned)width - LEAST * present) * before / all);
		add_segment(out, i, at, end - at - 1);
		at = end;
	}
	buf_str(out, "</svg>");
}

void html_idle_legend(struct buf *out, const uint32_t *count)
{
	buf_str(out, "<ul class=\"legend\" aria-label=\"Silence of topics\">");
	for (size_t i = 0; i < IDLE_BUCKETS; i++) {
		buf_fmt(out, "<li><svg width=\"16\" height=\"%d\" viewBox=\"0 0 16 %d\" aria-hidden=\"true\">",
		        HEIGHT, HEIGHT);
		add_segment(out, i, 0, HEIGHT);
		buf_str(out, "</svg> ");
		if (count != NULL) {
			buf_str(out, "<b>");
			html_number(out, count[i]);
			buf_str(out, "</b> ");
		}
		buf_fmt(out, "%s</li>", buckets[i].says);
	}
	buf_str(out, "</ul>\n");
}
