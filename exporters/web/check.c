/* libmicrohttpd 0.9.75 is lenient: two Hosts, two Content-Lengths, Transfer-Encoding beside Content-Length,
 * folded lines, spaces and NUL in targets all reach the handler, and some of them are how requests are
 * smuggled past a proxy. What is refused here was measured against that version. */
#include <string.h>

#include "exporters/web/inside.h"

#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN      DIGITS LETTERS "!#$%&'*+-.^_`|~"    /* RFC 9110 5.6.2 */
#define HOST_BYTES DIGITS LETTERS "-._~%!$&'()*+;=:[]" /* RFC 3986 3.2.2, a port and no comma */

/* libmicrohttpd 1.0 has a new parser, which refuses such heads itself and trims them on its way. */
enum { HEAD_IS_AS_IT_CAME = MHD_VERSION < 0x01000000 };

struct heads {
	unsigned fields, host, content_length, transfer_encoding, authorization;
	bool odd;         /* not by the grammar */
	bool body;        /* a Content-Length other than 0 */
	const char *next; /* where the next field must begin */
};

/* Three of MHD's own readers of header fields go wrong: a Content-Length that is no number and a Cookie of
 * many parts are answered with two heads, and Expect: 100-continue lets the bytes behind the head pass for a
 * body. Each reader takes the first field of its name, so that one stands there before the client's first. */
static const struct shield {
	char name[16], value[2];
} shields[] = { { "Content-Length", "0" }, { "Cookie", "-" }, { "Expect", "-" } };
enum { SHIELDS = sizeof(shields) / sizeof(shields[0]) };

bool check_shield(struct MHD_Connection *c)
{
	for (size_t i = 0; i < SHIELDS; i++)
		if (MHD_set_connection_value(c, MHD_HEADER_KIND, shields[i].name, shields[i].value) != MHD_YES)
			return false;
	return true;
}

static bool is_shield(const char *name)
{
	for (size_t i = 0; i < SHIELDS; i++)
		if (name == shields[i].name)
			return true;
	return false;
}

void check_target(struct call *call, char *target)
{
	char *query = strchr(target, '?');
	size_t arguments = 1;

	call->target_len = strlen(target);
	call->target_odd = target[0] != '/' || strstr(target, "%00") != NULL;
	for (size_t i = 0; i < call->target_len; i++) {
		call->target_odd = call->target_odd || target[i] < 0x21 || target[i] > 0x7e;
		arguments += target[i] == '&';
	}
	call->target_odd = call->target_odd || arguments > ARGUMENTS_MAX;
	/* MHD keeps a record of each argument, and when its memory ends it queues an answer, forgets that and
	 * reads on. Nobody will ask for these arguments. */
	if (query != NULL && (call->target_odd || call->target_len > TARGET_MAX))
		query[1] = '\0';
}

/* Without the white space behind it, which RFC 9110 5.5 does not count to the value. */
static size_t value_len(const char *value)
{
	size_t len = strlen(value);

	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	return len;
}

static bool is_odd_value(const char *value)
{
	for (const char *s = value; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

/* Both bytes of a CR LF are overwritten; behind a NUL that was received stands whatever came next. */
static bool is_line_end(const char *at)
{
	return at[0] == '\0' && at[1] == '\0';
}

static void read_field(struct heads *h, const char *name, const char *value)
{
	const size_t len = value_len(value);

	if (strcasecmp(name, "Host") == 0) {
		h->host++;
		h->odd = h->odd || strspn(value, HOST_BYTES) != len;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		h->transfer_encoding++;
	} else if (strcasecmp(name, "Authorization") == 0) {
		h->authorization++;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		h->content_length++;
		h->odd = h->odd || len == 0 || len > 18 || strspn(value, DIGITS) != len;
		h->body = h->body || strspn(value, "0") != len;
	}
}

static enum MHD_Result on_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct heads *h = arg;
	const size_t name_len = strlen(name);

	(void)kind;
	if (is_shield(name))
		return MHD_YES;
	value = value != NULL ? value : name + name_len;
	h->fields++;
	h->odd = h->odd || name_len == 0 || strspn(name, TOKEN) != name_len || is_odd_value(value);
	if (HEAD_IS_AS_IT_CAME)
		h->odd = h->odd || name != h->next || value <= name + name_len || !is_line_end(value + strlen(value));
	h->next = value + strlen(value) + 2;
	read_field(h, name, value);
	return MHD_YES;
}

/* MHD leaves the head where it was received and puts a NUL behind each part. The parts must follow each other
 * without a gap and fill the head: a NUL that hides the rest of its line, a bare LF, a second space and a
 * folded line do not. */
static void read_head(const struct call *call, size_t head_len, struct heads *h)
{
	const char *version = call->method + strlen(call->method) + 1 + call->target_len + 1;

	h->next = call->version + strlen(call->version) + 2;
	h->odd = strspn(call->method, TOKEN) != strlen(call->method);
	(void)MHD_get_connection_values(call->c, MHD_HEADER_KIND, on_field, h);
	if (HEAD_IS_AS_IT_CAME)
		h->odd = h->odd || version != call->version || !is_line_end(version + strlen(version)) ||
		         h->next + 2 != call->method + head_len;
}

unsigned check_request(struct call *call, const char **ret_text)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const size_t head_len = info != NULL ? info->header_size : 0;
	struct heads h = { 0 };

	read_head(call, head_len, &h);
	call->body = h.body;
	if (call->target_len > TARGET_MAX) {
		*ret_text = "the request target is too long\n";
		return MHD_HTTP_URI_TOO_LONG;
	}
	if (call->target_odd) {
		*ret_text = "the request target is malformed\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (h.odd || h.transfer_encoding > 0 || h.content_length > 1 || h.authorization > 1 || h.host > 1 ||
	    (h.host == 0 && !call->http10)) {
		*ret_text = "the request's header fields are malformed or ambiguous\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (head_len > HEAD_MAX || h.fields > FIELDS_MAX) {
		*ret_text = "the request's header fields are too large\n";
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	}
	if (h.body && (call->head || strcmp(call->method, "GET") == 0)) {
		*ret_text = "a GET or HEAD request has no body here\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	return 0;
}
