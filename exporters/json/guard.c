#include <string.h>

#include "exporters/json/inside.h"

bool guard_refuse(struct guard *g, enum err e, const char *what)
{
	g->err = e;
	g->what = what;
	return false;
}

static inline void skip_space(struct guard *g)
{
	while (g->at < g->end && (*g->at == ' ' || *g->at == '\t' || *g->at == '\n' || *g->at == '\r'))
		g->at++;
}

static bool check_digits(struct guard *g)
{
	if (!guard_more(g))
		return false;
	if (!is_digit(*g->at))
		return guard_refuse(g, ERR_JSON, "a digit is missing");
	while (g->at < g->end && is_digit(*g->at))
		g->at++;
	return true;
}

static bool check_number_form(struct guard *g)
{
	if (*g->at == '-')
		g->at++;
	if (guard_more(g) && *g->at == '0') {
		g->at++;
		if (g->at < g->end && is_digit(*g->at))
			return guard_refuse(g, ERR_JSON, "a number starts with 0");
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
		if (!guard_more(g))
			return false;
		if (*g->at != *word)
			return guard_refuse(g, ERR_JSON, "a value is expected");
	}
	return true;
}

static bool check_value(struct guard *g, int depth);

/* Inside of what is left out nothing is left out once more. */
static bool check_member(struct guard *g, int depth, bool *ret_wanted)
{
	const bool outer = g->unwanted;
	const char *name = g->at + 1;
	bool fine;

	if (!guard_more(g))
		return false;
	if (*g->at != '"')
		return guard_refuse(g, ERR_JSON, "a name in quotes is expected");
	if (!guard_string(g))
		return false;
	*ret_wanted = outer || sift_wants(g, name, (size_t)(g->at - 1 - name));
	skip_space(g);
	if (!guard_more(g))
		return false;
	if (*g->at != ':')
		return guard_refuse(g, ERR_JSON, "a colon is expected");
	g->at++;
	g->unwanted = outer || !*ret_wanted;
	fine = check_value(g, depth);
	g->unwanted = outer;
	return fine;
}

/* A member goes with the comma before it, or with the one behind it as long as none before it stays. */
static void leave_out(struct guard *g, char *from, bool some_stay)
{
	if (some_stay)
		sift_cut(g, from - 1, g->at);
	else
		sift_cut(g, from, *g->at == ',' ? g->at + 1 : g->at);
}

/* An object or an array, from its opening bracket to its closing one. */
static bool check_container(struct guard *g, int depth)
{
	const bool object = *g->at == '{';
	const char close = object ? '}' : ']';
	bool some_stay = false;

	if (depth == JSON_DEPTH_MAX)
		return guard_refuse(g, ERR_JSON, "it is nested too deeply");
	g->at++;
	skip_space(g);
	if (guard_more(g) && *g->at == close) {
		g->at++;
		return true;
	}
	for (;;) {
		char *from = g->at;
		bool wanted = true;

		skip_space(g);
		if (!(object ? check_member(g, depth + 1, &wanted) : check_value(g, depth + 1)))
			return false;
		skip_space(g);
		if (!guard_more(g))
			return false;
		if (!wanted)
			leave_out(g, from, some_stay);
		some_stay = some_stay || wanted;
		if (*g->at == close) {
			g->at++;
			return true;
		}
		if (*g->at != ',')
			return guard_refuse(g, ERR_JSON, "a comma or a closing bracket is expected");
		g->at++;
	}
}

static bool check_value(struct guard *g, int depth)
{
	skip_space(g);
	if (!guard_more(g))
		return false;
	if (++g->values > JSON_VALUES_MAX)
		return guard_refuse(g, ERR_JSON, "it has too many values");
	switch (*g->at) {
	case '{':
	case '[':
		return check_container(g, depth);
	case '"':
		return guard_string(g);
	case 't':
		return check_word(g, "true");
	case 'f':
		return check_word(g, "false");
	case 'n':
		return check_word(g, "null");
	default:
		return *g->at == '-' || is_digit(*g->at) ? check_number(g)
		                                         : guard_refuse(g, ERR_JSON, "a value is expected");
	}
}

enum err json_sift(char *json, size_t *len, const struct json_names *wanted, uint32_t *ret_repaired,
                   struct why *why)
{
	struct guard g = { .start = json, .at = json, .end = json + *len };

	sift_begin(&g, wanted);
	if (check_value(&g, 0)) {
		skip_space(&g);
		if (g.at < g.end)
			(void)guard_refuse(&g, ERR_JSON, "something follows the end");
	}
	*ret_repaired = g.repaired;
	if (g.err != ERR_OK)
		return err_because(why, g.err, "the answer is not JSON: %s, at byte %zu of %zu", g.what,
		                   (size_t)(g.at - g.start), *len);
	*len = sift_end(&g);
	return ERR_OK;
}

enum err json_guard(char *json, size_t len, uint32_t *ret_repaired, struct why *why)
{
	return json_sift(json, &len, NULL, ret_repaired, why);
}
