/* Where the agent's half meets the exporters': a reply becomes facts, and a poll's end becomes health. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/daemon.h"

static struct topic_question question_of(const struct member *m, const struct conf_community *c)
{
	return (struct topic_question){
		.community = m->id,
		.account = c->from_account,
		.topics = c->topics.at,
		.topic_n = c->topics.n,
	};
}

static bool is_same_question(const struct conf_community *a, const struct conf_community *b)
{
	bool same = strcmp(a->from_account, b->from_account) == 0 && a->topics.n == b->topics.n;

	for (size_t i = 0; same && i < a->topics.n; i++)
		same = strcmp(a->topics.at[i], b->topics.at[i]) == 0;
	return same;
}

void polls_adopt(struct member *m, const struct conf_community *c)
{
	const struct topic_question q = question_of(m, c);

	if (m->poll != NULL && is_same_question(m->conf, c)) {
		topic_poll_move(m->poll, &q);
	} else {
		topic_poll_free(m->poll);
		m->poll = NULL;
	}
	m->conf = c;
}

static bool ask(void *arg, size_t slot, bool first, struct buf *body)
{
	const struct daemon *d = arg;
	struct member *m = d->roster->member[slot];
	const struct topic_question q = question_of(m, m->conf);

	if (first || m->poll == NULL) {
		topic_poll_free(m->poll);
		m->poll = topic_poll_new(&q, &m->way);
	}
	if (m->poll == NULL)
		return false;
	topic_poll_ask(m->poll, body);
	return body->status == ERR_OK;
}

struct outcome polls_transport_outcome(const struct reply *r)
{
	const int status = r->err == ERR_HTTP_STATUS ? (int)r->status : 0;

	return (struct outcome){
		.verdict = status == 429 ? CHAT_SLOW : CHAT_RETRY,
		.err = r->err,
		.code = status,
	};
}

static void note_oddities(const struct daemon *d, const struct member *m, const struct topic_answer *a)
{
	const char *app = d->roster->app[m->app].conf->name;

	if (a->lowered > 0)
		LOG(SAY_WARN, "sequence_fell", LOG_TEXT("app", app), LOG_TEXT("community", m->id),
		    LOG_INT("topics", a->lowered));
	if (a->repaired > 0 || a->doubtful > 0)
		LOG(SAY_DEBUG, "answer_odd", LOG_TEXT("app", app), LOG_TEXT("community", m->id),
		    LOG_INT("repaired_bytes", a->repaired), LOG_INT("doubtful_fields", a->doubtful));
}

struct topic_question polls_question(const struct member *m)
{
	return question_of(m, m->conf);
}

/* Facts and a verdict from one reply. */
static void judge(void *arg, size_t slot, const struct reply *r, const struct now *now, struct tally *t,
                  struct poll_answer *ret)
{
	struct daemon *d = arg;
	struct member *m = d->roster->member[slot];
	const struct topic_context context = {
		.community = m->id,
		.observer = m->conf->observer,
		.silent_after_s = m->conf->silent_after_ms / 1000,
		.keep_ms = m->conf->stale_after_ms,
		.now = *now,
	};
	struct topic_answer a = { 0 };

	if (m->poll == NULL && (r->err == ERR_OK || r->err == ERR_TOO_LARGE)) {
		ret->outcome.verdict = CHAT_MORE; /* nobody wants to know this any more: the new question */
		return;
	}
	if (r->err == ERR_TOO_LARGE) {
		topic_poll_too_large(m->poll, &a, &ret->why);
	} else if (r->err != ERR_OK) {
		ret->outcome = polls_transport_outcome(r);
		return;
	} else {
		topic_poll_take(m->poll, r->body, r->len, &context, store_before(d->store, slot), &a, &ret->why);
	}
	ret->outcome = a.outcome;
	for (size_t i = 0; i < a.error_n; i++)
		tally_topic_errors(t, a.errors[i].code, a.errors[i].n);
	note_oddities(d, m, &a);
	if (a.facts == NULL)
		return;
	ret->messages = facts_new_messages(a.facts);
	store_facts(d->store, slot, a.facts, now);
}

static uint32_t fit(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void note_attempt(struct member *m, const struct reply *r, const struct outcome *o,
                         const struct now *now)
{
	const struct history_attempt t = {
		.end_s = now->unix_s,
		.dns_us = fit((uint64_t)r->dns_us),
		.connect_us = fit((uint64_t)r->connect_us),
		.tls_us = fit((uint64_t)r->tls_us),
		.first_us = fit((uint64_t)r->first_us),
		.total_us = fit((uint64_t)r->took_us),
		.bytes = fit(r->bytes),
		.status = (uint16_t)r->status,
		.reason = (uint8_t)o->err,
		.sent = r->sent < UINT8_MAX ? (uint8_t)r->sent : UINT8_MAX,
		.code = o->err != ERR_HTTP_STATUS ? o->code : 0,
	};

	history_attempts_note(&m->attempts, &t);
}

static void answer(void *arg, size_t slot, const struct reply *r, const struct now *now, struct tally *t,
                   struct poll_answer *ret)
{
	const struct daemon *d = arg;

	judge(arg, slot, r, now, t, ret);
	note_attempt(d->roster->member[slot], r, &ret->outcome, now);
}

/* A thousand communities may fail or recover in one second; the log says so in a few lines. */
static bool may_log(struct daemon *d, const struct now *now)
{
	if (!rate_take(&d->log_rate, now)) {
		d->log_held++;
		return false;
	}
	if (d->log_held > 0) {
		LOG(SAY_WARN, "poll_lines_not_logged", LOG_INT("count", (int64_t)d->log_held));
		d->log_held = 0;
	}
	return true;
}

static void log_end(struct daemon *d, const struct member *m, const struct health_community *before,
                    const struct poll_end *end, const struct now *now)
{
	const char *app = d->roster->app[m->app].conf->name;
	const struct outcome *o = &end->outcome;
	const char *why = end->why.text[0] != '\0' ? end->why.text : err_text(end->outcome.err);

	if (o->err == ERR_OK) {
		if (before->failures > 0 && may_log(d, now))
			LOG(SAY_INFO, "poll_recovered", LOG_TEXT("app", app), LOG_TEXT("community", m->id),
			    LOG_INT("failed_polls", before->failures));
		return;
	}
	if (before->failures > 0 && before->reason == o->err && before->code == o->code) {
		LOG(SAY_DEBUG, "poll_failed", LOG_TEXT("app", app), LOG_TEXT("community", m->id),
		    LOG_TEXT("reason", err_label(o->err)), LOG_INT("code", o->code), LOG_TEXT("why", why));
	} else if (may_log(d, now)) {
		LOG(SAY_WARN, "poll_failed", LOG_TEXT("app", app), LOG_TEXT("community", m->id),
		    LOG_TEXT("reason", err_label(o->err)), LOG_INT("code", o->code), LOG_TEXT("why", why));
	}
}

static void ended(void *arg, size_t slot, const struct poll_end *end, const struct now *now)
{
	struct daemon *d = arg;
	struct member *m = d->roster->member[slot];

	topic_poll_free(m->poll);
	m->poll = NULL;
	log_end(d, m, store_health(d->store, slot), end, now);
	store_interval(d->store, slot, end->period_ms);
	store_ended(d->store, slot, &end->outcome, end->took_us, now);
}

struct poller_sink polls_sink(struct daemon *d)
{
	return (struct poller_sink){ .arg = d, .ask = ask, .answer = answer, .ended = ended };
}
