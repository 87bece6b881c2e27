/* What happened lately, in rings of a fixed size: the last hour of an app by minute, the last ten attempts of
 * a community. Nothing here grows, and nothing here is on /metrics. */
#ifndef EXPORTERS_HISTORY_HISTORY_H
#define EXPORTERS_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

enum { HISTORY_MINUTES = 60, HISTORY_ATTEMPTS = 10 };

struct history_minute {
	uint32_t calls;     /* requests sent */
	uint32_t failed;    /* of which not usable */
	uint32_t throttled; /* of which refused for the quota */
	uint32_t peak;      /* calls in the busiest second */
};

/* One app. Minutes begin with the first note; those without any are zero and known, and before the first one
 * nothing is known (minutes < HISTORY_MINUTES). */
struct history_app;

/* Counters of the app as of now, ever growing. */
struct history_totals {
	uint64_t calls, failed, throttled;
	unsigned peak; /* calls in the busiest second of the last minute */
};

struct history_app *history_app_new(void); /* NULL: no memory */
void history_app_free(struct history_app *h);
/* What was counted since the note before belongs to the minute of that note: for one note a second. */
void history_app_note(struct history_app *h, const struct history_totals *t, int64_t mono_ms);
/* Whole minutes that are known, oldest first in `ret`; the one under way is not among them. NULL: none. */
size_t history_app_minutes(const struct history_app *h, struct history_minute ret[HISTORY_MINUTES]);

/* One request, as it ended. */
struct history_attempt {
	int64_t end_s; /* unix */
	/* Each from the start of the attempt; 0: that did not happen, as on a kept connection. */
	uint32_t dns_us, connect_us, tls_us, first_us, total_us;
	uint32_t bytes;
	uint16_t status; /* HTTP; 0: none */
	uint8_t reason;  /* enum err; ERR_OK: usable */
	uint8_t sent;    /* requests begun */
	int32_t code;    /* ErrorCode of the service; 0: none or fine */
};

/* The latest of one community; allocated with its first attempt. */
struct history_attempts;
/* Makes *a when it is NULL; without memory the attempt is forgotten. */
void history_attempts_note(struct history_attempts **a, const struct history_attempt *t);
void history_attempts_free(struct history_attempts *a); /* NULL is fine */
/* Latest first; returns how many. NULL: none. */
size_t history_attempts_read(const struct history_attempts *a, struct history_attempt ret[HISTORY_ATTEMPTS]);

#endif
