/* What is read of an answer, in groups of one object each; nothing else reaches the tree. */
#ifndef EXPORTERS_TOPIC_FIELD_H
#define EXPORTERS_TOPIC_FIELD_H

#include "exporters/json/json.h"

/* In the order in which the service writes them, but for SelfInfo and what is in it: only an observer needs
 * those, and so they come first. MUTE_FLAG is the older name of MUTE. */
#define TOPIC_FIELDS(X)            \
	X(SELF_MUTED, "ShutUpTime")    \
	X(SELF_READ, "MsgSeq")         \
	X(SELF, "SelfInfo")            \
	X(CODE, "ErrorCode")           \
	X(INFO, "TopicInfo")           \
	X(NAME, "TopicName")           \
	X(ID, "TopicId")               \
	X(SEQUENCE, "NextMsgSeq")      \
	X(CREATED, "CreateTime")       \
	X(LAST_MESSAGE, "LastMsgTime") \
	X(MUTE, "MuteAllMember")       \
	X(MUTE_FLAG, "ShutUpAllFlag")  \
	X(LIST, "TopicAndSelfInfo")

enum field {
#define ROW(ID, NAME) FIELD_##ID,
	TOPIC_FIELDS(ROW)
#undef ROW
		FIELD_COUNT /* must be last */
};

/* Names of everything that is needed. */
const struct json_names *field_names(bool observer);
const char *field_name(enum field f);
/* The fields of one element of the list; NULL where there is none. */
void fields_of(const cJSON *element, const cJSON *ret[FIELD_COUNT]);

#endif
