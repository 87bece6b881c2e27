/* What an answer function may ask of its request. */
#include <string.h>

#include "exporters/web/inside.h"

/* NULL: a request that came over none, as tests make them; it has no fields. */
static struct MHD_Connection *connection_of(const struct web_request *q)
{
	const struct call *call = q->inside;

	return call != NULL ? call->c : NULL;
}

const char *web_header(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(connection_of(q), MHD_HEADER_KIND, name);
}

struct seconds {
	unsigned whole, ms;
	bool more; /* there is a rest, however small */
};

/* As Go writes a number without an exponent: digits, perhaps a point and more digits. */
static struct seconds read_seconds(const char *text)
{
	const size_t whole = strspn(text, DIGITS);
	const size_t part = text[whole] == '.' ? 1 + strspn(text + whole + 1, DIGITS) : 0;
	const char *end = text + whole + part;
	struct seconds s = { .more = strspn(text + whole, ".0") < part };

	if (whole == 0 || end[strspn(end, " \t")] != '\0')
		return (struct seconds){ 0 };
	for (size_t i = 0; i < whole && s.whole < WEB_SECONDS_MAX; i++)
		s.whole = s.whole * 10 + (unsigned)(text[i] - '0');
	for (size_t i = 1; i <= 3; i++)
		s.ms = s.ms * 10 + (i < part ? (unsigned)(text[whole + i] - '0') : 0);
	return s.whole < WEB_SECONDS_MAX ? s : (struct seconds){ .whole = WEB_SECONDS_MAX };
}

static struct seconds header_seconds(const struct web_request *q, const char *name)
{
	const char *text = web_header(q, name);

	return text != NULL ? read_seconds(text) : (struct seconds){ 0 };
}

unsigned web_header_seconds(const struct web_request *q, const char *name)
{
	const struct seconds s = header_seconds(q, name);

	return s.whole + (s.more ? 1 : 0);
}

int64_t web_header_ms(const struct web_request *q, const char *name)
{
	const struct seconds s = header_seconds(q, name);

	return s.whole * INT64_C(1000) + s.ms;
}

const char *web_query(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(connection_of(q), MHD_GET_ARGUMENT_KIND, name);
}

/* ---- all of them ---- */
struct fields {
	const char *name;
	struct buf *out;
};

static enum MHD_Result add_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct fields *f = arg;

	(void)kind;
	if (strcasecmp(name, f->name) == 0 && value != NULL) {
		if (f->out->len > 0)
			buf_str(f->out, ", ");
		buf_str(f->out, value);
	}
	return MHD_YES;
}

void web_headers(const struct web_request *q, const char *name, struct buf *out)
{
	struct fields f = { name, out };

	(void)MHD_get_connection_values(connection_of(q), MHD_HEADER_KIND, add_field, &f);
}

struct pairs {
	web_pair *each;
	void *arg;
};

static enum MHD_Result give_pair(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	const struct pairs *p = arg;

	(void)kind;
	p->each(p->arg, key, value != NULL ? value : "");
	return MHD_YES;
}

void web_queries(const struct web_request *q, web_pair *each, void *arg)
{
	struct pairs p = { each, arg };

	(void)MHD_get_connection_values(connection_of(q), MHD_GET_ARGUMENT_KIND, give_pair, &p);
}
