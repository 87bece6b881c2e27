#include "tests/simulator/scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/base/buf.h"
#include "tests/simulator/scenario_text.h"
#include "tests/simulator/setting.h"

enum { COUNT_MAX = 100000, NAME_BYTES_MAX = 4096, CUSTOM_MAX = 1024 * 1024, TYPE_MAX = 32 };

static const double unlimited = 1e12;

struct loader {
	struct setting top;
	struct world *world;
	struct profile profile; /* of the whole file */
	struct style style;
};

static void read_profile(struct setting *s, struct profile *p)
{
	config_setting_t *at = setting_member(s, "profile");
	double weight[HOURS];

	if (at == NULL)
		return;
	if (!config_setting_is_aggregate(at) || config_setting_length(at) != HOURS) {
		setting_refuse(s, at, "'profile' must be an array of 24 numbers");
		return;
	}
	for (int h = 0; h < HOURS; h++) {
		config_setting_t *hour = config_setting_get_elem(at, (unsigned)h);
		weight[h] = config_setting_type(hour) == CONFIG_TYPE_INT ? config_setting_get_int(hour)
		                                                         : config_setting_get_float(hour);
		if (!(weight[h] >= 0 && weight[h] <= 1000))
			setting_refuse(s, hour, "a weight of 'profile' must be 0 to 1000");
	}
	profile_set(p, weight, p->start_hour);
}

static uint32_t field_bit(const char *name)
{
	static const char *const names[FIELDS] = {
#define FIELD(ID, NAME, FILTERED) NAME,
#include "tests/simulator/field.def"
#undef FIELD
	};

	for (int i = 0; i < FIELDS; i++)
		if (strcmp(names[i], name) == 0)
			return (uint32_t)1 << i;
	return 0;
}

static void read_absent(struct setting *s, struct style *style)
{
	char **names = NULL;
	size_t n = 0;

	setting_texts(s, "absent", &names, &n);
	if (n > 0)
		style->absent = 0;
	for (size_t i = 0; i < n; i++) {
		if (field_bit(names[i]) == 0)
			setting_refuse(s, setting_member(s, "absent"), "no field '%.40s' is known", names[i]);
		style->absent |= field_bit(names[i]);
		free(names[i]);
	}
	free(names);
}

static void read_style(struct setting *parent, struct style *style)
{
	static const char *const mutes[] = { "MuteAllMember", "ShutUpAllFlag", "both", NULL };
	static const char *const ids[] = { "GroupID", "GroupId", NULL };
	static const char *const unknown[] = { "error", "missing", NULL };
	static const char *const empty[] = { "array", "absent", NULL };
	config_setting_t *at = setting_member(parent, "answer");
	int mute = (int)style->mute, id = style->group_id_small, lost = style->unknown_missing,
		none = style->empty_absent;
	const char *info;
	struct setting s;

	if (at == NULL)
		return;
	s = setting_begin(parent, at);
	setting_word(&s, "mute", mutes, &mute);
	setting_word(&s, "group_id", ids, &id);
	setting_word(&s, "unknown_topic", unknown, &lost);
	setting_word(&s, "empty", empty, &none);
	setting_bool(&s, "extra", &style->extra);
	setting_bool(&s, "no_unread", &style->no_unread);
	read_absent(&s, style);
	at = setting_member(&s, "error_info");
	info = at != NULL ? config_setting_get_string(at) : NULL;
	if (info != NULL && strlen(info) < sizeof(style->error_info))
		(void)snprintf(style->error_info, sizeof(style->error_info), "%s", info);
	else if (at != NULL)
		setting_refuse(&s, at, "'error_info' must be a text of at most 31 bytes");
	style->mute = (enum mute_field)mute;
	style->group_id_small = id == 1;
	style->unknown_missing = lost == 1;
	style->empty_absent = none == 1;
	(void)setting_end(&s);
}

static void read_topic(struct setting *parent, config_setting_t *at, struct topic_plan *p)
{
	struct setting s = setting_begin(parent, at);
	bool muted = false;

	setting_text(&s, "id", WORLD_ID_MAX, &p->id);
	setting_text(&s, "name", NAME_BYTES_MAX, &p->name);
	setting_duration(&s, "age", &p->age_s);
	setting_duration(&s, "silent_for", &p->silent_for_s);
	setting_duration(&s, "born_after", &p->born_s);
	setting_duration(&s, "deleted_after", &p->dies_s);
	setting_real(&s, "messages_per_hour", 0, unlimited, &p->per_hour);
	setting_int(&s, "next_msg_seq", 0, INT64_MAX, &p->next_seq);
	setting_int(&s, "last_msg_time", 0, INT64_MAX, &p->last_time);
	setting_int(&s, "create_time", 0, INT64_MAX, &p->create_time);
	setting_int32(&s, "error_code", 0, INT32_MAX, &p->error_code);
	setting_bool(&s, "never_active", &p->never_active);
	setting_bool(&s, "muted", &muted);
	if (setting_member(&s, "muted") != NULL)
		p->muted = muted;
	if (p->dies_s <= p->born_s)
		setting_refuse(&s, at, "'deleted_after' must be later than 'born_after'");
	(void)setting_end(&s);
}

static void read_topics(struct setting *s, struct recipe *r)
{
	config_setting_t *at = setting_member(s, "topics");
	int n = at != NULL ? config_setting_length(at) : 0;
	size_t more = 0;

	if (at == NULL)
		return;
	if (config_setting_type(at) == CONFIG_TYPE_INT) {
		setting_size(s, "topics", WORLD_TOPICS_MAX, &r->topic_n);
		return;
	}
	if (!config_setting_is_list(at)) {
		setting_refuse(s, at, "'topics' must be a number or a list ( { ... }, ... )");
		return;
	}
	r->plans = calloc((size_t)n + 1, sizeof(*r->plans));
	if (r->plans == NULL) {
		setting_refuse(s, at, "out of memory");
		return;
	}
	r->plan_n = (size_t)n;
	for (int i = 0; i < n; i++) {
		topic_plan_init(&r->plans[i]);
		read_topic(s, config_setting_get_elem(at, (unsigned)i), &r->plans[i]);
	}
	setting_size(s, "more_topics", WORLD_TOPICS_MAX, &more);
	r->topic_n = (size_t)n + more;
}

static void read_habits(struct setting *parent, struct recipe *r)
{
	config_setting_t *silent = setting_member(parent, "silent"), *mutes = setting_member(parent, "mutes");
	config_setting_t *churn = setting_member(parent, "churn");
	struct setting s;

	if (silent != NULL) {
		s = setting_begin(parent, silent);
		setting_real(&s, "share", 0, 1, &r->silent_share);
		setting_duration(&s, "for", &r->silent_for_s);
		(void)setting_end(&s);
	}
	if (mutes != NULL) {
		s = setting_begin(parent, mutes);
		setting_real(&s, "share", 0, 1, &r->mute_share);
		setting_duration(&s, "every", &r->mute_every_s);
		setting_duration(&s, "for", &r->mute_for_s);
		if (r->mute_every_s <= 0)
			setting_refuse(&s, mutes, "'every' must be above 0s");
		(void)setting_end(&s);
	}
	if (churn != NULL) {
		s = setting_begin(parent, churn);
		setting_real(&s, "per_hour", 0, 36000, &r->churn_per_hour);
		setting_duration(&s, "lifetime", &r->churn_life_s);
		(void)setting_end(&s);
	}
}

static void read_recipe(struct loader *l, struct setting *s, struct recipe *r)
{
	r->profile = l->profile;
	setting_text(s, "type", TYPE_MAX, &r->type);
	setting_text(s, "name", NAME_BYTES_MAX, &r->name);
	read_style(s, &r->style);
	read_profile(s, &r->profile);
	read_topics(s, r);
	setting_texts(s, "topic_names", &r->topic_names, &r->topic_name_n);
	setting_real(s, "messages_per_hour", 0, unlimited, &r->per_hour);
	setting_real(s, "skew", 0, 10, &r->skew);
	setting_duration(s, "age", &r->age_s);
	setting_real(s, "never_active", 0, 1, &r->never_share);
	read_habits(s, r);
	setting_size(s, "custom_string", CUSTOM_MAX, &r->custom_len);
	setting_bool(s, "topics_enabled", &r->topics_enabled);
	setting_int32(s, "error_code", 0, INT32_MAX, &r->error_code);
}

/* "shop-{4}" and 7 give "shop-0007"; the digit in the braces is the least width, none means one. */
static char *fill_pattern(const char *pattern, size_t number)
{
	const char *open = strchr(pattern, '{');
	int width = open != NULL && open[1] >= '1' && open[1] <= '9' ? open[1] - '0' : 1;
	const char *rest = open != NULL ? open + (open[1] == '}' ? 2 : 3) : NULL;
	struct buf b;
	size_t len;

	if (open == NULL || rest[-1] != '}')
		return strdup(pattern);
	buf_init(&b, 2 * NAME_BYTES_MAX);
	buf_add(&b, pattern, (size_t)(open - pattern));
	buf_fmt(&b, "%0*zu", width, number);
	buf_str(&b, rest);
	return buf_take(&b, &len);
}

static void add_communities(struct loader *l, struct setting *s, struct app *a, const struct recipe *r,
                            const char *pattern, size_t count)
{
	for (size_t i = 1; i <= count && *s->status == ERR_OK; i++) {
		char *id = fill_pattern(pattern, i), *name = fill_pattern(r->name != NULL ? r->name : pattern, i);
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
	l->world->recipe_n++;
	setting_text(&s, "id", WORLD_ID_MAX, &id);
	setting_size(&s, "count", COUNT_MAX, &count);
	if (id == NULL)
		setting_refuse(&s, at, "a community needs an 'id'");
	read_recipe(l, &s, r);
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
	read_style(&s, &style);
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
	setting_real(top, "start_hour", -1, 24, &hour);
	l->world->seed = (uint64_t)seed;
	profile_set(&l->profile, flat, hour < 0 ? clock_hour : hour);
	read_profile(top, &l->profile);
	read_style(top, &l->style);
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
	struct loader l = { .world = &world, .style = { .error_info = "ok" } };
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
