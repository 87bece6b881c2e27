#include <stdio.h>
#include <string.h>

#include "agent/config/inside.h"

/* Prometheus' units, largest first; a year has 365 days. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "y", 31536000000 }, { "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 },
	{ "m", 60000 },       { "s", 1000 },      { "ms", 1 },
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

static const int64_t duration_max_ms = 100 * 31536000000;

/* Which unit the letters at `text` name; UNITS when none. */
static size_t unit_find(const char *text, size_t len)
{
	size_t u = 0;

	while (u < UNITS && (strlen(units[u].name) != len || memcmp(units[u].name, text, len) != 0))
		u++;
	return u;
}

bool conf_duration(const char *text, int64_t *ret_ms)
{
	size_t least = 0; /* the largest unit that may still come */
	int64_t total = 0;

	if (strcmp(text, "0") == 0) { /* as Prometheus takes it */
		*ret_ms = 0;
		return true;
	}
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		const size_t digits = strspn(text, "0123456789");
		const size_t letters = strspn(text + digits, "ywdhms");
		const size_t u = unit_find(text + digits, letters);
		int64_t n = 0;

		if (digits == 0 || digits > 13 || u == UNITS || u < least)
			return false;
		for (size_t i = 0; i < digits; i++)
			n = n * 10 + (text[i] - '0');
		if (n > (duration_max_ms - total) / units[u].ms)
			return false;
		total += n * units[u].ms;
		least = u + 1;
		text += digits + letters;
	}
	*ret_ms = total;
	return true;
}

const char *duration_text(int64_t ms, char room[DURATION_ROOM])
{
	size_t len = 0;

	memcpy(room, "0s", sizeof("0s"));
	for (size_t u = 0; u < UNITS && ms > 0; u++) {
		if (ms < units[u].ms || strcmp(units[u].name, "w") == 0 || strcmp(units[u].name, "y") == 0)
			continue; /* days read better than weeks and years */
		len += (size_t)snprintf(room + len, DURATION_ROOM - len, "%lld%s", (long long)(ms / units[u].ms),
		                        units[u].name);
		ms %= units[u].ms;
	}
	return room;
}
