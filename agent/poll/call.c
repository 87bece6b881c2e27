/* The start of a call. */
#include "agent/poll/inside.h"

enum {
	RETRY_EARN = 100, /* a tenth of a retry for each call */
	RETRY_MOST = 10000,
};

/* Hands one call to fetch. */
static bool start_call(struct poller *p, size_t number, const char *usersig, const struct now *now)
{
	struct task *t = &p->task[number];
	struct lane *l = task_lane(p, t);
	const struct poller_sink *sink = task_sink(p, t);
	const struct poller_app *conf = &p->app[t->conf.app]->conf;
	const struct chat_caller who = {
		.host = conf->host,
		.admin = conf->admin,
		.usersig = usersig,
		.sdk_app_id = conf->sdk_app_id,
	};
	struct ask ask = { .target = number,
		               .ca_file = conf->ca_file,
		               .proxy = conf->proxy,
		               .mono_ms = now->mono_ms,
		               .written = &l->written,
		               .fresh = p->app[t->conf.app]->breaker.open };
	/* `random` tells requests apart; it is no secret. */
	const uint32_t nonce = (uint32_t)plan_jitter(l->plan, (int64_t)UINT32_MAX + 1);

	buf_reset(&p->url);
	buf_reset(&p->body);
	chat_url(&p->url, &who, t->conf.command, nonce);
	if (!sink->ask(sink->arg, t->conf.subject, !t->begun, &p->body))
		return false;
	ask.url = buf_text(&p->url);
	ask.body = p->body.at;
	ask.len = p->body.len;
	return p->url.status == ERR_OK && p->body.status == ERR_OK && fetch_send(p->parts.fetch, &ask) == ERR_OK;
}

/* The signature for a call of this app now. ERR_AUTH: there is none that may be used, and only an operator
 * can help; ERR_LOCAL_RESOURCE: none could be made this time. */
static enum err sign(struct app *a, struct task *t, const struct now *now, const char **ret, struct why *why)
{
	const enum err e = signer_get(a->conf.signer, now->unix_s + a->sign_offset_s, ret, why);

	a->signing_failed = e != ERR_OK;
	t->signature = signer_renewals(a->conf.signer);
	if (e == ERR_KEY)
		return ERR_AUTH;
	if (e != ERR_OK)
		return ERR_LOCAL_RESOURCE;
	if (a->refused == 0 || t->signature != a->refused)
		return ERR_OK;
	/* No new one could be made; sending the refused one again would feed the lock. */
	return err_because(why, ERR_AUTH,
	                   "the signature was refused and the key cannot be read to make a new one");
}

void poll_start(struct poller *p, size_t number, const struct now *now)
{
	struct task *t = &p->task[number];
	struct app *a = p->app[t->conf.app];
	struct why why = { 0 };
	const char *usersig;
	enum err e = sign(a, t, now, &usersig, &why);

	a->alive_ms = now->mono_ms;
	if (e == ERR_OK && !start_call(p, number, usersig, now))
		e = err_because(&why, ERR_LOCAL_RESOURCE, "no memory or room for a call");
	if (e != ERR_OK) {
		struct outcome o = { .verdict = CHAT_DENIED, .err = e };

		pace_never(&task_lane(p, t)->pace, 1, now);
		if (e == ERR_AUTH)
			judge_bar(a, 0, &o, &why, now);
		else
			breaker_neutral(&a->breaker, a->breaker.open, now);
		o.verdict = CHAT_RETRY; /* the community is not to blame: no rest */
		poll_end_unasked(p, number, &o, &why, now);
		return;
	}
	a->retry_credit += t->retried ? 0 : RETRY_EARN;
	if (a->retry_credit > RETRY_MOST)
		a->retry_credit = RETRY_MOST;
	t->calls = t->begun ? t->calls + 1 : 1;
	t->begun = t->flying = true;
	t->missed = false;
	t->probe = breaker_start(&a->breaker);
	a->inflight++;
}
