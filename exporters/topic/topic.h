/* get_topic and nothing else: its question, its answer, the facts in it and their samples. Pure functions: no
 * clock, no I/O, no state but what is passed. Source: the page "Getting Topic Profile" and what is known
 * about the service beyond it (field variants, semantics of NextMsgSeq and LastMsgTime). */
#ifndef EXPORTERS_TOPIC_TOPIC_H
#define EXPORTERS_TOPIC_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/now.h"
#include "agent/chat/chat.h"
#include "exporters/metric/catalog.h"

struct topic_question {
	const char *community;     /* GroupId */
	const char *account;       /* From_Account */
	const char *const *topics; /* TopicIdList; topic_n 0: all topics */
	size_t topic_n;
};
/* The JSON body of the request. */
void topic_ask(struct buf *out, const struct topic_question *q);

/* Facts of one community as of one answer: immutable, with counted references. */
struct facts;

/* What the decoder must know beside the bytes. */
struct topic_context {
	const char *community; /* GroupId that was asked for */
	bool observer;         /* SelfInfo belongs to an account the operator named */
	int64_t silent_after_s;
	int64_t keep_ms; /* how long a topic in error keeps its facts: stale_after */
	struct now now;
};

/* What an answer gave, beside the facts. */
struct topic_answer {
	struct facts *facts;    /* owned by the caller; NULL unless the call was usable */
	struct outcome outcome; /* of the whole answer; ERR_OK when usable */
	struct {
		int code;
		uint32_t n;
	} errors[32]; /* per-topic ErrorCodes and how many topics had each */
	size_t error_n;
	uint32_t repaired; /* bytes the guard had to replace */
	uint32_t doubtful; /* fields of a wrong type or out of range, taken as absent */
	uint32_t lowered;  /* topics whose NextMsgSeq fell with the same CreateTime; held at the highest */
};

/* Checks, repairs (in place) and decodes an answer. `before` are the facts of the last usable answer or
 * NULL; they are compared with, never changed. The top-level ErrorCode counts only when the answer has no
 * TopicAndSelfInfo elements. The result always describes the answer; out of memory is ERR_LOCAL_RESOURCE in
 * .outcome. `why` explains a failure. */
void topic_decode(char *json, size_t len, const struct topic_context *c, const struct facts *before,
                  struct topic_answer *ret, struct why *why);

struct facts *facts_hold(struct facts *f);
void facts_drop(struct facts *f);           /* NULL is fine */
size_t facts_topics(const struct facts *f); /* topics with a known id */
size_t facts_bytes(const struct facts *f);  /* memory it takes */

/* Known topics by mute state; their sum is facts_topics. */
struct topic_mutes {
	uint64_t muted, open, unknown;
};
struct topic_mutes facts_mutes(const struct facts *f);

/* Where the samples of a community belong: its identity labels, `sdkappid="1",community="@TGS#_x"`, escaped,
 * and within them the escaped community id, which most topic ids repeat. */
struct topic_place {
	struct span labels, community;
};

/* Writes the lines of one TOPIC family for the topics from number `from` on, as many as fit in `out`. Returns
 * the number of the first topic not written, or facts_topics(f) at the end. Progress is certain when `out`
 * has SAMPLE_LINE_MAX bytes of room. */
size_t topic_samples(const struct facts *f, enum metric m, const struct topic_place *at, size_t from,
                     struct buf *out);

/* Writes the line of one COMMUNITY family that comes from facts; nothing when the fact is not known. */
void topic_community_sample(const struct facts *f, enum metric m, const struct topic_place *at,
                            struct buf *out);

#endif
