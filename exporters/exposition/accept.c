/* Which format a reader is answered in. */
#include <string.h>
#include <strings.h>

#include "exporters/exposition/exposition.h"

/* A format as media types name it. */
static const struct {
	const char *type, *subtype, *version;
} format[FORM_COUNT] = {
	[FORM_TEXT] = { "text", "plain", "0.0.4" },
	[FORM_OPENMETRICS] = { "application", "openmetrics-text", "1.0.0" },
};

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

static const struct {
	const char *word, *type;
} escapings[] = {
	[ESCAPING_NONE] = { "", OPENMETRICS },
	[ESCAPING_ALLOW_UTF_8] = { "allow-utf-8", OPENMETRICS "; escaping=allow-utf-8" },
	[ESCAPING_UNDERSCORES] = { "underscores", OPENMETRICS "; escaping=underscores" },
	[ESCAPING_DOTS] = { "dots", OPENMETRICS "; escaping=dots" },
	[ESCAPING_VALUES] = { "values", OPENMETRICS "; escaping=values" },
};
enum { ESCAPINGS = sizeof(escapings) / sizeof(escapings[0]), WHOLE = 1000000 };

const char *exposition_type_text(struct exposition_type t)
{
	return t.form == FORM_OPENMETRICS ? escapings[t.escaping].type
	                                  : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- pieces of text ---- */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

/* Cuts off what stands before the next `c` outside of quotes. A quote that is never closed reaches to the
 * end. */
static struct span cut(struct span *rest, char c)
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
	return trim(piece);
}

/* What stands in the quotes; a text without them is itself. */
static struct span unquote(struct span s)
{
	if (s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"')
		return (struct span){ s.at + 1, s.len - 2 };
	return s;
}

/* ---- one clause ---- */
struct clause {
	struct span type, subtype, version;
	enum escaping escaping;
	int weight; /* of WHOLE */
};

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] <= ' ' || s.at[i] == '/' || s.at[i] == '"' || s.at[i] == 0x7f)
			return false;
	return s.len > 0;
}

/* "text/plain", or "*" as Java's own client writes it. */
static bool read_range(struct span text, struct clause *c)
{
	struct span rest = text;

	c->type = cut(&rest, '/');
	c->subtype = is(text, "*") ? text : trim(rest);
	return is_token(c->type) && is_token(c->subtype);
}

/* 0 to 1 with a point and digits or without; the grammar has three of them at most, and more do no harm. */
static bool read_weight(struct span s, int *ret)
{
	int weight = 0, unit = WHOLE;
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
	return digits && weight <= WHOLE;
}

static enum escaping escaping_of(struct span word)
{
	for (int e = ESCAPING_NONE + 1; e < ESCAPINGS; e++)
		if (is(word, escapings[e].word))
			return (enum escaping)e;
	return ESCAPING_NONE;
}

/* False when it is no clause. Parameters that say nothing about our formats are passed over. */
static bool read_clause(struct span text, struct clause *ret)
{
	struct clause c = { .weight = WHOLE };

	if (!read_range(cut(&text, ';'), &c))
		return false;
	while (text.len > 0) {
		struct span value = cut(&text, ';');
		const struct span name = cut(&value, '=');

		value = unquote(trim(value));
		if (is(name, "q") && !read_weight(value, &c.weight))
			return false;
		if (is(name, "version"))
			c.version = value;
		else if (is(name, "escaping"))
			c.escaping = escaping_of(value);
	}
	*ret = c;
	return true;
}

/* ---- the choice ---- */
/* How closely a clause names a format. */
enum match { MATCH_NOT, MATCH_ANY, MATCH_TYPE, MATCH_NAME, MATCH_VERSION };

static enum match match(const struct clause *c, enum form form)
{
	if (c->version.len > 0 && !is(c->version, format[form].version))
		return MATCH_NOT;
	if (is(c->type, "*"))
		return is(c->subtype, "*") ? MATCH_ANY : MATCH_NOT;
	if (!is(c->type, format[form].type))
		return MATCH_NOT;
	if (is(c->subtype, "*"))
		return MATCH_TYPE;
	if (!is(c->subtype, format[form].subtype))
		return MATCH_NOT;
	return c->version.len > 0 ? MATCH_VERSION : MATCH_NAME;
}

/* The clause that says most about a format decides about it. */
struct offer {
	enum match match;
	int weight;
	enum escaping escaping;
};

static void consider(struct offer *o, const struct clause *c, enum form form)
{
	const enum match m = match(c, form);

	if (m > o->match || (m != MATCH_NOT && m == o->match && c->weight > o->weight))
		*o = (struct offer){ m, c->weight, c->escaping };
}

/* The heavier one; of equals the one that was named more closely, and of these OpenMetrics, but not when only
 * a star stands for it. */
static bool prefers_openmetrics(const struct offer *om, const struct offer *text)
{
	if (om->weight != text->weight)
		return om->weight > text->weight;
	return om->weight > 0 && om->match >= MATCH_NAME && om->match >= text->match;
}

struct exposition_type exposition_accept(struct span accept)
{
	struct offer offer[FORM_COUNT] = { 0 };

	while (accept.len > 0) {
		struct clause c;

		if (!read_clause(cut(&accept, ','), &c))
			continue;
		for (int form = 0; form < FORM_COUNT; form++)
			consider(&offer[form], &c, (enum form)form);
	}
	if (!prefers_openmetrics(&offer[FORM_OPENMETRICS], &offer[FORM_TEXT]))
		return (struct exposition_type){ .form = FORM_TEXT };
	return (struct exposition_type){ FORM_OPENMETRICS, offer[FORM_OPENMETRICS].escaping };
}
