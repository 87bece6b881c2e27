/* What stands in the file without quotes: numbers, names and switches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/pass.h"

/* A whole number as libconfig writes them: decimal or 0x, with or without L or LL. False when it is none. */
static bool whole_number(struct pass *p, const char *word, size_t len)
{
	const bool hex = len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	const size_t at = hex ? 2 : (word[0] == '-' || word[0] == '+');
	const struct token t = pass_shown(p, word, len);
	char digits[32] = "";
	long long value = 0;
	size_t n = len;

	for (int l = 0; l < 2 && n > 0 && word[n - 1] == 'L'; l++)
		n--;
	if (n <= at || !all_in(word + at, n - at, hex ? "0123456789abcdefABCDEF" : "0123456789"))
		return false;
	if (!hex && n - at > 1 && word[at] == '0')
		fault_add(p->faults, p->line, "number %.*s%s starts with 0: write it without", t.len, t.at, t.more);
	errno = n < sizeof(digits) ? 0 : ERANGE;
	if (errno == 0) {
		memcpy(digits, word, n);
		value = strtoll(digits, NULL, hex ? 16 : 10);
	}
	if (errno != 0) {
		fault_add(p->faults, p->line, "number %.*s%s does not fit into 64 bits", t.len, t.at, t.more);
		p->hopeless = true;
	}
	buf_fmt(p->out, "%lld%s", value, value > INT32_MAX || value < INT32_MIN ? "L" : "");
	return true;
}

/* A word that is no number: the name of a setting, true, false, or a mistake libconfig would call "syntax
 * error". A word behind '=' is a value, whatever follows it: half of a key must not pass for a name. */
static void check_word(struct pass *p, const char *word, size_t len)
{
	const char *next = p->at + gap_len(p->at, p->end);
	const bool named = next < p->end && (*next == '=' || *next == ':');
	struct token t;

	if (p->last != LAST_EQUALS)
		p->secret = names_secret(word, len) || (p->secret && !named);
	if (named && p->last != LAST_EQUALS && name_ok(word, len))
		return;
	if (!named && (word_is(word, len, "true") || word_is(word, len, "false")))
		return;
	t = pass_shown(p, word, len);
	if (named && p->last == LAST_EQUALS)
		fault_add(p->faults, p->line,
		          "'%.*s%s' stands between two '=': a value is missing before it, or double quotes around it",
		          t.len, t.at, t.more);
	else if (named)
		fault_add(p->faults, p->line,
		          "'%.*s%s' is no name: a letter, then letters, digits, - and _; poll.interval is written "
		          "poll = { interval = ...; };",
		          t.len, t.at, t.more);
	else
		fault_add(p->faults, p->line,
		          "'%.*s%s' is neither a setting (no '=' follows) nor a value; texts and durations stand in "
		          "double quotes, switches are true or false",
		          t.len, t.at, t.more);
	p->hopeless = true;
}

void pass_word(struct pass *p)
{
	const char *word = p->at;
	size_t len;

	while (p->at < p->end && in_word(*p->at))
		p->at++;
	len = (size_t)(p->at - word);
	if (p->last == LAST_STRING && word[-1] == '"') {
		fault_add(p->faults, p->line,
		          "a text goes on behind its closing quote; is a quote missing in this line?");
		pass_skip_line(p);
		return;
	}
	if (!whole_number(p, word, len)) {
		if (!all_in(word, len, "0123456789+-.eE") || !all_in(word, 1, "0123456789+-."))
			check_word(p, word, len);
		buf_add(p->out, word, len);
	}
	p->last = LAST_OTHER;
}
