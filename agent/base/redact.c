#include "agent/base/redact.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What stands in front of a signature: in a URL, in an encoded URL, in JSON. */
static const char *const markers[] = { "usersig=", "usersig%3d", "usersig\":\"", "usersig\\\":\\\"" };

/* Shapes, for a secret without its name. A UserSig is a zlib stream in base64, so it begins like every other,
 * and is above a hundred characters long. A key of the service's console is 64 hexadecimal digits. */
enum { SIGNATURE_MIN = 40, KEY_MIN = 64 };

/* A backslash is never part of a UserSig, but it is half of an escaped quote: overwriting it would end the
 * string of a JSON text early. */
static bool ends_value(char c)
{
	return c == '&' || c == '"' || c == '\'' || c == '\\' || (unsigned char)c <= ' ';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The alphabet of a UserSig, with the percent sign of an encoded one. */
static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("*-_%", c) != NULL);
}

static size_t run(const char *text, size_t len, bool (*belongs)(char))
{
	size_t n = 0;

	while (n < len && belongs(text[n]))
		n++;
	return n;
}

static bool is_value(char c)
{
	return !ends_value(c);
}

/* Bytes of a marker at `text`, 0: there is none. */
static size_t marker_at(const char *text, size_t len)
{
	if (len == 0 || (text[0] | 0x20) != 'u')
		return 0;
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		const size_t n = strlen(markers[i]);

		if (n <= len && strncasecmp(text, markers[i], n) == 0)
			return n;
	}
	return 0;
}

/* Bytes of a nameless secret at `text`, 0: there is none. */
static size_t secret_at(const char *text, size_t len)
{
	size_t n = 0;

	/* What a marker hides must not make a shape of what stands in front of it. */
	if (len >= SIGNATURE_MIN && text[0] == 'e' && text[1] == 'J')
		while (n < len && is_token(text[n]) && marker_at(text + n, len - n) == 0)
			n++;
	if (n >= SIGNATURE_MIN)
		return n;
	n = len >= KEY_MIN && is_hex(text[0]) && is_hex(text[KEY_MIN - 1]) ? run(text, len, is_hex) : 0;
	return n >= KEY_MIN ? n : 0;
}

void redact(char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		const size_t mark = marker_at(text + i, len - i);
		const size_t hidden =
			mark > 0 ? run(text + i + mark, len - i - mark, is_value) : secret_at(text + i, len - i);

		memset(text + i + mark, 'x', hidden);
		i += mark + hidden > 0 ? mark + hidden : 1;
	}
}
