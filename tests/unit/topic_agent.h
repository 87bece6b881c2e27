/* One community as the agent polls it, against topic_service.h. Everything is checked with cmocka. */
#ifndef TESTS_UNIT_TOPIC_AGENT_H
#define TESTS_UNIT_TOPIC_AGENT_H

#include "exporters/topic/topic.h"
#include "tests/unit/topic_service.h"

enum { CALLS_MAX = 1000, START_S = 1700000000 };

/* One community as the agent keeps it. */
struct agent {
	struct service s;
	struct topic_question q;
	struct topic_way way;
	struct facts *facts, *reference; /* the latest; and what one call without a cap would have given */
	bool observer;
	int64_t now_s;
	char trail[CALLS_MAX + 1];  /* of the latest poll, see service_answer */
	struct topic_answer answer; /* the last of it */
	struct why why;
	uint64_t doubtful, coded;
};

extern struct service_topic topics[SERVICE_TOPICS];

void agent_setup(struct agent *a, size_t n);
/* The ids alone fit in an answer, their fields do not. */
void agent_let_only_ids_fit(struct agent *a);
void agent_done(struct agent *a);

/* A poll step by step. A complete poll's facts replace the ones before. */
struct topic_poll *agent_begin(struct agent *a);
enum chat_verdict agent_call(struct agent *a, struct topic_poll *p);
void agent_take(struct agent *a, struct topic_poll *p, const struct buf *answer);
enum chat_verdict agent_finish(struct agent *a, struct topic_poll *p);
enum chat_verdict agent_poll(struct agent *a);

/* One call without a cap and without a filter; returns how many topics were in error. */
uint64_t agent_reference(struct agent *a);
/* The lines of all families, and what has no lines here, are the same in whatever order. */
void agent_check_same(const struct facts *have, const struct facts *want);

/* A poll that takes these calls and loses nothing; a minute later some topics have new messages. */
void agent_poll_by(struct agent *a, const char *trail);
void agent_fail_by(struct agent *a, const char *trail, enum chat_verdict verdict, enum err err);

/* Names every `step`th topic in the question. The caller frees what it returns. */
const char **agent_name_topics(struct agent *a, char id[][64], size_t n, size_t step);

#endif
