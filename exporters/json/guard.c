#include <string.h>

#include "agent/base/utf8.h"
#include "exporters/json/json.h"

struct guard {
	char *start, *at, *end;
	uint32_t values, repaired;
	enum err err;
	const char *what; /* is wrong at .at */
};

static bool refuse(struct guard *g, enum err e, const char *what)
{
	g->err = e;
	g->what = what;
	return false;
}

static bool more(struct guard *g)
{
	return g->at < g->end || refuse(g, ERR_TRUNCATED, "the text ends");
}

static void skip_space(struct guard *g)
{
	while (g->at < g->end && (*g->at == ' ' || *g->at == '\t' || *g->at == '\n' || *g->at == '\r'))
		g->at++;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool check_digits(struct guard *g)
{
	if (!more(g))
		return false;
	if (!is_digit(*g->at))
		return refuse(g, ERR_JSON, "a digit is missing");
	while (g->at < g->end && is_digit(*g->at))
		g->at++;
	return true;
}

static bool check_number_form(struct guard *g)
{
	if (*g->at == '-')
		g->at++;
	if (more(g) && *g->at == '0') {
		g->at++;
		if (g->at < g->end && is_digit(*g->at))
			return refuse(g, ERR_JSON, "a number starts with 0");
	} else if (!check_digits(g)) {
		return false;
	}
	if (g->at < g->end && *g->at == '.') {
		g->at++;
		if (!check_digits(g))
			return false;
	}
	if (g->at < g->end && (*g->at == 'e' || *g->at == 'E')) {
		g->at++;
		if (g->at < g->end && (*g->at == '+' || *g->at == '-'))
			g->at++;
		return check_digits(g);
	}
	return true;
}

static bool check_number(struct guard *g)
{
	char *start = g->at;

	if (!check_number_form(g))
		return false;
	if (g->at - start > JSON_NUMBER_MAX) {
		memset(start, ' ', (size_t)(g->at - start));
		memcpy(start, "null", 4);
		g->repaired++;
	}
	return true;
}

static bool check_word(struct guard *g, const char *word)
{
	for (; *word != '\0'; word++, g->at++) {
		if (!more(g))
			return false;
		if (*g->at != *word)
			return refuse(g, ERR_JSON, "a value is expected");
	}
	return true;
}

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
			return refuse(g, ERR_JSON, "an escape is malformed");
	return refuse(g, ERR_TRUNCATED, "the text ends in an escape");
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
		return refuse(g, ERR_TRUNCATED, "the text ends in an escape");
	if (g->at[1] == 'u')
		return check_unicode(g);
	if (g->at[1] == '\0' || strchr("\"\\/bfnrt", g->at[1]) == NULL)
		return refuse(g, ERR_JSON, "an escape is malformed");
	g->at += 2;
	return true;
}

static bool is_plain(char c)
{
	const unsigned char byte = (unsigned char)c;

	return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

static bool check_string(struct guard *g)
{
	g->at++;
	for (;;) {
		size_t n;

		while (g->at < g->end && is_plain(*g->at))
			g->at++;
		if (!more(g))
			return false;
		if (*g->at == '"') {
			g->at++;
			return true;
		}
		if (*g->at == '\\') {
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

static bool check_value(struct guard *g, int depth);

static bool check_member(struct guard *g, int depth)
{
	if (!more(g))
		return false;
	if (*g->at != '"')
		return refuse(g, ERR_JSON, "a name in quotes is expected");
	if (!check_string(g))
		return false;
	skip_space(g);
	if (!more(g))
		return false;
	if (*g->at != ':')
		return refuse(g, ERR_JSON, "a colon is expected");
	g->at++;
	return check_value(g, depth);
}

/* An object or an array, from its opening bracket to its closing one. */
static bool check_container(struct guard *g, int depth)
{
	const bool object = *g->at == '{';
	const char close = object ? '}' : ']';

	if (depth == JSON_DEPTH_MAX)
		return refuse(g, ERR_JSON, "it is nested too deeply");
	g->at++;
	skip_space(g);
	if (more(g) && *g->at == close) {
		g->at++;
		return true;
	}
	for (;;) {
		skip_space(g);
		if (!(object ? check_member(g, depth + 1) : check_value(g, depth + 1)))
			return false;
		skip_space(g);
		if (!more(g))
			return false;
		if (*g->at == close) {
			g->at++;
			return true;
		}
		if (*g->at != ',')
			return refuse(g, ERR_JSON, "a comma or a closing bracket is expected");
		g->at++;
	}
}

static bool check_value(struct guard *g, int depth)
{
	skip_space(g);
	if (!more(g))
		return false;
	if (++g->values > JSON_VALUES_MAX)
		return refuse(g, ERR_JSON, "it has too many values");
	switch (*g->at) {
	case '{':
	case '[':
		return check_container(g, depth);
	case '"':
		return check_string(g);
	case 't':
		return check_word(g, "true");
	case 'f':
		return check_word(g, "false");
	case 'n':
		return check_word(g, "null");
	default:
		return *g->at == '-' || is_digit(*g->at) ? check_number(g)
		                                         : refuse(g, ERR_JSON, "a value is expected");
	}
}

enum err json_guard(char *json, size_t len, uint32_t *ret_repaired, struct why *why)
{
	struct guard g = { .start = json, .at = json, .end = json + len };

	if (check_value(&g, 0)) {
		skip_space(&g);
		if (g.at < g.end)
			(void)refuse(&g, ERR_JSON, "something follows the end");
	}
	*ret_repaired = g.repaired;
	if (g.err == ERR_OK)
		return ERR_OK;
	return err_because(why, g.err, "the answer is not JSON: %s, at byte %zu of %zu", g.what,
	                   (size_t)(g.at - g.start), len);
}
