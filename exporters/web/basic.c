/* libmicrohttpd 0.9.75 knows the scheme in one spelling only and cuts what it decodes at a NUL. */
#include "exporters/web/basic.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "agent/base/utf8.h"

static const char scheme[] = "Basic";

enum {
	PLAIN_MAX = CREDENTIAL_MAX + 1 + CREDENTIAL_MAX,
	CODED_MAX = (PLAIN_MAX + 2) / 3 * 4,
};

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters, of which the last `pads` are '='. The bits that padding leaves over must be zero, else two
 * texts mean the same. */
static bool decode_four(const char *four, size_t pads, uint8_t *to)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		const int v = i < 4 - pads ? sextet(four[i]) : 0;

		if (v < 0 || (i >= 4 - pads && four[i] != '='))
			return false;
		bits = bits << 6 | (uint32_t)v;
	}
	if ((bits & ((UINT32_C(1) << (8 * pads)) - 1)) != 0)
		return false;
	for (size_t i = 0; i < 3 - pads; i++)
		to[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

static bool decode(const char *at, size_t len, uint8_t *to, size_t *ret_len)
{
	size_t n = 0;

	if (len == 0 || len % 4 != 0 || len > CODED_MAX)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		const bool last = i + 4 == len;
		const size_t pads = last ? (size_t)(at[i + 3] == '=') + (at[i + 2] == '=') : 0;

		if (!decode_four(at + i, pads, to + n))
			return false;
		n += 3 - pads;
	}
	*ret_len = n;
	return true;
}

/* RFC 7617 2: neither part has control characters. */
static bool copy_part(const uint8_t *at, size_t len, char to[CREDENTIAL_MAX + 1], size_t *ret_len)
{
	const char *text = (const char *)at;

	if (len > CREDENTIAL_MAX)
		return false;
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i);
		const bool c1 = n == 2 && at[i] == 0xc2 && at[i + 1] < 0xa0;

		if (n == 0 || at[i] < 0x20 || at[i] == 0x7f || c1)
			return false;
		i += n;
	}
	memcpy(to, at, len);
	to[len] = '\0';
	*ret_len = len;
	return true;
}

static bool split(const uint8_t *plain, size_t len, struct credentials *c)
{
	const uint8_t *colon = memchr(plain, ':', len);
	const size_t user_len = colon != NULL ? (size_t)(colon - plain) : 0;

	return colon != NULL && copy_part(plain, user_len, c->user, &c->user_len) &&
	       copy_part(colon + 1, len - user_len - 1, c->password, &c->password_len);
}

bool basic_parse(const char *field, size_t len, struct credentials *ret)
{
	const size_t name_len = sizeof(scheme) - 1;
	uint8_t plain[CODED_MAX / 4 * 3];
	size_t plain_len = 0;
	bool fine;

	memset(ret, 0, sizeof(*ret));
	while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\t'))
		len--;
	if (len <= name_len || strncasecmp(field, scheme, name_len) != 0 || field[name_len] != ' ')
		return false;
	field += name_len;
	len -= name_len;
	while (len > 0 && *field == ' ') {
		field++;
		len--;
	}
	fine = decode(field, len, plain, &plain_len) && split(plain, plain_len, ret);
	explicit_bzero(plain, sizeof(plain));
	if (!fine)
		credentials_wipe(ret);
	return fine;
}

void credentials_wipe(struct credentials *c)
{
	explicit_bzero(c, sizeof(*c));
}
