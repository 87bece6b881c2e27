/* The operator's view: what the status pages, their JSON and their plain text say, as of one moment. One
 * model, made once per request, and three writers of it that decide nothing but form.
 *
 * - Unknown is absent in every form: numbers below 0 and NULL texts are not known and not shown.
 * - Texts are raw UTF-8, as the service or the configuration has them: hostile. Each writer escapes.
 * - A model borrows from the pin and from what the source says; it lives as long as they do. */
#ifndef EXPORTERS_PAGES_STATUS_H
#define EXPORTERS_PAGES_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/history/history.h"
#include "exporters/store/store.h"
#include "exporters/web/web.h"

/* ---- what the program knows beside the pin ---- */
struct status_app {
	const char *name;
	uint64_t sdk_app_id;
	const struct health_app *health;
	const struct history_app *history; /* the last hour, by minute */
	int64_t now_milli[CHAT_COMMANDS];  /* milli-calls a second over the last ten seconds */
};

/* What stands beside the pin for one community; asked for those that are shown only. */
struct status_member {
	const char *id, *name; /* name NULL: it has none */
	bool discovered;
	int64_t next_poll_s;                     /* unix; -1: not planned */
	const struct history_attempts *attempts; /* NULL: none yet */
	const char *curl;                        /* the call of it without the signature; NULL unless asked for */
};

struct status_source {
	const struct pin *pin;
	struct now now;
	const char *version, *telemetry_path;
	int64_t started_s;
	const char *unready, *unwell; /* NULL: fine */
	const struct health_exporter *exporter;
	const struct status_app *app;
	size_t app_n; /* by number; without a name: nobody */
	void *arg;
	/* Of the community with this number in the pin. */
	void (*member)(void *arg, size_t i, bool curl, struct status_member *ret);
};

/* ---- the list ---- */
enum status_sort {
	SORT_TROUBLE, /* failures first: gone, failing, stale, pending, ok; then the longest in trouble */
	SORT_NAME,
	SORT_TOPICS,
	SORT_MUTED,
	SORT_SILENT,
	SORT_IDLE,
	SORT_LAST,
	SORT_NEXT,
	SORT_RATE,
	SORT_COUNT
};

enum { STATUS_PER_PAGE = 100, STATUS_PER_PAGE_MAX = 500 };

struct status_query {
	const char *app;  /* NULL: all */
	const char *find; /* a part of id or name, ASCII case folded; NULL: all */
	enum status_sort sort;
	bool reverse, problems; /* problems: only what is not ok */
	size_t page, per_page;  /* page from 0 */
};
/* Of ?app= ?find= ?sort= ?order=asc|desc ?problems=1 ?page= ?per_page=; texts are borrowed from the request.
 * Errors: ERR_CONFIG, and `why` names the key, the value and what is allowed. */
enum err status_query_read(const struct web_request *q, struct status_query *ret, struct why *why) MUST_USE;
const char *status_sort_label(enum status_sort s); /* as in ?sort= */
/* Whether it begins with the largest unless `reverse` says otherwise; then ?order=desc is the same as none.
 */
bool status_sort_descends(enum status_sort s);
/* The same query with another page as "?app=a&sort=idle", percent-encoded; "?" when all of it is the default.
 */
void status_query_print(const struct status_query *q, size_t page, struct buf *out);

struct status_row {
	size_t i; /* in the pin */
	const struct status_app *app;
	struct status_member member;
	enum health_state state;
	enum err reason;               /* of the trouble; ERR_OK: none */
	int code;                      /* 0: none */
	int64_t since_s;               /* unix, when the trouble began; -1: not known or none */
	uint32_t failures;             /* in a row */
	int64_t topics, muted, silent; /* -1: not known */
	int64_t idle_s;                /* of the topic that is quiet the longest; -1: not known or never active */
	int64_t last_poll_s, last_success_s, took_us;
	int64_t interval_ms;
	int64_t rate_milli;   /* milli-messages a minute, between the two latest usable answers; -1: not known */
	const uint32_t *idle; /* IDLE_BUCKETS counts of topics; NULL: not known */
};

struct status_list {
	struct status_query query; /* as asked */
	size_t all, matched;       /* communities there are, and those that the query wants */
	size_t row_n;
	struct status_row row[];
};
/* Errors: ERR_MEMORY. `ret` is freed with status_list_free. */
enum err status_list_new(const struct status_source *s, const struct status_query *q,
                         struct status_list **ret) MUST_USE;
void status_list_free(struct status_list *l); /* NULL is fine */

/* ---- one community ---- */
/* Number in the pin of the community of this app and id. False: not known. */
bool status_find(const struct status_source *s, const char *app, const char *id, size_t *ret);
void status_row_fill(const struct status_source *s, size_t i, bool curl, struct status_row *ret);

/* ---- words ---- */
const char *status_state_label(enum health_state s); /* "failing" */
/* Why the community is in its state and what comes next, in one sentence without a full stop; plain text. */
void status_why(const struct status_source *s, const struct status_row *r, struct buf *out);
/* Seconds as people say them, "40 s", "3 m", "2 h", "9 d"; exact up to two minutes. */
void status_span(struct buf *out, int64_t seconds);
/* "2026-11-26 12:03:11" (UTC) of a unix time. */
void status_time(struct buf *out, int64_t unix_s);
/* Text as label text is written (topic_id, topic_named) as it was. */
void status_unescape(struct buf *out, struct span label);

/* ---- writers, into a reply body of at most 1 MiB ---- */
void status_html(const struct status_source *s, const struct status_list *l, struct buf *out);
void status_json(const struct status_source *s, const struct status_list *l, struct buf *out);
void status_json_error(struct buf *out, const char *text); /* {"version":1,"error":"..."} */
void status_text(const struct status_source *s, const struct status_list *l, struct buf *out);
/* Topics from number `from` of the facts, at most STATUS_PER_PAGE_MAX. */
void status_community_html(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out);
void status_community_json(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out);
void status_community_text(const struct status_source *s, const struct status_row *r, size_t from,
                           struct buf *out);

#endif
