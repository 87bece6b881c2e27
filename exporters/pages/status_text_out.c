/* Pieces of text for terminals, which obey some characters instead of showing them. */
#include <inttypes.h>
#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/pages/status_inside.h"

/* ---- characters ---- */
static uint32_t point_of(const char *at, size_t len)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = (unsigned char)at[0] & first[len];

	for (size_t i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)at[i] & 0x3f);
	return point;
}

struct range {
	uint32_t from, to;
};

/* Controls, marks of direction, invisible characters, and those that end a line. */
static const struct range hidden[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
};
/* Two columns in a terminal: East Asian wide, and pictures. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
};
/* None: they stand on the character before. */
static const struct range marks[] = {
	{ 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },   { 0x64b, 0x65f },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
};

static bool is_in(uint32_t point, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (point >= r[i].from && point <= r[i].to)
			return true;
	return false;
}
#define IS_IN(POINT, TABLE) is_in(POINT, TABLE, sizeof(TABLE) / sizeof((TABLE)[0]))

/* The next character as a terminal may have it; returns its columns. */
static size_t show(struct span text, size_t i, size_t *ret_len, struct buf *out)
{
	const size_t len = utf8_char(text.at + i, text.len - i);
	uint32_t point;

	*ret_len = len > 0 ? len : 1;
	if (len == 0) {
		buf_str(out, "\xef\xbf\xbd");
		return 1;
	}
	point = point_of(text.at + i, len);
	if (IS_IN(point, hidden)) {
		buf_fmt(out, "<U+%04" PRIX32 ">", point);
		return out->len;
	}
	buf_add(out, text.at + i, len);
	return IS_IN(point, marks) ? 0 : IS_IN(point, wide) ? 2 : 1;
}

/* Behind the last place that leaves room for the "…" stands the mark of where to cut. */
size_t text_plain(struct buf *out, struct span text, size_t columns)
{
	size_t used = 0, fits = out->len, fits_used = 0, marks_on = 0, len;

	for (size_t i = 0; i < text.len; i += len) {
		char piece[16];
		struct buf b;
		size_t width;

		buf_wrap(&b, piece, sizeof(piece));
		width = show(text, i, &len, &b);
		marks_on = width == 0 ? marks_on + 1 : 0;
		if (used + width > columns || marks_on > 8) {
			if (out->status == ERR_OK)
				out->len = fits;
			buf_str(out, "…");
			return fits_used + 1;
		}
		buf_span(out, buf_view(&b));
		used += width;
		if (used < columns) {
			fits = out->len;
			fits_used = used;
		}
	}
	return used;
}

void text_padded(struct buf *out, struct span text, size_t columns)
{
	for (size_t used = text_plain(out, text, columns); used < columns; used++)
		buf_str(out, " ");
}

/* ---- numbers ---- */
static void add_right(struct buf *out, struct buf *text, int columns)
{
	buf_fmt(out, "%*s", columns, buf_text(text));
}

void text_number(struct buf *out, int64_t value, int columns)
{
	if (value < 0)
		buf_fmt(out, "%*s", columns, "-");
	else
		buf_fmt(out, "%*" PRId64, columns, value);
}

void text_span(struct buf *out, int64_t seconds, int columns)
{
	char text[32];
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	if (seconds < 0)
		buf_str(&b, "-");
	else
		status_span(&b, seconds);
	add_right(out, &b, columns);
}

void text_milli(struct buf *out, int64_t value, int columns)
{
	char text[32];
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	if (value < 0)
		buf_str(&b, "-");
	else
		buf_fmt(&b, "%" PRId64 ".%" PRId64, value / 1000, value % 1000 / 100);
	add_right(out, &b, columns);
}

void text_reason(struct buf *out, enum err reason, int code)
{
	if (reason == ERR_OK)
		return;
	buf_str(out, err_label(reason));
	if (code != 0)
		buf_fmt(out, " %d", code);
}
