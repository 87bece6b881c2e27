/* Makes and caches the UserSig of one app administrator (TLSSigAPIv2: HMAC-SHA256 over a fixed text,
 * JSON, zlib, base64 with `* - _` for `+ / =`). The only room that ever holds the app's secret key:
 * the key is read from its source at each minting and wiped right after. */
#ifndef AGENT_USERSIG_SIGNER_H
#define AGENT_USERSIG_SIGNER_H

#include <stdint.h>

#include "agent/base/err.h"

/* Where the key stands. FILE: a path. ENV: a variable's name. CREDENTIAL: a name below
 * $CREDENTIALS_DIRECTORY (systemd). INLINE: the key itself. One newline at the end is cut. */
enum key_kind { KEY_FILE, KEY_ENV, KEY_CREDENTIAL, KEY_INLINE };
struct key_source {
	enum key_kind kind;
	const char *name;
};

struct signer;

/* Copies its arguments; reads no key yet. `ttl_s` is the life of a signature. `seed` feeds the
 * renewal jitter. Errors: ERR_MEMORY. */
enum err signer_new(uint64_t sdk_app_id, const char *admin, const struct key_source *key, int64_t ttl_s,
                    uint64_t seed, struct signer **ret) MUST_USE;

/* The signature in force, borrowed until the next call on this signer. Mints a new one at half of its
 * life (+-10 %, by jitter), when it lies more than 60 s in the future (the clock was set back), or after
 * signer_expire. When minting fails while the old signature has neither expired nor been refused, the old
 * one is returned and ERR_OK; the next try to mint is a minute later.
 * Errors: ERR_KEY (`why` names the source, never the key), ERR_SIGN, ERR_MEMORY. */
enum err signer_get(struct signer *s, int64_t unix_s, const char **ret_sig, struct why *why) MUST_USE;

/* Takes the place of `before`: its count of renewals goes on from there. Before the first signer_get. */
void signer_succeed(struct signer *s, const struct signer *before);

/* The server refused the signature: the next signer_get mints. */
void signer_expire(struct signer *s);

/* When the signature in force ends, unix seconds; 0 before the first one. */
int64_t signer_expiry_s(const struct signer *s);
uint64_t signer_renewals(const struct signer *s); /* minted since start */

/* Checks that a key can be read now, and discards it. Errors: ERR_KEY.
 * *ret_loose (may be NULL) is set when a key file is readable by group or others. */
enum err key_check(const struct key_source *key, int *ret_loose, struct why *why) MUST_USE;

/* Wipes the signature and frees. NULL is fine. */
void signer_free(struct signer *s);

#endif
