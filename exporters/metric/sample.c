#include "exporters/metric/sample.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 48 };

char *sample_digits(char *end, uint64_t value)
{
	static const char pair[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
		"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
		"8081828384858687888990919293949596979899";

	while (value >= 100) {
		end -= 2;
		memcpy(end, pair + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, pair + value * 2, 2);
	} else {
		*--end = (char)('0' + value);
	}
	return end;
}

static void put_line(struct buf *out, struct span family, const char *suffix, struct span labels,
                     struct span extra, struct span number)
{
	const size_t mark = out->len;

	buf_span(out, family);
	buf_str(out, suffix);
	if (labels.len + extra.len > 0) {
		buf_str(out, "{");
		buf_span(out, labels);
		if (labels.len > 0 && extra.len > 0)
			buf_str(out, ",");
		buf_span(out, extra);
		buf_str(out, "}");
	}
	buf_str(out, " ");
	buf_span(out, number);
	buf_str(out, "\n");
	if (out->status != ERR_OK)
		out->len = mark; /* a line is whole or absent */
}

static void put_number(struct buf *out, enum metric m, struct span labels, struct span extra, bool negative,
                       uint64_t magnitude)
{
	char text[NUMBER_MAX];
	char *end = text + sizeof(text);
	char *at = sample_digits(end, magnitude);

	if (negative)
		*--at = '-';
	put_line(out, metric_info(m)->family, "", labels, extra, (struct span){ at, (size_t)(end - at) });
}

void sample_int(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value)
{
	put_number(out, m, labels, extra, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void sample_uint(struct buf *out, enum metric m, struct span labels, struct span extra, uint64_t value)
{
	put_number(out, m, labels, extra, false, value);
}

/* value / 10^digits into `text`; returns its span. */
static struct span put_decimal(char text[NUMBER_MAX], int64_t value, int digits)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char *end = text + NUMBER_MAX, *at = end;
	bool started = false;

	for (; digits > 0; digits--, magnitude /= 10) {
		const char digit = (char)('0' + magnitude % 10);

		if (digit != '0' || started) {
			*--at = digit;
			started = true;
		}
	}
	if (started)
		*--at = '.';
	at = sample_digits(at, magnitude);
	if (value < 0)
		*--at = '-';
	return (struct span){ at, (size_t)(end - at) };
}

void sample_decimal(struct buf *out, enum metric m, struct span labels, struct span extra, int64_t value,
                    int digits)
{
	char text[NUMBER_MAX];

	put_line(out, metric_info(m)->family, "", labels, extra, put_decimal(text, value, digits));
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

void sample_real(struct buf *out, enum metric m, struct span labels, struct span extra, double value)
{
	char text[NUMBER_MAX];

	put_line(out, metric_info(m)->family, "", labels, extra, put_real(text, value));
}

static void put_bucket(struct buf *out, enum metric m, struct span labels, struct span extra,
                       struct span bound, uint64_t count)
{
	char all[512], text[NUMBER_MAX];
	char *end = text + sizeof(text), *at = sample_digits(end, count);
	struct buf with;

	buf_wrap(&with, all, sizeof(all));
	buf_span(&with, extra);
	label_add(&with, "le", bound, 0);
	if (with.status != ERR_OK)
		out->status = with.status;
	put_line(out, metric_info(m)->family, "_bucket", labels, buf_view(&with),
	         (struct span){ at, (size_t)(end - at) });
}

void sample_histogram(struct buf *out, enum metric m, struct span labels, struct span extra,
                      const struct sample_histogram *h)
{
	const struct span family = metric_info(m)->family;
	char text[NUMBER_MAX];
	char *end = text + sizeof(text), *at;
	uint64_t count = 0;

	for (size_t i = 0; i < h->n; i++) {
		count += h->bucket[i];
		put_bucket(out, m, labels, extra, put_decimal(text, h->bound_ms[i], 3), count);
	}
	count += h->bucket[h->n];
	put_bucket(out, m, labels, extra, span_of("+Inf"), count);
	put_line(out, family, "_sum", labels, extra, put_decimal(text, (int64_t)h->sum_us, 6));
	at = sample_digits(end, count);
	put_line(out, family, "_count", labels, extra, (struct span){ at, (size_t)(end - at) });
}
