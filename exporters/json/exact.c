/* Numbers that a double cannot hold. The tree knows which member is meant, whatever escapes or repeated keys
 * stand in the way; the text knows its digits. Members stand in both in the same order, so the number of a
 * member leads from one to the other, and no key is ever compared with raw text. */
#include <string.h>

#include "exporters/json/inside.h"

/* False when it is not all digits, or more than 64 bits. */
static bool read_digits(const char *at, size_t len, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		const unsigned digit = (unsigned char)at[i] - '0';

		if (!is_digit(at[i]) || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return len > 0;
}

/* From the quote that opens a string to the one that closes it. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at;
}

/* The number that is the value of the top-level object's member number `index`. */
static const char *find_number(const char *at, const char *end, size_t index, size_t *ret_len)
{
	const char *start;
	int depth = 0;

	for (; at < end; at++) {
		if (*at == '"')
			at = string_end(at, end);
		else if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		else if (*at == ',' && depth == 1)
			index--;
		else if (*at == ':' && depth == 1 && index == 0)
			break;
	}
	while (at < end && !is_digit(*at) && *at != '-')
		at++;
	for (start = at; at < end && (is_digit(*at) || strchr("+-.eE", *at) != NULL); at++)
		;
	*ret_len = (size_t)(at - start);
	return start;
}

static size_t member_number(const cJSON *root, const cJSON *member)
{
	size_t n = 0;

	for (const cJSON *c = root->child; c != member; c = c->next)
		n++;
	return n;
}

bool json_exact(const char *json, size_t len, const cJSON *root, const char *key, uint64_t *ret,
                uint32_t *doubtful)
{
	const cJSON *v = json_member(root, key);
	const char *digits = "";
	size_t n = 0;

	if (v == NULL)
		return false;
	if (cJSON_IsString(v)) {
		digits = v->valuestring;
		n = strlen(digits);
	} else if (cJSON_IsNumber(v)) {
		digits = find_number(json, json + len, member_number(root, v), &n);
	}
	if (read_digits(digits, n, ret))
		return true;
	++*doubtful;
	return false;
}
