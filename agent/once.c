#include "agent/once.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/daemon.h"
#include "agent/once_json.h"
#include "agent/process/output.h"

enum {
	LOOK_MS = 20, /* between two looks at who is missing, which cost a little for each community */
	SHOW_MS = 250,
	TELL_MS = 5000,
	GRACE_MS = 30000,
	TIMEOUTS = 3,
	SWEEPS = 4,
	BLOCK = 2 * EXPOSITION_BLOCK_MIN,
};

/* How far it is. */
struct course {
	size_t known, missing; /* communities; those without a finished poll */
	size_t lists;          /* not read yet */
	int64_t look_ms, tell_ms, end_ms;
	bool terminal, told;
};

bool once_format_of(const char *word, enum once_format *ret)
{
	static const char *const words[ONCE_FORMATS] = { "text", "openmetrics", "json" };

	for (int i = 0; i < ONCE_FORMATS; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum once_format)i;
			return true;
		}
	return false;
}

/* ---- until everybody was polled ---- */
/* When it gives up: as a sweep at the budget takes, several times, beside the time for slow calls. */
static int64_t allowed_ms(const struct daemon *d)
{
	double longest_s = 0;

	for (size_t a = 0; a < d->roster->app_n; a++) {
		double s = 0;

		for (size_t slot = 0; slot < d->roster->slots; slot++)
			if (d->roster->member[slot] != NULL && d->roster->member[slot]->app == a)
				s += 1 / d->conf->app[a].budget;
		if (s > longest_s)
			longest_s = s;
	}
	return GRACE_MS + TIMEOUTS * d->conf->timeout_ms + (int64_t)(SWEEPS * 1000 * longest_s);
}

static void look(struct daemon *d, struct course *c)
{
	c->look_ms = d->now.mono_ms;
	c->known = d->roster->community_n;
	c->missing = 0;
	c->lists = 0;
	for (size_t a = 0; a < d->roster->app_n; a++) {
		struct poller_view v;

		poller_app_view(d->poller, a, &d->now, &v);
		c->missing += v.pending;
		c->lists += v.lists_pending > 0 || discovery_busy(d, a);
	}
}

static void tell(const struct daemon *d, struct course *c)
{
	if (d->now.mono_ms < c->tell_ms)
		return;
	c->tell_ms = d->now.mono_ms + (c->terminal ? SHOW_MS : TELL_MS);
	fprintf(stderr, "tencentchat_exporter: %zu of %zu communities polled%s%s", c->known - c->missing,
	        c->known, c->lists > 0 ? ", reading lists of more" : "",
	        c->terminal ? "\033[K\r" : "\n"); /* a line of the log may stand there next */
	(void)fflush(stderr);
	c->told = true;
}

static enum err poll_all(struct daemon *d, struct course *c)
{
	enum err e = ERR_OK;

	do {
		const int64_t wait_ms = daemon_turn(d);

		if (d->now.mono_ms - c->look_ms >= LOOK_MS || wait_ms > LOOK_MS) {
			look(d, c);
			if (c->missing == 0 && c->lists == 0)
				break;
			tell(d, c);
		}
		if (d->now.mono_ms >= c->end_ms) {
			c->end_ms = d->started_ms + allowed_ms(d); /* more of them may have been found */
			if (d->now.mono_ms >= c->end_ms)
				break;
		}
		e = daemon_wait(d, wait_ms);
	} while (e == ERR_OK && !d->stopping);
	if (c->terminal && c->told)
		fputs("\033[K", stderr);
	return e;
}

/* ---- the page ---- */
static enum err write_page(struct daemon *d, enum form form, struct pin *pin, struct output *o,
                           struct why *why)
{
	const struct exposition_parts parts = {
		.pin = pin,
		.want = exposition_everything(&d->metrics),
		.app = d->app_health,
		.app_n = d->roster->app_n,
		.exporter = &d->exporter,
	};
	struct exposition_parts p = parts;
	struct exposition *e = NULL;
	char *block = malloc(BLOCK);
	enum err status = ERR_MEMORY;
	size_t n;

	p.want.type.form = form;
	if (block == NULL)
		store_unpin(pin);
	else
		status = exposition_open(&p, &e);
	if (status != ERR_OK)
		(void)err_because(why, status, "%s", err_text(status));
	while (status == ERR_OK && (n = exposition_next(e, block, BLOCK)) > 0)
		status = output_add(o, block, n, why);
	exposition_close(e);
	free(block);
	return status;
}

static enum err write_all(struct daemon *d, enum once_format format, struct output *o, struct why *why)
{
	struct pin *pin;
	enum err e = daemon_look(d, &pin);

	if (e != ERR_OK)
		return err_because(why, e, "%s", err_text(e));
	if (format != ONCE_JSON)
		return write_page(d, format == ONCE_TEXT ? FORM_TEXT : FORM_OPENMETRICS, pin, o, why);
	e = once_json(d, pin, o, why);
	store_unpin(pin);
	return e;
}

static enum err write_output(struct daemon *d, enum once_format format, const char *path)
{
	struct why why = { 0 };
	struct output o;
	enum err e = output_open(path, &o, &why);

	if (e == ERR_OK) {
		e = write_all(d, format, &o, &why);
		if (e == ERR_OK)
			e = output_commit(&o, &why);
		output_done(&o);
	}
	if (e != ERR_OK)
		fprintf(stderr, "tencentchat_exporter: %s\n", why.text);
	return e;
}

/* Whoever reads standard output may read slowly, or not at all: there is nothing to clean up, so a signal
 * may end it. */
static void unblock_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the verdict ---- */
static size_t count_failed(const struct daemon *d)
{
	size_t n = 0;

	for (size_t slot = 0; slot < d->roster->slots; slot++) {
		const struct health_community *h;

		if (d->roster->member[slot] == NULL)
			continue;
		h = store_health(d->store, slot);
		n += h->last_poll_s == 0 || h->reason != ERR_OK;
	}
	return n;
}

static enum err verdict(const struct daemon *d, const struct course *c)
{
	const size_t failed = count_failed(d);
	size_t lists = c->lists;

	for (size_t a = 0; a < d->roster->app_n; a++)
		lists += d->discovery[a].failing || d->discovery[a].spoiled;
	if (failed == 0 && lists == 0)
		return ERR_OK;
	if (failed > 0)
		fprintf(stderr,
		        "tencentchat_exporter: %zu of %zu communities failed, %zu of them were not polled in time\n",
		        failed, d->roster->community_n, c->missing);
	if (lists > 0)
		fprintf(stderr, "tencentchat_exporter: %zu lists of communities could not be read\n", lists);
	return ERR_SYSTEM;
}

static enum err go(struct daemon *d, enum once_format format, const char *path)
{
	struct course c = { .terminal = isatty(STDERR_FILENO) != 0 };
	enum err e;

	c.end_ms = d->started_ms + allowed_ms(d);
	c.tell_ms = d->started_ms + (c.terminal ? SHOW_MS : TELL_MS);
	e = poll_all(d, &c);
	if (e == ERR_OK && d->stopping) {
		fputs("tencentchat_exporter: stopped by a signal, nothing was written\n", stderr);
		return ERR_SYSTEM;
	}
	if (e != ERR_OK) {
		fprintf(stderr, "tencentchat_exporter: %s\n", err_text(e));
		return e;
	}
	if (path == NULL)
		unblock_signals();
	e = write_output(d, format, path);
	return e == ERR_OK ? verdict(d, &c) : e;
}

enum err once(const struct conf *c, enum once_format format, const char *path)
{
	struct daemon d;
	enum err e;

	e = daemon_open(&d, c, NULL);
	if (e != ERR_OK)
		return e;
	e = go(&d, format, path);
	daemon_close(&d);
	return e;
}
