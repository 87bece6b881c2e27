/* The listener's own configuration file (TLS, users) as the listener takes it. */
#ifndef AGENT_SECURE_H
#define AGENT_SECURE_H

#include "agent/config/web.h"
#include "exporters/web/web.h"

struct secure {
	struct web_file *file; /* NULL: there is none */
	struct web_user *user;
	struct web_secure web; /* points at the two above */
};

/* Reads the file `path`; "": plain HTTP for everybody. `faults` gets every fault, one line each, or warnings;
 * `why` the first of them. Errors: ERR_CONFIG, ERR_MEMORY. */
enum err secure_load(const char *path, struct secure *ret, struct buf *faults, struct why *why) MUST_USE;
/* The same, said in the log. */
enum err secure_load_and_tell(const char *path, struct secure *ret, struct why *why) MUST_USE;
/* For --config.check: whether it would load. */
enum err secure_check(const char *path, struct buf *faults) MUST_USE;
void secure_done(struct secure *s);

#endif
