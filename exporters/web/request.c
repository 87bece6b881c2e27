/* One request. MHD calls on_target when it has read the request line, on_request when it has read the head
 * (the last moment for a refusal) and once more for the answer, and on_completed when the answer is sent or
 * lost. */
#include <stdlib.h>
#include <string.h>

#include "exporters/web/inside.h"

#define PLAIN     "text/plain; charset=utf-8"
#define CHALLENGE "Basic realm=\"tencentchat_exporter\", charset=\"UTF-8\""

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

	if (*state != NULL) {
		porter_leave(*state);
		later_leave(*state);
	}
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
		                       .retry_after_s = status == MHD_HTTP_SERVICE_UNAVAILABLE ||
		                                        status == MHD_HTTP_TOO_MANY_REQUESTS };

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

/* The last of its connection: everybody ends, its certificate is gone, or it had its share. */
static bool is_last(const struct call *call)
{
	const struct guest *g = call->guest;

	return call->web->quiet || g->late || g->hall != call->web->hall || g->asked >= REQUESTS_MAX ||
	       g->age_s >= AGE_MAX_S;
}

static enum MHD_Result refuse_stranger(const struct call *call)
{
	struct manner how = { .close = true };

	if (call->pass == PASS_BUSY)
		return refuse(call, MHD_HTTP_TOO_MANY_REQUESTS, "too many passwords to check\n", &how);
	how.close = is_last(call);
	how.challenge = CHALLENGE;
	return refuse(call, MHD_HTTP_UNAUTHORIZED, "a name and a password are needed here\n", &how);
}

static bool fits_method(const struct call *call)
{
	const struct web_route *route = find_route(call->web, call->path);

	if (route != NULL && route->acts)
		return acts(call) && !call->body;
	return reads(call);
}

/* MHD_YES without an answer: the request is fine. */
static enum MHD_Result judge_method(const struct call *call)
{
	struct manner how = { .close = true };
	const struct web_route *route = find_route(call->web, call->path);
	const char *text;

	if (fits_method(call))
		return MHD_YES;
	if (route == NULL)
		return refuse(call, MHD_HTTP_NOT_FOUND, "no such page\n", &how);
	if (route->acts && acts(call))
		return refuse(call, MHD_HTTP_BAD_REQUEST, "this request has no body here\n", &how);
	how.allow = route->acts ? "POST, PUT" : "GET, HEAD";
	text = route->acts ? "only POST and PUT are allowed here\n" : "only GET and HEAD are allowed here\n";
	return refuse(call, MHD_HTTP_METHOD_NOT_ALLOWED, text, &how);
}

/* Nothing is told of pages and methods before the name is known. */
static enum MHD_Result judge_name(struct call *call)
{
	const struct manner how = { .close = true };

	if (call->body) /* the last moment: a request that waits has no body under way */
		return refuse(call, MHD_HTTP_BAD_REQUEST, "a request has no body here\n", &how);
	call->pass = porter_ask(call->web->porter,
	                        MHD_lookup_connection_value(call->c, MHD_HEADER_KIND, "Authorization"), call);
	if (call->pass == PASS_YES)
		return judge_method(call);
	if (call->pass != PASS_WAIT)
		return MHD_YES; /* refused at the next look, so that its connection may stay */
	call->waited = true;
	call->guest->waiting = call;
	MHD_suspend_connection(call->c);
	return MHD_YES;
}

static enum MHD_Result judge(struct call *call)
{
	const struct manner how = { .close = true };
	const struct web_route *route = find_route(call->web, call->path);
	const char *text = "";
	unsigned status;

	if (!hall_knows(call->guest->hall, call->c)) {
		connection_cut(call->c);
		return MHD_NO;
	}
	status = check_request(call, &text);
	if (status != 0)
		return refuse(call, status, text, &how);
	if (call->guest->late && (route == NULL || !route->small))
		return refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE, "too many connections\n", &how);
	return porter_is_needed(call->web->porter) ? judge_name(call) : judge_method(call);
}

static enum MHD_Result answer(struct call *call)
{
	const struct web_route *route = find_route(call->web, call->path);
	const struct manner how = { .close = is_last(call) };
	const struct web_request q = {
		.path = call->path, .head = call->head, .http10 = call->http10, .inside = call
	};
	struct web_reply reply;

	if (route == NULL)
		return refuse(call, MHD_HTTP_NOT_FOUND, "no such page\n", &how);
	web_reply_init(&reply);
	route->answer(call->web->arg, &q, &reply);
	guest_expect_end(call->web, call->guest, reply.within_s);
	if (call->later == NULL)
		return finish(call, &reply, &how);
	reply_done(&reply);
	if (later_take(call, &reply))
		return finish(call, &reply, &how);
	later_wait(call);
	return MHD_YES;
}

static enum MHD_Result answer_now(struct call *call)
{
	const struct manner how = { .close = is_last(call) };
	struct web_reply reply;

	if (!later_take(call, &reply))
		return MHD_NO; /* its time is over */
	return finish(call, &reply, &how);
}

/* The next look at a request: its body, which it has none of, has come. A request that had to wait for its
 * password is first shown once more as it was; what is queued then would end its connection. */
static enum MHD_Result look_again(struct call *call)
{
	if (call->put_off)
		return answer_now(call);
	if (call->waited) {
		call->waited = false;
		return call->pass != PASS_WAIT ? MHD_YES : MHD_NO; /* NO: its time is over */
	}
	if (call->pass != PASS_YES)
		return refuse_stranger(call);
	return fits_method(call) ? answer(call) : judge_method(call);
}

void calls_turn(struct web *w)
{
	struct call *call;

	while (w->porter != NULL && (call = porter_take(w->porter)) != NULL) {
		call->guest->waiting = NULL;
		MHD_resume_connection(call->c);
	}
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
		return look_again(call);
	call->judged = true;
	call->guest = g;
	call->path = path;
	call->method = method;
	call->version = version;
	call->head = strcmp(method, "HEAD") == 0;
	call->http10 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	g->asked++;
	guest_expect_end(arg, g, 0);
	return judge(call);
}
