/* Answers and their facts for tests that need some. */
#ifndef TESTS_UNIT_ANSWERS_H
#define TESTS_UNIT_ANSWERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/topic/topic.h"

/* Facts of an answer with these elements. */
static inline struct facts *answer_decode(const char *elements, const struct topic_context *c,
                                          const struct facts *before)
{
	struct topic_answer a;
	struct why why = { 0 };
	struct buf json;

	buf_init(&json, 64 << 20);
	buf_fmt(&json, "{\"ErrorCode\":0,\"TopicAndSelfInfo\":[%s]}", elements);
	if (json.status != ERR_OK)
		abort();
	topic_decode(json.at, json.len, c, before, &a, &why);
	buf_done(&json);
	if (a.facts == NULL) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return a.facts;
}

/* Facts of `community` with `n` topics, the last message of topic i at `last_s + i`; every third is muted. */
static inline struct facts *answer_facts(const char *community, size_t n, int64_t last_s)
{
	const struct topic_context c = {
		.community = community,
		.silent_after_s = 3600,
		.keep_ms = 300000,
		.now = { .mono_ms = 1000, .unix_s = last_s + 100 },
	};
	struct facts *f;
	struct buf b;

	buf_init(&b, 64 << 20);
	for (size_t i = 0; i < n; i++)
		buf_fmt(
			&b,
			"%s{\"ErrorCode\":0,\"TopicInfo\":{\"TopicId\":\"%s@TOPIC#_%zu\",\"TopicName\":\"name %zu\","
			"\"NextMsgSeq\":%zu,\"CreateTime\":1600000000,\"LastMsgTime\":%lld,\"MuteAllMember\":\"%s\"}}",
			i > 0 ? "," : "", community, i, i, i + 1, (long long)(last_s + (int64_t)i),
			i % 3 == 0 ? "On" : "Off");
	f = answer_decode(buf_text(&b), &c, NULL);
	buf_done(&b);
	return f;
}

#endif
