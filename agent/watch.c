#include "agent/base/log.h"
#include "agent/reload.h"

enum { WATCH_LEAST_MS = 1000 };

enum err watch_open(struct daemon *d, struct why *why)
{
	const char *every = d->flags != NULL ? d->flags->auto_reload : NULL;
	int64_t ms = 0;

	if (every != NULL && (!conf_duration(every, &ms) || (ms > 0 && ms < WATCH_LEAST_MS)))
		return err_because(
			why, ERR_CONFIG,
			"flag '--config.auto-reload-interval': '%.40s' is no duration of 1s or more, such as "
			"\"30s\"; 0s is never",
			every);
	d->watch = (struct watch){
		.every_ms = ms,
		.look_ms = d->now.mono_ms + ms,
		.known = d->conf->fingerprint,
		.seen = d->conf->fingerprint,
	};
	return ERR_OK;
}

bool watch_turn(struct daemon *d)
{
	struct watch *w = &d->watch;
	uint64_t before = w->seen;

	if (w->every_ms == 0 || d->now.mono_ms < w->look_ms)
		return false;
	w->look_ms = d->now.mono_ms + w->every_ms;
	w->seen = conf_fingerprint(d->conf);
	return w->seen != w->known && w->seen == before;
}

void watch_done(struct daemon *d)
{
	d->watch.known = d->watch.seen;
}
