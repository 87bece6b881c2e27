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
	if (l->nested == NULL || config_setting_length(l->nested) == 0)
		fault_add(f, 0, "no app is configured; add apps = ( { sdkappid = ...; ... } );");
	else if (config_setting_length(l->nested) > APPS_MAX)
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
	if (key_check(&app->key, &loose, &why) != ERR_OK)
		fault_add(f, line, "%s%s: %s", l->where, key, why.text);
	else if (loose)
		fault_warn(f, line, "%s%s: '%.200s' can be read by others than its owner; chmod 600 it", l->where,
		           key, app->key.name);
	else if (app->key.kind == KEY_INLINE)
		fault_warn(f, line, "%s%s: a key is better kept in a file of its own (secret_key_file)", l->where,
		           key);
}

/* "127.0.0.1", "[::1]" or "localhost", with or without a port. */
static bool is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 &&
		    (host[len] == '\0' || host[len] == ':' || host[len] == '/'))
			return true;
	}
	return false;
}

/* What is wrong with a base URL; NULL when nothing is. */
static const char *url_fault(const char *url)
{
	const bool https = strncmp(url, "https://", 8) == 0, http = strncmp(url, "http://", 7) == 0;
	const char *host = url + (https ? 8 : 7);
	size_t len;

	if (!https && !http)
		return "it must start with https://";
	len = strcspn(host, "/");
	if (len == 0 || strpbrk(url, " \"'<>?#@\\^`{}|") != NULL)
		return "it must be https://HOST or https://HOST:PORT, without user, query or fragment";
	for (const char *s = url; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return "it must be ASCII; write an international host name as xn--...";
	if (http && !is_loopback(host))
		return "plain http would show the signature to the network; use https:// (http only for loopback)";
	return NULL;
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
			fault_add(f, endpoint, "%sendpoint: '%.100s': %s", l->where, app->endpoint, wrong);
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
	if (l->nested == NULL || config_setting_length(l->nested) == 0)
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
		fault_add(f, config_setting_source_line(group),
		          "%slabels: a group stands here: { team = \"emea\"; };", l->where);
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

void check_community(struct conf *c, const struct conf_app *app, struct conf_community *com,
                     const struct level *l, struct faults *f)
{
	const int64_t usual = 3 * com->interval_ms;
	char stale[DURATION_ROOM], interval[DURATION_ROOM];

	com->observer = com->from_account[0] != '\0';
	if (!com->observer)
		com->from_account = app->identifier;
	if (com->stale_after_ms == 0)
		com->stale_after_ms = usual > STALE_LEAST_MS ? usual : STALE_LEAST_MS;
	else if (com->stale_after_ms < com->interval_ms)
		fault_add(f, level_line(l, "stale_after") != 0 ? level_line(l, "stale_after") : l->line,
		          "%sstale_after: %s is shorter than the interval of %s; facts would be gone before they are "
		          "renewed",
		          l->where, duration_text(com->stale_after_ms, stale),
		          duration_text(com->interval_ms, interval));
	check_labels(c, com, l, f);
}

struct named {
	const char *name;
	int line;
};

static int by_name(const void *left, const void *right)
{
	const struct named *l = left, *r = right;
	const int order = strcmp(l->name, r->name);

	return order != 0 ? order : (l->line > r->line) - (l->line < r->line);
}

static void report_twice(struct named *at, size_t n, const char *what, struct faults *f)
{
	qsort(at, n, sizeof(*at), by_name);
	for (size_t i = 1; i < n; i++)
		if (at[i].name[0] != '\0' && strcmp(at[i - 1].name, at[i].name) == 0)
			fault_add(f, at[i].line, "%s '%.200s' stands here again; it is already in line %d", what,
			          at[i].name, at[i - 1].line);
}

static void apps_twice(const struct conf *c, struct named *at, struct faults *f)
{
	char(*id)[24] = calloc(c->app_n + 1, sizeof(*id));

	f->no_memory |= id == NULL;
	for (size_t i = 0; id != NULL && i < c->app_n; i++) {
		if (c->app[i].sdkappid != 0)
			(void)snprintf(id[i], sizeof(id[i]), "%lld", (long long)c->app[i].sdkappid);
		at[i] = (struct named){ id[i], c->app[i].line };
	}
	if (id != NULL)
		report_twice(at, c->app_n, "sdkappid", f);
	for (size_t i = 0; i < c->app_n; i++)
		at[i] = (struct named){ c->app[i].sdkappid != 0 ? c->app[i].name : "", c->app[i].line };
	report_twice(at, c->app_n, "app name", f);
	free(id);
}

void check_twice(const struct conf *c, struct faults *f)
{
	size_t most = c->app_n + 1;
	struct named *at;

	for (size_t a = 0; a < c->app_n; a++)
		if (c->app[a].community_n > most)
			most = c->app[a].community_n;
	at = calloc(most, sizeof(*at));
	f->no_memory |= at == NULL;
	if (at == NULL)
		return;
	apps_twice(c, at, f);
	for (size_t a = 0; a < c->app_n; a++) {
		const struct conf_app *app = &c->app[a];

		for (size_t i = 0; i < app->community_n; i++)
			at[i] = (struct named){ app->community[i].id, app->community[i].line };
		report_twice(at, app->community_n, "community", f);
	}
	free(at);
}
