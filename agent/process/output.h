/* Where --once writes: standard output, or a file that appears whole or not at all. */
#ifndef AGENT_PROCESS_OUTPUT_H
#define AGENT_PROCESS_OUTPUT_H

#include <stddef.h>

#include "agent/base/buf.h"

/* Written beside the file and renamed over it, with mode 0644, after it is safe on the disk: until then the
 * old file stays, and after an error it stays for good. */
struct output {
	const char *path; /* borrowed; NULL: standard output */
	char *beside;     /* NULL: not there, or renamed */
	int fd;           /* -1: closed */
};

/* Errors: ERR_SYSTEM, ERR_MEMORY; `why` names the file. */
enum err output_open(const char *path, struct output *ret, struct why *why) MUST_USE;
enum err output_add(struct output *o, const char *at, size_t len, struct why *why) MUST_USE;
/* The file is there. */
enum err output_commit(struct output *o, struct why *why) MUST_USE;
/* Whatever was not committed is gone. */
void output_done(struct output *o);

#endif
