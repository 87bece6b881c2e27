#include "tests/simulator/control_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/call.h"

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
	json_open(c->out, "changes", '{');
	json_put_uint(c->out, "made", s->changes_made);
	json_put_uint(c->out, "failed", s->changes_failed);
	json_put_text(c->out, "last_error", s->change_error.text);
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

static enum err get_times(struct command_call *c)
{
	struct ticks_wanted w = { .command = COMMANDS, .code = -2, .window_ms = 1000, .list = true };
	const char *command = argument(c, "command");
	uint64_t code = INT32_MAX + UINT64_C(1), window_ms = 1000, list = 1;
	enum err e = number_argument(c, "since", &w.since);

	if (e == ERR_OK)
		e = number_argument(c, "sdkappid", &w.sdkappid);
	if (e == ERR_OK)
		e = number_argument(c, "code", &code);
	if (e == ERR_OK)
		e = number_argument(c, "window_ms", &window_ms);
	if (e == ERR_OK)
		e = number_argument(c, "list", &list);
	if (command != NULL)
		w.command = command_of(command);
	if (e == ERR_OK && command != NULL && w.command == COMMANDS)
		e = err_because(c->why, ERR_CONFIG, "'command' must be get_topic, get_appid_group_list or other");
	if (e == ERR_OK && (window_ms == 0 || window_ms > INT32_MAX))
		e = err_because(c->why, ERR_CONFIG, "'window_ms' must be 1 to %d", INT32_MAX);
	if (e != ERR_OK)
		return e;
	w.window_ms = (int64_t)window_ms;
	w.code = code <= INT32_MAX ? (int64_t)code : -2;
	w.list = list != 0;
	return ticks_show(journal_ticks(c->simulator->journal), &w, c->out);
}

static enum err get_certificate(struct command_call *c)
{
	json_put_text(c->out, "kind", api_server_presents(c->control->api));
	return ERR_OK;
}

static enum err post_certificate(struct command_call *c)
{
	static const char *const names[] = { "kind", NULL };
	const char *name = json_str(json_get(c->json, "kind"));
	enum certs_kind kind = name != NULL ? certs_kind_of(name) : CERTS_KIND_COUNT;
	enum err e;

	if (kind == CERTS_KIND_COUNT || json_stranger(c->json, names) != NULL)
		return err_because(c->why, ERR_CONFIG,
		                   "'kind' must be good, expired, wrong-host, unknown-ca or old-tls");
	e = api_server_present(c->control->api, kind, c->why);
	return e == ERR_OK ? get_certificate(c) : e;
}

static const struct route routes[] = {
	{ "GET", "/faults", get_faults, false },
	{ "POST", "/faults", post_faults, false },
	{ "DELETE", "/faults", delete_faults, false },
	{ "GET", "/requests", get_requests, false },
	{ "GET", "/times", get_times, false },
	{ "GET", "/stats", get_stats, false },
	{ "GET", "/world", get_world, false },
	{ "GET", "/certificate", get_certificate, true },
	{ "POST", "/certificate", post_certificate, true },
};

enum err route_run(struct command_call *c, const struct route *r)
{
	enum err e;

	if (!r->unlocked)
		(void)pthread_mutex_lock(&c->simulator->lock);
	e = r->run(c);
	if (!r->unlocked)
		(void)pthread_mutex_unlock(&c->simulator->lock);
	return e;
}

const struct route *route_find(const char *method, const char *path, bool *ret_path_known)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		bool same = strcmp(routes[i].path, path) == 0;

		*ret_path_known = *ret_path_known || same;
		if (same && strcmp(routes[i].method, method) == 0)
			found = &routes[i];
	}
	return found;
}
