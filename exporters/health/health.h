/* What the agent knows about itself, its apps and its communities, and the samples of that. Facts of the
 * service are in exporters/topic; nothing here ever comes from an answer's content. */
#ifndef EXPORTERS_HEALTH_HEALTH_H
#define EXPORTERS_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/log.h"
#include "agent/base/now.h"
#include "agent/chat/chat.h"
#include "agent/chat/tally.h"
#include "exporters/metric/idle.h"
#include "exporters/metric/sample.h"

/* The polls of one community. All zero: never polled. */
struct health_community {
	int64_t last_poll_s;    /* unix, end of the latest poll; 0: never */
	int64_t last_success_s; /* unix, end of the latest usable one; 0: never */
	int64_t took_us;        /* the latest poll */
	uint32_t failures;      /* in a row */
	uint32_t since_s;       /* unix, when the first of them ended; 0: there are none */
	int code;               /* of the latest failure, see struct outcome */
	enum err reason;        /* of the latest poll; ERR_OK: it was usable */
};

/* What stays the same for a community while it is configured. Texts are escaped label text, borrowed. */
struct health_settings {
	int64_t interval_ms, silent_after_ms;
	struct span info; /* community_name and the configured labels, `community_name="shop",team="emea"` */
};

/* A poll ended. */
void health_note(struct health_community *h, const struct outcome *o, int64_t took_us, const struct now *now);

/* The line of one COMMUNITY family; nothing when it is not known. The interval is the one in force. */
void health_community_sample(const struct health_community *h, int64_t interval_ms,
                             const struct health_settings *set, enum metric m, struct span labels,
                             struct buf *out);

/* What the line depends on beside the settings: while it is the same number, so is the line. */
uint64_t health_community_stamp(const struct health_community *h, int64_t interval_ms, enum metric m);

/* What stands in the `state` label of app_communities. */
enum health_state { STATE_OK, STATE_FAILING, STATE_STALE, STATE_PENDING, STATE_GONE, STATE_COUNT };
/* `shown`: the community has facts on /metrics. */
enum health_state health_state(const struct health_community *h, bool shown);

enum health_up { UP_UNKNOWN, UP_NO, UP_YES };

/* The quota of one command of an app. */
struct health_quota {
	int64_t budget_milli, in_force_milli, required_milli; /* milli-calls a second */
	unsigned peak;                                        /* calls in the busiest second of the last minute */
};

/* One app as of one scrape. */
struct health_app {
	struct span labels; /* `sdkappid="1"` */
	struct span info;   /* `app_name="prod",api_host="..."` */
	enum health_up up;
	uint64_t communities[STATE_COUNT];
	uint64_t topics_muted, topics_open, topics_unknown;
	uint64_t topics_idle[IDLE_BUCKETS];
	const struct tally *tally[CHAT_COMMANDS];
	struct health_quota quota[CHAT_COMMANDS];
	unsigned inflight;
	bool skew_known;
	int64_t skew_s;           /* the service's clock minus ours */
	int64_t usersig_expiry_s; /* 0: none made yet */
	uint64_t usersig_renewals;
	int64_t late_ms;  /* of the most overdue poll */
	int64_t sweep_ms; /* in which every community was polled once; below 0: not yet */
	int64_t alive_s;  /* unix, when a poll was last started or finished, or none was due; 0: not known */
};
/* All lines of one APP family for this app. */
void health_app_samples(const struct health_app *a, enum metric m, struct buf *out);

/* The process. What could not be read is -1 and gives no sample. */
struct health_process {
	int64_t cpu_us, resident_bytes, virtual_bytes, open_fds, max_fds;
	int64_t start_ms; /* unix, when the program started */
};
/* Reads what /proc/self and the kernel say now; leaves start_ms alone. Never blocks. */
void health_process_read(struct health_process *p);

/* Why series of topics are not on a full page. */
enum health_suppressed { SUPPRESSED_MAX_SERIES, SUPPRESSED_LEVEL, SUPPRESSED_DISABLE, SUPPRESSED_COUNT };

/* A number under one or two labels. */
struct health_count {
	const char *label, *code; /* of the texts of a table; never what a client sent */
	uint64_t n;
};

/* The program as of one scrape. Below 0: not known, no sample. */
struct health_exporter {
	struct span build; /* label text of exporter_build_info */
	struct health_process process;
	bool ready, reload_ok, sandboxed;
	int64_t reload_s; /* unix, when the configuration in force was read */
	int64_t config_hash;
	bool series_known;
	uint64_t series[METRIC_SCOPES]; /* in the last full scrape */
	uint64_t series_limit;          /* 0: none */
	uint64_t suppressed[SUPPRESSED_COUNT];
	const struct health_count *http; /* by handler and code */
	size_t http_n;
	struct health_count log[SAY_LEVELS];
	unsigned shard, total_shards;
};
void health_exporter_samples(const struct health_exporter *x, enum metric m, struct buf *out);

/* A probe that ended. */
struct health_probe {
	bool success;
	int64_t took_ms;
};
void health_probe_samples(const struct health_probe *p, enum metric m, struct buf *out);

#endif
