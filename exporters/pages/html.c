#include "exporters/pages/html.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/pages/status.h"

#define STAND_IN "\xef\xbf\xbd" /* U+FFFD */
#define DASH     "<span class=\"none\" title=\"not known\">\xe2\x80\x93</span>"

/* ---- text ---- */
static uint32_t code_point(const char *s, size_t len)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

/* Joiners (U+200C, U+200D) stay: letters of some scripts and many emoji are made with them. */
static bool is_unseen(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && entity(c) == NULL;
}

void html_text(struct buf *out, struct span text, size_t chars)
{
	size_t at = 0, len;

	for (size_t n = 0; at < text.len && n < chars; n++) {
		const char *s = text.at + at;
		size_t run = 0;

		while (at + run < text.len && n + run < chars && is_plain(s[run]))
			run++;
		if (run > 0) {
			buf_add(out, s, run);
			at += run;
			n += run - 1;
			continue;
		}
		len = utf8_char(s, text.len - at);
		if (len == 0 || is_unseen(code_point(s, len)))
			buf_str(out, STAND_IN);
		else if (len == 1)
			buf_str(out, entity(*s));
		else
			buf_add(out, s, len);
		at += len == 0 ? 1 : len;
	}
	if (at < text.len)
		buf_str(out, "\xe2\x80\xa6");
}

void html_str(struct buf *out, const char *text)
{
	html_text(out, span_of(text), HTML_ALL);
}

void html_name(struct buf *out, const char *text)
{
	const struct span s = span_of(text);

	if (s.len > HTML_NAME) {
		buf_str(out, "<bdi title=\"");
		html_text(out, s, HTML_TITLE);
		buf_str(out, "\">");
	} else {
		buf_str(out, "<bdi>");
	}
	html_text(out, s, HTML_NAME);
	buf_str(out, "</bdi>");
}

void html_take(struct buf *out, struct buf *room)
{
	html_text(out, buf_view(room), HTML_ALL);
	buf_reset(room);
}

/* ---- numbers ---- */
void html_number(struct buf *out, int64_t n)
{
	char digits[24];
	struct buf b;

	if (n < 0) {
		buf_str(out, DASH);
		return;
	}
	buf_wrap(&b, digits, sizeof(digits));
	buf_fmt(&b, "%" PRId64, n);
	for (size_t i = 0; i < b.len; i++) {
		if (i > 0 && (b.len - i) % 3 == 0)
			buf_str(out, ",");
		buf_add(out, b.at + i, 1);
	}
}

void html_milli(struct buf *out, int64_t milli)
{
	if (milli < 0 || milli >= 99950)
		html_number(out, milli < 0 ? -1 : (milli + 500) / 1000);
	else if (milli > 0 && milli < 995)
		buf_fmt(out, "%.2f", (double)milli / 1000);
	else
		buf_fmt(out, "%.*f", milli % 1000 != 0, (double)milli / 1000);
}

void html_took(struct buf *out, int64_t us)
{
	if (us < 0)
		buf_str(out, DASH);
	else if (us < 50)
		buf_str(out, "0 ms");
	else if (us < 9950)
		buf_fmt(out, "%.1f ms", (double)us / 1e3);
	else if (us < 999500)
		buf_fmt(out, "%.0f ms", (double)us / 1e3);
	else
		buf_fmt(out, "%.2f s", (double)us / 1e6);
}

void html_bytes(struct buf *out, int64_t n)
{
	if (n < 1000)
		buf_fmt(out, "%" PRId64 " B", n);
	else if (n < 999500)
		buf_fmt(out, "%.*f KB", n < 9950, (double)n / 1e3);
	else
		buf_fmt(out, "%.1f MB", (double)n / 1e6);
}

/* ---- times ---- */
static void add_time(struct buf *out, const char *kind, int64_t unix_s)
{
	char room[32];
	struct buf text;

	buf_wrap(&text, room, sizeof(room));
	status_time(&text, unix_s);
	buf_str(out, "<time datetime=\"");
	for (size_t i = 0; i < text.len; i++)
		buf_add(out, text.at[i] == ' ' ? "T" : &text.at[i], 1);
	buf_fmt(out, "Z\" title=\"%s UTC\"%s>", buf_text(&text), kind);
}

void html_ago(struct buf *out, const struct now *now, int64_t unix_s)
{
	if (unix_s < 0) {
		buf_str(out, DASH);
		return;
	}
	add_time(out, " data-t=\"ago\"", unix_s);
	status_span(out, now->unix_s - unix_s);
	buf_str(out, " ago</time>");
}

void html_in(struct buf *out, const struct now *now, int64_t unix_s)
{
	if (unix_s < 0) {
		buf_str(out, DASH);
		return;
	}
	add_time(out, " data-t=\"in\"", unix_s);
	if (unix_s > now->unix_s) {
		buf_str(out, "in ");
		status_span(out, unix_s - now->unix_s);
	} else {
		buf_str(out, "due now");
	}
	buf_str(out, "</time>");
}

void html_when(struct buf *out, const struct now *now, int64_t unix_s)
{
	if (unix_s < 0) {
		buf_str(out, DASH);
		return;
	}
	add_time(out, "", unix_s);
	status_time(out, unix_s);
	buf_str(out, "</time> <span class=\"sub\">UTC, ");
	html_ago(out, now, unix_s);
	buf_str(out, "</span>");
}

void html_fact(struct buf *out, const char *term)
{
	buf_fmt(out, "<div><dt>%s</dt><dd>", term);
}

void html_fact_end(struct buf *out)
{
	buf_str(out, "</dd></div>\n");
}
