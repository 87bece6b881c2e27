/* Which format a reader is answered in. */
#include "exporters/exposition/clause.h"
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
enum { ESCAPINGS = sizeof(escapings) / sizeof(escapings[0]) };

const char *exposition_type_text(struct exposition_type t)
{
	return t.form == FORM_OPENMETRICS ? escapings[t.escaping].type
	                                  : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- one clause ---- */
struct range {
	struct span type, subtype, version;
	enum escaping escaping;
	int weight;
};

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] <= ' ' || s.at[i] == '/' || s.at[i] == '"' || s.at[i] == 0x7f)
			return false;
	return s.len > 0;
}

static enum escaping escaping_of(struct span word)
{
	for (int e = ESCAPING_NONE + 1; e < ESCAPINGS; e++)
		if (clause_is(word, escapings[e].word))
			return (enum escaping)e;
	return ESCAPING_NONE;
}

/* "text/plain", or "*" as Java's own client writes it; false for anything else. Parameters that say nothing
 * about our formats are passed over. */
static bool read_range(struct clause c, struct range *ret)
{
	struct range r = { .weight = c.weight };
	struct span rest = c.name, name, value;

	r.type = clause_cut(&rest, '/');
	r.subtype = clause_is(c.name, "*") ? c.name : clause_trim(rest);
	while (clause_parameter(&c.parameters, &name, &value)) {
		if (clause_is(name, "version"))
			r.version = value;
		else if (clause_is(name, "escaping"))
			r.escaping = escaping_of(value);
	}
	*ret = r;
	return is_token(r.type) && is_token(r.subtype);
}

/* ---- the choice ---- */
/* How closely a clause names a format. */
enum match { MATCH_NOT, MATCH_ANY, MATCH_TYPE, MATCH_NAME, MATCH_VERSION };

static enum match match(const struct range *r, enum form form)
{
	if (r->version.len > 0 && !clause_is(r->version, format[form].version))
		return MATCH_NOT;
	if (clause_is(r->type, "*"))
		return clause_is(r->subtype, "*") ? MATCH_ANY : MATCH_NOT;
	if (!clause_is(r->type, format[form].type))
		return MATCH_NOT;
	if (clause_is(r->subtype, "*"))
		return MATCH_TYPE;
	if (!clause_is(r->subtype, format[form].subtype))
		return MATCH_NOT;
	return r->version.len > 0 ? MATCH_VERSION : MATCH_NAME;
}

/* The clause that says most about a format decides about it. */
struct offer {
	enum match match;
	int weight;
	enum escaping escaping;
};

static void consider(struct offer *o, const struct range *r, enum form form)
{
	const enum match m = match(r, form);

	if (m > o->match || (m != MATCH_NOT && m == o->match && r->weight > o->weight))
		*o = (struct offer){ m, r->weight, r->escaping };
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
	struct clause c;

	while (clause_next(&accept, &c)) {
		struct range r;

		if (!read_range(c, &r))
			continue;
		for (int form = 0; form < FORM_COUNT; form++)
			consider(&offer[form], &r, (enum form)form);
	}
	if (!prefers_openmetrics(&offer[FORM_OPENMETRICS], &offer[FORM_TEXT]))
		return (struct exposition_type){ .form = FORM_TEXT };
	return (struct exposition_type){ FORM_OPENMETRICS, offer[FORM_OPENMETRICS].escaping };
}
