#include "agent/reload.h"

#include <string.h>

#include "agent/adopt.h"
#include "agent/base/log.h"
#include "agent/base/redact.h"
#include "agent/secure.h"
#include "agent/shard.h"

enum { FAULTS_MAX = 1 << 20, LINES_SHOWN = 20, LINE_SHOWN = 400, KEYS_MAX = 256 };

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The first lines, and how many more there are. */
static void show(struct buf *out, const char *lines)
{
	const size_t n = lines_of(lines);

	for (size_t i = 0; i < n && i < LINES_SHOWN; i++) {
		const char *end = strchr(lines, '\n');
		const size_t len = (size_t)(end - lines);

		buf_add(out, lines, len < LINE_SHOWN ? len : LINE_SHOWN);
		buf_str(out, "\n");
		lines = end + 1;
	}
	if (n > LINES_SHOWN)
		buf_fmt(out, "and %zu more\n", n - LINES_SHOWN);
}

static enum err read_again(const struct daemon *d, struct conf **ret, struct buf *faults)
{
	struct why why = { 0 };
	struct conf *c = NULL;
	enum err e = conf_load(d->path, &c, faults);

	if (e == ERR_OK && d->flags != NULL)
		e = flags_apply(d->flags, c, &why);
	if (e == ERR_OK)
		e = shard_narrow(c);
	if (why.text[0] != '\0')
		buf_fmt(faults, "%s\n", why.text);
	if (e == ERR_OK)
		*ret = c;
	else
		conf_free(c);
	return e;
}

/* Certificates and users of the listener are read with it, so that all faults are told at once: what stands
 * in that file may change, not which file it is. They are taken over when the rest is ERR_OK. */
static enum err let_in(struct daemon *d, enum err rest, struct buf *faults)
{
	struct secure secure = { .file = NULL };
	struct why why = { 0 };
	enum err e;

	if (d->fixed.web_config_file[0] == '\0' || rest == ERR_MEMORY)
		return rest;
	e = secure_load(d->fixed.web_config_file, &secure, faults, NULL);
	if (e == ERR_OK && rest == ERR_OK) {
		e = web_reload(d->web, &secure.web, &why);
		if (e != ERR_OK)
			buf_fmt(faults, "%s: %s\n", d->fixed.web_config_file, why.text);
	}
	secure_done(&secure);
	return rest != ERR_OK ? rest : e;
}

/* ---- what came of it ---- */
static enum err refuse(struct daemon *d, enum err e, const char *faults, struct buf *said)
{
	const size_t n = lines_of(faults), len = strcspn(faults, "\n");
	char first[LINE_SHOWN + 1] = "";
	struct buf line;

	buf_wrap(&line, first, sizeof(first) - 1);
	buf_add(&line, faults, len < LINE_SHOWN ? len : LINE_SHOWN);
	d->exporter.reload_ok = false;
	LOG(SAY_ERROR, "reload_failed", LOG_TEXT("why", e != ERR_MEMORY && line.len > 0 ? first : err_text(e)),
	    LOG_INT("faults", (int64_t)n), LOG_TEXT("effect", "the configuration before stays in force"));
	buf_str(said, "reload failed, the configuration before stays in force\n");
	if (e == ERR_MEMORY)
		buf_fmt(said, "%s\n", err_text(e));
	else
		show(said, faults);
	return e;
}

static void tell(struct daemon *d, const struct adopted *did, const char *warnings, struct buf *said)
{
	char text[KEYS_MAX];
	struct buf keys;

	LOG(SAY_INFO, "reloaded", LOG_INT("apps", (int64_t)roster_apps(d->roster)),
	    LOG_INT("apps_added", (int64_t)did->apps_added), LOG_INT("apps_removed", (int64_t)did->apps_removed),
	    LOG_INT("apps_changed", (int64_t)did->apps_changed),
	    LOG_INT("communities", (int64_t)d->roster->community_n), LOG_INT("added", (int64_t)did->added),
	    LOG_INT("removed", (int64_t)did->removed), LOG_INT("changed", (int64_t)did->changed));
	buf_fmt(said, "reloaded\napps: %zu added, %zu removed, %zu changed, now %zu\n", did->apps_added,
	        did->apps_removed, did->apps_changed, roster_apps(d->roster));
	buf_fmt(said, "communities: %zu added, %zu removed, %zu changed, now %zu\n", did->added, did->removed,
	        did->changed, d->roster->community_n);
	if (warnings[0] != '\0')
		LOG(SAY_WARN, "config_warnings", LOG_INT("count", (int64_t)lines_of(warnings)));
	show(said, warnings);
	buf_wrap(&keys, text, sizeof(text));
	fixed_differs(&d->fixed, d->conf, &keys);
	if (keys.len == 0)
		return;
	LOG(SAY_WARN, "restart_needed", LOG_TEXT("options", buf_text(&keys)),
	    LOG_TEXT("effect", "they stay as they were"));
	buf_fmt(said, "needs a restart: %s\n", buf_text(&keys));
}

static enum err change(struct daemon *d, struct buf *faults, struct buf *said)
{
	const int64_t began_ms = now_read().mono_ms;
	struct conf *next = NULL;
	struct adopted did;
	enum err e = read_again(d, &next, faults);
	const int64_t read_ms = now_read().mono_ms;

	if (e == ERR_OK)
		e = shrink_check(d->conf, next, faults);
	e = let_in(d, e, faults);
	if (e == ERR_OK)
		e = adopt(d, next, &did);
	if (faults->len > 0 && faults->status == ERR_OK)
		redact(faults->at, faults->len); /* they may quote what stands in the file */
	if (e != ERR_OK) {
		conf_free(next);
		return refuse(d, e, buf_text(faults), said);
	}
	d->watch.known = d->watch.seen = d->conf->fingerprint;
	daemon_log(d->conf);
	LOG(SAY_DEBUG, "reload_took", LOG_INT("read_ms", read_ms - began_ms),
	    LOG_INT("change_ms", now_read().mono_ms - read_ms));
	tell(d, &did, buf_text(faults), said);
	daemon_tell_budgets(d);
	return ERR_OK;
}

enum err reload(struct daemon *d, struct buf *said)
{
	struct buf faults;
	enum err e;

	notify_reloading(&d->notify);
	buf_init(&faults, FAULTS_MAX);
	e = change(d, &faults, said);
	buf_done(&faults);
	poller_hurry(d->poller, &d->now); /* a key may have been put right */
	notify_ready(&d->notify);
	return e;
}

void reload_turn(struct daemon *d)
{
	const bool changed = watch_turn(d);
	struct buf said;
	enum err e;

	if (d->stopping || d->path == NULL || (!changed && !d->reload_wanted))
		return;
	d->reload_wanted = false;
	buf_init(&said, FAULTS_MAX);
	e = reload(d, &said);
	buf_done(&said);
	if (changed && e == ERR_CONFIG)
		watch_done(d); /* told once */
}
