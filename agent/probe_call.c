/* The call of a probe: a poll like any other, but that nothing of it stays. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/probe.h"

/* ---- life ---- */
static void probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	topic_poll_free(p->poll);
	facts_drop(p->facts);
	for (size_t i = 0; i < p->topic_n; i++)
		free(p->topic[i]);
	free(p->topic);
	free(p->account);
	free(p->id);
	buf_done(&p->texts);
	free(p);
}

static bool copy_topics(struct probe *p, const struct conf_list *topics)
{
	p->topic = calloc(topics->n + 1, sizeof(p->topic[0]));
	for (; p->topic != NULL && p->topic_n < topics->n; p->topic_n++) {
		p->topic[p->topic_n] = strdup(topics->at[p->topic_n]);
		if (p->topic[p->topic_n] == NULL)
			return false;
	}
	return p->topic != NULL;
}

static struct probe *probe_new(struct daemon *d, const struct member *m)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->daemon = d;
	p->app = m->app;
	p->observer = m->conf->observer;
	p->interval_ms = poller_period_ms(d->poller, m->job);
	p->way = m->way;
	p->subject = ++d->probe_subject;
	p->id = strdup(m->id);
	p->account = strdup(m->conf->from_account);
	if (roster_card(d->roster, m, &p->texts, &p->card) == ERR_OK && p->id != NULL && p->account != NULL &&
	    copy_topics(p, &m->conf->topics)) {
		p->card.app = 0; /* of its page's store */
		return p;
	}
	probe_free(p);
	return NULL;
}

enum err probe_start(struct daemon *d, const struct member *m, struct probe **ret)
{
	struct probe *p = probe_new(d, m);
	struct job job = roster_job(m, m->conf);
	enum err e;

	if (p == NULL)
		return ERR_MEMORY;
	job.subject = p->subject;
	e = poller_probe(d->poller, &job, &p->job);
	if (e != ERR_OK) {
		probe_free(p);
		return e;
	}
	p->next = d->probe;
	d->probe = p;
	*ret = p;
	return ERR_OK;
}

struct probe *probe_under_way(const struct daemon *d, size_t app, const char *id)
{
	for (struct probe *p = d->probe; p != NULL; p = p->next)
		if (p->app == app && strcmp(p->id, id) == 0)
			return p;
	return NULL;
}

/* Few are under way. */
static struct probe *find(const struct daemon *d, size_t subject)
{
	struct probe *p = d->probe;

	while (p->subject != subject)
		p = p->next;
	return p;
}

static void leave_list(struct probe *p)
{
	struct probe **link = &p->daemon->probe;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
}

void probe_drop(struct probe *p)
{
	poller_probe_drop(p->daemon->poller, p->job);
	leave_list(p);
	probe_free(p);
}

/* ---- the sink ---- */
static bool ask(void *arg, size_t subject, bool first, struct buf *body)
{
	struct probe *p = find(arg, subject);
	const struct topic_question q = {
		.community = p->id,
		.account = p->account,
		.topics = (const char *const *)p->topic,
		.topic_n = p->topic_n,
	};

	if (first) {
		topic_poll_free(p->poll);
		p->poll = topic_poll_new(&q, &p->way);
	}
	if (p->poll == NULL)
		return false;
	topic_poll_ask(p->poll, body);
	return body->status == ERR_OK;
}

static void answer(void *arg, size_t subject, const struct reply *r, const struct now *now, struct tally *t,
                   struct poll_answer *ret)
{
	const struct daemon *d = arg;
	struct probe *p = find(d, subject);
	const struct member *m = roster_find(d->roster, p->app, p->id);
	const struct topic_context context = {
		.community = p->id,
		.observer = p->observer,
		.silent_after_s = p->card.settings.silent_after_ms / 1000,
		.keep_ms = p->card.stale_after_ms,
		.now = *now,
	};
	struct topic_answer a = { 0 };

	if (r->err == ERR_TOO_LARGE) {
		topic_poll_too_large(p->poll, &a, &ret->why);
	} else if (r->err != ERR_OK) {
		ret->outcome = polls_transport_outcome(r);
		return;
	} else {
		topic_poll_take(p->poll, r->body, r->len, &context,
		                m != NULL ? store_before(d->store, m->slot) : NULL, &a, &ret->why);
	}
	ret->outcome = a.outcome;
	for (size_t i = 0; i < a.error_n; i++)
		tally_topic_errors(t, a.errors[i].code, a.errors[i].n);
	p->facts = a.facts;
}

static void ended(void *arg, size_t subject, const struct poll_end *end, const struct now *now)
{
	struct daemon *d = arg;
	struct probe *p = find(d, subject);
	const struct probe_end how = { end->outcome, end->took_us };
	struct facts *facts = p->facts;
	const char *why = end->why.text[0] != '\0' ? end->why.text : err_text(end->outcome.err);

	(void)now;
	if (end->outcome.err != ERR_OK)
		LOG(SAY_DEBUG, "probe_failed", LOG_TEXT("app", d->roster->app[p->app].conf->name),
		    LOG_TEXT("community", p->id), LOG_TEXT("reason", err_label(end->outcome.err)),
		    LOG_INT("code", end->outcome.code), LOG_TEXT("why", why));
	p->facts = NULL;
	leave_list(p);
	probe_give_pages(p, p->reader, facts, &how);
	probe_free(p);
}

struct poller_sink probe_sink(struct daemon *d)
{
	return (struct poller_sink){ .arg = d, .ask = ask, .answer = answer, .ended = ended };
}

/* ---- time ---- */
/* Takes the readers whose time is over out of the list. */
static struct probe_reader *take_late(struct probe *p, int64_t now_ms)
{
	struct probe_reader *late = NULL;

	for (struct probe_reader **link = &p->reader; *link != NULL;) {
		struct probe_reader *r = *link;

		if (r->end_ms > now_ms) {
			link = &r->next;
			continue;
		}
		*link = r->next;
		r->next = late;
		late = r;
	}
	return late;
}

static void refuse_all(struct probe_reader *readers, unsigned status, const char *text)
{
	while (readers != NULL) {
		struct probe_reader *r = readers;

		readers = r->next;
		probe_refuse(r, status, 1, text);
	}
}

/* Whoever waited for budget in vain hears that; whoever waited for the service has found something out. */
static void end_late(struct probe *p, struct probe_reader *late)
{
	const struct probe_end slow = {
		.outcome = { .verdict = CHAT_RETRY, .err = ERR_TIMEOUT },
		.took_us = 1000 * (p->daemon->now.mono_ms - (late != NULL ? late->began_ms : 0)),
	};

	if (late == NULL)
		return;
	if (poller_probe_begun(p->daemon->poller, p->job))
		probe_give_pages(p, late, NULL, &slow);
	else
		refuse_all(late, 429, "no budget before the deadline, try again in a second\n");
}

void probe_turn(struct daemon *d)
{
	for (struct probe *p = d->probe, *next; p != NULL; p = next) {
		next = p->next;
		end_late(p, take_late(p, d->now.mono_ms));
		if (p->reader == NULL)
			probe_drop(p);
	}
}

int64_t probe_wait_ms(const struct daemon *d)
{
	int64_t least = INT64_MAX;

	for (const struct probe *p = d->probe; p != NULL; p = p->next)
		for (const struct probe_reader *r = p->reader; r != NULL; r = r->next)
			if (r->end_ms - d->now.mono_ms < least)
				least = r->end_ms - d->now.mono_ms;
	return least > 0 ? least : 0;
}

static void end_some(struct daemon *d, size_t app, const char *text)
{
	for (struct probe *p = d->probe, *next; p != NULL; p = next) {
		next = p->next;
		if (app != SIZE_MAX && p->app != app)
			continue;
		refuse_all(p->reader, 503, text);
		probe_drop(p);
	}
}

void probe_stop(struct daemon *d)
{
	end_some(d, SIZE_MAX, "stopping\n");
}

void probe_app_gone(struct daemon *d, size_t app)
{
	end_some(d, app, "the app is configured no more\n");
}
