#include "tests/simulator/usersig_check.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include "agent/base/buf.h"
#include "tests/simulator/json.h"

enum {
	TOKEN_MAX = 4096, /* real ones stay below 512 */
	PLAIN_MAX = 4096, /* what may come out of the inflater */
	EXPIRED = 70001,
	EMPTY = 70002,
	UNREADABLE = 70003,
	OTHER_KEY = 70009,
	OTHER_IDENTIFIER = 70013,
	OTHER_APP = 70014,
};

/* The six bits of one character of the UserSig alphabet: `*` stands for `+`, `-` for `/`. */
static int bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '*')
		return 62;
	if (c == '-')
		return 63;
	return -1;
}

/* Base64 in that alphabet, padded with `_`. Returns the bytes written, 0 when the text is not canonical. */
static size_t decode(const char *text, size_t len, unsigned char *out)
{
	size_t pad = 0, n = 0;
	uint32_t held = 0;

	while (pad < 2 && pad < len && text[len - 1 - pad] == '_')
		pad++;
	if (len == 0 || len % 4 != 0)
		return 0;
	for (size_t i = 0; i < len - pad; i++) {
		int bits = bits_of(text[i]);
		if (bits < 0)
			return 0;
		held = held << 6 | (uint32_t)bits;
		if (i % 4 != 0)
			out[n++] = (unsigned char)(held >> (6 - 2 * (i % 4)));
	}
	/* Bits that padding makes meaningless must be zero. */
	if ((pad == 1 && (held & 3) != 0) || (pad == 2 && (held & 15) != 0))
		return 0;
	return n;
}

/* One zlib stream and nothing behind it. Returns the length, 0 when it is broken or too large. */
static size_t inflate_all(unsigned char *from, size_t len, char *out, size_t room)
{
	z_stream z = {
		.next_in = from, .avail_in = (uInt)len, .next_out = (Bytef *)out, .avail_out = (uInt)room
	};
	size_t n = 0;

	if (inflateInit(&z) != Z_OK)
		return 0;
	if (inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0)
		n = room - z.avail_out;
	(void)inflateEnd(&z);
	return n;
}

struct claims {
	const char *version, *identifier, *signature, *userbuf;
	uint64_t sdkappid;
	int64_t time, expire;
};

static bool claims_read(const struct json *token, struct claims *ret)
{
	const struct json *userbuf = json_get(token, "TLS.userbuf");

	ret->version = json_str(json_get(token, "TLS.ver"));
	ret->identifier = json_str(json_get(token, "TLS.identifier"));
	ret->signature = json_str(json_get(token, "TLS.sig"));
	ret->userbuf = json_str(userbuf);
	return ret->version != NULL && strcmp(ret->version, "2.0") == 0 && ret->identifier != NULL &&
	       ret->signature != NULL && (userbuf == NULL || ret->userbuf != NULL) &&
	       json_uint(json_get(token, "TLS.sdkappid"), &ret->sdkappid) &&
	       json_int(json_get(token, "TLS.time"), &ret->time) &&
	       json_int(json_get(token, "TLS.expire"), &ret->expire);
}

static bool signature_matches(const struct claims *c, const char *key)
{
	char text[PLAIN_MAX];
	unsigned char mac[EVP_MAX_MD_SIZE], expected[2 * EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	struct buf b;
	int n;

	buf_wrap(&b, text, sizeof(text));
	buf_fmt(&b, "TLS.identifier:%s\nTLS.sdkappid:%" PRIu64 "\nTLS.time:%" PRId64 "\nTLS.expire:%" PRId64 "\n",
	        c->identifier, c->sdkappid, c->time, c->expire);
	if (c->userbuf != NULL)
		buf_fmt(&b, "TLS.userbuf:%s\n", c->userbuf);
	if (b.status != ERR_OK ||
	    HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, b.len, mac, &mac_len) == NULL)
		return false;
	n = EVP_EncodeBlock(expected, mac, (int)mac_len);
	return n > 0 && strlen(c->signature) == (size_t)n &&
	       CRYPTO_memcmp(c->signature, expected, (size_t)n) == 0;
}

static int claims_judge(const struct claims *c, const struct usersig_wanted *wanted, int64_t unix_s)
{
	int64_t end;

	if (strcmp(c->identifier, wanted->identifier) != 0)
		return OTHER_IDENTIFIER;
	if (c->sdkappid != wanted->sdkappid)
		return OTHER_APP;
	if (!signature_matches(c, wanted->key))
		return OTHER_KEY;
	if (__builtin_add_overflow(c->time, c->expire, &end) || unix_s > end)
		return EXPIRED;
	return 0;
}

int usersig_check(const char *usersig, const struct usersig_wanted *wanted, int64_t unix_s)
{
	unsigned char packed[TOKEN_MAX];
	char plain[PLAIN_MAX];
	struct claims claims;
	struct json *token = NULL;
	size_t len = strlen(usersig);
	int code = UNREADABLE;

	if (len == 0)
		return EMPTY;
	if (len > TOKEN_MAX)
		return UNREADABLE;
	len = decode(usersig, len, packed);
	if (len > 0)
		len = inflate_all(packed, len, plain, sizeof(plain));
	if (len > 0 && json_parse(plain, len, &token, NULL) == ERR_OK && claims_read(token, &claims))
		code = claims_judge(&claims, wanted, unix_s);
	json_free(token);
	return code;
}
