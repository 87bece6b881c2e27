/* The running program: every room, wired. Shared by the files in agent/ only.
 *
 * - One configuration is in force, and nothing refers to any other: a reload points whatever borrows from it
 *   to the new one and frees the old one in the same turn. What a poll under way asks for moves with it, or
 *   is dropped and asked anew when it changed (polls_adopt). What cannot change while the program runs is
 *   copied at the start (struct fixed).
 * - An app has a number for as long as it is configured, the one its poller gave it; whatever is "by app" is
 *   an array by that number, with room to grow. Who stays keeps it, so facts, pages and calls under way need
 *   no new one. A number that is free has no .conf in the roster and no name, and pages pass over it; it is
 *   given again when the last call of the app that had it has ended. */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include "agent/config/conf.h"
#include "agent/discovery.h"
#include "agent/flags.h"
#include "agent/poll/poller.h"
#include "agent/process/notify.h"
#include "agent/process/sandbox.h"
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

/* What no reload changes, as it was at the start. */
struct fixed {
	char *telemetry_path, *listen, *web_config_file;
	int64_t max_connections, max_per_address;
};

/* watch.c: fingerprints of the configuration. */
struct watch {
	int64_t every_ms; /* 0: never */
	int64_t look_ms;  /* mono, not before */
	uint64_t known;   /* what was read last, well or not */
	uint64_t seen;    /* at the latest look */
};

struct daemon {
	const struct conf *conf;   /* in force; a reload frees it and has another one here */
	const char *path;          /* borrowed; where it was read, NULL: it is not read again */
	const struct flags *flags; /* borrowed; win over every file. NULL: there are none */
	struct fixed fixed;
	/* Built in this order and torn down in reverse. */
	int signal_fd;
	struct buf build; /* label text of exporter_build_info */
	struct roster *roster;
	struct store *store;
	struct exposition_cache *cache;
	struct fetch *fetch;
	struct poller *poller;
	struct discovery *discovery; /* by app */
	size_t discovery_room;
	struct web *web;

	uint64_t seed;      /* of every jitter; differs between processes */
	struct now now;     /* of this turn */
	int64_t started_ms; /* mono */
	bool ready, stopping;
	bool reload_wanted; /* a signal said so */
	struct watch watch;
	bool once; /* nobody is listened to, and everything is polled once */
	struct slow_turns slow;
	unsigned scrapes;              /* bodies being sent */
	int64_t crowd_ms;              /* mono, when they were last many; 0: not since memory was given back */
	struct rate log_rate;          /* lines about failing polls */
	uint64_t log_held;             /* of which not written */
	struct health_app *app_health; /* by app, as of the latest daemon_look; without labels: nobody */
	const char **app_name;         /* by app; NULL: nobody */
	struct history_app **history;  /* by app; NULL: nobody, or no note yet */
	size_t app_room;               /* of the three */
	struct page_app *page_app;     /* those that there are */
	size_t page_app_n;
	struct health_exporter exporter;
	struct notify notify;
	struct sandbox sandbox;

	/* status.c */
	int64_t noted_s;         /* mono, when the hours of apps were told last */
	struct rate status_rate; /* thousands of communities that lists may look at, a second */

	/* probe.c */
	struct probe *probe;    /* those under way */
	unsigned probe_readers; /* who waits for them */
	size_t probe_subject;   /* of the latest, as the poller calls it */

	/* figures.c */
	struct metric_set metrics; /* not disabled */
	struct health_count *http; /* what exporter.http points at */
	bool folding;              /* told in the log: max_series folds topics */
};

/* Listen addresses of the command line win over those of the file; 0: the file's. */
struct daemon_listen {
	const char *const *at;
	size_t n;
	const char *path;          /* of the file, to read it again */
	const struct flags *flags; /* win over the file, also when it is read again; NULL: none */
	const int *fd;             /* sockets that listen already, in their place */
	size_t fd_n;
	bool sandbox; /* to be entered once everything is open */
};

/* Runs until SIGTERM or SIGINT. Errors are logged. Returns ERR_OK after an orderly end. In *c stands the
 * configuration that was in force then: the caller's, like the first one. */
enum err daemon_run(struct conf **c, const struct daemon_listen *listen) MUST_USE;

/* Opens the log as it says. */
void daemon_log(const struct conf *c);

/* The steps of daemon_run, for --once, where `listen` is NULL. daemon_open says in the log why it fails, and
 * leaves nothing. A turn tells how long to wait for the next one, which is a second at most; .stopping is set
 * by a signal. */
enum err daemon_open(struct daemon *d, const struct conf *c, const struct daemon_listen *listen) MUST_USE;
int64_t daemon_turn(struct daemon *d);
enum err daemon_wait(struct daemon *d, int64_t wait_ms) MUST_USE;
void daemon_close(struct daemon *d);

/* A pin of this turn, with app_health, exporter and the pages' view as of it. Errors: ERR_MEMORY. */
enum err daemon_look(struct daemon *d, struct pin **ret) MUST_USE;

/* Room for the health of apps with numbers below `n`. Errors: ERR_MEMORY. */
enum err look_room(struct daemon *d, size_t n) MUST_USE;
/* Apps came, went or have other names. */
void look_apps(struct daemon *d);
void look_close(struct daemon *d);

/* daemon_open.c: calls at a time. */
unsigned daemon_inflight(const struct conf *c, size_t apps);
/* One warning for each app with more to do than its budget allows. */
void daemon_tell_budgets(const struct daemon *d);

/* fixed.c. Errors: ERR_MEMORY; what there is, fixed_done frees. */
enum err fixed_take(const struct conf *c, struct fixed *ret) MUST_USE;
void fixed_done(struct fixed *f);
/* The options that `c` has otherwise, "web.listen, web.config_file". */
void fixed_differs(const struct fixed *f, const struct conf *c, struct buf *out);

/* figures.c: what the program says about itself. Errors: ERR_MEMORY; what there is, figures_close frees. */
enum err figures_open(struct daemon *d) MUST_USE;
void figures_close(struct daemon *d);
/* First 48 bits of SHA-256 of the configuration, secrets left out. Errors: ERR_MEMORY. */
enum err figures_hash(const struct conf *c, int64_t *ret) MUST_USE;
/* A configuration of this hash came into force. */
void figures_adopt(struct daemon *d, int64_t hash);
/* As of this turn, with the cap of the pin. */
void figures_take(struct daemon *d, const struct pin *p);
/* A page was read to its end. */
void figures_scraped(struct daemon *d, const struct exposition *e);

/* Why /-/ready or /-/healthy would say 503, written to `room`; NULL: they would not. */
const char *daemon_unready(struct daemon *d, struct why *room);
const char *daemon_unwell(struct daemon *d, struct why *room);

/* answers.c: gives memory back when a crowd of readers has gone. */
void answers_turn(struct daemon *d);
/* What a request accepts. */
struct exposition_type answers_type(const struct web_request *q);
enum coding answers_coding(const struct web_request *q);
/* As many bodies are being sent as may be. */
bool answers_full(const struct daemon *d);

/* probe_call.c: calls that somebody waits for. Their sink; ends those whose time is over, and when that is
 * next; tells everybody who waits that the program stops, or that an app goes. */
struct poller_sink probe_sink(struct daemon *d);
void probe_turn(struct daemon *d);
int64_t probe_wait_ms(const struct daemon *d);
void probe_stop(struct daemon *d);
void probe_app_gone(struct daemon *d, size_t app);

/* polls.c: the poller's sink for communities. */
struct poller_sink polls_sink(struct daemon *d);
/* Other settings of a member; its poll under way goes on, or is asked anew when it asks for other things. */
void polls_adopt(struct member *m, const struct conf_community *c);
/* What a poll of this member asks for when all of it fits in one answer. */
struct topic_question polls_question(const struct member *m);
/* A call failed before there was an answer to read. */
struct outcome polls_transport_outcome(const struct reply *r);

/* status_turn.c: tells the hour of each app, once a second. */
void status_turn(struct daemon *d);

/* status.c: whether somebody may look at every community now; it is paid for. */
bool status_may_list(struct daemon *d);
/* Routes of the operator's pages. */
void answer_status(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_status_community(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_status_api(void *arg, const struct web_request *q, struct web_reply *reply);

/* answers.c: the web routes. `arg` is the daemon. */
void answer_metrics(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_landing(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_healthy(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_reload(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_ready(void *arg, const struct web_request *q, struct web_reply *reply);
void answer_probe(void *arg, const struct web_request *q, struct web_reply *reply); /* probe.c */
void answer_sd(void *arg, const struct web_request *q, struct web_reply *reply);    /* sd.c */

#endif
