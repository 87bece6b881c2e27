#include "exporters/topic/field.h"

static const struct span name[FIELD_COUNT] = {
#define ROW(ID, NAME) { NAME, sizeof(NAME) - 1 },
	TOPIC_FIELDS(ROW)
#undef ROW
};

static const struct json_names self = { &name[FIELD_SELF_MUTED], FIELD_SELF - FIELD_SELF_MUTED };
static const struct json_names element_own = { &name[FIELD_SELF], FIELD_NAME - FIELD_SELF };
static const struct json_names info = { &name[FIELD_NAME], FIELD_LIST - FIELD_NAME };

const struct json_names *field_names(bool observer)
{
	static const struct json_names all = { name, FIELD_COUNT };
	static const struct json_names without_self = { &name[FIELD_CODE], FIELD_COUNT - FIELD_CODE };

	return observer ? &all : &without_self;
}

const char *field_name(enum field f)
{
	return name[f].at;
}

void fields_of(const cJSON *element, const cJSON *ret[FIELD_COUNT])
{
	json_members(element, &element_own, &ret[FIELD_SELF]);
	json_members(ret[FIELD_INFO], &info, &ret[FIELD_NAME]);
	json_members(ret[FIELD_SELF], &self, &ret[FIELD_SELF_MUTED]);
	ret[FIELD_LIST] = NULL;
}
