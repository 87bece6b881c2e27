/* TLSSigAPIv2, as the service's own libraries write it: text, HMAC, JSON, zlib, base64, three characters
 * replaced. The buffers of this file are wiped: with the signature in hand one can act as the administrator
 * until it expires. What cJSON and zlib free inside is not in our hands; it never holds the key. */
#include "agent/usersig/mint.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/base/buf.h"

enum { MAC_LEN = 32, MAC_TEXT = 4 * ((MAC_LEN + 2) / 3), TEXT_MAX = 4096 };

/* The signed text. Each line ends with one LF, the last one too. */
static void write_text(struct buf *b, const struct claim *c)
{
	buf_fmt(b, "TLS.identifier:%s\n", c->identifier);
	buf_fmt(b, "TLS.sdkappid:%" PRIu64 "\n", c->sdk_app_id);
	buf_fmt(b, "TLS.time:%" PRId64 "\n", c->time_s);
	buf_fmt(b, "TLS.expire:%" PRId64 "\n", c->expire_s);
	if (c->userbuf != NULL)
		buf_fmt(b, "TLS.userbuf:%s\n", c->userbuf);
}

static enum err sign_text(const struct buf *text, const struct key *key, char ret_sig[MAC_TEXT + 1])
{
	unsigned char mac[MAC_LEN];
	unsigned int len = 0;

	if (text->status != ERR_OK)
		return text->status == ERR_MEMORY ? ERR_MEMORY : ERR_SIGN;
	if (HMAC(EVP_sha256(), key->at, (int)key->len, (const unsigned char *)text->at, text->len, mac, &len) ==
	        NULL ||
	    len != MAC_LEN)
		return ERR_SIGN;
	(void)EVP_EncodeBlock((unsigned char *)ret_sig, mac, MAC_LEN);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ERR_OK;
}

/* A number as its digits: cJSON would send it through a double. */
static bool add_number(cJSON *o, const char *key, const char *fmt, int64_t value)
{
	char text[32];
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	if (strcmp(fmt, "u") == 0)
		buf_fmt(&b, "%" PRIu64, (uint64_t)value);
	else
		buf_fmt(&b, "%" PRId64, value);
	return cJSON_AddRawToObject(o, key, buf_text(&b)) != NULL;
}

static enum err write_json(const struct claim *c, const char *sig, char **ret_json)
{
	cJSON *o = cJSON_CreateObject();
	char *json = NULL;

	if (o != NULL && cJSON_AddStringToObject(o, "TLS.ver", "2.0") != NULL &&
	    cJSON_AddStringToObject(o, "TLS.identifier", c->identifier) != NULL &&
	    add_number(o, "TLS.sdkappid", "u", (int64_t)c->sdk_app_id) &&
	    add_number(o, "TLS.expire", "d", c->expire_s) && add_number(o, "TLS.time", "d", c->time_s) &&
	    (c->userbuf == NULL || cJSON_AddStringToObject(o, "TLS.userbuf", c->userbuf) != NULL) &&
	    cJSON_AddStringToObject(o, "TLS.sig", sig) != NULL)
		json = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	if (json == NULL)
		return ERR_MEMORY;
	*ret_json = json;
	return ERR_OK;
}

static void to_token_alphabet(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '+')
			*text = '*';
		else if (*text == '/')
			*text = '-';
		else if (*text == '=')
			*text = '_';
	}
}

static enum err pack(const char *json, char **ret_sig)
{
	const uLong len = (uLong)strlen(json);
	uLongf packed_len = compressBound(len);
	unsigned char *packed = malloc(packed_len);
	char *sig = NULL;
	enum err e = ERR_MEMORY;

	if (packed == NULL)
		return ERR_MEMORY;
	if (compress2(packed, &packed_len, (const Bytef *)json, len, Z_DEFAULT_COMPRESSION) != Z_OK)
		goto out;
	sig = malloc(4 * (packed_len + 2) / 3 + 4);
	if (sig == NULL)
		goto out;
	(void)EVP_EncodeBlock((unsigned char *)sig, packed, (int)packed_len);
	to_token_alphabet(sig);

	*ret_sig = sig;
	e = ERR_OK;
out:
	OPENSSL_cleanse(packed, packed_len);
	free(packed);
	return e;
}

enum err mint(const struct claim *claim, const struct key *key, char **ret_sig)
{
	char sig[MAC_TEXT + 1], *json = NULL;
	struct buf text;
	enum err e;

	buf_init(&text, TEXT_MAX);
	write_text(&text, claim);
	e = sign_text(&text, key, sig);
	if (e != ERR_OK)
		goto out;
	e = write_json(claim, sig, &json);
	if (e != ERR_OK)
		goto out;
	e = pack(json, ret_sig);
out:
	if (json != NULL) {
		OPENSSL_cleanse(json, strlen(json));
		cJSON_free(json);
	}
	OPENSSL_cleanse(sig, sizeof(sig));
	buf_done(&text);
	return e;
}
