/* How long a topic has been quiet, in buckets: one table for the room that counts and the room that shows. */
#ifndef EXPORTERS_METRIC_IDLE_H
#define EXPORTERS_METRIC_IDLE_H

#include <stddef.h>
#include <stdint.h>

/* 0-5m 5m-1h 1h-1d 1d-7d 7d-30d 30d+ never. A bucket ends before its second bound. */
enum { IDLE_BUCKETS = 7, IDLE_NEVER = IDLE_BUCKETS - 1 };

/* What stands in the label `idle` of app_topics_by_idle_time. */
const char *idle_label(size_t bucket);
/* Of a topic whose last message is so old; below 0 happens when clocks differ. Never IDLE_NEVER. */
size_t idle_bucket(int64_t age_s);

#endif
