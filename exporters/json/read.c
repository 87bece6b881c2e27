#include <string.h>

#include "exporters/json/json.h"

/* A double holds every integer up to here exactly. */
#define INTEGER_MAX 9007199254740992.0

const cJSON *json_member(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return v != NULL && !cJSON_IsNull(v) ? v : NULL;
}

/* The name after the latest one is tried first: members come in the same order again and again. */
static size_t find(const struct json_names *names, size_t first, const char *key)
{
	for (size_t i = first; i < names->n; i++)
		if (strcmp(names->name[i].at, key) == 0)
			return i;
	for (size_t i = 0; i < first; i++)
		if (strcmp(names->name[i].at, key) == 0)
			return i;
	return names->n;
}

void json_members(const cJSON *o, const struct json_names *names, const cJSON **ret)
{
	const cJSON *member;
	size_t next = 0;

	memset(ret, 0, names->n * sizeof(ret[0]));
	cJSON_ArrayForEach(member, o)
	{
		const size_t i = member->string != NULL ? find(names, next, member->string) : names->n;

		if (i == names->n)
			continue;
		if (ret[i] == NULL)
			ret[i] = member;
		next = i + 1;
	}
	for (size_t i = 0; i < names->n; i++)
		if (ret[i] != NULL && cJSON_IsNull(ret[i]))
			ret[i] = NULL;
}

bool json_int(const cJSON *v, int64_t max, int64_t *ret, uint32_t *doubtful)
{
	double value;

	if (v == NULL)
		return false;
	value = v->valuedouble;
	if (!cJSON_IsNumber(v) || !(value >= 0 && value <= INTEGER_MAX) || value != (double)(int64_t)value ||
	    (int64_t)value > max) {
		++*doubtful;
		return false;
	}
	*ret = (int64_t)value;
	return true;
}

bool json_text(const cJSON *v, const char **ret, uint32_t *doubtful)
{
	if (v == NULL)
		return false;
	if (!cJSON_IsString(v)) {
		++*doubtful;
		return false;
	}
	*ret = v->valuestring;
	return true;
}

bool json_code(const cJSON *v, int *ret, uint32_t *doubtful)
{
	if (v == NULL)
		return false;
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= INT32_MIN && v->valuedouble <= INT32_MAX) ||
	    v->valuedouble != (double)(int)v->valuedouble) {
		++*doubtful;
		return false;
	}
	*ret = (int)v->valuedouble;
	return true;
}
