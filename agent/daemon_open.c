/* Opens and closes everything, in an order in which each part finds what it borrows. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/daemon.h"
#include "agent/reload.h"
#include "agent/secure.h"
#include "agent/version.h"
#include "exporters/pages/assets.h"

enum {
	INFLIGHT_MAX = 4096,
	REPLY_MAX = 8 << 20,
	REPLIES_MAX = 64 << 20,
	IDLE_S = 10,
};

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
	enum err e = store_new(d->roster->app_n, &d->store);

	d->cache = exposition_cache_new();
	if (e == ERR_OK)
		e = look_room(d, d->roster->app_n);
	return d->cache != NULL ? e : ERR_MEMORY;
}

unsigned daemon_inflight(const struct conf *c, size_t apps)
{
	const uint64_t wanted = (uint64_t)c->max_inflight * apps;

	if (wanted == 0)
		return 1;
	return wanted < INFLIGHT_MAX ? (unsigned)wanted : INFLIGHT_MAX;
}

static enum err open_fetch(struct daemon *d)
{
	char agent[64];
	struct buf b;
	struct fetch_conf c = {
		.max_reply = REPLY_MAX,
		.max_total = REPLIES_MAX,
		.max_inflight = daemon_inflight(d->conf, d->roster->app_n),
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
		.sink = {
			[CHAT_GET_TOPIC] = polls_sink(d),
			[CHAT_GET_APPID_GROUP_LIST] = discovery_sink(d),
		},
		.probe_sink = probe_sink(d),
		.seed = d->seed,
		.once = d->once,
	};
	enum err e = poller_new(&parts, &d->now, &d->poller);

	rate_init(&d->log_rate, 5000, 20, &d->now);
	rate_init(&d->status_rate, 1000000, 200, &d->now);
	for (size_t a = 0; e == ERR_OK && a < d->roster->app_n; a++) {
		size_t number; /* the same, since none is free before the last */

		e = poller_app_add(d->poller, &d->roster->app[a].poll, &d->now, &number);
	}
	if (e == ERR_OK)
		e = add_configured(d);
	return e == ERR_OK ? discovery_open(d) : e;
}

static enum err open_web(struct daemon *d, const struct daemon_listen *listen, struct why *why)
{
	struct web_conf c = {
		.listen = d->once || listen->n == 0 ? d->conf->listen.at : listen->at,
		.listen_n = d->once         ? 0
		            : listen->n > 0 ? listen->n
		                            : d->conf->listen.n,
		.fds = d->once ? NULL : listen->fd,
		.fd_n = d->once ? 0 : listen->fd_n,
		.max_connections = (unsigned)d->conf->max_connections,
		.max_per_address = (unsigned)d->conf->max_connections_per_address,
		.idle_timeout_s = IDLE_S,
	};
	static struct web_route route[] = {
		{ .answer = answer_metrics },
		{ .path = "/", .answer = answer_landing },
		{ .path = "/-/healthy", .answer = answer_healthy, .small = true },
		{ .path = "/-/reload", .answer = answer_reload, .acts = true },
		{ .path = "/-/ready", .answer = answer_ready, .small = true },
		{ .path = "/status", .answer = answer_status },
		{ .path = "/status/community", .answer = answer_status_community },
		{ .path = "/api/v1/status", .answer = answer_status_api },
		{ .path = "/probe", .answer = answer_probe },
		{ .path = "/sd", .answer = answer_sd },
		{ .path = "/assets/favicon.svg", .answer = assets_answer },
		{ .path = "/assets/status.css", .answer = assets_answer },
		{ .path = "/assets/status.js", .answer = assets_answer },
	};
	const size_t n = sizeof(route) / sizeof(route[0]);
	struct secure secure = { .file = NULL };
	enum err e = ERR_OK;

	route[0].path = d->fixed.telemetry_path;
	for (size_t i = 1; i < n; i++)
		if (strcmp(route[i].path, d->fixed.telemetry_path) == 0)
			return err_because(why, ERR_CONFIG, "telemetry path '%s' is taken by another page",
			                   route[i].path);
	if (!d->once)
		e = secure_load_and_tell(d->conf->web_config_file, &secure, why);
	if (e != ERR_OK)
		return e;
	c.secure = &secure.web;
	e = web_new(&c, route, n, d, &d->web, why);
	secure_done(&secure);
	return e;
}

static enum err start(struct daemon *d, const struct daemon_listen *listen, struct why *why)
{
	enum err e = open_signals(d);

	if (e == ERR_OK)
		e = fixed_take(d->conf, &d->fixed);
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
	if (e == ERR_OK)
		e = watch_open(d, why);
	version_labels(&d->build);
	d->exporter.build = buf_view(&d->build);
	return e != ERR_OK ? e : d->build.status;
}

void daemon_close(struct daemon *d)
{
	notify_close(&d->notify);
	web_free(d->web); /* returns every pin */
	figures_close(d);
	discovery_close(d);
	poller_free(d->poller);
	fetch_free(d->fetch);
	look_close(d);
	exposition_cache_free(d->cache);
	store_free(d->store);
	roster_free(d->roster);
	fixed_done(&d->fixed);
	buf_done(&d->build);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}

void daemon_log(const struct conf *c)
{
	enum log_level floor = SAY_INFO;
	enum log_form form = LOG_LOGFMT;

	(void)log_level_of(c->log_level, &floor); /* both words were checked */
	(void)log_form_of(c->log_format, &form);
	log_open(floor, form);
}

/* Jitter only, so a clock will do when the kernel has nothing yet. */
static uint64_t seed_of(const struct now *now)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint64_t)now->mono_ms * 1000003 + (uint64_t)now->unix_s;
	return seed;
}

enum err daemon_open(struct daemon *d, const struct conf *c, const struct daemon_listen *listen)
{
	struct why why = { 0 };
	enum err e;

	*d = (struct daemon){
		.conf = c, .signal_fd = -1, .notify = { .fd = -1 }, .now = now_read(), .once = listen == NULL
	};
	buf_init(&d->build, 4096);
	d->seed = seed_of(&d->now);
	d->started_ms = d->now.mono_ms;
	d->flags = listen != NULL ? listen->flags : NULL;
	d->path = listen != NULL ? listen->path : NULL;
	d->exporter.process.start_ms = d->now.unix_s * 1000;
	e = start(d, listen, &why);
	if (e == ERR_OK)
		return ERR_OK;
	LOG(SAY_ERROR, "start_failed", LOG_TEXT("why", why.text[0] != '\0' ? why.text : err_text(e)));
	daemon_close(d);
	return e;
}
