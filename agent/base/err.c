#include "agent/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/redact.h"
#include "agent/base/utf8.h"

struct err_row {
	const char *label;
	const char *text;
};

static const struct err_row rows[ERR_COUNT] = {
#define ERR(NAME, LABEL, TEXT) [ERR_##NAME] = { LABEL, TEXT },
#include "agent/base/err.def"
#undef ERR
};

const char *err_label(enum err e)
{
	return (size_t)e < ERR_COUNT ? rows[e].label : "unknown";
}

const char *err_text(enum err e)
{
	return (size_t)e < ERR_COUNT ? rows[e].text : "an unknown error";
}

/* Drops the first bytes of a character whose rest did not fit: what prints the sentence expects UTF-8. */
static void trim_cut(char *text, size_t len)
{
	size_t start = len - 1;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start] & 0xc0) == 0x80)
		start--;
	if (utf8_char(text + start, len - start) == 0)
		text[start] = '\0';
}

enum err err_because(struct why *why, enum err e, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (why == NULL)
		return e;
	va_start(ap, fmt);
	n = vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		why->text[0] = '\0';
	else if ((size_t)n >= sizeof(why->text))
		trim_cut(why->text, sizeof(why->text) - 1);
	redact(why->text, strlen(why->text));
	return e;
}
