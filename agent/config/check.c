#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/chat/chat.h"
#include "agent/config/inside.h"

enum { LABELS_MAX = 16, APPS_MAX = 256, STALE_LEAST_MS = 300000 };

/* The service tells its customer at 80 % of the 200 calls a second that it documents for get_topic. */
static const double budget_loud = 160.0;

/* Not there, or without an entry. */
static bool is_empty(const config_setting_t *list)
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
		          "digits and "
		          "/_.~-, and not below /-/",
		          path);
	for (size_t i = 0; i < c->listen.n; i++)
		if (!listen_ok(c->listen.at[i]))
			fault_add(f, level_line(l, "web.listen"),
			          "web.listen: '%.100s' is no address; write host:port, [v6]:port or :port",
			          c->listen.at[i]);
	if (is_empty(l->nested))
		fault_add(f, l->nested != NULL ? config_setting_source_line(l->nested) : 0,
		          "no app is configured; add apps = ( { sdkappid = ...; ... } );");
	else if (l->nested != NULL && config_setting_length(l->nested) > APPS_MAX)
		fault_add(f, config_setting_source_line(l->nested), "apps: more than %d", APPS_MAX);
}

/* The path as it is, or below the folder of the configuration file. */
static const char *resolve(struct conf *c, const char *path, struct faults *f)
{
	const char *slash = strrchr(f->path, '/');
	const size_t folder = slash != NULL ? (size_t)(slash - f->path) + 1 : 0;
	char *full;

	if (path[0] == '\0' || path[0] == '/' || folder == 0)
		return path;
	full = arena_take(&c->arena, folder + strlen(path) + 1);
	if (full == NULL) {
		f->no_memory = true;
		return path;
	}
	memcpy(full, f->path, folder);
	memcpy(full + folder, path, strlen(path));
	return full;
}

static void check_ca(const struct conf_app *app, const struct level *l, struct faults *f)
{
	const int fd = open(app->ca_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		fault_add(f, level_line(l, "ca_file"), "%sca_file: cannot open '%.200s': %s", l->where, app->ca_file,
		          strerror(errno));
	else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		fault_add(f, level_line(l, "ca_file"), "%sca_file: '%.200s' is not a regular file", l->where,
		          app->ca_file);
	if (fd >= 0)
		close(fd);
}

/* The service's keys are 64 hexadecimal digits; somebody pasted one where its place was asked for. */
static bool is_pasted_key(const struct key_source *s)
{
	const size_t len = strlen(s->name);

	return s->kind != KEY_INLINE && len >= 32 && strspn(s->name, "0123456789abcdefABCDEF") == len;
}

static void check_key(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f)
{
	const struct {
		enum key_kind kind;
		const char *key, *value;
	} sources[] = {
		{ KEY_FILE, "secret_key_file", app->secret_key_file = resolve(c, app->secret_key_file, f) },
		{ KEY_ENV, "secret_key_env", app->secret_key_env },
		{ KEY_CREDENTIAL, "secret_key_credential", app->secret_key_credential },
		{ KEY_INLINE, "secret_key", app->secret_key },
	};
	const char *key = NULL;
	int line = l->line, loose = 0;
	size_t n = 0;
	struct why why;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (level_line(l, sources[i].key) == 0)
			continue;
		n++;
		key = sources[i].key;
		line = level_line(l, key);
		app->key = (struct key_source){ sources[i].kind, sources[i].value };
	}
	if (n != 1) {
		fault_add(
			f, line,
			"%s%s: %s; set exactly one of secret_key_file, secret_key_env, secret_key_credential, secret_key",
			l->where, n == 0 ? "secret_key_file" : key, n == 0 ? "missing" : "a second source of the key");
		return;
	}
	if (app->key.name[0] == '\0')
		return; /* its own fault is told already */
	if (is_pasted_key(&app->key))
		fault_add(
			f, line,
			"%s%s: this looks like the key itself; here stands where it is kept (secret_key takes the key)",
			l->where, key);
	else if (key_check(&app->key, &loose, &why) != ERR_OK)
		fault_add(f, line, "%s%s: %s", l->where, key, why.text);
	else if (loose)
		fault_warn(f, line, "%s%s: '%.200s' can be read by others than its owner; chmod 600 it", l->where,
		           key, app->key.name);
	else if (app->key.kind == KEY_INLINE)
		fault_warn(f, line, "%s%s: a key is better kept in a file of its own (secret_key_file)", l->where,
		           key);
}

static void check_host(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f)
{
	const int region = level_line(l, "region"), endpoint = level_line(l, "endpoint");
	const char *wrong;
	size_t len;

	app->host = "";
	if ((region == 0) == (endpoint == 0)) {
		fault_add(f, region != 0 ? endpoint : l->line, "%s%s", l->where,
		          region != 0
		              ? "endpoint: set a region or an endpoint, not both"
		              : "region is missing: the app's data centre (singapore, china, ...), or an endpoint");
		return;
	}
	if (region != 0) {
		app->host = chat_host(app->region) != NULL ? chat_host(app->region) : "";
		return;
	}
	wrong = url_fault(app->endpoint);
	if (wrong != NULL) {
		if (app->endpoint[0] != '\0')
			fault_add(f, endpoint, "%sendpoint: '%.100s': %s", l->where,
			          strchr(app->endpoint, '@') != NULL ? "***" : app->endpoint, wrong); /* user:password@ */
		return;
	}
	len = strlen(app->endpoint);
	while (app->endpoint[len - 1] == '/')
		len--;
	app->host = arena_text(&c->arena, app->endpoint, len);
	f->no_memory |= app->host == NULL;
}

void check_app(struct conf *c, struct conf_app *app, const struct level *l, struct faults *f)
{
	char id[24];

	check_key(c, app, l, f);
	check_host(c, app, l, f);
	app->ca_file = resolve(c, app->ca_file, f);
	if (app->ca_file[0] != '\0')
		check_ca(app, l, f);
	if (app->budget > budget_loud)
		fault_warn(f, level_line(l, "budget"),
		           "%sbudget: above %g calls a second the service warns the app's owner that its quota is "
		           "nearly used",
		           l->where, budget_loud);
	if (app->name[0] == '\0') {
		(void)snprintf(id, sizeof(id), "%lld", (long long)app->sdkappid);
		app->name = arena_text(&c->arena, id, strlen(id));
		f->no_memory |= app->name == NULL;
	}
	if (is_empty(l->nested))
		fault_warn(f, l->line, "%scommunities is empty: nothing is asked for this app", l->where);
}

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

/* Told once for the app when its communities only inherit both. */
static void check_stale(struct conf_community *com, struct level *l, struct faults *f)
{
	const int64_t usual = 3 * com->interval_ms;
	char stale[DURATION_ROOM], interval[DURATION_ROOM];
	bool inherited = level_line(l, "stale_after") == 0 && level_line(l, "interval") == 0;

	if (com->stale_after_ms == 0) {
		com->stale_after_ms = usual > STALE_LEAST_MS ? usual : STALE_LEAST_MS;
		return;
	}
	if (com->stale_after_ms >= com->interval_ms || (inherited && l->above->stale_told))
		return;
	l->above->stale_told |= inherited;
	fault_add(
		f, level_line_above(l, "stale_after_ms"),
		"%sstale_after: %s is shorter than the interval of %s; facts would be gone before they are renewed",
		l->where, duration_text(com->stale_after_ms, stale), duration_text(com->interval_ms, interval));
}

void check_community(struct conf *c, const struct conf_app *app, struct conf_community *com, struct level *l,
                     struct faults *f)
{
	com->observer = com->from_account[0] != '\0';
	if (!com->observer)
		com->from_account = app->identifier;
	check_stale(com, l, f);
	check_labels(c, com, l, f);
}
