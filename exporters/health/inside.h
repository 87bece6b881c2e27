/* What the files of this room share. */
#ifndef EXPORTERS_HEALTH_INSIDE_H
#define EXPORTERS_HEALTH_INSIDE_H

#include "exporters/health/health.h"

/* The code label of a failure: the HTTP status, a known ErrorCode, "other", or nothing. */
void health_add_code(struct buf *extra, enum err reason, int code);

/* A line with one more label. */
void health_one_label(struct buf *out, enum metric m, struct span labels, const char *key, const char *value,
                      uint64_t n);

#endif
