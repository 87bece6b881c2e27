/* Where the agent's half meets the exporters': a reply becomes facts, and a poll's end becomes health. */
#include "agent/base/log.h"
#include "agent/daemon.h"

static void ask(void *arg, size_t job, struct buf *body)
{
	const struct daemon *d = arg;
	const struct conf_community *c = d->roster->member[job].conf;
	const struct topic_question q = {
		.community = c->id,
		.account = c->from_account,
		.topics = c->topics.at,
		.topic_n = c->topics.n,
	};

	topic_ask(body, &q);
}

/* The call failed before there was an answer to read. */
static struct outcome transport_outcome(const struct reply *r)
{
	const int status = r->err == ERR_HTTP_STATUS ? (int)r->status : 0;

	return (struct outcome){
		.verdict = status == 429 ? CHAT_SLOW : CHAT_RETRY,
		.err = r->err,
		.code = status,
	};
}

static void note_oddities(const struct daemon *d, size_t job, const struct topic_answer *a)
{
	const struct member *m = &d->roster->member[job];
	const char *app = d->conf->app[m->app].name;

	if (a->lowered > 0)
		LOG(SAY_WARN, "sequence_fell", LOG_TEXT("app", app), LOG_TEXT("community", m->conf->id),
		    LOG_INT("topics", a->lowered));
	if (a->repaired > 0 || a->doubtful > 0)
		LOG(SAY_DEBUG, "answer_odd", LOG_TEXT("app", app), LOG_TEXT("community", m->conf->id),
		    LOG_INT("repaired_bytes", a->repaired), LOG_INT("doubtful_fields", a->doubtful));
}

static struct outcome answer(void *arg, size_t job, const struct reply *r, const struct now *now,
                             struct tally *t, struct why *why)
{
	struct daemon *d = arg;
	const struct conf_community *c = d->roster->member[job].conf;
	const struct topic_context context = {
		.community = c->id,
		.observer = c->observer,
		.silent_after_s = c->silent_after_ms / 1000,
		.keep_ms = c->stale_after_ms,
		.now = *now,
	};
	struct topic_answer a;

	*why = r->why;
	if (r->err != ERR_OK)
		return transport_outcome(r);
	topic_decode(r->body, r->len, &context, store_before(d->store, job), &a, why);
	for (size_t i = 0; i < a.error_n; i++)
		tally_topic_errors(t, a.errors[i].code, a.errors[i].n);
	if (a.facts != NULL)
		store_facts(d->store, job, a.facts, now);
	note_oddities(d, job, &a);
	return a.outcome;
}

/* A thousand communities may fail in one second; the log says so in a few lines. */
static bool may_log(struct daemon *d, const struct now *now)
{
	if (!rate_take(&d->log_rate, now)) {
		d->log_held++;
		return false;
	}
	if (d->log_held > 0) {
		LOG(SAY_WARN, "poll_failures_not_logged", LOG_INT("count", (int64_t)d->log_held));
		d->log_held = 0;
	}
	return true;
}

static void log_end(struct daemon *d, size_t job, const struct health_community *before,
                    const struct poll_end *end, const struct now *now)
{
	const struct member *m = &d->roster->member[job];
	const char *app = d->conf->app[m->app].name;
	const struct outcome *o = &end->outcome;
	const char *why = end->why.text[0] != '\0' ? end->why.text : err_text(end->outcome.err);

	if (o->err == ERR_OK) {
		if (before->failures > 0)
			LOG(SAY_INFO, "poll_recovered", LOG_TEXT("app", app), LOG_TEXT("community", m->conf->id),
			    LOG_INT("failed_polls", before->failures));
		return;
	}
	if (before->failures > 0 && before->reason == o->err && before->code == o->code) {
		LOG(SAY_DEBUG, "poll_failed", LOG_TEXT("app", app), LOG_TEXT("community", m->conf->id),
		    LOG_TEXT("reason", err_label(o->err)), LOG_INT("code", o->code), LOG_TEXT("why", why));
	} else if (may_log(d, now)) {
		LOG(SAY_WARN, "poll_failed", LOG_TEXT("app", app), LOG_TEXT("community", m->conf->id),
		    LOG_TEXT("reason", err_label(o->err)), LOG_INT("code", o->code), LOG_TEXT("why", why));
	}
}

static void ended(void *arg, size_t job, const struct poll_end *end, const struct now *now)
{
	struct daemon *d = arg;

	log_end(d, job, store_health(d->store, job), end, now);
	store_ended(d->store, job, &end->outcome, end->took_us, now);
}

struct poller_sink polls_sink(struct daemon *d)
{
	return (struct poller_sink){ .arg = d, .ask = ask, .answer = answer, .ended = ended };
}
