/* What one value of an app alone cannot show. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/refusal.h"
#include "agent/chat/chat.h"
#include "agent/config/inside.h"

/* The service tells its customer at 80 % of the 200 calls a second that it documents for get_topic. */
static const double budget_loud = 160.0;

const char *path_below(struct conf *c, const char *path, struct faults *f)
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
		          refusal_text(app->ca_file, errno));
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
		{ KEY_FILE, "secret_key_file", app->secret_key_file = path_below(c, app->secret_key_file, f) },
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
	const char *wrong;
	char id[24];

	check_key(c, app, l, f);
	check_host(c, app, l, f);
	app->ca_file = path_below(c, app->ca_file, f);
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
	wrong = app->proxy[0] != '\0' ? proxy_fault(app->proxy) : NULL;
	if (wrong != NULL) /* without the text: a password may stand in it */
		fault_add(f, level_line(l, "proxy"), "%sproxy: %s", l->where, wrong);
	check_adaptive(l, app->adaptive_min_ms, app->adaptive_max_ms, f);
	if (list_empty(l->nested) && app->communities_files.n == 0 && !app->discovery_enabled)
		fault_warn(f, l->line, "%scommunities is empty: nothing is asked for this app", l->where);
}
