/* Why a file could not be opened, for people. */
#ifndef AGENT_BASE_REFUSAL_H
#define AGENT_BASE_REFUSAL_H

/* The text of `code`, which open(2) left for `path`. When the file's own permissions would let us and the
 * sandbox does not, it says so and what helps. Never NULL; valid until the next call. */
const char *refusal_text(const char *path, int code);

#endif
