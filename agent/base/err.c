#include "agent/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

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

enum err err_because(struct why *why, enum err e, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return e;
	va_start(ap, fmt);
	if (vsnprintf(why->text, sizeof(why->text), fmt, ap) < 0)
		why->text[0] = '\0';
	va_end(ap);
	return e;
}
