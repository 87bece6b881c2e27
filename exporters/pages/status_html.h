/* What the writers of HTML share. */
#ifndef EXPORTERS_PAGES_STATUS_HTML_H
#define EXPORTERS_PAGES_STATUS_HTML_H

#include "exporters/pages/html.h"
#include "exporters/pages/status_inside.h"

enum {
	QUERY_MAX = 16 << 10, /* a target has 4 KiB, and each byte may come back as three */
	ROOM_MIN = 24 << 10,  /* no row is longer: with less room left the page says that it ends early */
};
/* Whether one more row fits. */
bool html_has_room(const struct buf *out);

/* "+0 s", "-3 s" */
void html_skew(struct buf *out, int64_t skew_s);

/* ---- status_html_state.c: states, by shape and word as well as by colour ---- */
const char *html_state_class(enum health_state s); /* "s-failing" */
void html_badge(struct buf *out, enum health_state s);
/* How many communities are in which state, as a bar and as words. */
void html_states(struct buf *out, const uint64_t count[STATE_COUNT]);
/* A pill of two kinds: fine or not. */
void html_verdict(struct buf *out, bool fine, const char *word);
/* "api_error 10010" and what it means; nothing when there is no trouble. */
void html_reason(struct buf *out, enum err reason, int code);

/* ---- status_html_idle.c: topics by how long they have been quiet ---- */
void html_idle_strip(struct buf *out, const uint32_t count[IDLE_BUCKETS], int width);
void html_idle_legend(struct buf *out, const uint32_t *count); /* NULL: without counts */

/* ---- status_html_app.c ---- */
void html_apps(struct buf *out, const struct status_source *s, const struct status_query *q);
/* ---- status_html_rows.c ---- */
void html_rows(struct buf *out, const struct status_source *s, const struct status_list *l);
/* ---- community_html_topics.c, community_html_attempts.c ---- */
void html_topics(struct buf *out, const struct status_source *s, const struct status_row *r, size_t from);
void html_attempts(struct buf *out, const struct status_source *s, const struct status_row *r);

#endif
