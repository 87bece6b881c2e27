/* get_topic as the service answers it, for tests of polls: TopicIdList, ResponseFilter and the cap on an
 * answer work on a small world, and the habits that no page promises can be switched on. */
#ifndef TESTS_UNIT_TOPIC_SERVICE_H
#define TESTS_UNIT_TOPIC_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

#define SERVICE_COMMUNITY "@TGS#_@TGS#c62C5"

enum { SERVICE_CAP = 1 << 20, SERVICE_TOPICS = 20100 };

struct service_topic {
	int64_t seq;
	uint32_t created, last;
	int code;   /* its own error */
	int custom; /* bytes of CustomString */
	int name;   /* bytes of TopicName */
	bool muted, gone;
	bool bare; /* in error, and without even an id */
};

struct service {
	struct service_topic *topic;
	size_t n, cap;       /* 0: no cap */
	const char *drops;   /* a filter never brings this field; or SelfInfo */
	const char *refuses; /* a filter that names this field is a wrong parameter */
	size_t list_max;     /* longer lists of ids are a wrong parameter; 0: none is */
	int fail;            /* the next call ends with this code */
	bool backwards;      /* answers come in another order */
	bool extra;          /* and with a topic nobody asked for */
	bool again;          /* answers to everything begin with a topic twice */
	bool idless;         /* filtered answers have no ids */
	void (*before_call)(struct service *s);
	int calls;
	char kind; /* of the latest question, see service_answer */
};

void service_id(size_t i, char ret[64]);

/* Answers a question. Its kind is kept: W for everything, F with a filter, N or U for the ids alone (by
 * NextMsgSeq or FaceUrl), B for a list of ids with a filter, b for one without. */
void service_answer(struct service *s, const struct buf *question, struct buf *ret);

#endif
