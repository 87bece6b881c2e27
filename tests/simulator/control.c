#include "tests/simulator/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "tests/simulator/call.h"

enum { BODY_MAX = 96 * 1024 * 1024, ANSWER_MAX = 128 * 1024 * 1024, MEMORY_BYTES = 64 * 1024 };

/* One request to the control endpoint. */
struct command_call {
	struct MHD_Connection *connection;
	struct simulator *simulator;
	struct buf body;
	struct json *json; /* of the body, NULL when there is none */
	struct json_out *out;
	struct why *why;
};

static const char *argument(const struct command_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* An absent argument leaves `value` as it was. */
static enum err number_argument(const struct command_call *c, const char *name, uint64_t *value)
{
	const char *text = argument(c, name);
	char *end;
	unsigned long long n;

	if (text == NULL)
		return ERR_OK;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0')
		return err_because(c->why, ERR_CONFIG, "'%s' must be a whole number", name);
	*value = n;
	return ERR_OK;
}

static enum err post_faults(struct command_call *c)
{
	uint64_t id;
	enum err e = faults_add(&c->simulator->faults, c->json, &id, c->why);

	if (e == ERR_OK)
		json_put_uint(c->out, "id", id);
	return e;
}

static enum err get_faults(struct command_call *c)
{
	faults_show(&c->simulator->faults, c->out);
	return ERR_OK;
}

static enum err delete_faults(struct command_call *c)
{
	uint64_t id = 0;
	enum err e = number_argument(c, "id", &id);

	if (e == ERR_OK && argument(c, "id") != NULL && id == 0)
		e = err_because(c->why, ERR_CONFIG, "'id' must be above 0");
	if (e == ERR_OK && !faults_remove(&c->simulator->faults, id))
		e = err_because(c->why, ERR_CONFIG, "no fault has the id %llu", (unsigned long long)id);
	return e;
}

static enum err get_requests(struct command_call *c)
{
	uint64_t since = 0, limit = JOURNAL_RING;
	enum err e = number_argument(c, "since", &since);

	if (e == ERR_OK)
		e = number_argument(c, "limit", &limit);
	if (e == ERR_OK)
		journal_show(c->simulator->journal, since, limit, c->out);
	return e;
}

static enum err get_stats(struct command_call *c)
{
	struct simulator *s = c->simulator;
	struct moment now = moment_read();

	json_put_real(c->out, "uptime_s", simulator_world_s(s, &now));
	json_open(c->out, "connections", '{');
	json_put_uint(c->out, "opened", s->connections_opened);
	json_put_uint(c->out, "open", s->connections_open);
	json_close(c->out, '}');
	journal_show_stats(s->journal, c->out);
	return ERR_OK;
}

static enum err get_world(struct command_call *c)
{
	uint64_t sdkappid = 0;
	enum err e = number_argument(c, "sdkappid", &sdkappid);

	if (e == ERR_OK)
		e = control_world_show(c->simulator, sdkappid, argument(c, "community"), c->out, c->why);
	return e;
}

static enum err post_world(struct command_call *c)
{
	return control_world_change(c->simulator, c->json, c->out, c->why);
}

static enum err get_clock(struct command_call *c)
{
	json_put_int(c->out, "offset_s", c->simulator->clock_offset_s);
	return ERR_OK;
}

static enum err post_clock(struct command_call *c)
{
	const int64_t most = INT64_C(100) * 366 * 86400;
	int64_t offset_s;

	if (!json_int(json_get(c->json, "offset_s"), &offset_s) || offset_s > most || offset_s < -most)
		return err_because(c->why, ERR_CONFIG, "'offset_s' must be a whole number, at most 100 years");
	c->simulator->clock_offset_s = offset_s;
	return get_clock(c);
}

/* A new key for an app: the given one or a random one. The old one is worth nothing from here on. */
static enum err post_key(struct command_call *c)
{
	static const char digits[] = "0123456789abcdef";
	const struct json *given = json_get(c->json, "secret_key");
	unsigned char bytes[32];
	char made[2 * sizeof(bytes) + 1] = "";
	const char *text = given != NULL ? json_str(given) : made;
	uint64_t sdkappid = 0;
	struct app *a = NULL;
	char *key = NULL;

	if (json_uint(json_get(c->json, "sdkappid"), &sdkappid))
		a = world_app(&c->simulator->world, sdkappid);
	if (a == NULL)
		return err_because(c->why, ERR_CONFIG, "'sdkappid' must name an app of the scenario");
	if (text == NULL || (given != NULL && (*text == '\0' || strlen(text) > WORLD_ID_MAX)))
		return err_because(c->why, ERR_CONFIG, "'secret_key' must be a text of 1 to %d bytes", WORLD_ID_MAX);
	if (given == NULL && getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_because(c->why, ERR_SYSTEM, "cannot make a secret key");
	for (size_t i = 0; given == NULL && i < sizeof(made) - 1; i++)
		made[i] = digits[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	key = strdup(text);
	OPENSSL_cleanse(made, sizeof(made));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (key == NULL)
		return err_because(c->why, ERR_MEMORY, "out of memory");
	OPENSSL_cleanse(a->key, strlen(a->key));
	free(a->key);
	a->key = key;
	return simulator_write_key(c->simulator, a, c->why);
}

static const struct route {
	const char *method, *path;
	enum err (*run)(struct command_call *c);
	bool takes_json;
} routes[] = {
	{ "GET", "/faults", get_faults, false },       { "POST", "/faults", post_faults, true },
	{ "DELETE", "/faults", delete_faults, false }, { "GET", "/requests", get_requests, false },
	{ "GET", "/stats", get_stats, false },         { "GET", "/world", get_world, false },
	{ "POST", "/world", post_world, true },        { "GET", "/clock", get_clock, false },
	{ "POST", "/clock", post_clock, true },        { "POST", "/key", post_key, true },
};

static const struct route *find_route(const char *method, const char *path, bool *ret_path_known)
{
	*ret_path_known = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		*ret_path_known = true;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
	}
	return NULL;
}

static enum err run_route(struct command_call *c, const struct route *r)
{
	enum err e = ERR_OK;

	if (r->takes_json)
		e = json_parse(c->body.at, c->body.len, &c->json, c->why);
	if (e != ERR_OK)
		return e;
	(void)pthread_mutex_lock(&c->simulator->lock);
	e = r->run(c);
	(void)pthread_mutex_unlock(&c->simulator->lock);
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
	bool path_known;
	const struct route *r = find_route(method, path, &path_known);
	unsigned status = MHD_HTTP_OK;
	enum MHD_Result result;
	enum err e = ERR_OK;

	buf_init(&answer, ANSWER_MAX);
	c->out = &out;
	c->why = &why;
	json_open(&out, NULL, '{');
	if (r == NULL) {
		status = path_known ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
		e = err_because(&why, ERR_CONFIG,
		                path_known ? "this path takes other methods" : "no such path; see README.md");
	} else if (c->body.status != ERR_OK) {
		status = MHD_HTTP_CONTENT_TOO_LARGE;
		e = err_because(&why, ERR_LIMIT, "the body is too large");
	} else {
		e = run_route(c, r);
		if (e != ERR_OK)
			status = e == ERR_CONFIG || e == ERR_JSON ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	if (e != ERR_OK) {
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
		c->simulator = arg;
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

enum err control_start(struct simulator *s, const struct listen_address *at, struct MHD_Daemon **ret,
                       struct why *why)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

	flags |= at->address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0;
	*ret = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &at->address,
	                        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	                        (size_t)MEMORY_BYTES, MHD_OPTION_END);
	return *ret != NULL ? ERR_OK : err_because(why, ERR_SYSTEM, "cannot listen for control: address in use?");
}
