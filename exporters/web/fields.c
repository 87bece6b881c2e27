/* What an answer function may ask of its request. */
#include <string.h>

#include "exporters/web/inside.h"

const char *web_header(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->inside, MHD_HEADER_KIND, name);
}

/* As Go writes a number without an exponent: digits, perhaps a point and more digits. */
static unsigned read_seconds(const char *text)
{
	const size_t whole = strspn(text, DIGITS);
	const size_t part = text[whole] == '.' ? 1 + strspn(text + whole + 1, DIGITS) : 0;
	const char *end = text + whole + part;
	unsigned s = 0;

	if (whole == 0 || end[strspn(end, " \t")] != '\0')
		return 0;
	for (size_t i = 0; i < whole && s < WEB_SECONDS_MAX; i++)
		s = s * 10 + (unsigned)(text[i] - '0');
	if (strspn(text + whole, ".0") < part)
		s++;
	return s < WEB_SECONDS_MAX ? s : WEB_SECONDS_MAX;
}

unsigned web_header_seconds(const struct web_request *q, const char *name)
{
	const char *text = web_header(q, name);

	return text != NULL ? read_seconds(text) : 0;
}

const char *web_query(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->inside, MHD_GET_ARGUMENT_KIND, name);
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

	(void)MHD_get_connection_values(q->inside, MHD_HEADER_KIND, add_field, &f);
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

	(void)MHD_get_connection_values(q->inside, MHD_GET_ARGUMENT_KIND, give_pair, &p);
}
