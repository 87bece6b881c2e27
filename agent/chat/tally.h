/* What the calls of one app and one command came to: plain counters since start.
 * The poller adds, exporters/health reads. Every counter only grows. */
#ifndef AGENT_CHAT_TALLY_H
#define AGENT_CHAT_TALLY_H

#include <stdint.h>

#include "agent/chat/chat.h"

/* Upper bounds of the latency buckets, milliseconds: .01 .025 .05 .1 .25 .5 1.5 2.5 3.5 5.5 10.5 s.
 * The service itself gives up after 3 s, so the bounds lie on both sides of that. */
#define TALLY_BOUNDS_MS                                          \
	{                                                            \
		10, 25, 50, 100, 250, 500, 1500, 2500, 3500, 5500, 10500 \
	}
enum { TALLY_BOUNDS = 11, TALLY_STATUS_MIN = 100, TALLY_STATUS_MAX = 599 };

struct tally {
	uint64_t requests;               /* attempts sent, failed ones too */
	uint64_t by_reason[ERR_COUNT];   /* failures without a code */
	uint64_t by_code[CHAT_ROWS + 1]; /* failures with an ErrorCode; the last is "other" */
	uint64_t by_status[TALLY_STATUS_MAX - TALLY_STATUS_MIN + 2]; /* ERR_HTTP_STATUS; the last is "other" */
	uint64_t topic_errors[CHAT_ROWS + 1];
	uint64_t response_bytes;
	uint64_t bucket[TALLY_BOUNDS + 1]; /* not cumulative; the last is above every bound */
	uint64_t took_us;                  /* sum over all finished attempts */
	uint64_t retries;                  /* attempts that repeated a failed one */
	uint64_t throttled;                /* answers that mean "too fast" */
	uint64_t wait_ms;                  /* polls waited for budget */
};

/* One finished attempt. */
void tally_attempt(struct tally *t, const struct outcome *o, int64_t took_us, uint64_t bytes);
/* `n` topics of an answer carried this ErrorCode. */
void tally_topic_errors(struct tally *t, int code, uint64_t n);
/* Attempts that finished. */
uint64_t tally_finished(const struct tally *t);
/* Of which failed. */
uint64_t tally_failed(const struct tally *t);

#endif
