#include "tests/simulator/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "tests/simulator/control_routes.h"
#include "tests/simulator/orders.h"

enum { BODY_MAX = 96 * 1024 * 1024, ANSWER_MAX = 128 * 1024 * 1024, MEMORY_BYTES = 64 * 1024 };

/* False when the order has nothing to show, or is none. */
static bool show_order(struct command_call *c, const char *path)
{
	bool shown;

	(void)pthread_mutex_lock(&c->simulator->lock);
	shown = order_show(c->simulator, path, c->out);
	(void)pthread_mutex_unlock(&c->simulator->lock);
	return shown;
}

static enum err run_order(struct command_call *c, const char *path)
{
	enum err e;

	(void)pthread_mutex_lock(&c->simulator->lock);
	e = order_run(c->simulator, path, c->json, c->out, c->why);
	(void)pthread_mutex_unlock(&c->simulator->lock);
	return e;
}

/* Finds who answers and lets him. An error comes with a status. */
static enum err dispatch(struct command_call *c, const char *method, const char *path, unsigned *ret_status)
{
	bool path_known = order_known(path), post = strcmp(method, "POST") == 0;
	const struct route *r = route_find(method, path, &path_known);
	enum err e = ERR_OK;

	*ret_status = MHD_HTTP_CONTENT_TOO_LARGE;
	if (c->body.status != ERR_OK)
		return err_because(c->why, ERR_LIMIT, "the body is too large");
	if (post && path_known)
		e = json_parse(c->body.at, c->body.len, &c->json, c->why);
	if (e == ERR_OK && r != NULL) {
		e = route_run(c, r);
	} else if (e == ERR_OK && post && order_known(path)) {
		e = run_order(c, path);
	} else if (e == ERR_OK && (strcmp(method, "GET") != 0 || !show_order(c, path))) {
		*ret_status = path_known ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
		return err_because(c->why, ERR_CONFIG,
		                   path_known ? "this path takes other methods" : "no such path; see README.md");
	}
	*ret_status = e == ERR_OK                                          ? MHD_HTTP_OK
	              : e == ERR_CONFIG || e == ERR_JSON || e == ERR_LIMIT ? MHD_HTTP_BAD_REQUEST
	                                                                   : MHD_HTTP_INTERNAL_SERVER_ERROR;
	return e;
}

static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status, struct buf *b)
{
	size_t len = 0;
	char *bytes = buf_take(b, &len);
	struct MHD_Response *response = NULL;
	enum MHD_Result result;

	if (bytes != NULL)
		response = MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(bytes);
		return MHD_NO;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Every answer is one JSON object; a refusal has the single member "error". */
static enum MHD_Result respond(struct command_call *c, const char *method, const char *path)
{
	struct why why = { "" };
	struct buf answer;
	struct json_out out = { .buf = &answer };
	unsigned status;
	enum MHD_Result result;

	buf_init(&answer, ANSWER_MAX);
	c->out = &out;
	c->why = &why;
	json_open(&out, NULL, '{');
	if (dispatch(c, method, path, &status) != ERR_OK) {
		buf_reset(&answer);
		out.comma = false;
		json_open(&out, NULL, '{');
		json_put_text(&out, "error", why.text);
	}
	json_close(&out, '}');
	result = send_json(c->connection, status, &answer);
	buf_done(&answer);
	return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
	struct command_call *c = *con_cls;

	(void)version;
	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return MHD_NO;
		c->connection = connection;
		c->control = arg;
		c->simulator = c->control->simulator;
		buf_init(&c->body, BODY_MAX);
		*con_cls = c;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		buf_add(&c->body, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	return respond(c, method, url);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode how)
{
	struct command_call *c = *con_cls;

	(void)arg;
	(void)connection;
	(void)how;
	if (c == NULL)
		return;
	json_free(c->json);
	buf_done(&c->body);
	free(c);
	*con_cls = NULL;
}

enum err control_start(struct simulator *s, struct api_server *api, const struct listen_address *at,
                       struct control **ret, struct why *why)
{
	struct control *c = calloc(1, sizeof(*c));
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

	if (c == NULL)
		return err_because(why, ERR_MEMORY, "out of memory");
	c->simulator = s;
	c->api = api;
	flags |= at->address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0;
	c->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, c, MHD_OPTION_SOCK_ADDR, &at->address,
	                             MHD_OPTION_NOTIFY_COMPLETED, on_completed, c,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_END);
	if (c->daemon == NULL) {
		free(c);
		return err_because(why, ERR_SYSTEM, "cannot listen for control: address in use?");
	}
	*ret = c;
	return ERR_OK;
}

unsigned control_port(const struct control *c)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}

void control_stop(struct control *c)
{
	if (c == NULL)
		return;
	MHD_stop_daemon(c->daemon);
	free(c);
}
