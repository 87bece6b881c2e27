/* The last look at a text before it leaves the process. */
#ifndef AGENT_BASE_REDACT_H
#define AGENT_BASE_REDACT_H

#include <stddef.h>

/* Overwrites in `text[0 .. len)` with `x`, in place and without changing the length: the value of every
 * `usersig=` (any case; in JSON and percent-encoded too), up to `&`, a quote, a backslash, a space or control
 * byte, or the end; whatever has the shape of a UserSig; 64 hexadecimal digits in a row or more, the shape of
 * a key. Idempotent; safe on any bytes; escaped JSON stays escaped. */
void redact(char *text, size_t len);

#endif
