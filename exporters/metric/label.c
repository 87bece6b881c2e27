#include <stdint.h>

#include "agent/base/utf8.h"
#include "exporters/metric/sample.h"

/* NUL counts as invalid: a label value with one would end early in every C program behind us. */
static size_t char_len(const char *s, size_t left)
{
	return *s != '\0' ? utf8_char(s, left) : 0;
}

static void add_char(struct buf *out, const char *at, size_t len)
{
	if (len == 0)
		buf_str(out, "?");
	else if (*at == '\n')
		buf_str(out, "\\n");
	else if (*at == '"' || *at == '\\')
		buf_fmt(out, "\\%c", *at);
	else
		buf_add(out, at, len);
}

void label_escape(struct buf *out, struct span value, size_t max)
{
	size_t i = 0, most;

	if (max == 0)
		max = SIZE_MAX;
	most = value.len < max ? value.len : max;
	while (i < value.len) {
		const size_t run = utf8_plain(value.at + i, most - i);
		size_t len;

		buf_add(out, value.at + i, run);
		i += run;
		if (i == value.len)
			break;
		len = char_len(value.at + i, value.len - i);
		if (i + (len > 0 ? len : 1) > max)
			break;
		add_char(out, value.at + i, len);
		i += len > 0 ? len : 1;
	}
}

void label_add(struct buf *out, const char *key, struct span value, size_t max)
{
	if (out->len > 0 && out->at[out->len - 1] != ',')
		buf_str(out, ",");
	buf_str(out, key);
	buf_str(out, "=\"");
	label_escape(out, value, max);
	buf_str(out, "\"");
}
