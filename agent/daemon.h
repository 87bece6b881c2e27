/* The running program: every room, wired. Shared by the files in agent/ only. */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include "agent/config/conf.h"
#include "agent/discovery.h"
#include "agent/poll/poller.h"
#include "agent/roster.h"
#include "agent/schedule/rate.h"
#include "exporters/exposition/exposition.h"
#include "exporters/pages/pages.h"
#include "exporters/store/store.h"
#include "exporters/web/web.h"

/* Turns of the loop that lasted too long, and are not yet told in the log. */
struct slow_turns {
	uint64_t n;
	int64_t longest_ms, tell_ms; /* tell_ms: mono, not before */
};

struct daemon {
	/* Borrowed. */
	const struct conf *conf;
	/* Built in this order and torn down in reverse. */
	int signal_fd;
	struct buf build; /* label text of exporter_build_info */
	struct roster *roster;
	struct store *store;
	struct exposition_cache *cache;
	struct fetch *fetch;
	struct poller *poller;
	struct discovery *discovery; /* by app */
	struct web *web;

	uint64_t seed;      /* of every jitter; differs between processes */
	struct now now;     /* of this turn */
	int64_t started_ms; /* mono */
	bool ready, stopping;
	struct slow_turns slow;
	unsigned scrapes;              /* bodies being sent */
	int64_t crowd_ms;              /* mono, when they were last many; 0: not since memory was given back */
	struct rate log_rate;          /* lines about failing polls */
	uint64_t log_held;             /* of which not written */
	struct health_app *app_health; /* by app, as of the latest daemon_refresh */
	struct page_app *page_app;
	struct health_exporter exporter;

	/* figures.c */
	struct metric_set metrics; /* not disabled */
	const char **app_name;     /* by app */
	struct health_count *http; /* what exporter.http points at */
	bool folding;              /* told in the log: max_series folds topics */
};

/* Listen addresses of the command line win over those of the file; 0: the file's. */
struct daemon_listen {
	const char *const *at;
	size_t n;
};

/* Runs until SIGTERM or SIGINT. Errors are logged. Returns ERR_OK after an orderly end. */
enum err daemon_run(const struct conf *c, const struct daemon_listen *listen) MUST_USE;

/* A pin of this turn, with app_health, exporter and the pages' view as of it. Errors: ERR_MEMORY. */
enum err daemon_look(struct daemon *d, struct pin **ret) MUST_USE;

/* figures.c: what the program says about itself. Errors: ERR_MEMORY; what there is, figures_close frees. */
enum err figures_open(struct daemon *d) MUST_USE;
void figures_close(struct daemon *d);
/* As of this turn, with the cap of the pin. */
void figures_take(struct daemon *d, const struct pin *p);
/* A page was read to its end. */
void figures_scraped(struct daemon *d, const struct exposition *e);

/* Why /-/ready or /-/healthy would say 503, written to `room`; NULL: they would not. */
const char *daemon_unready(struct daemon *d, struct why *room);
const char *daemon_unwell(struct daemon *d, struct why *room);

/* answers.c: gives memory back when a crowd of readers has gone. */
void answers_turn(struct daemon *d);

/* polls.c: the poller's sink for communities. */
struct poller_sink polls_sink(struct daemon *d);
/* A call failed before there was an answer to read. */
struct outcome polls_transport_outcome(const struct reply *r);

/* answers.c: the web routes. `arg` is the daemon. */
void answer_metrics(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_landing(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_healthy(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_ready(void *arg, const struct web_request *q, struct web_reply *reply);

#endif
