/* --once: every community is polled once, then one page is written. */
#ifndef AGENT_ONCE_H
#define AGENT_ONCE_H

#include "agent/config/conf.h"

enum once_format { ONCE_TEXT, ONCE_OPENMETRICS, ONCE_JSON, ONCE_FORMATS };
/* False when `word` is none of text, openmetrics, json. */
bool once_format_of(const char *word, enum once_format *ret);

/* Lists are read first, where communities are looked for; nobody is listened to, and the budgets hold. `path`
 * NULL: standard output. Writes the page also when some communities failed,
 * for it tells which; not after a signal. ERR_OK: all of them were polled and usable. Errors are told on
 * standard error. */
enum err once(const struct conf *c, enum once_format format, const char *path) MUST_USE;

#endif
