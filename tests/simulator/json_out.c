#include <inttypes.h>
#include <string.h>

#include "tests/simulator/json.h"

/* Appends a run of plain bytes at once: most text needs no escape at all. */
static void put_quoted(struct buf *out, const char *text)
{
	buf_add(out, "\"", 1);
	while (*text != '\0') {
		size_t plain = 0;

		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
			plain++;
		buf_add(out, text, plain);
		text += plain;
		if (*text == '"' || *text == '\\')
			buf_fmt(out, "\\%c", *text++);
		else if (*text != '\0')
			buf_fmt(out, "\\u%04x", (unsigned)(unsigned char)*text++);
	}
	buf_add(out, "\"", 1);
}

static void put_name(struct json_out *o, const char *name)
{
	if (o->comma)
		buf_add(o->buf, ",", 1);
	o->comma = true;
	if (name != NULL) {
		put_quoted(o->buf, name);
		buf_add(o->buf, ":", 1);
	}
}

static void put_number(struct json_out *o, const char *name, const char *digits)
{
	put_name(o, name);
	if (o->quoted_numbers)
		buf_add(o->buf, "\"", 1);
	buf_str(o->buf, digits);
	if (o->quoted_numbers)
		buf_add(o->buf, "\"", 1);
}

void json_open(struct json_out *o, const char *name, char bracket)
{
	put_name(o, name);
	buf_add(o->buf, &bracket, 1);
	o->comma = false;
}

void json_close(struct json_out *o, char bracket)
{
	buf_add(o->buf, &bracket, 1);
	o->comma = true;
}

void json_put_text(struct json_out *o, const char *name, const char *text)
{
	put_name(o, name);
	put_quoted(o->buf, text);
}

void json_put_int(struct json_out *o, const char *name, int64_t number)
{
	char digits[24];
	struct buf b;

	buf_wrap(&b, digits, sizeof(digits));
	buf_fmt(&b, "%" PRId64, number);
	put_number(o, name, buf_text(&b));
}

void json_put_uint(struct json_out *o, const char *name, uint64_t number)
{
	char digits[24];
	struct buf b;

	buf_wrap(&b, digits, sizeof(digits));
	buf_fmt(&b, "%" PRIu64, number);
	put_number(o, name, buf_text(&b));
}

void json_put_real(struct json_out *o, const char *name, double number)
{
	put_name(o, name);
	buf_fmt(o->buf, "%.3f", number);
}

void json_put_bool(struct json_out *o, const char *name, bool truth)
{
	put_name(o, name);
	buf_str(o->buf, truth ? "true" : "false");
}

void json_put_null(struct json_out *o, const char *name)
{
	put_name(o, name);
	buf_str(o->buf, "null");
}
