#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/inside.h"

enum { WHERE_ROOM = 192 };

/* The one setting of each scope that holds the next one, and what must be set in it. */
static const struct {
	const char *nested, *required[2];
} scopes[] = {
	[SCOPE_ROOT] = { "apps", { NULL } },
	[SCOPE_APP] = { "communities", { "sdkappid", "identifier" } },
	[SCOPE_COMMUNITY] = { "labels", { "id" } },
};

static const struct option *option_find(enum option_scope scope, const char *key)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == scope && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

const char *scope_nested(enum option_scope scope)
{
	return scopes[scope].nested;
}

int level_line(const struct level *l, const char *key)
{
	const struct option *o = option_find(l->scope, key);

	return o != NULL ? l->lines[o - options] : 0;
}

bool level_bad(const struct level *l, const char *key)
{
	const struct option *o = option_find(l->scope, key);

	return o != NULL && l->bad[o - options];
}

int level_line_above(const struct level *l, const char *field)
{
	for (const struct level *at = l; at != NULL; at = at->above)
		for (size_t i = 0; i < OPTIONS; i++)
			if (at->lines[i] != 0 && strcmp(options[i].field, field) == 0)
				return at->lines[i];
	return l->line;
}

static void *field_of(const struct level *l, const struct option *o)
{
	return (char *)l->object + o->offset;
}

/* True when options of the scope stand below "key.". */
static bool is_prefix(enum option_scope scope, const char *key)
{
	const size_t len = strlen(key);

	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == scope && strncmp(options[i].key, key, len) == 0 && options[i].key[len] == '.')
			return true;
	return false;
}

static void walk_option(struct conf *c, struct level *l, const struct option *o, const config_setting_t *s,
                        struct faults *f)
{
	const size_t faults = f->n;
	char where[WHERE_ROOM];

	(void)snprintf(where, sizeof(where), "%s%s", l->where, o->key);
	if (option_read(o, s, where, field_of(l, o), &c->arena, f))
		l->lines[o - options] = config_setting_source_line(s);
	l->bad[o - options] = f->n > faults;
}

/* Depth is bounded by the keys of the table. */
static void walk_group(struct conf *c, struct level *l, const char *prefix, const config_setting_t *group,
                       struct faults *f)
{
	const int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const struct option *o;
		char key[KEY_ROOM], below[KEY_ROOM + 1];

		(void)snprintf(key, sizeof(key), "%s%s", prefix, config_setting_name(s));
		(void)snprintf(below, sizeof(below), "%s.", key);
		o = option_find(l->scope, key);
		if (o != NULL)
			walk_option(c, l, o, s, f);
		else if (is_prefix(l->scope, key) && config_setting_is_group(s))
			walk_group(c, l, below, s, f);
		else if (is_prefix(l->scope, key))
			fault_add(f, config_setting_source_line(s), "%s%s: wanted is a group: { ... };", l->where, key);
		else if (strcmp(key, scopes[l->scope].nested) == 0)
			l->nested = s;
		else
			unknown_key(l, prefix, s, f);
	}
}

static void walk_level(struct conf *c, struct level *l, const config_setting_t *group, struct faults *f)
{
	l->group = group;
	walk_group(c, l, "", group, f);
}

static void walk_defaults(struct conf *c, struct level *l, struct faults *f)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].scope == l->scope && strcmp(options[i].fallback, "INHERIT") != 0)
			option_default(&options[i], field_of(l, &options[i]), &c->arena, f);
}

/* Options take the value of the enclosing scope's option of the same field, until the file sets them: what it
 * sets badly keeps that value, too. */
static void walk_inherit(const struct level *from, const struct level *to)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		if (o->scope != to->scope || strcmp(o->fallback, "INHERIT") != 0)
			continue;
		for (size_t j = 0; j < OPTIONS; j++)
			if (options[j].scope == from->scope && strcmp(options[j].field, o->field) == 0)
				memcpy(field_of(to, o), field_of(from, &options[j]), option_size(o));
	}
}

static void walk_required(const struct level *l, struct faults *f)
{
	for (size_t i = 0; i < 2 && scopes[l->scope].required[i] != NULL; i++) {
		const struct option *o = option_find(l->scope, scopes[l->scope].required[i]);

		if (o != NULL && l->lines[o - options] == 0)
			fault_add(f, l->line, "%s%s is missing: %s", l->where, o->key, o->help);
	}
}

static void walk_community(struct conf *c, struct level *app, const config_setting_t *s, size_t index,
                           struct conf_community *com, struct faults *f)
{
	struct level l = {
		.scope = SCOPE_COMMUNITY, .object = com, .line = config_setting_source_line(s), .above = app
	};

	(void)snprintf(l.where, sizeof(l.where), "%.24scommunities[%zu].", app->where, index);
	com->line = l.line;
	walk_defaults(c, &l, f);
	walk_inherit(app, &l);
	if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		const struct option *id = option_find(SCOPE_COMMUNITY, "id");

		walk_option(c, &l, id, s, f);
	} else if (config_setting_is_group(s)) {
		walk_level(c, &l, s, f);
	} else {
		fault_add(f, l.line, "%.*s: a community is an id in double quotes, or a group { id = \"...\"; ... }",
		          (int)strlen(l.where) - 1, l.where);
		return;
	}
	walk_required(&l, f);
	check_community(c, app->object, com, &l, f);
}

/* What an app says for every community is all that one has that is discovered or stands in a list. */
static void walk_discovered(struct conf *c, struct level *app, struct conf_app *object, struct faults *f)
{
	struct level l = {
		.scope = SCOPE_COMMUNITY, .object = &object->discovered, .line = app->line, .above = app
	};

	memcpy(l.where, app->where, sizeof(l.where));
	object->discovered.line = l.line;
	walk_defaults(c, &l, f);
	walk_inherit(app, &l);
	check_discovered(object, &object->discovered, &l, f);
}

/* The list below `l`, NULL after a fault or when there is none. */
static const config_setting_t *nested_list(const struct level *l, size_t *ret_n, struct faults *f)
{
	*ret_n = 0;
	if (l->nested == NULL)
		return NULL;
	if (!config_setting_is_aggregate(l->nested) || config_setting_is_group(l->nested)) {
		fault_add(f, config_setting_source_line(l->nested), "%s%s: wanted is a list: ( ... );", l->where,
		          scopes[l->scope].nested);
		return NULL;
	}
	*ret_n = (size_t)config_setting_length(l->nested);
	return l->nested;
}

static void walk_app(struct conf *c, struct level *root, const config_setting_t *s, size_t index,
                     struct conf_app *app, struct faults *f)
{
	struct level l = {
		.scope = SCOPE_APP, .object = app, .line = config_setting_source_line(s), .above = root
	};
	struct conf_community *com;
	const config_setting_t *list;
	struct lists lists;
	size_t n, listed;

	(void)snprintf(l.where, sizeof(l.where), "apps[%zu].", index);
	app->line = l.line;
	walk_defaults(c, &l, f);
	walk_inherit(root, &l);
	if (!config_setting_is_group(s)) {
		fault_add(f, l.line, "apps[%zu]: an app is a group { sdkappid = ...; ... }", index);
		return;
	}
	walk_level(c, &l, s, f);
	walk_required(&l, f);
	check_app(c, app, &l, f);
	walk_discovered(c, &l, app, f);
	list = nested_list(&l, &n, f);
	listed = lists_read(c, app, &l, &lists, f);
	com = arena_take(&c->arena, (n + listed + 1) * sizeof(*com));
	f->no_memory |= com == NULL;
	if (com != NULL) {
		for (size_t i = 0; i < n; i++)
			walk_community(c, &l, config_setting_get_elem(list, (unsigned)i), i, &com[i], f);
		lists_fill(&lists, app, com + n);
		app->community = com;
		app->community_n = n + listed;
	}
	lists_done(&lists);
}

struct conf *walk(const config_t *tree, struct faults *f)
{
	struct conf *c = calloc(1, sizeof(*c));
	struct level l = { .scope = SCOPE_ROOT, .object = c };
	struct conf_app *app;
	const config_setting_t *list;
	size_t n;

	if (c == NULL)
		return NULL;
	walk_defaults(c, &l, f);
	walk_level(c, &l, config_root_setting(tree), f);
	check_root(c, &l, f);
	list = nested_list(&l, &n, f);
	app = arena_take(&c->arena, (n + 1) * sizeof(*app));
	for (size_t i = 0; app != NULL && i < n; i++)
		walk_app(c, &l, config_setting_get_elem(list, (unsigned)i), i, &app[i], f);
	if (app == NULL || f->no_memory) {
		conf_free(c);
		return NULL;
	}
	c->app = app;
	c->app_n = n;
	check_twice(c, f);
	return c;
}
