#include "agent/service.h"

#include <stdio.h>

#include "agent/base/log.h"

enum { FAULTS_MAX = 64 << 10 };

/* The folders of certificates stand in a file of their own; it was read, and told about, when the listener
 * was opened. */
static struct web_file *web_file_of(const struct conf *c)
{
	struct web_file *w = NULL;
	struct buf faults;

	buf_init(&faults, FAULTS_MAX);
	if (c->web_config_file[0] != '\0' && web_file_load(c->web_config_file, &w, &faults) != ERR_OK)
		w = NULL;
	buf_done(&faults);
	return w;
}

static void confine(struct daemon *d)
{
	struct web_file *w = web_file_of(d->conf);
	struct sandbox_paths paths;
	const enum err e = sandbox_paths(d->conf, w, &paths);

	if (e == ERR_OK) {
		sandbox_enter(&paths, &d->sandbox);
		sandbox_paths_done(&paths);
		d->exporter.sandboxed = sandbox_whole(&d->sandbox);
	}
	web_file_free(w);
}

/* What is in force and what is not. */
static void tell_sandbox(const struct sandbox *s)
{
	const bool weak = !sandbox_whole(s) && s->privileges != SANDBOX_OFF;

	LOG(weak ? SAY_WARN : SAY_INFO, "sandbox",
	    LOG_TEXT("privileges",
	             s->keeps_reading ? "only to read files of others" : sandbox_word(s->privileges)),
	    LOG_TEXT("landlock", sandbox_word(s->files)), LOG_INT("landlock_abi", s->files_abi),
	    LOG_TEXT("seccomp", sandbox_word(s->calls)));
}

void service_start(struct daemon *d, bool sandbox)
{
	notify_open(&d->notify);
	if (sandbox)
		confine(d);
	tell_sandbox(&d->sandbox);
	notify_ready(&d->notify);
}

static void tell_status(struct daemon *d)
{
	size_t up = 0, failing = 0;
	char text[NOTIFY_STATUS_MAX];

	for (size_t slot = 0; slot < d->roster->slots; slot++) {
		const struct health_community *h =
			d->roster->member[slot] != NULL ? store_health(d->store, slot) : NULL;

		if (h != NULL && h->last_poll_s > 0) {
			up += h->reason == ERR_OK;
			failing += h->reason != ERR_OK;
		}
	}
	(void)snprintf(text, sizeof(text), "%zu apps, %zu communities: %zu up, %zu failing, %zu not polled yet",
	               roster_apps(d->roster), d->roster->community_n, up, failing,
	               d->roster->community_n - up - failing);
	notify_status(&d->notify, text);
}

void service_turn(struct daemon *d)
{
	struct why room;

	notify_watchdog(&d->notify, daemon_unwell(d, &room) == NULL, &d->now);
	if (!d->stopping && notify_wants_status(&d->notify, &d->now))
		tell_status(d);
}

int64_t service_wait_ms(const struct daemon *d)
{
	return notify_wait_ms(&d->notify, &d->now);
}
