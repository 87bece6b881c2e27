/* Calls that somebody waits for: /probe. Shared by the files of that name.
 *
 * - A probe is one poll of one community for everybody who asks for it meanwhile. It holds copies of all it
 *   needs: a reload, or the community's end, disturbs nobody; with its app it ends.
 * - What it finds is on its own page alone. Facts, health and grid of the community's polls stay as they are.
 */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include "agent/daemon.h"

/* A request that waits. */
struct probe_reader {
	struct probe *probe;
	struct probe_reader *next;
	struct web_later *later;
	struct exposition_type type;
	enum coding coding;
	bool http10;
	int64_t began_ms, end_ms; /* mono */
};

struct probe {
	struct daemon *daemon;
	struct probe *next;
	struct probe_reader *reader; /* never none */
	size_t subject, job;         /* what the poller knows it by, and the number of it there */
	size_t app;
	char *id, *account;
	char **topic;
	size_t topic_n;
	bool observer;
	int64_t interval_ms; /* of the polls */
	struct topic_way way;
	struct topic_poll *poll;
	struct facts *facts; /* NULL: none yet */
	struct store_community card;
	struct buf texts; /* of the card */
};

/* ---- probe_call.c: the call ---- */
/* One that is with the poller, and has no reader yet. Errors: ERR_LIMIT: there are too many; ERR_MEMORY. */
enum err probe_start(struct daemon *d, const struct member *m, struct probe **ret) MUST_USE;
/* The one under way for this community; NULL: there is none. */
struct probe *probe_under_way(const struct daemon *d, size_t app, const char *id);
/* Nobody waits for it. */
void probe_drop(struct probe *p);

/* ---- probe_page.c: what a reader gets; each ends the reader, who is in no list any more ---- */
/* How a probe ended. */
struct probe_end {
	struct outcome outcome;
	int64_t took_us; /* all calls */
};
/* Takes `facts`; NULL: there are none. The pages of all these readers. */
void probe_give_pages(struct probe *p, struct probe_reader *readers, struct facts *facts,
                      const struct probe_end *end);
void probe_refuse(struct probe_reader *r, unsigned status, int retry_after_s, const char *text);

#endif
