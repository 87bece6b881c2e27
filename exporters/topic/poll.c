#include <stdlib.h>

#include "exporters/topic/inside.h"

/* What is exported. Only the first is documented as a value of ResponseFilter. */
static const char *const exported[] = { "TopicName", "NextMsgSeq", "CreateTime", "LastMsgTime",
	                                    "MuteAllMember" };
/* For the ids alone: the short one, else a documented one. */
static const char *const least[] = { "NextMsgSeq", "FaceUrl" };

static enum err poll_init(struct topic_poll *p, const struct topic_question *q, struct topic_way *way)
{
	*p = (struct topic_poll){ .q = *q, .way = way, .start = *way, .now = *way };
	draft_init(&p->draft);
	asked_init(&p->asked);
	if (q->topic_n > 0 && asked_name(&p->asked, q->topics, q->topic_n) != ERR_OK)
		return ERR_MEMORY;
	way_begin(p);
	asked_window(&p->asked, 0, p->size);
	return ERR_OK;
}

static void poll_done(struct topic_poll *p)
{
	draft_done(&p->draft);
	asked_done(&p->asked);
}

struct topic_poll *topic_poll_new(const struct topic_question *q, struct topic_way *way)
{
	struct topic_poll *p = malloc(sizeof(*p));

	if (p != NULL && poll_init(p, q, way) != ERR_OK) {
		topic_poll_free(p);
		return NULL;
	}
	return p;
}

void topic_poll_move(struct topic_poll *p, const struct topic_question *q)
{
	p->q = *q;
	if (p->asked.named != NULL)
		p->asked.named = q->topics;
}

void topic_poll_free(struct topic_poll *p)
{
	if (p != NULL)
		poll_done(p);
	free(p);
}

/* ---- the question ---- */
void topic_poll_ask(const struct topic_poll *p, struct buf *body)
{
	ask_open(body, &p->q);
	if (p->step == STEP_BATCH)
		ask_topics(body, &p->asked);
	if (p->step == STEP_IDS)
		ask_filter(body, &least[p->now.by_face ? 1 : 0], 1);
	else if (way_is_filtered(p))
		ask_filter(body, exported, sizeof(exported) / sizeof(exported[0]));
	ask_close(body);
}

static void more(struct topic_poll *p, struct topic_answer *ret)
{
	ret->outcome.verdict = CHAT_MORE;
	way_more(p);
}

/* ---- an answer that cannot be used ---- */
static void give_up(struct topic_poll *p, bool refused, struct topic_answer *ret, struct why *why)
{
	way_dead_end(p, refused);
	if (ret->outcome.verdict == CHAT_MORE)
		ret->outcome.verdict = CHAT_REFUSED;
	if (p->step == STEP_BATCH)
		(void)err_because(why, ret->outcome.err, "%s for one topic alone, '%s'",
		                  refused ? "ErrorCode 10004" : "the answer is too large",
		                  asked_id(&p->asked, p->asked.from));
	else if (ret->outcome.err == ERR_TOO_LARGE)
		(void)err_because(why, ERR_TOO_LARGE,
		                  "the ids of all topics do not fit in one answer; name the topics to poll in the "
		                  "configuration of the community: topics = [ \"...\" ]");
}

/* Decides what a failed attempt means for the poll. */
static void cope(struct topic_poll *p, struct topic_answer *ret, struct why *why)
{
	const bool too_large = ret->outcome.verdict == CHAT_MORE;
	const bool refused = ret->outcome.code == CODE_WRONG_PARAMETER && p->step != STEP_WHOLE;
	const bool nameless = ret->outcome.err == ERR_SCHEMA && p->step == STEP_IDS;

	if (!too_large && !refused && !nameless)
		return; /* the same question again, or the end */
	if (way_less(p, refused))
		more(p, ret);
	else
		give_up(p, refused, ret, why);
}

void topic_poll_too_large(struct topic_poll *p, struct topic_answer *ret, struct why *why)
{
	*ret = (struct topic_answer){ .outcome = { .verdict = CHAT_MORE, .err = ERR_TOO_LARGE } };
	(void)err_because(why, ERR_TOO_LARGE, "%s", err_text(ERR_TOO_LARGE));
	cope(p, ret, why);
}

/* ---- an answer that can be used ---- */
static enum err finish(struct topic_poll *p, const struct intake *in)
{
	struct topic_context c = *in->c;
	uint32_t twice;

	/* A topic born while the poll went on must look younger than the poll to the next one. */
	c.now = p->at;
	if (draft_seal(&p->draft, &c, in->before, &twice, &in->answer->facts) != ERR_OK)
		return ERR_LOCAL_RESOURCE;
	in->answer->doubtful += twice;
	way_complete(p);
	return ERR_OK;
}

static void go_on(struct topic_poll *p, struct topic_answer *ret)
{
	if (p->step == STEP_IDS) {
		p->step = STEP_BATCH;
		p->size = way_batch(p);
		asked_window(&p->asked, 0, p->size);
	} else {
		asked_window(&p->asked, p->asked.to, p->size);
	}
	more(p, ret);
}

static enum err use(struct topic_poll *p, struct intake *in, const cJSON *list, struct why *why)
{
	enum err e;

	if (way_is_filtered(p) && intake_lacks(in, list)) {
		way_unfilter(p);
		more(p, in->answer);
		return ERR_OK;
	}
	e = p->step == STEP_IDS ? intake_ids(in, list, &p->asked, why) : intake_topics(in, list, why);
	if (e != ERR_OK)
		return e;
	if (!p->begun)
		p->at = in->c->now;
	p->begun = true;
	way_proven(p);
	p->place = in->finder.next;
	if (p->asked.to < p->asked.n)
		go_on(p, in->answer);
	else
		e = finish(p, in);
	return e;
}

void topic_poll_take(struct topic_poll *p, char *json, size_t len, const struct topic_context *c,
                     const struct facts *before, struct topic_answer *ret, struct why *why)
{
	const struct draft mark = p->draft;
	struct intake in = {
		.c = c,
		.before = before,
		.answer = ret,
		.draft = &p->draft,
		.asked = p->step == STEP_BATCH ? &p->asked : NULL,
		.finder = { .in = before, .next = p->place },
	};
	const cJSON *list;
	enum err e;

	*ret = (struct topic_answer){ 0 };
	e = intake_open(&in, json, len, &list, why);
	if (e == ERR_OK)
		e = use(p, &in, list, why);
	intake_close(&in, e, why);
	if (e != ERR_OK) {
		draft_rewind(&p->draft, &mark);
		cope(p, ret, why);
	}
}

void topic_decode(char *json, size_t len, const struct topic_context *c, const struct facts *before,
                  struct topic_answer *ret, struct why *why)
{
	const struct topic_question q = { .community = c->community, .account = "" };
	struct topic_way way = { 0 };
	struct topic_poll p;

	(void)poll_init(&p, &q, &way); /* allocates nothing for a question about all topics */
	topic_poll_take(&p, json, len, c, before, ret, why);
	poll_done(&p);
}
