/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef AGENT_BASE_UTF8_H
#define AGENT_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at `s`, of which `left` bytes may be read; 0 when there is no valid one. NUL is one
 * byte. */
size_t utf8_char(const char *s, size_t left);

/* Bytes at `s`, of which `left` may be read, before the first that is not ASCII, a control character below
 * space, a double quote or a backslash: what JSON and label values hold as it is. */
size_t utf8_plain(const char *s, size_t left);

#endif
