#include "agent/daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/reload.h"
#include "agent/service.h"
#include "agent/version.h"

enum {
	TURN_MAX_MS = 1000,
	TURN_SLOW_MS = 50, /* told at debug; from TURN_BAD_MS on, what a scrape may notice, as a warning */
	TURN_BAD_MS = 250,
	TURN_TELL_MS = 60000,
	FAREWELL_MS = 1500, /* how long pages under way may go on after SIGTERM */
	STUCK_MS = 60000,
};

const char *daemon_unready(struct daemon *d, struct why *room)
{
	if (d->stopping) {
		(void)err_because(room, ERR_OK, "not ready: stopping");
		return room->text;
	}
	if (!d->ready && d->now.mono_ms - d->started_ms >= 2 * d->conf->interval_ms)
		d->ready = true;
	for (size_t a = 0; !d->ready && a < d->roster->app_n; a++) {
		struct poller_view v;

		if (d->roster->app[a].conf == NULL)
			continue;
		poller_app_view(d->poller, a, &d->now, &v);
		if (v.lists_pending > 0 || discovery_busy(d, a)) {
			(void)err_because(room, ERR_OK, "not ready: app '%s' has not read its list of communities yet",
			                  d->roster->app[a].conf->name);
			return room->text;
		}
		if (v.pending > 0) {
			(void)err_because(room, ERR_OK, "not ready: app '%s' has %zu communities not polled yet",
			                  d->roster->app[a].conf->name, v.pending);
			return room->text;
		}
	}
	d->ready = true;
	return NULL;
}

const char *daemon_unwell(struct daemon *d, struct why *room)
{
	const int64_t idle_ms = d->now.mono_ms - poller_alive_ms(d->poller);

	if (idle_ms < STUCK_MS)
		return NULL;
	(void)err_because(room, ERR_OK,
	                  "unhealthy: polls are due, but none was started or finished for %" PRId64 " s",
	                  idle_ms / 1000);
	return room->text;
}

void daemon_tell_budgets(const struct daemon *d)
{
	for (size_t a = 0; a < d->roster->app_n; a++) {
		struct poller_view v;

		if (d->roster->app[a].conf == NULL)
			continue;
		poller_app_view(d->poller, a, &d->now, &v);
		if (v.lane[CHAT_GET_TOPIC].required_milli > v.lane[CHAT_GET_TOPIC].budget_milli)
			LOG(SAY_WARN, "budget_too_small", LOG_TEXT("app", d->roster->app[a].conf->name),
			    LOG_INT("required_milli_calls_per_second", v.lane[CHAT_GET_TOPIC].required_milli),
			    LOG_INT("budget_milli_calls_per_second", v.lane[CHAT_GET_TOPIC].budget_milli),
			    LOG_TEXT("effect", "communities are polled less often than their interval says"));
	}
}

static void log_shard(const struct daemon *d)
{
	size_t configured = 0;

	for (size_t a = 0; a < d->conf->app_n; a++)
		configured += d->conf->app[a].whole.community_n;
	if (d->conf->shard.total > 1)
		LOG(SAY_INFO, "sharded", LOG_INT("shard", d->conf->shard.number),
		    LOG_INT("total_shards", d->conf->shard.total),
		    LOG_INT("communities", (int64_t)d->roster->community_n),
		    LOG_INT("configured", (int64_t)configured));
}

static void log_start(const struct daemon *d)
{
	LOG(SAY_INFO, "started", LOG_TEXT("version", version_program()),
	    LOG_INT("apps", (int64_t)roster_apps(d->roster)),
	    LOG_INT("communities", (int64_t)d->roster->community_n));
	log_shard(d);
	for (size_t i = 0; web_address(d->web, i) != NULL; i++)
		LOG(SAY_INFO, "listening", LOG_TEXT("address", web_address(d->web, i)),
		    LOG_TEXT("telemetry_path", d->fixed.telemetry_path));
	daemon_tell_budgets(d);
}

/* The end begins: nothing new is sent or accepted; a second signal ends at once. */
static void stop(struct daemon *d, const char *signal_name)
{
	if (d->stopping)
		_exit(0);
	LOG(SAY_INFO, "stopping", LOG_TEXT("signal", signal_name));
	notify_stopping(&d->notify);
	d->stopping = true;
	poller_stop(d->poller);
	probe_stop(d);
	web_quiesce(d->web);
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			d->reload_wanted = !d->once;
		else
			stop(d, info.ssi_signo == SIGTERM ? "TERM" : "INT");
	}
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void tell_slow_turns(struct slow_turns *s)
{
	if (s->n > 0)
		LOG(s->longest_ms < TURN_BAD_MS ? SAY_DEBUG : SAY_WARN, "slow_turn", LOG_INT("turns", (int64_t)s->n),
		    LOG_INT("longest_ms", s->longest_ms));
	s->n = 0;
	s->longest_ms = 0;
}

/* Everybody waits while a turn lasts. The first slow one is told at once, those of the next minute in a
 * line. */
static void note_turn(struct daemon *d)
{
	struct slow_turns *s = &d->slow;
	const int64_t now_ms = now_read().mono_ms, took_ms = now_ms - d->now.mono_ms;

	if (took_ms >= TURN_SLOW_MS)
		s->n++;
	if (took_ms > s->longest_ms)
		s->longest_ms = took_ms;
	if (s->n == 0 || now_ms < s->tell_ms)
		return;
	s->tell_ms = now_ms + TURN_TELL_MS;
	tell_slow_turns(s);
}

int64_t daemon_turn(struct daemon *d)
{
	int64_t wait_ms;

	d->now = now_read();
	take_signals(d);
	reload_turn(d);
	poller_turn(d->poller, &d->now);
	discovery_turn(d);
	probe_turn(d);
	web_turn(d->web);
	answers_turn(d);
	status_turn(d);
	wait_ms = least(poller_wait_ms(d->poller, &d->now), web_wait_ms(d->web));
	wait_ms = least(wait_ms, probe_wait_ms(d));
	for (size_t a = 0; a < d->roster->app_n; a++)
		if (d->roster->app[a].conf != NULL && discovery_busy(d, a))
			wait_ms = 0;
	note_turn(d);
	return wait_ms;
}

enum err daemon_wait(struct daemon *d, int64_t wait_ms)
{
	const int fds[] = { d->signal_fd, web_fd(d->web) };

	return fetch_wait(d->fetch, fds, sizeof(fds) / sizeof(fds[0]), least(wait_ms, TURN_MAX_MS));
}

static enum err turn_and_wait(struct daemon *d)
{
	const int64_t wait_ms = daemon_turn(d);

	service_turn(d);
	return daemon_wait(d, least(wait_ms, service_wait_ms(d)));
}

static enum err run(struct daemon *d)
{
	enum err e = ERR_OK;
	int64_t end_ms;

	while (e == ERR_OK && !d->stopping)
		e = turn_and_wait(d);
	end_ms = d->now.mono_ms + FAREWELL_MS;
	while (e == ERR_OK && d->scrapes > 0 && d->now.mono_ms < end_ms)
		e = turn_and_wait(d);
	tell_slow_turns(&d->slow);
	return e;
}

enum err daemon_run(struct conf **c, const struct daemon_listen *listen)
{
	struct daemon d;
	enum err e = daemon_open(&d, *c, listen);

	if (e != ERR_OK)
		return e;
	log_start(&d);
	service_start(&d, listen->sandbox);
	e = run(&d);
	if (e != ERR_OK)
		LOG(SAY_ERROR, "loop_failed", LOG_TEXT("why", err_text(e)));
	else
		LOG(SAY_INFO, "stopped", LOG_INT("scrapes_cut", d.scrapes));
	daemon_close(&d);
	*c = (struct conf *)d.conf;
	return e;
}
