/* UserSig as the service reads it, written from the published algorithm and sharing nothing with
 * agent/usersig. */
#ifndef TESTS_UNIT_TOKEN_H
#define TESTS_UNIT_TOKEN_H

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { TOKEN_ROOM = 8192 };

/* NULL when the text is no base64 of a whole zlib stream of a JSON object; the caller deletes. */
static cJSON *token_open(const char *usersig)
{
	unsigned char packed[TOKEN_ROOM];
	char base64[TOKEN_ROOM], json[TOKEN_ROOM];
	const size_t len = strlen(usersig);
	uLongf json_len = sizeof(json) - 1;
	int n;

	if (len % 4 != 0 || len >= sizeof(base64))
		return NULL;
	for (size_t i = 0; i <= len; i++)
		base64[i] = (char)(usersig[i] == '*'   ? '+'
		                   : usersig[i] == '-' ? '/'
		                   : usersig[i] == '_' ? '='
		                                       : usersig[i]);
	n = EVP_DecodeBlock(packed, (unsigned char *)base64, (int)len);
	if (n < 0 || uncompress((Bytef *)json, &json_len, packed, (uLong)n) != Z_OK)
		return NULL;
	json[json_len] = '\0';
	return cJSON_Parse(json);
}

static const char *token_text(const cJSON *o, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return text != NULL ? text : "";
}

static double token_number(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

/* The 44 characters of base64 over the HMAC of `text`. */
static void token_mac(const char *key, const char *text, char ret[48])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	(void)HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, strlen(text), mac, &len);
	(void)EVP_EncodeBlock((unsigned char *)ret, mac, (int)len);
}

/* What the service checks: shape, names, time, and the HMAC over the claimed values. */
static bool token_verifies(const char *usersig, double sdkappid, const char *identifier, const char *key,
                           double now_s)
{
	cJSON *o = token_open(usersig);
	char text[1024], mac[48];
	bool ok = o != NULL && strcmp(token_text(o, "TLS.ver"), "2.0") == 0 &&
	          strcmp(token_text(o, "TLS.identifier"), identifier) == 0 &&
	          token_number(o, "TLS.sdkappid") == sdkappid &&
	          now_s <= token_number(o, "TLS.time") + token_number(o, "TLS.expire");

	if (ok) {
		(void)snprintf(text, sizeof(text),
		               "TLS.identifier:%s\nTLS.sdkappid:%.0f\nTLS.time:%.0f\nTLS.expire:%.0f\n",
		               token_text(o, "TLS.identifier"), token_number(o, "TLS.sdkappid"),
		               token_number(o, "TLS.time"), token_number(o, "TLS.expire"));
		token_mac(key, text, mac);
		ok = strcmp(mac, token_text(o, "TLS.sig")) == 0;
	}
	cJSON_Delete(o);
	return ok;
}

#endif
