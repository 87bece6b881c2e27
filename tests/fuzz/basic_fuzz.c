/* An Authorization field, and who it says it is from. Where the program asks bcrypt, this target compares:
 * what it checks is which fields mean which name and password, and that exactly those do. */
#include <string.h>
#include <strings.h>

#include "exporters/web/basic.h"
#include "tests/fuzz/line.h"

static const struct {
	const char *user, *password;
} known[] = { { "prometheus", "secret" }, { "a", "" }, { "\xc3\xa9l\xc3\xa8ve", "a:b" } };
enum { CODED_MAX = (2 * CREDENTIAL_MAX + 3) / 3 * 4 };

static bool is_plain(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
			return false;
	return at[len] == '\0' && strlen(at) == len && text_is_valid(at, len);
}

/* "user:password" in base64, RFC 4648 4. */
static size_t encode(const struct credentials *c, char ret[CODED_MAX + 1])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char plain[2 * CREDENTIAL_MAX + 2];
	const size_t len = (size_t)snprintf(plain, sizeof(plain), "%s:%s", c->user, c->password);
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (i + j < len ? (unsigned char)plain[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			ret[n++] = i + j > len ? '=' : digits[bits >> (18 - 6 * j) & 63];
	}
	ret[n] = '\0';
	return n;
}

/* The scheme, spaces, exactly these characters, blanks. */
static bool is_spelled(const char *field, size_t len, const char *coded, size_t coded_len)
{
	size_t i = 5;

	if (len <= i || strncasecmp(field, "basic", 5) != 0 || field[i] != ' ')
		return false;
	while (i < len && field[i] == ' ')
		i++;
	if (len - i < coded_len || memcmp(field + i, coded, coded_len) != 0)
		return false;
	for (i += coded_len; i < len; i++)
		if (field[i] != ' ' && field[i] != '\t')
			return false;
	return true;
}

static bool is_let_in(const struct credentials *c)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(c->user, known[i].user) == 0 && strcmp(c->password, known[i].password) == 0)
			return true;
	return false;
}

/* The only field without surplus for this name and password is understood, and nothing may stand around it.
 */
static void check_canonical(const struct credentials *c, const char *coded)
{
	char field[CODED_MAX + 16];
	struct credentials again;
	const size_t len = (size_t)snprintf(field, sizeof(field), "Basic %s", coded);

	MUST(basic_parse(field, len, &again));
	MUST(again.user_len == c->user_len && memcmp(again.user, c->user, c->user_len) == 0);
	MUST(again.password_len == c->password_len && memcmp(again.password, c->password, c->password_len) == 0);
	MUST(is_let_in(&again) == is_let_in(c));
	MUST(!basic_parse(field, len - 1, &again) || strcmp(again.password, c->password) != 0);
	field[len] = ',';
	MUST(!basic_parse(field, len + 1, &again));
	MUST(!basic_parse(field + 1, len - 1, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct credentials c, nobody;
	char *field = malloc(len > 0 ? len : 1),
		 coded[CODED_MAX + 1]; /* of its size, so that ASan sees its end */

	MUST(field != NULL);
	if (len > 0)
		memcpy(field, data, len);
	memset(&c, 0x5a, sizeof(c));
	memset(&nobody, 0, sizeof(nobody));
	if (!basic_parse(field, len, &c)) {
		MUST(memcmp(&c, &nobody, sizeof(c)) == 0);
	} else {
		MUST(c.user_len <= CREDENTIAL_MAX && c.password_len <= CREDENTIAL_MAX);
		MUST(is_plain(c.user, c.user_len) && is_plain(c.password, c.password_len));
		MUST(strchr(c.user, ':') == NULL);
		MUST(is_spelled(field, len, coded, encode(&c, coded)));
		check_canonical(&c, coded);
		credentials_wipe(&c);
		MUST(memcmp(&c, &nobody, sizeof(c)) == 0);
	}
	free(field);
	return 0;
}
