/* The one error type. A function that can fail returns `enum err`; a caller must look at it. */
#ifndef AGENT_BASE_ERR_H
#define AGENT_BASE_ERR_H

#define MUST_USE           __attribute__((warn_unused_result))
#define FORMAT(FMT, FIRST) __attribute__((format(printf, FMT, FIRST)))

enum err {
#define ERR(NAME, LABEL, TEXT) ERR_##NAME,
#include "agent/base/err.def"
#undef ERR
	ERR_COUNT /* must be last */
};

/* A sentence for people; written only on failure. Lower case, no full stop, the subject quoted. */
struct why {
	char text[256];
};

/* Stable, lower case, safe as a metric label value. Never NULL. */
const char *err_label(enum err e);

/* For people. Never NULL. */
const char *err_text(enum err e);

/* Fills `why` (may be NULL; a longer sentence is cut, at a whole character; a secret in it is
 * overwritten, see redact.h) and returns `e`, so that a
 * failing function can end with `return err_because(...)`. */
enum err err_because(struct why *why, enum err e, const char *fmt, ...) FORMAT(3, 4);

#endif
