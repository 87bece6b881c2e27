/* Writes sample lines, NAME{LABELS,EXTRA} VALUE\n, into a bounded buffer: a line is whole or absent, and
 * one that does not fit leaves the buffer's status set and its length as it was.
 * Label text is escaped when it is built (label_add), never here. */
#ifndef EXPORTERS_METRIC_SAMPLE_H
#define EXPORTERS_METRIC_SAMPLE_H

#include <stdint.h>

#include "exporters/metric/catalog.h"

/* No line this program writes is longer: ids are at most 96 and 256 bytes, other values are cut at
 * SAMPLE_LABEL_MAX, at most 16 labels come from the configuration, and escaping doubles at worst. */
enum { SAMPLE_LINE_MAX = 16384, SAMPLE_LABEL_MAX = 150 };

/* `labels` and `extra` are label text without braces, `a="x",b="y"`; either may be empty. */
void sample_int(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value);
void sample_uint(struct buf *out, enum metric m, struct span labels, struct span extra, uint64_t value);
/* Shortest decimal form that reads back as the same double, never with a locale's comma; nan and infinities
 * as Prometheus spells them. */
void sample_real(struct buf *out, enum metric m, struct span labels, struct span extra, double value);
/* value / 10^digits as an exact decimal without trailing zeros: 1500 with 3 digits is 1.5. */
void sample_decimal(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value,
                    int digits);

/* Decimal digits of `value`, at most 20; returns the end. For hot loops that write their own lines. */
char *sample_number(char *at, uint64_t value);

/* A cumulative histogram: `_bucket` for each of the `n` bounds and +Inf, `_sum`, `_count`.
 * `bound_ms` are upper bounds in milliseconds; `bucket` holds n + 1 counts, not cumulative. */
struct sample_histogram {
	const int *bound_ms;
	const uint64_t *bucket;
	size_t n;
	uint64_t sum_us;
};
void sample_histogram(struct buf *out, enum metric m, struct span labels, struct span extra,
                      const struct sample_histogram *h);

/* Appends `key="value"`, with a comma before it unless `out` is empty or ends in one. Escapes backslash,
 * quote and newline; replaces invalid UTF-8 and NUL by `?`; cuts the value to at most `max` bytes before
 * escaping, at a character's edge (0: never cut). */
void label_add(struct buf *out, const char *key, struct span value, size_t max);
/* Only the escaping of a value, as above. */
void label_escape(struct buf *out, struct span value, size_t max);

#endif
