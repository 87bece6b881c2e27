#include "agent/usersig/signer.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/usersig/mint.h"

enum {
	FUTURE_MAX_S = 60, /* a signature made further in the future was made by a clock that has been set back */
	RETRY_S = 60,
};

struct signer {
	uint64_t sdk_app_id;
	char *admin, *name; /* name: of the key source; the key itself with KEY_INLINE */
	enum key_kind kind;
	int64_t ttl_s;
	uint64_t random;
	char *sig; /* in force, or NULL */
	int64_t made_s, renew_s, retry_s;
	bool refused; /* the server did not take it */
	uint64_t renewals;
};

static void wipe_text(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	wipe_text(s->sig);
	wipe_text(s->name);
	free(s->admin);
	free(s);
}

enum err signer_new(uint64_t sdk_app_id, const char *admin, const struct key_source *key, int64_t ttl_s,
                    uint64_t seed, struct signer **ret)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_MEMORY;
	s->sdk_app_id = sdk_app_id;
	s->kind = key->kind;
	s->ttl_s = ttl_s;
	s->random = seed;
	s->admin = strdup(admin);
	s->name = strdup(key->name);
	if (s->admin == NULL || s->name == NULL) {
		signer_free(s);
		return ERR_MEMORY;
	}
	*ret = s;
	return ERR_OK;
}

/* Half of the life, give or take a tenth of that, so that many exporters started together drift apart. */
static int64_t renewal_age_s(struct signer *s)
{
	const int64_t half_s = s->ttl_s / 2, span_s = half_s / 5 + 1;

	s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return half_s - half_s / 10 + (int64_t)((s->random >> 33) % (uint64_t)span_s);
}

static enum err renew(struct signer *s, int64_t unix_s, struct why *why)
{
	const struct key_source source = { s->kind, s->name };
	const struct claim claim = {
		.sdk_app_id = s->sdk_app_id,
		.identifier = s->admin,
		.time_s = unix_s,
		.expire_s = s->ttl_s,
	};
	struct key key;
	char *sig;
	enum err e = key_read(&source, &key, why);

	if (e != ERR_OK)
		return e;
	e = mint(&claim, &key, &sig);
	key_wipe(&key);
	if (e != ERR_OK)
		return err_because(why, e, "cannot make a UserSig for '%s': %s", s->admin, err_text(e));
	wipe_text(s->sig);
	s->sig = sig;
	s->made_s = unix_s;
	s->renew_s = unix_s + renewal_age_s(s);
	s->refused = false;
	s->renewals++;
	return ERR_OK;
}

static bool is_valid(const struct signer *s, int64_t unix_s)
{
	return s->sig != NULL && !s->refused && unix_s <= s->made_s + s->ttl_s &&
	       s->made_s - unix_s <= FUTURE_MAX_S;
}

enum err signer_get(struct signer *s, int64_t unix_s, const char **ret_sig, struct why *why)
{
	const bool valid = is_valid(s, unix_s);
	const bool wanted = !valid || unix_s >= s->renew_s;
	const bool waiting = unix_s < s->retry_s && s->retry_s - unix_s <= RETRY_S;
	enum err e = ERR_OK;

	if (wanted && !(valid && waiting)) {
		e = renew(s, unix_s, why);
		s->retry_s = e == ERR_OK ? 0 : unix_s + RETRY_S;
	}
	if (e != ERR_OK && !is_valid(s, unix_s))
		return e;
	*ret_sig = s->sig;
	return ERR_OK;
}

void signer_succeed(struct signer *s, const struct signer *before)
{
	s->renewals = before->renewals;
}

void signer_expire(struct signer *s)
{
	s->refused = true;
}

int64_t signer_expiry_s(const struct signer *s)
{
	return s->sig != NULL ? s->made_s + s->ttl_s : 0;
}

uint64_t signer_renewals(const struct signer *s)
{
	return s->renewals;
}
