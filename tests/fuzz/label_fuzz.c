/* Label values and numbers on their way into sample lines: what is written reads back.
 *
 * The input is 16 bytes of numbers (two little-endian 64-bit ones) and then text. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "tests/fuzz/line.h"

enum { NUMBERS = 16, BOUNDS = 3 };

/* ---- labels ---- */
/* What an escaped value must read back as: the characters that are whole before `max`, bad bytes as '?'. */
static size_t expect(const char *at, size_t len, size_t max, char *ret)
{
	size_t i = 0, n = 0;

	while (i < len) {
		size_t wide = 1;

		while (wide <= 4 && wide <= len - i && !text_is_valid(at + i, wide))
			wide++;
		if (wide > 4 || wide > len - i) {
			wide = 1;
			ret[n] = '?';
		} else {
			memcpy(ret + n, at + i, wide);
		}
		if (max > 0 && i + wide > max)
			break;
		i += wide;
		n += wide;
	}
	return n;
}

static void check_escape(const char *at, size_t len, size_t max)
{
	char *back = malloc(2 * len + 1), *want = malloc(len + 4);
	struct buf out;
	size_t n, want_n;

	MUST(back != NULL && want != NULL);
	buf_init(&out, 2 * len + 1);
	label_escape(&out, (struct span){ at, len }, max);
	MUST(out.status == ERR_OK && out.len <= 2 * len);
	n = label_unescape(out.at, out.len, back);
	want_n = expect(at, len, max, want);
	MUST(n == want_n && memcmp(back, want, n) == 0);
	MUST(text_is_valid(back, n));
	buf_done(&out);
	free(back);
	free(want);
}

static void check_label(const char *at, size_t len)
{
	struct buf labels, line;
	struct line l;

	buf_init(&labels, 2 * len + 64);
	buf_init(&line, 4 * len + 256);
	label_add(&labels, "a", (struct span){ at, len }, 0);
	label_add(&labels, "b", (struct span){ at, len }, SAMPLE_LABEL_MAX);
	if (labels.status != ERR_OK) /* both together are longer than the buffer may become */
		buf_reset(&labels);
	sample_int(&line, M_COMMUNITY_UP, buf_view(&labels), (struct span){ 0 }, 1);
	MUST(line.status == ERR_OK && line_read(line.at, line.len, &l) && l.len == line.len);
	buf_done(&labels);
	buf_done(&line);
}

/* ---- numbers ---- */
/* The value of the only line in `out`, as a C string. */
static const char *only_value(struct buf *out, char text[64])
{
	struct line l;

	MUST(out->status == ERR_OK && line_read(out->at, out->len, &l));
	MUST(l.len == out->len && l.value_len < 64);
	memcpy(text, l.value, l.value_len);
	text[l.value_len] = '\0';
	buf_reset(out);
	return text;
}

static void check_integers(int64_t a, uint64_t b)
{
	const struct span none = { "", 0 };
	char all[256], text[64];
	struct buf out;

	buf_wrap(&out, all, sizeof(all));
	sample_int(&out, M_COMMUNITY_UP, none, none, a);
	MUST(strtoimax(only_value(&out, text), NULL, 10) == a);
	sample_uint(&out, M_COMMUNITY_UP, none, none, b);
	MUST(strtoumax(only_value(&out, text), NULL, 10) == b);
}

static void check_real(uint64_t bits)
{
	const struct span none = { "", 0 };
	char all[256], text[64];
	struct buf out;
	double value, back;

	memcpy(&value, &bits, sizeof(value));
	buf_wrap(&out, all, sizeof(all));
	sample_real(&out, M_COMMUNITY_UP, none, none, value);
	back = strtod(only_value(&out, text), NULL);
	MUST(isnan(value) ? isnan(back) : back == value);
}

/* Reads VALUE.FRACTION as an integer of so many digits after the point, which must not end in 0. */
static uint64_t read_decimal(const char *text, int digits, bool *ret_negative)
{
	uint64_t value = 0;
	const char *point;

	*ret_negative = *text == '-';
	text += *ret_negative ? 1 : 0;
	point = strchr(text, '.');
	MUST(point == NULL || text[strlen(text) - 1] != '0');
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	if (point != NULL)
		for (text++; *text != '\0'; text++, digits--)
			value = value * 10 + (uint64_t)(*text - '0');
	MUST(*text == '\0' && digits >= 0);
	for (; digits > 0; digits--)
		value *= 10;
	return value;
}

static void check_decimal(int64_t value)
{
	const struct span none = { "", 0 };
	char all[256], text[64];
	bool negative;
	struct buf out;

	buf_wrap(&out, all, sizeof(all));
	for (int digits = 0; digits <= 9; digits++) {
		sample_decimal(&out, M_COMMUNITY_UP, none, none, value, digits);
		MUST(read_decimal(only_value(&out, text), digits, &negative) ==
		     (value < 0 ? 0 - (uint64_t)value : (uint64_t)value));
		MUST(negative == (value < 0));
	}
}

/* A line that does not fit leaves what was there; one that fits is whole. */
static void check_room(size_t room, int64_t value)
{
	const struct span labels = span_of("sdkappid=\"1\"");
	char all[128];
	struct line l;
	struct buf out;

	buf_wrap(&out, all, room % sizeof(all));
	sample_int(&out, M_APP_UP, labels, (struct span){ 0 }, value);
	MUST((out.status == ERR_OK) == (out.len > 0));
	MUST(out.len == 0 || (line_read(all, out.len, &l) && l.len == out.len));
}

static void check_histogram(const uint64_t number[2])
{
	static const int bound_ms[BOUNDS] = { 10, 250, 10500 };
	const uint64_t bucket[BOUNDS + 1] = { number[0] & 0xffff, number[0] >> 48, number[1] & 0xffff,
		                                  number[1] >> 48 };
	const struct sample_histogram h = { bound_ms, bucket, BOUNDS, number[1] >> 8 };
	char all[4096];
	struct buf out;

	buf_wrap(&out, all, sizeof(all));
	sample_histogram(&out, M_API_REQUEST_DURATION, span_of("sdkappid=\"1\""),
	                 span_of("command=\"get_topic\""), &h);
	MUST(out.status == ERR_OK && lines_are_valid(out.at, out.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	uint64_t number[2] = { 0 };
	int64_t integer;

	memcpy(number, data, len < NUMBERS ? len : NUMBERS);
	memcpy(&integer, &number[0], sizeof(integer));
	check_integers(integer, number[1]);
	check_real(number[0]);
	check_decimal(integer);
	check_room(number[1] & 0xff, integer);
	check_histogram(number);
	text += len < NUMBERS ? len : NUMBERS;
	len -= len < NUMBERS ? len : NUMBERS;
	check_escape(text, len, 0);
	check_escape(text, len, SAMPLE_LABEL_MAX);
	check_escape(text, len, 1 + number[1] % 7);
	check_label(text, len);
	return 0;
}
