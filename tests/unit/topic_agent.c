#include "tests/unit/topic_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/inside.h"

#define CHECK assert_true

enum { KEEP_MS = 300000 };

struct service_topic topics[SERVICE_TOPICS];

void agent_setup(struct agent *a, size_t n)
{
	*a = (struct agent){
		.s = { .topic = topics, .n = n, .cap = SERVICE_CAP },
		.q = { .community = SERVICE_COMMUNITY, .account = "admin" },
	};
	memset(topics, 0, sizeof(topics));
	for (size_t i = 0; i < n; i++)
		topics[i] = (struct service_topic){ .seq = 2 + (int64_t)i,
			                                .created = 1600000000,
			                                .name = 12,
			                                .last = 1699999000 - (uint32_t)i,
			                                .muted = i % 3 == 0 };
}

void agent_let_only_ids_fit(struct agent *a)
{
	static const char ids[] = "{\"ResponseFilter\":[\"NextMsgSeq\"]}";
	struct service all = { .topic = a->s.topic, .n = a->s.n };
	struct buf answer;

	buf_init(&answer, 64 << 20);
	service_answer(&all, &(struct buf){ .at = (char *)ids, .len = sizeof(ids) - 1 }, &answer);
	a->s.cap = answer.len + 12000;
	buf_done(&answer);
}

void agent_done(struct agent *a)
{
	facts_drop(a->facts);
	facts_drop(a->reference);
}

static struct topic_context context(const struct agent *a)
{
	return (struct topic_context){
		.community = SERVICE_COMMUNITY,
		.observer = a->observer,
		.silent_after_s = 86400,
		.keep_ms = KEEP_MS,
		.now = { .mono_ms = (1000 + a->now_s) * 1000, .unix_s = START_S + a->now_s },
	};
}

/* ---- one poll ---- */
void agent_take(struct agent *a, struct topic_poll *p, const struct buf *answer)
{
	const struct topic_context c = context(a);
	char *exact = malloc(answer->len);

	CHECK(exact != NULL);
	memcpy(exact, answer->at, answer->len);
	a->why.text[0] = '\0';
	topic_poll_take(p, exact, answer->len, &c, a->facts, &a->answer, &a->why);
	free(exact);
	CHECK((a->answer.facts != NULL) == (a->answer.outcome.verdict == CHAT_FINE));
	CHECK((a->answer.outcome.err == ERR_OK) == (a->why.text[0] == '\0'));
	a->doubtful += a->answer.doubtful;
	for (size_t i = 0; i < a->answer.error_n; i++)
		a->coded += a->answer.errors[i].n;
}

enum chat_verdict agent_call(struct agent *a, struct topic_poll *p)
{
	const size_t n = strlen(a->trail);
	struct buf question, answer;

	CHECK(n < CALLS_MAX);
	buf_init(&question, 3 << 20);
	buf_init(&answer, 64 << 20);
	topic_poll_ask(p, &question);
	CHECK(question.status == ERR_OK);
	service_answer(&a->s, &question, &answer);
	CHECK(answer.status == ERR_OK);
	a->trail[n] = a->s.kind;
	a->trail[n + 1] = '\0';
	agent_take(a, p, &answer);
	buf_done(&question);
	buf_done(&answer);
	return a->answer.outcome.verdict;
}

struct topic_poll *agent_begin(struct agent *a)
{
	struct topic_poll *p = topic_poll_new(&a->q, &a->way);

	CHECK(p != NULL);
	a->trail[0] = '\0';
	a->doubtful = a->coded = 0;
	return p;
}

enum chat_verdict agent_finish(struct agent *a, struct topic_poll *p)
{
	while (agent_call(a, p) == CHAT_MORE)
		;
	topic_poll_free(p);
	if (a->answer.facts != NULL) {
		facts_drop(a->facts);
		a->facts = a->answer.facts;
	}
	return a->answer.outcome.verdict;
}

enum chat_verdict agent_poll(struct agent *a)
{
	return agent_finish(a, agent_begin(a));
}

/* ---- the reference ---- */
uint64_t agent_reference(struct agent *a)
{
	struct service all = { .topic = a->s.topic, .n = a->s.n };
	const struct topic_context c = context(a);
	struct topic_answer answer;
	struct buf question, text;
	struct why why = { "" };
	uint64_t coded = 0;

	buf_init(&question, 3 << 20);
	buf_init(&text, 256 << 20);
	topic_ask(&question, &a->q);
	service_answer(&all, &question, &text);
	topic_decode(text.at, text.len, &c, a->reference, &answer, &why);
	CHECK(answer.facts != NULL);
	facts_drop(a->reference);
	a->reference = answer.facts;
	for (size_t i = 0; i < answer.error_n; i++)
		coded += answer.errors[i].n;
	buf_done(&question);
	buf_done(&text);
	return coded;
}

static int by_line(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The lines of all families, sorted: order is the service's business. */
static void render(const struct facts *f, struct buf *out, char ***ret_line, size_t *ret_n)
{
	const struct topic_place at = { span_of("sdkappid=\"1\",community=\"c\""), span_of(SERVICE_COMMUNITY) };
	char *rest;

	buf_init(out, 256 << 20);
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *info = metric_info((enum metric)m);

		if (info->from == METRIC_FACTS && info->scope == METRIC_TOPIC)
			CHECK(topic_samples(f, (enum metric)m, &at, 0, 0, out) == facts_topics(f));
		else if (info->from == METRIC_FACTS)
			topic_community_sample(f, (enum metric)m, &at, 0, out);
	}
	*ret_line = calloc(facts_topics(f) * METRIC_COUNT + METRIC_COUNT, sizeof(**ret_line));
	CHECK(*ret_line != NULL && buf_text(out)[0] != '\0');
	rest = out->at;
	for (*ret_n = 0; *rest != '\0'; ++*ret_n)
		(*ret_line)[*ret_n] = strsep(&rest, "\n");
	qsort(*ret_line, *ret_n, sizeof(**ret_line), by_line);
}

void agent_check_same(const struct facts *have, const struct facts *want)
{
	struct buf a, b;
	char **have_line, **want_line;
	size_t n, want_n;

	CHECK(facts_topics(have) == facts_topics(want) && have->poll_s == want->poll_s);
	CHECK(memcmp(facts_idle(have), facts_idle(want), IDLE_BUCKETS * sizeof(uint32_t)) == 0);
	CHECK(facts_new_messages(have) == facts_new_messages(want));
	render(have, &a, &have_line, &n);
	render(want, &b, &want_line, &want_n);
	CHECK(n == want_n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(have_line[i], want_line[i]);
	free(have_line);
	free(want_line);
	buf_done(&a);
	buf_done(&b);
}

void agent_poll_by(struct agent *a, const char *trail)
{
	if (agent_poll(a) != CHAT_FINE)
		fail_msg("%s: %s", a->trail, a->why.text);
	assert_string_equal(a->trail, trail);
	CHECK(a->coded == agent_reference(a));
	agent_check_same(a->facts, a->reference);
	a->now_s += 60;
	for (size_t i = 0; i < a->s.n; i += 5)
		topics[i].seq += 3;
}

void agent_fail_by(struct agent *a, const char *trail, enum chat_verdict verdict, enum err err)
{
	CHECK(agent_poll(a) == verdict && a->answer.outcome.err == err);
	assert_string_equal(a->trail, trail);
}

const char **agent_name_topics(struct agent *a, char id[][64], size_t n, size_t step)
{
	const char **name = calloc(n, sizeof(*name));

	CHECK(name != NULL);
	for (size_t i = 0; i < n; i++) {
		service_id(i * step, id[i]);
		name[i] = id[i];
	}
	a->q.topics = name;
	a->q.topic_n = n;
	return name;
}
