/* One request. MHD calls on_target when it has read the request line, on_request when it has read the head
 * (the last moment for a refusal) and once more for the answer, and on_completed when the answer is sent or
 * lost. */
#include <stdlib.h>
#include <string.h>

#include "exporters/web/inside.h"

#define PLAIN "text/plain; charset=utf-8"

void *on_target(void *arg, const char *target, struct MHD_Connection *c)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL || !check_shield(c)) {
		free(call);
		connection_cut(c);
		return NULL;
	}
	call->web = arg;
	call->c = c;
	check_target(call, (char *)target); /* the bytes are the read buffer's */
	return call;
}

void on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	struct guest *g = guest_of(c);

	free(*state);
	*state = NULL;
	if (g == NULL)
		return;
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		guest_forget(g);
	guest_expect_head(arg, g);
}

static const struct web_route *find_route(const struct web *w, const char *path)
{
	for (size_t i = 0; i < w->route_n; i++)
		if (strcmp(w->route[i].path, path) == 0)
			return &w->route[i];
	return NULL;
}

static enum MHD_Result finish(const struct call *call, struct web_reply *reply, const struct manner *how)
{
	count_answer(call->web, find_route(call->web, call->path), reply->status);
	return answer_send(call, reply, how);
}

static enum MHD_Result refuse(const struct call *call, unsigned status, const char *text,
                              const struct manner *how)
{
	struct web_reply reply = { .status = status,
		                       .type = PLAIN,
		                       .retry_after_s = status == MHD_HTTP_SERVICE_UNAVAILABLE };

	buf_init(&reply.body, BODY_MAX);
	buf_str(&reply.body, text);
	return finish(call, &reply, how);
}

static bool reads(const struct call *call)
{
	return call->head || strcmp(call->method, "GET") == 0;
}

static bool acts(const struct call *call)
{
	return strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;
}

/* MHD_YES without an answer: the request is fine. */
static enum MHD_Result judge(struct call *call, const struct guest *g)
{
	struct manner how = { .close = true };
	const struct web_route *route = find_route(call->web, call->path);
	const char *text = "";
	const unsigned status = check_request(call, &text);

	if (status != 0)
		return refuse(call, status, text, &how);
	if (g->late)
		return refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE, "too many connections\n", &how);
	if (route == NULL && !reads(call))
		return refuse(call, MHD_HTTP_NOT_FOUND, "no such page\n", &how);
	if (route != NULL && route->acts && acts(call) && call->body)
		return refuse(call, MHD_HTTP_BAD_REQUEST, "this request has no body here\n", &how);
	if (route == NULL || (route->acts ? acts(call) : reads(call)))
		return MHD_YES;
	how.allow = route->acts ? "POST, PUT" : "GET, HEAD";
	text = route->acts ? "only POST and PUT are allowed here\n" : "only GET and HEAD are allowed here\n";
	return refuse(call, MHD_HTTP_METHOD_NOT_ALLOWED, text, &how);
}

static enum MHD_Result answer(const struct call *call, struct guest *g)
{
	const struct web_route *route = find_route(call->web, call->path);
	const struct manner how = { .close = call->web->quiet };
	const struct web_request q = {
		.path = call->path, .head = call->head, .http10 = call->http10, .inside = call->c
	};
	struct web_reply reply = { .status = 200, .type = PLAIN };

	if (route == NULL)
		return refuse(call, MHD_HTTP_NOT_FOUND, "no such page\n", &how);
	buf_init(&reply.body, BODY_MAX);
	route->answer(call->web->arg, &q, &reply);
	guest_expect_end(call->web, g, reply.within_s);
	return finish(call, &reply, &how);
}

enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                           const char *version, const char *upload, size_t *upload_len, void **state)
{
	struct call *call = *state;
	struct guest *g = guest_of(c);

	(void)upload;
	if (call == NULL || g == NULL || *upload_len > 0) /* a body was refused with its head */
		return MHD_NO;
	if (call->judged)
		return answer(call, g);
	call->judged = true;
	call->path = path;
	call->method = method;
	call->version = version;
	call->head = strcmp(method, "HEAD") == 0;
	call->http10 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	guest_expect_end(arg, g, 0);
	return judge(call, g);
}

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
