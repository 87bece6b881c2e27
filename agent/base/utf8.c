#include "agent/base/utf8.h"

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
