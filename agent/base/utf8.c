#include "agent/base/utf8.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct form {
	unsigned char first, last; /* of the first byte */
	unsigned char low, high;   /* of the second */
	unsigned char len;
};

static const struct form forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_char(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;

	if (left == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i];

		if (s[0] < f->first || s[0] > f->last)
			continue;
		if (f->len > left || s[1] < f->low || s[1] > f->high)
			return 0;
		for (size_t j = 2; j < f->len; j++)
			if ((s[j] & 0xc0) != 0x80)
				return 0;
		return f->len;
	}
	return 0;
}

/* The same for eight bytes at once: bit 7 of a byte tells. A borrow only ever comes from a lower byte that
 * has its own bit set, and the lowest counts. */
static size_t plain_of_eight(const char *s)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t eight, odd;

	memcpy(&eight, s, sizeof(eight));
	eight = le64toh(eight);
	odd = eight | (eight - each * ' ') | ((eight ^ each * '"') - each) | ((eight ^ each * '\\') - each);
	odd &= each * 0x80;
	return odd != 0 ? (size_t)__builtin_ctzll(odd) / 8 : 8;
}

static bool is_plain(char c)
{
	const unsigned char byte = (unsigned char)c;

	return byte >= ' ' && byte < 0x80 && c != '"' && c != '\\';
}

size_t utf8_plain(const char *s, size_t left)
{
	size_t i = 0;

	while (left - i >= 8) {
		const size_t n = plain_of_eight(s + i);

		i += n;
		if (n < 8)
			return i;
	}
	while (i < left && is_plain(s[i]))
		i++;
	return i;
}
