#include "exporters/metric/sample.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 48 };

/* ---- digits ---- */
static const char pair[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
						   "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
						   "8081828384858687888990919293949596979899";

static char *put_2(char *at, uint32_t value)
{
	memcpy(at, pair + value * 2, 2);
	return at + 2;
}

static char *put_4(char *at, uint32_t value)
{
	return put_2(put_2(at, value / 100), value % 100);
}

static char *put_8(char *at, uint32_t value)
{
	return put_4(put_4(at, value / 10000), value % 10000);
}

/* 1 to 4 digits. */
static char *put_first(char *at, uint32_t value)
{
	if (value >= 1000)
		return put_4(at, value);
	if (value >= 100) {
		*at = (char)('0' + value / 100);
		return put_2(at + 1, value % 100);
	}
	if (value >= 10)
		return put_2(at, value);
	*at = (char)('0' + value);
	return at + 1;
}

char *sample_number(char *at, uint64_t value)
{
	if (value < 10000)
		return put_first(at, (uint32_t)value);
	if (value < 100000000)
		return put_4(put_first(at, (uint32_t)value / 10000), (uint32_t)value % 10000);
	return put_8(sample_number(at, value / 100000000), (uint32_t)(value % 100000000));
}

/* With its sign. */
static char *put_whole(char *at, bool negative, uint64_t magnitude)
{
	if (negative)
		*at++ = '-';
	return sample_number(at, magnitude);
}

static uint64_t magnitude_of(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* value / 10^digits into `text`; returns its span. */
static struct span put_decimal(char text[NUMBER_MAX], int64_t value, int digits)
{
	uint64_t whole = magnitude_of(value), scale = 1, rest = 0;
	char *at;

	if (digits > 0) {
		for (int i = 0; i < digits; i++)
			scale *= 10;
		rest = whole % scale;
		whole /= scale;
	}
	at = put_whole(text, value < 0, whole);
	if (rest > 0)
		*at++ = '.';
	while (rest > 0) {
		scale /= 10;
		*at++ = (char)('0' + rest / scale);
		rest %= scale;
	}
	return (struct span){ text, (size_t)(at - text) };
}

/* The fewest digits that read back as the same double. */
static struct span put_real(char text[NUMBER_MAX], double value)
{
	int n = 0;

	if (isnan(value))
		return span_of("NaN");
	if (isinf(value))
		return span_of(value > 0 ? "+Inf" : "-Inf");
	/* Every decimal of up to 15 digits survives a normal double, but not a subnormal one. */
	for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		n = snprintf(text, NUMBER_MAX, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	/* The program runs in the C locale; a library that changed it must not be able to break a scrape. */
	if (strchr(text, ',') != NULL)
		*strchr(text, ',') = '.';
	return (struct span){ text, (size_t)n };
}

/* ---- lines ---- */
static char *put(char *at, struct span s)
{
	if (s.len > 0)
		memcpy(at, s.at, s.len);
	return at + s.len;
}

static void put_line(struct buf *out, struct span family, struct span suffix, struct span labels,
                     struct span extra, struct span number)
{
	const bool braces = labels.len + extra.len > 0, comma = labels.len > 0 && extra.len > 0;
	const size_t len =
		family.len + suffix.len + labels.len + extra.len + number.len + 2u * braces + comma + 2;
	char *at = buf_room(out, len);

	if (at == NULL)
		return;
	at = put(put(at, family), suffix);
	if (braces)
		*at++ = '{';
	at = put(at, labels);
	if (comma)
		*at++ = ',';
	at = put(at, extra);
	if (braces)
		*at++ = '}';
	*at++ = ' ';
	at = put(at, number);
	*at = '\n';
	out->len += len;
}

static const struct span none = { 0 };

static void put_number(struct buf *out, enum metric m, struct span labels, struct span extra, bool negative,
                       uint64_t magnitude)
{
	char text[NUMBER_MAX];
	const char *end = put_whole(text, negative, magnitude);

	put_line(out, metric_info(m)->family, none, labels, extra, (struct span){ text, (size_t)(end - text) });
}

void sample_int(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value)
{
	put_number(out, m, labels, extra, value < 0, magnitude_of(value));
}

void sample_uint(struct buf *out, enum metric m, struct span labels, struct span extra, uint64_t value)
{
	put_number(out, m, labels, extra, false, value);
}

void sample_decimal(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value,
                    int digits)
{
	char text[NUMBER_MAX];

	put_line(out, metric_info(m)->family, none, labels, extra, put_decimal(text, value, digits));
}

void sample_real(struct buf *out, enum metric m, struct span labels, struct span extra, double value)
{
	char text[NUMBER_MAX];

	put_line(out, metric_info(m)->family, none, labels, extra, put_real(text, value));
}

static void put_bucket(struct buf *out, enum metric m, struct span labels, struct span extra,
                       struct span bound, uint64_t count)
{
	char all[512], text[NUMBER_MAX];
	const char *end = sample_number(text, count);
	struct buf with;

	buf_wrap(&with, all, sizeof(all));
	buf_span(&with, extra);
	label_add(&with, "le", bound, 0);
	if (with.status != ERR_OK)
		out->status = with.status;
	put_line(out, metric_info(m)->family, span_of("_bucket"), labels, buf_view(&with),
	         (struct span){ text, (size_t)(end - text) });
}

void sample_histogram(struct buf *out, enum metric m, struct span labels, struct span extra,
                      const struct sample_histogram *h)
{
	const struct span family = metric_info(m)->family;
	char text[NUMBER_MAX];
	uint64_t count = 0;

	for (size_t i = 0; i < h->n; i++) {
		count += h->bucket[i];
		put_bucket(out, m, labels, extra, put_decimal(text, h->bound_ms[i], 3), count);
	}
	count += h->bucket[h->n];
	put_bucket(out, m, labels, extra, span_of("+Inf"), count);
	put_line(out, family, span_of("_sum"), labels, extra, put_decimal(text, (int64_t)h->sum_us, 6));
	put_line(out, family, span_of("_count"), labels, extra,
	         (struct span){ text, (size_t)(sample_number(text, count) - text) });
}
