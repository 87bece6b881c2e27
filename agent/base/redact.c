#include "agent/base/redact.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char marker[] = "usersig=";

/* A backslash is never part of a UserSig, but it is half of an escaped quote: overwriting it would end the
 * string of a JSON text early. */
static bool ends_value(char c)
{
	return c == '&' || c == '"' || c == '\'' || c == '\\' || (unsigned char)c <= ' ';
}

void redact(char *text, size_t len)
{
	const size_t mark = sizeof(marker) - 1;

	for (size_t i = 0; i + mark <= len; i++) {
		if (strncasecmp(text + i, marker, mark) != 0)
			continue;
		for (i += mark; i < len && !ends_value(text[i]); i++)
			text[i] = 'x';
	}
}
