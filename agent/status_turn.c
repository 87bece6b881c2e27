/* What the operator's pages tell of the last hour. */
#include "agent/daemon.h"

static struct history_totals totals_of(struct daemon *d, size_t a)
{
	struct history_totals t = { 0 };

	for (int c = 0; c < CHAT_COMMANDS; c++) {
		struct poller_lane l;

		poller_app_lane(d->poller, a, (enum chat_command)c, &d->now, &l);
		t.calls += l.tally->requests;
		t.failed += tally_failed(l.tally);
		t.throttled += l.tally->throttled;
		t.peak = l.peak > t.peak ? l.peak : t.peak;
	}
	return t;
}

void status_turn(struct daemon *d)
{
	if (d->now.mono_ms / 1000 == d->noted_s)
		return;
	d->noted_s = d->now.mono_ms / 1000;
	for (size_t a = 0; a < d->roster->app_n; a++) {
		struct history_totals t;

		if (d->roster->app[a].conf == NULL)
			continue;
		if (d->history[a] == NULL)
			d->history[a] = history_app_new();
		if (d->history[a] == NULL)
			continue; /* it begins when there is memory */
		t = totals_of(d, a);
		history_app_note(d->history[a], &t, d->now.mono_ms);
	}
}
