/* Brackets of the file, so that a missing one is told with the line it opened in. libconfig only says "syntax
 * error", in the line where the file ends. */
#include "agent/config/inside.h"

enum { GROUP_MAX = 256 };

static char partner(char c)
{
	return c == '{' ? '}' : c == '(' ? ')' : ']';
}

static struct bracket *innermost(struct brackets *b)
{
	return &b->open[b->depth < DEPTH_MAX ? b->depth : DEPTH_MAX];
}

void brackets_open(struct brackets *b, char c, int line)
{
	if (innermost(b)->c == '[') {
		fault_add(b->faults, line, "'%c' inside of [ ], which takes plain values only; write ( ) there", c);
		b->broken = true;
	}
	b->depth++;
	if (b->depth == DEPTH_MAX + 1)
		fault_add(b->faults, line, "brackets deeper than %d; is one not closed above?", DEPTH_MAX);
	b->broken |= b->depth > DEPTH_MAX;
	if (b->depth <= DEPTH_MAX)
		*innermost(b) = (struct bracket){ c, line, 0 };
}

void brackets_close(struct brackets *b, char c, int line)
{
	const struct bracket *open = innermost(b);

	if (b->depth == 0 && !b->unsure) {
		fault_add(b->faults, line, "'%c' closes nothing; is it one too many?", c);
		b->unsure = b->broken = true;
	} else if (b->depth <= DEPTH_MAX && !b->unsure && partner(open->c) != c) {
		fault_add(b->faults, line, "'%c' stands here, but the '%c' of line %d needs its '%c' first", c,
		          open->c, open->line, partner(open->c));
		b->unsure = b->broken = true;
	}
	if (b->depth > 0)
		b->depth--;
}

void brackets_setting(struct brackets *b, int line)
{
	if (++innermost(b)->settings != GROUP_MAX + 1)
		return;
	b->broken = true;
	fault_add(b->faults, line, "more than %d settings in one group; is a bracket missing above?", GROUP_MAX);
}

bool brackets_list(const struct brackets *b)
{
	return b->depth > 0 && b->depth <= DEPTH_MAX && b->open[b->depth].c != '{';
}

void brackets_end(struct brackets *b)
{
	const struct bracket *open = innermost(b);

	if (b->unsure || b->depth == 0 || b->depth > DEPTH_MAX)
		return;
	b->broken = true;
	fault_add(b->faults, open->line, "'%c' is not closed: the file ends without its '%c'", open->c,
	          partner(open->c));
}
