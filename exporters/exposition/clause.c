#include "exporters/exposition/clause.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span clause_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* What stands in the quotes; a text without them is itself. */
static struct span unquote(struct span s)
{
	if (s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"')
		return (struct span){ s.at + 1, s.len - 2 };
	return s;
}

bool clause_is(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

struct span clause_cut(struct span *rest, char c)
{
	struct span piece = *rest;
	bool quoted = false;
	size_t i = 0;

	for (; i < rest->len && (quoted || rest->at[i] != c); i++) {
		if (rest->at[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[i] == '\\' && i + 1 < rest->len)
			i++;
	}
	piece.len = i;
	i += i < rest->len;
	rest->at += i;
	rest->len -= i;
	return clause_trim(piece);
}

bool clause_parameter(struct span *parameters, struct span *ret_name, struct span *ret_value)
{
	struct span value;

	if (parameters->len == 0)
		return false;
	value = clause_cut(parameters, ';');
	*ret_name = clause_cut(&value, '=');
	*ret_value = unquote(clause_trim(value));
	return true;
}

/* 0 to 1 with a point and digits or without; the grammar has three of them at most, and more do no harm. */
static bool read_weight(struct span s, int *ret)
{
	int weight = 0, unit = WEIGHT_WHOLE;
	bool digits = false, point = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (s.at[i] < '0' || s.at[i] > '9' || (!point && digits))
			return false;
		digits = true;
		if (point)
			unit /= 10;
		weight += unit * (s.at[i] - '0');
	}
	*ret = weight;
	return digits && weight <= WEIGHT_WHOLE;
}

static bool read_clause(struct span text, struct clause *ret)
{
	struct clause c = { .name = clause_cut(&text, ';'), .parameters = text, .weight = WEIGHT_WHOLE };
	struct span name, value;

	while (clause_parameter(&text, &name, &value))
		if (clause_is(name, "q") && !read_weight(value, &c.weight))
			return false;
	*ret = c;
	return true;
}

bool clause_next(struct span *list, struct clause *ret)
{
	while (list->len > 0)
		if (read_clause(clause_cut(list, ','), ret))
			return true;
	return false;
}
