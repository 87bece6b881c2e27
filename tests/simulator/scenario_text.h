/* What stands between a scenario file and libconfig: libconfig 1.5 wraps integers without a word, exits
 * the process on some @include lines, takes a cut comment for the end of the file and joins two strings
 * between which a comma is missing. One pass over the text refuses or repairs all four. */
#ifndef SIMULATOR_SCENARIO_TEXT_H
#define SIMULATOR_SCENARIO_TEXT_H

#include "agent/base/err.h"

/* The file's text, fit for config_read_string; the caller frees it. Numbers beyond 32 bits carry an L. */
enum err scenario_text_read(const char *path, char **ret, struct why *why) MUST_USE;

#endif
