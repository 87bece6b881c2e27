/* The file that web.config_file names: the listener's TLS and who may ask. Keys as in the web configuration
 * of the Prometheus ecosystem, written as the main file is. */
#ifndef AGENT_CONFIG_WEB_H
#define AGENT_CONFIG_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

struct web_file_user {
	const char *name, *password_hash;
};

/* Everything the files said when they were read: PEM texts, not paths. */
struct web_file {
	const char *cert, *key;           /* which match each other; both NULL: no TLS */
	const char *client_ca;            /* NULL: no client certificate is asked for */
	bool tls13;                       /* TLS 1.3 at least; else 1.2 */
	const struct web_file_user *user; /* names are different, hashes have bcrypt's form, cost 8 to 14 */
	size_t user_n;
	const char
		*path[3]; /* what else was read: certificate, key, client CA; a change of one is a change of all */
	size_t path_n;
	struct conf_arena *arena; /* where everything stands; the loader's own */
};

/* Reads and checks the file and those it names, relative to its folder. `faults` as conf_load has it: every
 * fault on failure, warnings on success. A YAML file is refused with the same thing in our form. Errors:
 * ERR_CONFIG, ERR_MEMORY. */
enum err web_file_load(const char *path, struct web_file **ret, struct buf *faults) MUST_USE;
/* Wipes it. NULL is fine. */
void web_file_free(struct web_file *w);

#endif
