#include "tests/simulator/orders.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "tests/simulator/call.h"

enum { FAILURES_MAX = 1000000, LOCK_MS_MAX = 86400000 };

static const char total_name[] = "app"; /* the quota of all commands together */

static enum err check_members(const struct json *j, const char *const *names, struct why *why)
{
	const char *stranger = json_stranger(j, names);

	return stranger == NULL ? ERR_OK : err_because(why, ERR_CONFIG, "unknown member '%.40s'", stranger);
}

/* An absent member leaves `value` as it was. */
static enum err read_int(const struct json *j, const char *name, int64_t min, int64_t max, int64_t *value,
                         struct why *why)
{
	const struct json *member = json_get(j, name);
	int64_t n;

	if (member == NULL)
		return ERR_OK;
	if (!json_int(member, &n) || n < min || n > max)
		return err_because(why, ERR_CONFIG, "'%s' must be %lld to %lld", name, (long long)min,
		                   (long long)max);
	*value = n;
	return ERR_OK;
}

/* The app that is named; NULL when none is, which means every app. */
static enum err read_app(struct simulator *s, const struct json *j, struct app **ret, struct why *why)
{
	uint64_t sdkappid;

	*ret = NULL;
	if (json_get(j, "sdkappid") == NULL)
		return ERR_OK;
	if (json_uint(json_get(j, "sdkappid"), &sdkappid))
		*ret = world_app(&s->world, sdkappid);
	return *ret != NULL ? ERR_OK
	                    : err_because(why, ERR_CONFIG, "'sdkappid' must name an app of the scenario");
}

static void show_clock(const struct simulator *s, struct json_out *o)
{
	json_put_int(o, "offset_s", s->clock_offset_s);
}

static enum err set_clock(struct simulator *s, const struct json *j, struct why *why)
{
	static const char *const names[] = { "offset_s", NULL };
	const int64_t most = INT64_C(100) * 366 * 86400;

	if (json_get(j, "offset_s") == NULL)
		return err_because(why, ERR_CONFIG, "'offset_s' is needed");
	if (check_members(j, names, why) != ERR_OK)
		return ERR_CONFIG;
	return read_int(j, "offset_s", -most, most, &s->clock_offset_s, why);
}

static void make_key(const unsigned char *bytes, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 2 * n; i++)
		to[i] = digits[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	to[2 * n] = '\0';
}

/* A new key for an app: the given one or a random one. The old one is worth nothing from here on. */
static enum err set_key(struct simulator *s, const struct json *j, struct why *why)
{
	static const char *const names[] = { "sdkappid", "secret_key", "write_file", NULL };
	const struct json *given = json_get(j, "secret_key"), *file = json_get(j, "write_file");
	unsigned char bytes[32];
	char made[2 * sizeof(bytes) + 1];
	const char *text = given != NULL ? json_str(given) : made;
	struct app *a;
	char *key;
	enum err e = check_members(j, names, why);

	if (e == ERR_OK)
		e = read_app(s, j, &a, why);
	if (e != ERR_OK)
		return e;
	if (a == NULL)
		return err_because(why, ERR_CONFIG, "'sdkappid' is needed");
	if (text == NULL || (given != NULL && (*text == '\0' || strlen(text) > WORLD_ID_MAX)))
		return err_because(why, ERR_CONFIG, "'secret_key' must be a text of 1 to %d bytes", WORLD_ID_MAX);
	if (file != NULL && file->kind != JSON_BOOL)
		return err_because(why, ERR_CONFIG, "'write_file' must be true or false");
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_because(why, ERR_SYSTEM, "cannot make a secret key");
	make_key(bytes, sizeof(bytes), made);
	key = strdup(text);
	OPENSSL_cleanse(made, sizeof(made));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (key == NULL)
		return err_because(why, ERR_MEMORY, "out of memory");
	OPENSSL_cleanse(a->key, strlen(a->key));
	free(a->key);
	a->key = key;
	return file == NULL || file->truth ? simulator_write_key(s, a, why) : ERR_OK;
}

static struct quota *quota_of(struct app *a, const char *command)
{
	if (strcmp(command, total_name) == 0)
		return &a->total;
	return &a->quotas[command_of(command)];
}

static bool has_quota(const char *command)
{
	return command != NULL && (strcmp(command, total_name) == 0 ||
	                           (command_of(command) != COMMANDS && command_of(command) != COMMAND_OTHER));
}

static void show_quota(const struct app *a, const char *command, const struct quota *q, struct json_out *o)
{
	json_open(o, NULL, '{');
	json_put_uint(o, "sdkappid", a->sdkappid);
	json_put_text(o, "command", command);
	json_put_int(o, "per_s", q->per_s);
	json_put_int(o, "code", q->code);
	json_close(o, '}');
}

static void show_quotas(const struct simulator *s, struct json_out *o)
{
	json_open(o, "quotas", '[');
	for (size_t i = 0; i < s->world.app_n; i++) {
		const struct app *a = &s->world.apps[i];

		for (int c = 0; c < COMMAND_OTHER; c++)
			show_quota(a, command_name((enum command)c), &a->quotas[c], o);
		show_quota(a, total_name, &a->total, o);
	}
	json_close(o, ']');
}

/* The limit that is really enforced, whatever the documents say. */
static enum err set_quota(struct simulator *s, const struct json *j, struct why *why)
{
	static const char *const names[] = { "sdkappid", "command", "per_s", "code", NULL };
	const char *command = json_str(json_get(j, "command"));
	int64_t per_s = -1, code = -1;
	struct app *only;
	enum err e = check_members(j, names, why);

	if (e == ERR_OK)
		e = read_app(s, j, &only, why);
	if (e == ERR_OK && !has_quota(command))
		e = err_because(why, ERR_CONFIG, "'command' must be get_topic, get_appid_group_list or app");
	if (e == ERR_OK)
		e = read_int(j, "per_s", 0, INT32_MAX, &per_s, why);
	if (e == ERR_OK)
		e = read_int(j, "code", 1, INT32_MAX, &code, why);
	if (e == ERR_OK && per_s < 0 && code < 0)
		e = err_because(why, ERR_CONFIG, "'per_s' or 'code' is needed");
	for (size_t i = 0; e == ERR_OK && i < s->world.app_n; i++) {
		struct app *a = &s->world.apps[i];
		struct quota *q = quota_of(a, command);

		if (only != NULL && only != a)
			continue;
		q->per_s = per_s >= 0 ? (int)per_s : q->per_s;
		q->code = code >= 0 ? (int)code : q->code;
	}
	return e;
}

static void show_lockout(const struct simulator *s, struct json_out *o)
{
	int64_t now_ms = moment_read().mono_ms;

	json_put_int(o, "failures", s->world.lock_failures);
	json_put_int(o, "for_ms", s->world.lock_ms);
	json_open(o, "locked", '[');
	for (size_t i = 0; i < s->world.app_n; i++) {
		const struct app *a = &s->world.apps[i];

		if (a->locked_until_ms <= now_ms)
			continue;
		json_open(o, NULL, '{');
		json_put_uint(o, "sdkappid", a->sdkappid);
		json_put_int(o, "left_ms", a->locked_until_ms - now_ms);
		json_close(o, '}');
	}
	json_close(o, ']');
}

/* Whoever is locked out comes in again, and counting begins anew. */
static enum err set_lockout(struct simulator *s, const struct json *j, struct why *why)
{
	static const char *const names[] = { "failures", "for_ms", NULL };
	int64_t failures = s->world.lock_failures, for_ms = s->world.lock_ms;
	enum err e = check_members(j, names, why);

	if (e == ERR_OK)
		e = read_int(j, "failures", 0, FAILURES_MAX, &failures, why);
	if (e == ERR_OK)
		e = read_int(j, "for_ms", 0, LOCK_MS_MAX, &for_ms, why);
	if (e != ERR_OK)
		return e;
	s->world.lock_failures = (int)failures;
	s->world.lock_ms = for_ms;
	for (size_t i = 0; i < s->world.app_n; i++) {
		s->world.apps[i].locked_until_ms = 0;
		s->world.apps[i].failures = 0;
	}
	return ERR_OK;
}

static void show_gzip(const struct simulator *s, struct json_out *o)
{
	json_put_bool(o, "on", s->world.gzip);
}

static enum err set_gzip(struct simulator *s, const struct json *j, struct why *why)
{
	static const char *const names[] = { "on", NULL };
	const struct json *on = json_get(j, "on");

	if (on == NULL || on->kind != JSON_BOOL || check_members(j, names, why) != ERR_OK)
		return err_because(why, ERR_CONFIG, "'on' must be true or false, and nothing else");
	s->world.gzip = on->truth;
	return ERR_OK;
}

static const struct order {
	const char *path;
	enum err (*set)(struct simulator *s, const struct json *j, struct why *why);
	void (*show)(const struct simulator *s, struct json_out *o);
} orders[] = {
	{ "/world", NULL, NULL }, /* has an answer of its own */
	{ "/key", set_key, NULL },
	{ "/clock", set_clock, show_clock },
	{ "/quota", set_quota, show_quotas },
	{ "/lockout", set_lockout, show_lockout },
	{ "/gzip", set_gzip, show_gzip },
};

static const struct order *order_find(const char *path)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strcmp(orders[i].path, path) == 0)
			return &orders[i];
	return NULL;
}

bool order_known(const char *path)
{
	return order_find(path) != NULL;
}

enum err order_run(struct simulator *s, const char *path, const struct json *j, struct json_out *o,
                   struct why *why)
{
	const struct order *order = order_find(path);
	enum err e;

	if (order == NULL)
		return err_because(why, ERR_CONFIG, "'%.40s' takes no orders", path);
	if (order->set == NULL)
		return world_change(s, j, o, why);
	if (j->kind != JSON_OBJECT)
		return err_because(why, ERR_CONFIG, "a JSON object is needed");
	e = order->set(s, j, why);
	if (e == ERR_OK && order->show != NULL)
		order->show(s, o);
	return e;
}

bool order_show(const struct simulator *s, const char *path, struct json_out *o)
{
	const struct order *order = order_find(path);

	if (order == NULL || order->show == NULL)
		return false;
	order->show(s, o);
	return true;
}
