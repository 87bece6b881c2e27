#include "exporters/json/json.h"

/* A double holds every integer up to here exactly. */
#define INTEGER_MAX 9007199254740992.0

const cJSON *json_member(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return v != NULL && !cJSON_IsNull(v) ? v : NULL;
}

bool json_int(const cJSON *o, const char *key, int64_t max, int64_t *ret, uint32_t *doubtful)
{
	const cJSON *v = json_member(o, key);
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

bool json_text(const cJSON *o, const char *key, const char **ret, uint32_t *doubtful)
{
	const cJSON *v = json_member(o, key);

	if (v == NULL)
		return false;
	if (!cJSON_IsString(v)) {
		++*doubtful;
		return false;
	}
	*ret = v->valuestring;
	return true;
}

bool json_code(const cJSON *o, int *ret, uint32_t *doubtful)
{
	const cJSON *v = json_member(o, "ErrorCode");

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
