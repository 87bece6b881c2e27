/* A /metrics page as poll_memory_test.c looks at it. Everything is checked with cmocka: the page is whole,
 * each line is a sample of the family above it, no family comes twice. */
#ifndef TESTS_UNIT_MEMORY_PAGE_H
#define TESTS_UNIT_MEMORY_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "exporters/web/web.h"
#include "tests/unit/memory_service.h"

struct seen_community {
	bool shown; /* it has an info */
	int up;     /* below 0: no sample */
	int64_t last_poll_s, last_success_s, failures;
	char reason[32];      /* of its last error; "": none */
	unsigned topics;      /* whose messages are shown */
	unsigned least, most; /* messages of a topic */
	int64_t messages;
};
struct seen_app {
	int up;
	uint64_t requests, durations, errors, inflight; /* over all commands */
};
struct seen {
	size_t communities;                                       /* with an info */
	struct seen_community community[SERVICE_COMMUNITIES_MAX]; /* in the order of service_community */
	struct seen_app app[SERVICE_APPS];
};

void seen_read(struct seen *ret, const struct web_stream *stream);

#endif
