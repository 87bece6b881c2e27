#include "agent/daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/version.h"

enum {
	TURN_MAX_MS = 1000,
	TURN_SLOW_MS = 50, /* told at debug; from TURN_BAD_MS on, what a scrape may notice, as a warning */
	TURN_BAD_MS = 250,
	TURN_TELL_MS = 60000,
	FAREWELL_MS = 1500, /* how long pages under way may go on after SIGTERM */
	STUCK_MS = 60000,
	INFLIGHT_MAX = 4096,
	REPLY_MAX = 8 << 20,
	REPLIES_MAX = 64 << 20,
	IDLE_S = 10,
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

		poller_app_view(d->poller, a, &d->now, &v);
		if (v.lists_pending > 0 || discovery_busy(d, a)) {
			(void)err_because(room, ERR_OK, "not ready: app '%s' has not read its list of communities yet",
			                  d->conf->app[a].name);
			return room->text;
		}
		if (v.pending > 0) {
			(void)err_because(room, ERR_OK, "not ready: app '%s' has %zu communities not polled yet",
			                  d->conf->app[a].name, v.pending);
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

static enum err open_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_SYSTEM;
	d->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return d->signal_fd >= 0 ? ERR_OK : ERR_SYSTEM;
}

static enum err open_store(struct daemon *d)
{
	const size_t apps = d->roster->app_n + 1;
	enum err e = store_new(d->roster->app_n, &d->store);

	d->cache = exposition_cache_new();
	d->app_health = calloc(apps, sizeof(*d->app_health));
	d->page_app = calloc(apps, sizeof(*d->page_app));
	if (e != ERR_OK || d->cache == NULL || d->app_health == NULL || d->page_app == NULL)
		return ERR_MEMORY;
	for (size_t a = 0; a < d->roster->app_n; a++)
		d->page_app[a] = (struct page_app){ d->conf->app[a].name, &d->app_health[a] };
	return ERR_OK;
}

static enum err open_fetch(struct daemon *d)
{
	const uint64_t wanted = (uint64_t)d->conf->max_inflight * d->roster->app_n;
	char agent[64];
	struct buf b;
	struct fetch_conf c = {
		.max_reply = REPLY_MAX,
		.max_total = REPLIES_MAX,
		.max_inflight = wanted < INFLIGHT_MAX ? (unsigned)wanted : INFLIGHT_MAX,
		.timeout_ms = (long)d->conf->timeout_ms,
	};

	buf_wrap(&b, agent, sizeof(agent));
	version_user_agent(&b);
	c.user_agent = buf_text(&b);
	return fetch_new(&c, &d->fetch);
}

/* Everybody in the file. */
static enum err add_configured(struct daemon *d)
{
	struct newcomer *who;
	size_t n = 0;
	enum err e;

	for (size_t a = 0; a < d->conf->app_n; a++)
		n += d->conf->app[a].community_n;
	who = calloc(n + 1, sizeof(who[0]));
	if (who == NULL)
		return ERR_MEMORY;
	n = 0;
	for (size_t a = 0; a < d->conf->app_n; a++)
		for (size_t i = 0; i < d->conf->app[a].community_n; i++) {
			const struct conf_community *c = &d->conf->app[a].community[i];

			who[n++] = (struct newcomer){ .app = a, .conf = c, .id = c->id };
		}
	e = roster_add(d->roster, d->store, d->poller, who, n, &d->now);
	free(who);
	return e;
}

static enum err open_poller(struct daemon *d)
{
	struct poller_parts parts = {
		.fetch = d->fetch,
		.app = d->roster->app,
		.app_n = d->roster->app_n,
		.sink = {
			[CHAT_GET_TOPIC] = polls_sink(d),
			[CHAT_GET_APPID_GROUP_LIST] = discovery_sink(d),
		},
		.seed = d->seed,
	};
	enum err e = poller_new(&parts, &d->now, &d->poller);

	rate_init(&d->log_rate, 5000, 20, &d->now);
	if (e == ERR_OK)
		e = add_configured(d);
	return e == ERR_OK ? discovery_open(d) : e;
}

static enum err open_web(struct daemon *d, const struct daemon_listen *listen, struct why *why)
{
	const struct web_conf c = {
		.listen = listen->n > 0 ? listen->at : d->conf->listen.at,
		.listen_n = listen->n > 0 ? listen->n : d->conf->listen.n,
		.max_connections = (unsigned)d->conf->max_connections,
		.idle_timeout_s = IDLE_S,
	};
	static struct web_route route[] = {
		{ .answer = answer_metrics },
		{ .path = "/", .answer = answer_landing },
		{ .path = "/-/healthy", .answer = answer_healthy },
		{ .path = "/-/ready", .answer = answer_ready },
	};
	const size_t n = sizeof(route) / sizeof(route[0]);

	route[0].path = d->conf->telemetry_path;
	for (size_t i = 1; i < n; i++)
		if (strcmp(route[i].path, d->conf->telemetry_path) == 0)
			return err_because(why, ERR_CONFIG, "telemetry path '%s' is taken by another page",
			                   route[i].path);
	return web_new(&c, route, n, d, &d->web, why);
}

static enum err start(struct daemon *d, const struct daemon_listen *listen, struct why *why)
{
	enum err e = open_signals(d);

	if (e == ERR_OK)
		e = roster_new(d->conf, d->seed, &d->roster);
	if (e == ERR_OK)
		e = open_store(d);
	if (e == ERR_OK)
		e = open_fetch(d);
	if (e == ERR_OK)
		e = open_poller(d);
	if (e == ERR_OK)
		e = open_web(d, listen, why);
	if (e == ERR_OK)
		e = figures_open(d);
	version_labels(&d->build);
	d->exporter.build = buf_view(&d->build);
	return e != ERR_OK ? e : d->build.status;
}

static void finish(struct daemon *d)
{
	web_free(d->web); /* returns every pin */
	figures_close(d);
	discovery_close(d);
	poller_free(d->poller);
	fetch_free(d->fetch);
	free(d->page_app);
	free(d->app_health);
	exposition_cache_free(d->cache);
	store_free(d->store);
	roster_free(d->roster);
	buf_done(&d->build);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}

static void log_start(const struct daemon *d)
{
	LOG(SAY_INFO, "started", LOG_TEXT("version", version_program()),
	    LOG_INT("apps", (int64_t)d->roster->app_n), LOG_INT("communities", (int64_t)d->roster->community_n));
	for (size_t i = 0; web_address(d->web, i) != NULL; i++)
		LOG(SAY_INFO, "listening", LOG_TEXT("address", web_address(d->web, i)),
		    LOG_TEXT("telemetry_path", d->conf->telemetry_path));
	for (size_t a = 0; a < d->roster->app_n; a++) {
		struct poller_view v;

		poller_app_view(d->poller, a, &d->now, &v);
		if (v.lane[CHAT_GET_TOPIC].required_milli > v.lane[CHAT_GET_TOPIC].budget_milli)
			LOG(SAY_WARN, "budget_too_small", LOG_TEXT("app", d->conf->app[a].name),
			    LOG_INT("required_milli_calls_per_second", v.lane[CHAT_GET_TOPIC].required_milli),
			    LOG_INT("budget_milli_calls_per_second", v.lane[CHAT_GET_TOPIC].budget_milli),
			    LOG_TEXT("effect", "communities are polled less often than their interval says"));
	}
}

/* The end begins: nothing new is sent or accepted; a second signal ends at once. */
static void stop(struct daemon *d, const char *signal_name)
{
	if (d->stopping)
		_exit(0);
	LOG(SAY_INFO, "stopping", LOG_TEXT("signal", signal_name));
	d->stopping = true;
	poller_stop(d->poller);
	web_quiesce(d->web);
}

static void hang_up(struct daemon *d)
{
	poller_hurry(d->poller, &d->now);
	LOG(SAY_WARN, "reload_ignored", LOG_TEXT("cure", "restart to apply a changed configuration"),
	    LOG_TEXT("done", "apps stopped by a refused signature read their key and ask again"));
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			hang_up(d);
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

static enum err turn_and_wait(struct daemon *d)
{
	const int fds[] = { d->signal_fd, web_fd(d->web) };
	int64_t wait_ms;

	d->now = now_read();
	take_signals(d);
	poller_turn(d->poller, &d->now);
	discovery_turn(d);
	web_turn(d->web);
	answers_turn(d);
	wait_ms = least(poller_wait_ms(d->poller, &d->now), web_wait_ms(d->web));
	for (size_t a = 0; a < d->roster->app_n; a++)
		if (discovery_busy(d, a))
			wait_ms = 0;
	note_turn(d);
	return fetch_wait(d->fetch, fds, sizeof(fds) / sizeof(fds[0]), least(wait_ms, TURN_MAX_MS));
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

/* Jitter only, so a clock will do when the kernel has nothing yet. */
static uint64_t seed_of(const struct now *now)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint64_t)now->mono_ms * 1000003 + (uint64_t)now->unix_s;
	return seed;
}

enum err daemon_run(const struct conf *c, const struct daemon_listen *listen)
{
	struct daemon d = { .conf = c, .signal_fd = -1, .now = now_read() };
	struct why why = { 0 };
	enum err e;

	buf_init(&d.build, 4096);
	d.seed = seed_of(&d.now);
	d.started_ms = d.now.mono_ms;
	d.exporter.process.start_ms = d.now.unix_s * 1000;
	e = start(&d, listen, &why);
	if (e != ERR_OK) {
		LOG(SAY_ERROR, "start_failed", LOG_TEXT("why", why.text[0] != '\0' ? why.text : err_text(e)));
	} else {
		log_start(&d);
		e = run(&d);
		if (e != ERR_OK)
			LOG(SAY_ERROR, "loop_failed", LOG_TEXT("why", err_text(e)));
		else
			LOG(SAY_INFO, "stopped", LOG_INT("scrapes_cut", d.scrapes));
	}
	finish(&d);
	return e;
}
