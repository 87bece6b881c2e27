/* What the operator's pages are told, as of one turn. */
#include <stdlib.h>

#include "agent/status.h"
#include "agent/version.h"

enum { CURL_MAX = 256 << 10 };

/* ---- communities ---- */
/* Over the clock of the answers: in so many seconds from now. */
static int64_t next_poll_s(const struct daemon *d, const struct member *m)
{
	const int64_t left_ms = poller_next_ms(d->poller, m->job) - d->now.mono_ms;

	return d->now.unix_s + (left_ms > 0 ? (left_ms + 999) / 1000 : 0);
}

static const char *curl_of(struct telling *t, const struct member *m)
{
	const struct topic_question q = polls_question(m);

	buf_reset(&t->curl);
	status_curl(&t->daemon->roster->app[m->app].poll, &q, &t->curl);
	return t->curl.status == ERR_OK ? buf_text(&t->curl) : NULL;
}

/* Lists go from one to the next, and members lie anywhere in memory: asking for those that come later hides
 * the way there. */
static void ask_ahead(const struct telling *t, size_t i)
{
	enum { LINE = 64, NEXT = 8, NEXT_BUT = 16, LINES = 3 };
	struct member *const *member = t->daemon->roster->member;

	if (i + NEXT_BUT >= pin_communities(t->pin))
		return;
	for (int line = 0; line < LINES; line++)
		__builtin_prefetch((const char *)member[pin_slot(t->pin, i + NEXT_BUT)] + line * LINE);
	__builtin_prefetch(&member[pin_slot(t->pin, i + NEXT)]->conf->name);
	poller_ahead(t->daemon->poller, member[pin_slot(t->pin, i + NEXT)]->job);
}

/* The pin is of this turn, so that its slots are still those of the roster. */
static void tell_member(void *arg, size_t i, bool curl, struct status_member *ret)
{
	struct telling *t = arg;
	const struct daemon *d = t->daemon;
	const struct member *m = d->roster->member[pin_slot(t->pin, i)];

	ask_ahead(t, i);
	*ret = (struct status_member){
		.id = m->id,
		.name = m->conf->name[0] != '\0' ? m->conf->name : NULL,
		.discovered = m->discovered,
		.next_poll_s = next_poll_s(d, m),
		.attempts = m->attempts,
		.curl = curl ? curl_of(t, m) : NULL,
	};
}

/* ---- apps ---- */
static void tell_app(struct daemon *d, size_t a, struct status_app *ret)
{
	const struct conf_app *c = d->roster->app[a].conf;

	if (c == NULL)
		return;
	ret->name = c->name;
	ret->sdk_app_id = (uint64_t)c->sdkappid;
	ret->health = &d->app_health[a];
	ret->history = d->history[a];
	for (int command = 0; command < CHAT_COMMANDS; command++) {
		struct poller_lane l;

		poller_app_lane(d->poller, a, (enum chat_command)command, &d->now, &l);
		ret->now_milli[command] = l.now_milli;
	}
}

enum err telling_open(struct daemon *d, struct telling *ret)
{
	struct telling *t = ret;

	*t = (struct telling){ .daemon = d, .app = calloc(d->roster->app_n + 1, sizeof(t->app[0])) };
	buf_init(&t->curl, CURL_MAX);
	if (t->app == NULL || daemon_look(d, &t->pin) != ERR_OK) {
		free(t->app);
		return ERR_MEMORY;
	}
	for (size_t a = 0; a < d->roster->app_n; a++)
		tell_app(d, a, &t->app[a]);
	t->source = (struct status_source){
		.pin = t->pin,
		.now = d->now,
		.version = version_program(),
		.telemetry_path = d->fixed.telemetry_path,
		.started_s = d->exporter.process.start_ms / 1000,
		.unready = daemon_unready(d, &t->unready),
		.unwell = daemon_unwell(d, &t->unwell),
		.exporter = &d->exporter,
		.app = t->app,
		.app_n = d->roster->app_n,
		.arg = t,
		.member = tell_member,
	};
	return ERR_OK;
}

void telling_close(struct telling *t)
{
	store_unpin(t->pin);
	buf_done(&t->curl);
	free(t->app);
}
