/* Pieces of HTML. Whatever comes from outside goes through html_text, in text and in attributes alike: this
 * is the one place that escapes.
 *
 * - Not known is a number below 0 and shows as a dash.
 * - Times are <time> elements that assets/status.js lets tick; without it they stand as they were sent. */
#ifndef EXPORTERS_PAGES_HTML_H
#define EXPORTERS_PAGES_HTML_H

#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/now.h"

enum {
	HTML_NAME = 80,   /* characters of a name in a line */
	HTML_TITLE = 300, /* and of the same in full, as far as anybody reads it */
	HTML_ALL = 1 << 20,
};

/* Any bytes, at most `chars` characters of them and then "…". What is no UTF-8, controls and what turns or
 * hides text (bidirectional controls, zero widths) come out as U+FFFD. */
void html_text(struct buf *out, struct span text, size_t chars);
void html_str(struct buf *out, const char *text); /* all of it */
/* <bdi> with the text clipped to HTML_NAME, and in full as its title when that is longer. */
void html_name(struct buf *out, const char *text);

/* Raw text that a function of another file appends, escaped: `room` is where it is kept in between. */
void html_take(struct buf *out, struct buf *room);

/* "12,345" */
void html_number(struct buf *out, int64_t n);
/* value / 1000: "0.25", "4.2", "1,250" */
void html_milli(struct buf *out, int64_t milli);
/* "84 ms", "1.25 s" */
void html_took(struct buf *out, int64_t us);
/* "18 KB" */
void html_bytes(struct buf *out, int64_t n);

/* "3 m ago", or "in 40 s" and "due now"; the absolute time is the element's title. */
void html_ago(struct buf *out, const struct now *now, int64_t unix_s);
void html_in(struct buf *out, const struct now *now, int64_t unix_s);
/* "2026-11-26 12:03:11 UTC", with the age behind it. */
void html_when(struct buf *out, const struct now *now, int64_t unix_s);

/* <div><dt>term</dt><dd> and its end: a fact of a list. */
void html_fact(struct buf *out, const char *term);
void html_fact_end(struct buf *out);

/* ---- the frame of every page ---- */
struct html_frame {
	const char *title; /* of the window; escaped here */
	const char *root;  /* the way to "/" from this page: "" or "../" */
	const char *here;  /* "/" or "/status": which link is the page itself */
	const char *version, *telemetry_path;
	int64_t now_s;
	bool live; /* the script asks for the page again and again */
};
/* Up to the opened <main>; and from there to the end. */
void html_begin(struct buf *out, const struct html_frame *f);
void html_end(struct buf *out, const struct html_frame *f);

#endif
