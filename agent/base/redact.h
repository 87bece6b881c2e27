/* The last look at a text before it leaves the process. */
#ifndef AGENT_BASE_REDACT_H
#define AGENT_BASE_REDACT_H

#include <stddef.h>

/* Overwrites the value of every `usersig=` (any case) in `text[0 .. len)` with `x`, in place and
 * without changing the length. A value ends at `&`, a quote, a backslash, a space or control byte, or
 * the end. Idempotent; safe on any bytes; escaped JSON stays escaped. */
void redact(char *text, size_t len);

#endif
