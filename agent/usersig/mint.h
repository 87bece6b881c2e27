/* The pieces of a signer; private to this room. */
#ifndef AGENT_USERSIG_MINT_H
#define AGENT_USERSIG_MINT_H

#include <stddef.h>
#include <stdint.h>

#include "agent/usersig/signer.h"

/* A secret key outside of its source: wiped by key_wipe. */
enum { KEY_MAX = 512 };
struct key {
	size_t len;
	char at[KEY_MAX + 3]; /* room to notice a key that is too long, and a CRLF */
};
enum err key_read(const struct key_source *source, struct key *ret, struct why *why) MUST_USE;
void key_wipe(struct key *k);
/* variable.c: the key in an environment variable, which leaves the environment when it is read first. Errors:
 * ERR_KEY. */
enum err variable_read(const char *name, struct key *ret, struct why *why) MUST_USE;

/* What a UserSig says. */
struct claim {
	uint64_t sdk_app_id;
	const char *identifier;
	int64_t time_s, expire_s;
	const char *userbuf; /* base64 text, or NULL; REST calls need none */
};

/* A new UserSig, NUL-terminated; the caller wipes and frees it. Errors: ERR_SIGN, ERR_MEMORY. */
enum err mint(const struct claim *claim, const struct key *key, char **ret_sig) MUST_USE;

#endif
