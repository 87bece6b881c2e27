#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/json.h"

void json_free(struct json *j)
{
	while (j != NULL) {
		struct json *next = j->next;
		json_free(j->child);
		free(j->text);
		free(j->name);
		free(j);
		j = next;
	}
}

static char *text_copy(const char *text, bool *ok)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	*ok = *ok && (text == NULL || copy != NULL);
	return copy;
}

struct json *json_copy(const struct json *j)
{
	struct json *copy = calloc(1, sizeof(*copy));
	struct json **tail = copy != NULL ? &copy->child : NULL;
	bool ok = copy != NULL;

	if (copy == NULL)
		return NULL;
	copy->kind = j->kind;
	copy->truth = j->truth;
	copy->text = text_copy(j->text, &ok);
	copy->name = text_copy(j->name, &ok);
	for (const struct json *child = j->child; ok && child != NULL; child = child->next) {
		*tail = json_copy(child);
		ok = *tail != NULL;
		tail = ok ? &(*tail)->next : tail;
	}
	if (ok)
		return copy;
	json_free(copy);
	return NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *j = object->child; j != NULL; j = j->next)
		if (strcmp(j->name, name) == 0)
			return j;
	return NULL;
}

const char *json_str(const struct json *j)
{
	return j != NULL && j->kind == JSON_TEXT ? j->text : NULL;
}

bool json_int(const struct json *j, int64_t *ret)
{
	char *end;
	long long n;

	if (j == NULL || j->kind != JSON_NUMBER)
		return false;
	errno = 0;
	n = strtoll(j->text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret = n;
	return true;
}

bool json_uint(const struct json *j, uint64_t *ret)
{
	char *end;
	unsigned long long n;

	if (j == NULL || j->kind != JSON_NUMBER || j->text[0] == '-')
		return false;
	errno = 0;
	n = strtoull(j->text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret = n;
	return true;
}

bool json_real(const struct json *j, double *ret)
{
	char *end;
	double n;

	if (j == NULL || j->kind != JSON_NUMBER)
		return false;
	errno = 0;
	n = strtod(j->text, &end);
	if (errno != 0 || *end != '\0')
		return false;
	*ret = n;
	return true;
}

size_t json_count(const struct json *list)
{
	size_t n = 0;

	for (const struct json *j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		n++;
	return n;
}

const char *json_stranger(const struct json *object, const char *const *names)
{
	const struct json *j = object->kind == JSON_OBJECT ? object->child : NULL;

	for (; j != NULL; j = j->next) {
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], j->name) != 0)
			i++;
		if (names[i] == NULL)
			return j->name;
	}
	return NULL;
}
