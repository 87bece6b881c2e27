/* What the files of this room share. */
#ifndef EXPORTERS_HEALTH_INSIDE_H
#define EXPORTERS_HEALTH_INSIDE_H

#include "exporters/health/health.h"

/* The code label of a failure: the HTTP status, a known ErrorCode, "other", or nothing. */
void health_add_code(struct buf *extra, enum err reason, int code);

#endif
