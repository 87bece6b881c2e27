/* Patterns of fnmatch(3), which takes a broken one as text that nothing is ever equal to. */
#include <string.h>

#include "agent/config/inside.h"

static const char not_closed[] = "a '[' that is not closed; for the character itself write [[]";

/* "[:alpha:]" at `*at`, and past it. */
static const char *class_fault(const char **at)
{
	static const char *const names[] = { "alnum", "alpha", "blank", "cntrl", "digit", "graph",
		                                 "lower", "print", "punct", "space", "upper", "xdigit" };
	const char *name = *at + 2, *end = strstr(name, ":]");

	if (end == NULL)
		return not_closed;
	*at = end + 2;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == (size_t)(end - name) && memcmp(names[i], name, strlen(names[i])) == 0)
			return NULL;
	return "no class of this name; there are [[:alpha:]], [[:digit:]], [[:alnum:]], [[:upper:]] and the like";
}

/* The character at `*at`, and past it; 0 at the end. */
static unsigned char next_char(const char **at)
{
	if (**at == '\\')
		(*at)++;
	return **at != '\0' ? (unsigned char)*(*at)++ : 0;
}

/* One character, range or class between [ and ], and past it. */
static const char *element_fault(const char **at)
{
	unsigned char from, to;

	if ((*at)[0] == '[' && (*at)[1] == ':')
		return class_fault(at);
	if ((*at)[0] == '[' && ((*at)[1] == '.' || (*at)[1] == '='))
		return "[. and [= are not supported";
	from = to = next_char(at);
	if ((*at)[0] == '-' && (*at)[1] != ']' && (*at)[1] != '\0') {
		(*at)++;
		to = next_char(at);
	}
	if (from == 0 || to == 0)
		return not_closed;
	if (from >= 0x80 || to >= 0x80)
		return "only ASCII can stand between [ and ]: each byte would count for itself";
	return from > to ? "a range that goes backwards; write it like [a-z]" : NULL;
}

/* From behind a '[' to behind its ']'. The first character is never the end, even when it is a ']'. */
static const char *bracket_fault(const char **at)
{
	const char *wrong;

	if (**at == '!' || **at == '^')
		(*at)++;
	do {
		wrong = element_fault(at);
	} while (wrong == NULL && **at != ']');
	if (wrong == NULL)
		(*at)++;
	return wrong;
}

const char *glob_fault(const char *glob)
{
	const char *wrong = NULL;

	while (wrong == NULL && *glob != '\0') {
		const char c = *glob++;

		if (c == '[')
			wrong = bracket_fault(&glob);
		else if (c == '\\' && *glob++ == '\0')
			wrong = "a backslash at the end, with nothing behind it to escape";
	}
	return wrong;
}
