#include "tests/simulator/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tests/simulator/pattern.h"
#include "tests/simulator/scenario_recipe.h"
#include "tests/simulator/scenario_text.h"

enum { COUNT_MAX = 100000 };

struct loader {
	struct setting top;
	struct world *world;
	struct profile profile; /* of the whole file */
	struct style style;
};

static void add_communities(struct loader *l, struct setting *s, struct app *a, const struct recipe *r,
                            const char *pattern, size_t count)
{
	for (size_t i = 1; i <= count && *s->status == ERR_OK; i++) {
		char *id = pattern_fill(pattern, i), *name = pattern_fill(r->name != NULL ? r->name : pattern, i);
		struct why why = { "out of memory" };

		if (id == NULL || name == NULL || community_add(l->world, a, r, id, name, 0, NULL, &why) != ERR_OK)
			setting_refuse(s, s->group, "%s", why.text);
		free(id);
		free(name);
	}
}

static void read_community(struct loader *l, struct setting *parent, config_setting_t *at, struct app *a,
                           const struct style *style)
{
	struct setting s = setting_begin(parent, at);
	struct recipe *r = &l->world->recipes[l->world->recipe_n];
	char *id = NULL;
	size_t count = 1;

	if (*s.status != ERR_OK)
		return;
	recipe_init(r);
	r->style = *style;
	r->profile = l->profile;
	l->world->recipe_n++;
	setting_text(&s, "id", WORLD_ID_MAX, &id);
	setting_size(&s, "count", COUNT_MAX, &count);
	if (id == NULL)
		setting_refuse(&s, at, "a community needs an 'id'");
	scenario_read_recipe(&s, r);
	recipe_finish(r);
	if (setting_end(&s) == ERR_OK)
		add_communities(l, &s, a, r, id, count);
	free(id);
}

static void read_accounts(struct setting *parent, struct app *a)
{
	config_setting_t *list = setting_member(parent, "accounts");
	int n = list != NULL ? config_setting_length(list) : 0;

	a->unknown_account_code = 10019;
	setting_int32(parent, "unknown_account", 1, INT32_MAX, &a->unknown_account_code);
	if (list == NULL)
		return;
	if (!config_setting_is_list(list)) {
		setting_refuse(parent, list, "'accounts' must be a list ( { ... }, ... )");
		return;
	}
	a->accounts = calloc((size_t)n + 1, sizeof(*a->accounts));
	for (int i = 0; a->accounts != NULL && i < n && *parent->status == ERR_OK; i++) {
		struct setting s = setting_begin(parent, config_setting_get_elem(list, (unsigned)i));
		struct account *account = &a->accounts[i];

		a->account_n = (size_t)i + 1;
		account->read_lag = -1;
		setting_text(&s, "id", WORLD_ID_MAX, &account->id);
		setting_int(&s, "read_lag", 0, INT64_MAX, &account->read_lag);
		setting_bool(&s, "muted", &account->muted);
		if (account->id == NULL)
			setting_refuse(&s, s.group, "an account needs an 'id'");
		(void)setting_end(&s);
	}
	if (a->accounts == NULL)
		setting_refuse(parent, list, "out of memory");
}

static void read_quota(struct setting *parent, struct app *a)
{
	config_setting_t *at = setting_member(parent, "quota");
	struct quota *topic = &a->quotas[COMMAND_GET_TOPIC], *list = &a->quotas[COMMAND_GROUP_LIST];
	struct setting s;

	*topic = (struct quota){ .per_s = 200, .code = 60007 };
	*list = (struct quota){ .per_s = 1, .code = 60007 };
	a->total = (struct quota){ .per_s = 0, .code = 60011 };
	if (at == NULL)
		return;
	s = setting_begin(parent, at);
	setting_int32(&s, "get_topic", 0, INT32_MAX, &topic->per_s);
	setting_int32(&s, "get_topic_code", 1, INT32_MAX, &topic->code);
	setting_int32(&s, "get_appid_group_list", 0, INT32_MAX, &list->per_s);
	setting_int32(&s, "get_appid_group_list_code", 1, INT32_MAX, &list->code);
	setting_int32(&s, "app", 0, INT32_MAX, &a->total.per_s);
	setting_int32(&s, "app_code", 1, INT32_MAX, &a->total.code);
	(void)setting_end(&s);
}

static void make_key(struct setting *s, struct app *a)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[32];

	if (a->key != NULL || *s->status != ERR_OK)
		return;
	a->key = calloc(1, 2 * sizeof(bytes) + 1);
	if (a->key == NULL || getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		setting_refuse(s, s->group, "cannot make a secret key");
		return;
	}
	for (size_t i = 0; i < 2 * sizeof(bytes); i++)
		a->key[i] = digits[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
}

static void read_app(struct loader *l, config_setting_t *at)
{
	struct setting s = setting_begin(&l->top, at);
	struct app *a = &l->world->apps[l->world->app_n];
	struct style style = l->style;
	config_setting_t *list;
	int64_t number = 0;
	int n;

	if (*s.status != ERR_OK)
		return;
	l->world->app_n++;
	setting_int(&s, "sdkappid", 1, UINT32_MAX, &number);
	for (size_t i = 0; i + 1 < l->world->app_n; i++)
		if (l->world->apps[i].sdkappid == (uint64_t)number)
			setting_refuse(&s, at, "sdkappid %lld stands twice", (long long)number);
	a->sdkappid = (uint64_t)number;
	setting_texts(&s, "identifiers", &a->identifiers, &a->identifier_n);
	if (number == 0 || a->identifier_n == 0)
		setting_refuse(&s, at, "an app needs a 'sdkappid' and 'identifiers'");
	setting_text(&s, "secret_key", WORLD_ID_MAX, &a->key);
	make_key(&s, a);
	read_quota(&s, a);
	read_accounts(&s, a);
	scenario_read_style(&s, &style);
	list = setting_member(&s, "communities");
	n = list != NULL ? config_setting_length(list) : 0;
	if (list != NULL && !config_setting_is_list(list))
		setting_refuse(&s, list, "'communities' must be a list ( { ... }, ... )");
	for (int i = 0; i < n && *s.status == ERR_OK; i++)
		read_community(l, &s, config_setting_get_elem(list, (unsigned)i), a, &style);
	(void)setting_end(&s);
}

/* Room for every app and recipe at once: communities point at both. */
static bool make_room(struct world *w, config_setting_t *apps)
{
	int n = config_setting_length(apps);
	size_t recipes = 1;

	for (int i = 0; i < n; i++) {
		config_setting_t *app = config_setting_get_elem(apps, (unsigned)i);
		config_setting_t *list =
			config_setting_is_group(app) ? config_setting_get_member(app, "communities") : NULL;
		recipes += list != NULL ? (size_t)config_setting_length(list) : 0;
	}
	w->apps = calloc((size_t)n + 1, sizeof(*w->apps));
	w->recipes = calloc(recipes, sizeof(*w->recipes));
	return w->apps != NULL && w->recipes != NULL;
}

static void read_lockout(struct setting *parent, struct world *w)
{
	config_setting_t *at = setting_member(parent, "lockout");
	double lasts_s = 60;
	struct setting s;

	w->lock_failures = 10;
	if (at != NULL) {
		s = setting_begin(parent, at);
		setting_int32(&s, "failures", 0, 1000000, &w->lock_failures);
		setting_duration(&s, "for", &lasts_s);
		(void)setting_end(&s);
	}
	w->lock_ms = (int64_t)(lasts_s * 1000);
}

static void read_world(struct loader *l, double clock_hour)
{
	static const double flat[HOURS] = {
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
	};
	struct setting *top = &l->top;
	config_setting_t *apps = setting_member(top, "apps");
	int64_t seed = 1;
	double hour = 12;
	int n = apps != NULL && config_setting_is_list(apps) ? config_setting_length(apps) : 0;

	setting_int(top, "seed", 0, INT64_MAX, &seed);
	setting_bool(top, "gzip", &l->world->gzip);
	setting_real(top, "start_hour", -1, 24, &hour);
	l->world->seed = (uint64_t)seed;
	profile_set(&l->profile, flat, hour < 0 ? clock_hour : hour);
	scenario_read_profile(top, &l->profile);
	scenario_read_style(top, &l->style);
	read_lockout(top, l->world);
	recipe_init(&l->world->plain);
	l->world->plain.style = l->style;
	l->world->plain.profile = l->profile;
	if (n == 0 || n > WORLD_APPS_MAX)
		setting_refuse(top, apps, "'apps' must be a list ( { ... }, ... ) of 1 to %d", WORLD_APPS_MAX);
	else if (!make_room(l->world, apps))
		setting_refuse(top, apps, "out of memory");
	for (int i = 0; i < n && *top->status == ERR_OK; i++)
		read_app(l, config_setting_get_elem(apps, (unsigned)i));
	(void)setting_end(top);
}

enum err scenario_load(const char *path, double start_unix_s, struct world *ret, struct why *why)
{
	struct world world = { .start_unix_s = start_unix_s };
	struct loader l = { .world = &world, .style = { .error_info = "ok", .msg_flag = "AcceptAndNotify" } };
	config_t config;
	char *text = NULL;
	enum err e = scenario_text_read(path, &text, why);

	if (e != ERR_OK)
		return e;
	config_init(&config);
	l.top = (struct setting){ .path = path, .status = &e, .why = why };
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		e = err_because(why, ERR_CONFIG, "%.150s:%d: %s", path, config_error_line(&config),
		                config_error_text(&config));
	} else {
		l.top = setting_begin(&l.top, config_root_setting(&config));
		read_world(&l, fmod(start_unix_s / 3600, HOURS));
	}
	config_destroy(&config);
	free(text);
	if (e != ERR_OK)
		world_free(&world);
	else
		*ret = world;
	return e;
}
