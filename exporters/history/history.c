#include "exporters/history/history.h"

#include <stdlib.h>

enum { MINUTE_MS = 60000 };

/* ---- apps ---- */
struct history_app {
	struct history_minute minute[HISTORY_MINUTES]; /* minute m stands in place m % HISTORY_MINUTES */
	int64_t start_ms;                              /* of minute 0; mono */
	int64_t under_way;                             /* the minute that is being filled */
	struct history_totals opened;                  /* counters when it began */
	struct history_totals latest;                  /* as noted last */
	bool begun;
};
_Static_assert(sizeof(struct history_app) == 1048, "README.md says what an app costs");

struct history_app *history_app_new(void)
{
	return calloc(1, sizeof(struct history_app));
}

void history_app_free(struct history_app *h)
{
	free(h);
}

static uint32_t step(uint64_t from, uint64_t to)
{
	const uint64_t n = to > from ? to - from : 0;

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static struct history_minute *place(struct history_app *h, int64_t minute)
{
	return &h->minute[minute % HISTORY_MINUTES];
}

/* The minute under way ends, and those up to `minute` went by without a note. */
static void close_minutes(struct history_app *h, int64_t minute)
{
	const struct history_totals *from = &h->opened, *to = &h->latest;
	int64_t next = h->under_way + 1;

	*place(h, h->under_way) = (struct history_minute){
		.calls = step(from->calls, to->calls),
		.failed = step(from->failed, to->failed),
		.throttled = step(from->throttled, to->throttled),
		.peak = to->peak,
	};
	if (next < minute - HISTORY_MINUTES)
		next = minute - HISTORY_MINUTES;
	for (; next < minute; next++)
		*place(h, next) = (struct history_minute){ 0 };
	h->under_way = minute;
	h->opened = h->latest;
}

/* The counters move first: what they grew by since the note before is of the minute of that note. So is the
 * peak, which looks a minute back, unless the machine slept longer than that. */
void history_app_note(struct history_app *h, const struct history_totals *t, int64_t mono_ms)
{
	const unsigned peak = h->latest.peak;
	int64_t minute;

	if (!h->begun) {
		h->begun = true;
		h->start_ms = mono_ms;
		h->opened = *t;
	}
	minute = (mono_ms - h->start_ms) / MINUTE_MS;
	h->latest = *t;
	if (minute > h->under_way + 1 && peak > t->peak)
		h->latest.peak = peak;
	if (minute > h->under_way)
		close_minutes(h, minute);
}

size_t history_app_minutes(const struct history_app *h, struct history_minute ret[HISTORY_MINUTES])
{
	const int64_t end = h != NULL ? h->under_way : 0;
	const size_t n = end < HISTORY_MINUTES ? (size_t)end : HISTORY_MINUTES;

	for (size_t i = 0; i < n; i++)
		ret[i] = h->minute[(end - (int64_t)(n - i)) % HISTORY_MINUTES];
	return n;
}

/* ---- communities ---- */
/* As it is kept: 36 bytes, since there are ten for each of very many. */
struct kept {
	uint32_t end_s; /* until 2106 */
	uint32_t dns_us, connect_us, tls_us, first_us, total_us, bytes;
	int32_t code;
	uint16_t status;
	uint8_t reason, sent;
};
_Static_assert(sizeof(struct kept) == 36, "README.md says what a community costs");
_Static_assert(ERR_COUNT <= UINT8_MAX, "a reason is one byte");

struct history_attempts {
	uint32_t n, next; /* how many there are; where the next one goes */
	struct kept ring[HISTORY_ATTEMPTS];
};

void history_attempts_note(struct history_attempts **a, const struct history_attempt *t)
{
	struct history_attempts *h = *a;

	if (h == NULL)
		h = *a = calloc(1, sizeof(*h));
	if (h == NULL)
		return;
	h->ring[h->next] = (struct kept){
		.end_s = (uint32_t)t->end_s,
		.dns_us = t->dns_us,
		.connect_us = t->connect_us,
		.tls_us = t->tls_us,
		.first_us = t->first_us,
		.total_us = t->total_us,
		.bytes = t->bytes,
		.code = t->code,
		.status = t->status,
		.reason = t->reason,
		.sent = t->sent,
	};
	h->next = (h->next + 1) % HISTORY_ATTEMPTS;
	h->n += h->n < HISTORY_ATTEMPTS;
}

void history_attempts_free(struct history_attempts *a)
{
	free(a);
}

size_t history_attempts_read(const struct history_attempts *a, struct history_attempt ret[HISTORY_ATTEMPTS])
{
	const size_t n = a != NULL ? a->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct kept *k = &a->ring[(a->next + HISTORY_ATTEMPTS - 1 - i) % HISTORY_ATTEMPTS];

		ret[i] = (struct history_attempt){
			.end_s = k->end_s,
			.dns_us = k->dns_us,
			.connect_us = k->connect_us,
			.tls_us = k->tls_us,
			.first_us = k->first_us,
			.total_us = k->total_us,
			.bytes = k->bytes,
			.status = k->status,
			.reason = k->reason,
			.sent = k->sent,
			.code = k->code,
		};
	}
	return n;
}
