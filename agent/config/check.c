#include <stdio.h>
#include <string.h>

#include "agent/config/inside.h"

enum { LABELS_MAX = 16, APPS_MAX = 256, STALE_LEAST_MS = 300000 };

static bool label_key_ok(const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return strchr(letters, key[0]) != NULL && strspn(key, others) == strlen(key) && strlen(key) <= 64;
}

static bool label_key_taken(const char *key)
{
	static const char *const taken[] = { "sdkappid",   "community", "community_name", "topic",
		                                 "topic_name", "job",       "instance",       "le" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(taken[i], key) == 0)
			return true;
	return false;
}

static void check_label(struct conf *c, const config_setting_t *s, struct conf_label *label,
                        const struct level *l, struct faults *f)
{
	const char *key = config_setting_name(s), *value = config_setting_get_string(s);
	const int line = config_setting_source_line(s);
	char where[192];

	(void)snprintf(where, sizeof(where), "%slabels.%.40s", l->where, key);
	if (!label_key_ok(key))
		fault_add(f, line, "%s: a label is a letter, then letters, digits and _, at most 64", where);
	else if (label_key_taken(key))
		fault_add(f, line, "%s: this label is taken; choose another name", where);
	else if (value == NULL)
		fault_add(f, line, "%s: the value must be a text in double quotes", where);
	else if (option_text_ok(value, where, line, 1024, f)) {
		label->key = arena_text(&c->arena, key, strlen(key));
		label->value = arena_text(&c->arena, value, strlen(value));
		f->no_memory |= label->key == NULL || label->value == NULL;
	}
}

static void check_labels(struct conf *c, struct conf_community *com, const struct level *l, struct faults *f)
{
	const config_setting_t *group = l->nested;
	struct conf_label *label;
	int n;

	if (group == NULL)
		return;
	if (!config_setting_is_group(group)) {
		fault_add(f, config_setting_source_line(group), "%slabels: wanted is a group: { team = \"emea\"; };",
		          l->where);
		return;
	}
	n = config_setting_length(group);
	if (n > LABELS_MAX) {
		fault_add(f, config_setting_source_line(group), "%slabels: %d of them; at most %d are allowed",
		          l->where, n, LABELS_MAX);
		return;
	}
	label = arena_take(&c->arena, ((size_t)n + 1) * sizeof(*label));
	f->no_memory |= label == NULL;
	for (int i = 0; label != NULL && i < n; i++)
		check_label(c, config_setting_get_elem(group, (unsigned)i), &label[i], l, f);
	com->labels = label;
	com->label_n = label != NULL ? (size_t)n : 0;
}

/* Where adaptive starts is the nearest interval that it allows. */
static void resolve(const struct conf_app *app, struct conf_community *com)
{
	const bool adaptive = com->adaptive_max_ms != 0;
	const int64_t usual = 3 * (adaptive ? com->adaptive_max_ms : com->interval_ms);

	if (adaptive && com->interval_ms < com->adaptive_min_ms)
		com->interval_ms = com->adaptive_min_ms;
	else if (adaptive && com->interval_ms > com->adaptive_max_ms)
		com->interval_ms = com->adaptive_max_ms;
	if (com->stale_after_ms == 0)
		com->stale_after_ms = usual > STALE_LEAST_MS ? usual : STALE_LEAST_MS;
	com->observer = com->from_account[0] != '\0';
	if (!com->observer)
		com->from_account = app->identifier;
}

/* Told once for the app when its communities only inherit all of it. */
static void check_stale(const struct conf_community *com, struct level *l, struct faults *f)
{
	const bool adaptive = com->adaptive_max_ms != 0;
	const int64_t longest = adaptive ? com->adaptive_max_ms : com->interval_ms;
	const bool inherited = level_line(l, "stale_after") == 0 && level_line(l, "interval") == 0 &&
	                       level_line(l, "adaptive.max") == 0;
	char stale[DURATION_ROOM], interval[DURATION_ROOM];

	if (com->stale_after_ms >= longest || (inherited && l->above->stale_told))
		return;
	l->above->stale_told |= inherited;
	fault_add(f, level_line_above(l, "stale_after_ms"),
	          "%sstale_after: %s is shorter than the %sinterval of %s; facts would be gone before they are "
	          "renewed: set at least %s, or 0s for three times the interval",
	          l->where, duration_text(com->stale_after_ms, stale), adaptive ? "longest adaptive " : "",
	          duration_text(longest, interval), interval);
}

bool list_empty(const config_setting_t *list)
{
	return list == NULL || (config_setting_is_aggregate(list) && config_setting_length(list) == 0);
}

void check_root(struct conf *c, const struct level *l, struct faults *f)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.~-";
	const char *path = c->telemetry_path;

	if (path[0] != '/' || path[1] == '\0' || strspn(path, plain) < strlen(path) ||
	    strncmp(path, "/-/", 3) == 0)
		fault_add(f, level_line(l, "web.telemetry_path"),
		          "web.telemetry_path: '%.40s' is no path for metrics; write it like /metrics, of letters, "
		          "digits and /_.~-, and not below /-/",
		          path);
	c->web_config_file = path_below(c, c->web_config_file, f);
	check_adaptive(l, c->adaptive_min_ms, c->adaptive_max_ms, f);
	for (size_t i = 0; i < c->listen.n; i++)
		if (!listen_ok(c->listen.at[i]))
			fault_add(f, level_line(l, "web.listen"),
			          "web.listen: '%.100s' is no address; write host:port, [v6]:port or :port",
			          c->listen.at[i]);
	if (list_empty(l->nested))
		fault_add(f, l->nested != NULL ? config_setting_source_line(l->nested) : 0,
		          "no app is configured; add apps = ( { sdkappid = ...; ... } );");
	else if (l->nested != NULL && config_setting_length(l->nested) > APPS_MAX)
		fault_add(f, config_setting_source_line(l->nested), "apps: more than %d", APPS_MAX);
}

void check_adaptive(const struct level *l, int64_t min_ms, int64_t max_ms, struct faults *f)
{
	const bool root = l->scope == SCOPE_ROOT;
	const char *min = root ? "poll.adaptive.min" : "adaptive.min";
	const char *max = root ? "poll.adaptive.max" : "adaptive.max";
	const config_setting_t *at = l->group;
	char least[DURATION_ROOM], most[DURATION_ROOM];

	if (at != NULL && root)
		at = config_setting_get_member(at, "poll");
	if (at != NULL)
		at = config_setting_get_member(at, "adaptive");
	if (at == NULL || !config_setting_is_group(at))
		return;
	if (level_line(l, min) == 0 || level_line(l, max) == 0)
		fault_add(f, config_setting_source_line(at),
		          "%s%s is missing: adaptive takes both, { min = \"30s\"; max = \"15m\"; }", l->where,
		          level_line(l, min) == 0 ? min : max);
	else if (min_ms >= max_ms && !level_bad(l, min) && !level_bad(l, max))
		fault_add(f, level_line(l, min),
		          "%s%s: %s is not below the max of %s; min is the interval of the most talkative "
		          "communities, max of the quietest",
		          l->where, min, duration_text(min_ms, least), duration_text(max_ms, most));
}

void check_discovered(const struct conf_app *app, struct conf_community *com, struct level *l,
                      struct faults *f)
{
	resolve(app, com);
	if (app->discovery_enabled || app->communities_files.n > 0)
		check_stale(com, l, f);
}

void check_community(struct conf *c, const struct conf_app *app, struct conf_community *com, struct level *l,
                     struct faults *f)
{
	check_adaptive(l, com->adaptive_min_ms, com->adaptive_max_ms, f);
	resolve(app, com);
	check_stale(com, l, f);
	check_labels(c, com, l, f);
}
