/* Any text, with a signature and a key planted into it in every way they are written.
 *
 * The first two bytes choose where and how; the rest is the text around the secret. */
#include <string.h>
#include <strings.h>

#include "agent/base/redact.h"
#include "tests/fuzz/line.h"

/* Secrets of a test, made for it. */
#define SIGNATURE "eJwtzMsKgkAYhuF7mXXIP4czQovAgo0IRRG0S*cfY0jEZDpRdO*ZunwfPr4vifLYb7CkAZE*gxkvCSQ7J4rUb2T5"
#define KEY       "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

/* What has no shape of its own stands behind a space: else it may be within the value of another marker's
 * text. */
static const struct {
	const char *front, *secret;
} planted[] = {
	{ "usersig=", SIGNATURE },
	{ " UserSig=", "short" },
	{ "USERSIG=", "%65%4A" SIGNATURE },
	{ "usersig%3D", SIGNATURE },
	{ " usersig%3d", "%2A%2Ashort" },
	{ "\"usersig\":\"", SIGNATURE },
	{ " UserSig\\\":\\\"", "short" },
	{ "", SIGNATURE },
	{ "", KEY },
	{ "secret_key = \"", KEY },
};
enum { PLANTED = sizeof(planted) / sizeof(planted[0]) };

static bool holds(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* Every byte is what it was or an x, and no line, quote or backslash went. */
static void check_changes(const char *before, const char *after, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char c = before[i];

		MUST(after[i] == c || after[i] == 'x');
		if (c == '\n' || c == '"' || c == '\\' || c == '\0' || c == ' ')
			MUST(after[i] == c);
	}
}

/* Behind every "usersig=" there is nothing but x. */
static void check_values(const char *text, size_t len)
{
	static const char marker[] = "usersig=";
	const size_t mark = sizeof(marker) - 1;

	for (size_t i = 0; i + mark <= len; i++) {
		if (strncasecmp(text + i, marker, mark) != 0)
			continue;
		for (size_t j = i + mark;
		     j < len && memchr("&\"'\\", text[j], 4) == NULL && (unsigned char)text[j] > ' '; j++)
			MUST(text[j] == 'x');
	}
}

static char *plant(const char *around, size_t len, size_t at, size_t which, size_t *ret_len)
{
	const size_t front = strlen(planted[which].front), secret = strlen(planted[which].secret);
	char *text = malloc(len + front + secret);

	MUST(text != NULL);
	memcpy(text, around, at);
	memcpy(text + at, planted[which].front, front);
	memcpy(text + at + front, planted[which].secret, secret);
	memcpy(text + at + front + secret, around + at, len - at);
	*ret_len = len + front + secret;
	return text;
}

static void check(const char *before, size_t len, const char *secret)
{
	char *once = malloc(len > 0 ? len : 1), *twice = malloc(len > 0 ? len : 1);

	MUST(once != NULL && twice != NULL);
	memcpy(once, before, len);
	redact(once, len);
	check_changes(before, once, len);
	check_values(once, len);
	MUST(secret == NULL || !holds(once, len, secret));
	memcpy(twice, once, len);
	redact(twice, len);
	MUST(memcmp(once, twice, len) == 0);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *around = (const char *)data + 2;
	size_t which, text_len;
	char *text;

	if (len < 3)
		return 0;
	len -= 2;
	check(around, len, NULL);
	which = data[1] % PLANTED;
	if (holds(around, len, planted[which].secret))
		return 0;
	text = plant(around, len, data[0] % (len + 1), which, &text_len);
	check(text, text_len, planted[which].secret);
	free(text);
	return 0;
}
