/* Strings, as the guard sees them: checked, and repaired in place. */
#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/json/inside.h"

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four hexadecimal digits at `at`; -1 when they are not. */
static int read_hex(const char *at, const char *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_low_surrogate(const char *at, const char *end)
{
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return false;
	return (read_hex(at + 2, end) & 0xfc00) == 0xdc00;
}

/* An escape that is malformed, or fine as far as the text goes. */
static bool refuse_hex(struct guard *g, const char *hex)
{
	for (; hex < g->end; hex++)
		if (hex_digit(*hex) < 0)
			return guard_refuse(g, ERR_JSON, "an escape is malformed");
	return guard_refuse(g, ERR_TRUNCATED, "the text ends in an escape");
}

/* The escape \uXXXX at .at. */
static bool check_unicode(struct guard *g)
{
	char *hex = g->at + 2;
	const int value = read_hex(hex, g->end);

	if (value < 0)
		return refuse_hex(g, hex);
	g->at += 6;
	if ((value & 0xfc00) == 0xd800 && is_low_surrogate(g->at, g->end)) {
		g->at += 6;
	} else if (value == 0 || (value & 0xf800) == 0xd800) {
		memcpy(hex, "FFFD", 4);
		g->repaired++;
	}
	return true;
}

static bool check_escape(struct guard *g)
{
	if (g->end - g->at < 2)
		return guard_refuse(g, ERR_TRUNCATED, "the text ends in an escape");
	if (g->at[1] == 'u')
		return check_unicode(g);
	if (g->at[1] == '\0' || strchr("\"\\/bfnrt", g->at[1]) == NULL)
		return guard_refuse(g, ERR_JSON, "an escape is malformed");
	g->at += 2;
	return true;
}

bool guard_string(struct guard *g)
{
	g->escaped = false;
	g->at++;
	for (;;) {
		size_t n;

		g->at += utf8_plain(g->at, (size_t)(g->end - g->at));
		if (!guard_more(g))
			return false;
		if (*g->at == '"') {
			g->at++;
			return true;
		}
		if (*g->at == '\\') {
			g->escaped = true;
			if (!check_escape(g))
				return false;
			continue;
		}
		n = (unsigned char)*g->at < ' ' ? 0 : utf8_char(g->at, (size_t)(g->end - g->at));
		if (n == 0) {
			*g->at = '?';
			g->repaired++;
			n = 1;
		}
		g->at += n;
	}
}
