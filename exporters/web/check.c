/* libmicrohttpd 0.9.75 is lenient: two Hosts, two Content-Lengths, Transfer-Encoding beside Content-Length,
 * spaces and NUL in targets all reach the handler, and some of them are how requests are smuggled past a
 * proxy. What is refused here was measured against that version. */
#include <string.h>

#include "exporters/web/inside.h"

struct heads {
	unsigned host, content_length, transfer_encoding;
	bool body; /* a Content-Length other than 0 */
	size_t bytes;
};

static enum MHD_Result count(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct heads *h = arg;

	(void)kind;
	h->bytes += strlen(key) + (value != NULL ? strlen(value) : 0) + 4;
	if (strcasecmp(key, "Host") == 0)
		h->host++;
	else if (strcasecmp(key, "Transfer-Encoding") == 0)
		h->transfer_encoding++;
	else if (strcasecmp(key, "Content-Length") == 0) {
		h->content_length++;
		h->body = h->body || value == NULL || strcmp(value, "0") != 0;
	}
	return MHD_YES;
}

void check_target(struct call *call, const char *target)
{
	call->target_len = strlen(target);
	call->target_odd = target[0] != '/' || strstr(target, "%00") != NULL;
	for (size_t i = 0; i < call->target_len; i++)
		if (target[i] < 0x21 || target[i] > 0x7e)
			call->target_odd = true;
}

unsigned check_request(struct MHD_Connection *c, const struct call *call, const char *method,
                       const char *version, const char **ret_text)
{
	struct heads h = { 0 };

	(void)MHD_get_connection_values(c, MHD_HEADER_KIND, count, &h);
	if (call->target_len > TARGET_MAX) {
		*ret_text = "the request target is too long\n";
		return MHD_HTTP_URI_TOO_LONG;
	}
	if (h.bytes + call->target_len > HEAD_MAX) {
		*ret_text = "the request's header fields are too large\n";
		return 431;
	}
	if (call->target_odd) {
		*ret_text = "the request target is malformed\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (h.transfer_encoding > 0 || h.content_length > 1 || h.host > 1 ||
	    (h.host == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0)) {
		*ret_text = "the request's header fields are ambiguous\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (h.body && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)) {
		*ret_text = "a GET or HEAD request has no body here\n";
		return MHD_HTTP_BAD_REQUEST;
	}
	return 0;
}
