/* What stands between strings and marks: words, and the gaps between them. */
#include <string.h>
#include <strings.h>

#include "agent/config/inside.h"

bool all_in(const char *s, size_t n, const char *set)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(set, s[i]) == NULL)
			return false;
	return true;
}

bool in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-' || c == '+' || c == '.' || c == '*';
}

size_t gap_len(const char *s, const char *end)
{
	const char *start = s;

	while (s < end) {
		const char *stop;

		if (strchr(" \t\r\n", *s) != NULL) {
			s++;
			continue;
		}
		if (*s == '#' || (end - s > 1 && s[0] == '/' && s[1] == '/')) {
			stop = memchr(s, '\n', (size_t)(end - s));
			s = stop != NULL ? stop : end;
		} else if (end - s > 1 && s[0] == '/' && s[1] == '*') {
			stop = memmem(s + 2, (size_t)(end - s) - 2, "*/", 2);
			s = stop != NULL ? stop + 2 : end;
		} else {
			break;
		}
	}
	return (size_t)(s - start);
}

bool word_is(const char *word, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(word, name, len) == 0;
}

bool names_secret(const char *word, size_t len)
{
	static const char *const marks[] = { "key", "secret", "pass", "token", "proxy" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (size_t at = 0; at + strlen(marks[i]) <= len; at++)
			if (strncasecmp(word + at, marks[i], strlen(marks[i])) == 0)
				return true;
	return false;
}

bool name_ok(const char *word, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*0123456789_-";

	return all_in(word, 1, letters) && all_in(word, len, others);
}

const char *escape_fault(const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const bool number = n >= 4 && (s[1] == 'x' || s[1] == 'X') && all_in(s + 2, 2, hex);

	if (number && s[2] == '0' && s[3] == '0')
		return "a string with a zero byte, \\x00: libconfig would lose it";
	if (!number && (n < 2 || strchr("\\\"ntrf", s[1]) == NULL))
		return "a string with a backslash that escapes nothing; write it twice: \\\\";
	return NULL;
}

size_t control_len(const char *s)
{
	const unsigned char first = (unsigned char)s[0], second = first != '\0' ? (unsigned char)s[1] : 0;

	if (first == 0xc2 && second >= 0x80 && second < 0xa0)
		return 2;
	return (first < 0x20 && first != '\0') || first == 0x7f ? 1 : 0;
}
