/* Strings of the file. */
#include <string.h>

#include "agent/config/pass.h"

size_t pass_string_len(struct pass *p)
{
	const char *wrong;

	for (const char *s = p->at + 1; s < p->end && *s != '\n'; s++) {
		if (*s == '"')
			return (size_t)(s - p->at) + 1;
		if (*s != '\\' || s + 1 == p->end || s[1] == '\n')
			continue;
		wrong = escape_fault(s, (size_t)(p->end - s));
		if (wrong != NULL)
			fault_add(p->faults, p->line, "%s", wrong);
		s++;
	}
	return 0;
}

/* libconfig would make one string of two that only blanks part. A text in any other odd place is a syntax
 * error, for which version 1.5 does not free it. Outside of lists it may be a key that lost its name. */
static void misplaced_string(struct pass *p, size_t len)
{
	const struct token a = pass_shown(p, p->string, p->string_len), b = pass_shown(p, p->at, len);
	const char *next = p->at + len + gap_len(p->at + len, p->end);
	const bool list = brackets_list(&p->brackets);

	p->hopeless |= p->last != LAST_STRING;
	if (p->last == LAST_STRING && list)
		fault_add(p->faults, p->line, "a comma is missing between %.*s%s and %.*s%s", a.len, a.at, a.more,
		          b.len, b.at, b.more);
	else if (list)
		fault_add(p->faults, p->line, "a comma is missing before %.*s%s", b.len, b.at, b.more);
	else if (p->last == LAST_STRING)
		fault_add(p->faults, p->line, "two texts behind each other, where one is wanted");
	else if (next == p->end || (*next != '=' && *next != ':')) /* else a name in quotes, told at the '=' */
		fault_add(p->faults, p->line, "a text without a name and '=' before it");
}

void pass_string(struct pass *p)
{
	const size_t len = pass_string_len(p);
	bool list, fine;

	if (len == 0) {
		const char *newline = memchr(p->at, '\n', pass_left(p));
		const struct token t =
			pass_shown(p, p->at, newline != NULL ? (size_t)(newline - p->at) : pass_left(p));

		fault_add(p->faults, p->line, "a string without its closing quote: %.*s%s", t.len, t.at, t.more);
		pass_skip_line(p);
		return;
	}
	list = brackets_list(&p->brackets);
	fine = p->brackets.unsure || p->last == LAST_EQUALS ||
	       (list && (p->last == LAST_COMMA || p->last == LAST_OPEN));
	if (!fine)
		misplaced_string(p, len);
	if (fine || list) {
		buf_str(p->out, fine ? "" : ",");
		buf_add(p->out, p->at, len);
	}
	p->string = p->at;
	p->string_len = len;
	p->last = LAST_STRING;
	p->at += len;
}
