#include "agent/poll/poller.h"

#include <stdlib.h>
#include <string.h>

/* Replies delivered in one turn, so that the listener gets its turn too. */
enum { REPLIES_A_TURN = 16, SENDS_A_TURN = 16, BODY_MAX = 2 << 20, URL_MAX_BYTES = 4096 };

/* How long an app whose signature was refused twice, or whose key or rights are wrong, is left alone. The
 * service locks an account out for a minute after repeated bad signatures (70050), so a shorter wait would
 * feed the lock. */
enum { HOLD_MS = 60000, HUSH_MS = 1000 };

struct flight {
	int64_t due_ms;     /* the slot it was started for */
	size_t local;       /* number within its app's plan */
	bool polled;        /* finished at least once */
	uint64_t signature; /* which one its call carries, by signer_renewals */
};

struct app {
	const struct poller_app *conf;
	struct plan *plan; /* over local numbers */
	struct rate rate;
	size_t *job; /* local number -> job */
	size_t job_n, pending;
	unsigned inflight;
	int64_t last_ok_ms;
	bool signing_failed;
	bool held;        /* one call at a time until one is answered without an auth error */
	bool barred;      /* no calls but a probe a minute, because nothing here can cure the refusal */
	uint64_t refused; /* the signature refused last; calls that still carry it say nothing new */
	struct tally tally[CHAT_COMMANDS];
};

struct poller {
	struct poller_parts parts;
	struct app *app;
	struct flight *flight; /* by job */
	struct buf url, body;
	size_t first; /* the app that is served first; moves on every turn */
	int64_t alive_ms;
	bool stopped, more; /* more: the last turn stopped at its bound */
};

static void count_jobs(struct poller *p)
{
	for (size_t j = 0; j < p->parts.job_n; j++)
		p->app[p->parts.job[j].app].job_n++;
}

/* The time in which an app's first polls are spread: nobody waits a whole interval for first figures, and no
 * more than half of the budget is used for it. */
static int64_t first_span_ms(const struct app *a, int64_t period_ms)
{
	const int64_t sweep_ms = (int64_t)a->job_n * 2000 * 1000 / a->conf->milli_per_s;

	return sweep_ms < period_ms ? sweep_ms : period_ms;
}

static void plan_first(struct poller *p, const struct now *now)
{
	for (size_t j = 0; j < p->parts.job_n; j++) {
		const struct job *job = &p->parts.job[j];
		struct app *a = &p->app[job->app];
		const int64_t span_ms = first_span_ms(a, job->period_ms);
		const int64_t wait_ms = (int64_t)((double)job->phase_key / 18446744073709551616.0 * (double)span_ms);

		p->flight[j].local = a->pending;
		p->flight[j].due_ms = now->mono_ms + wait_ms;
		a->job[a->pending] = j;
		plan_put(a->plan, a->pending, p->flight[j].due_ms);
		a->pending++;
	}
}

static enum err app_init(struct app *a, const struct poller_app *conf, uint64_t seed, const struct now *now)
{
	const int64_t burst = conf->milli_per_s / 10000;

	a->conf = conf;
	a->last_ok_ms = -1;
	rate_init(&a->rate, conf->milli_per_s, burst > 1 ? burst : 1, now);
	a->job = calloc(a->job_n > 0 ? a->job_n : 1, sizeof(*a->job));
	if (a->job == NULL)
		return ERR_MEMORY;
	return plan_new(a->job_n, seed, &a->plan);
}

enum err poller_new(const struct poller_parts *parts, const struct now *now, struct poller **ret)
{
	struct poller *p = calloc(1, sizeof(*p));
	enum err e = ERR_MEMORY;

	if (p == NULL)
		return ERR_MEMORY;
	p->parts = *parts;
	p->alive_ms = now->mono_ms;
	buf_init(&p->url, URL_MAX_BYTES);
	buf_init(&p->body, BODY_MAX);
	p->app = calloc(parts->app_n > 0 ? parts->app_n : 1, sizeof(*p->app));
	p->flight = calloc(parts->job_n > 0 ? parts->job_n : 1, sizeof(*p->flight));
	if (p->app == NULL || p->flight == NULL)
		goto out;
	count_jobs(p);
	for (size_t i = 0; i < parts->app_n; i++) {
		e = app_init(&p->app[i], &parts->app[i], parts->seed + i, now);
		if (e != ERR_OK)
			goto out;
	}
	plan_first(p, now);

	*ret = p;
	return ERR_OK;
out:
	poller_free(p);
	return e;
}

void poller_free(struct poller *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->app != NULL && i < p->parts.app_n; i++) {
		plan_free(p->app[i].plan);
		free(p->app[i].job);
	}
	if (p->url.at != NULL)
		explicit_bzero(p->url.at, p->url.cap);
	buf_done(&p->url);
	buf_done(&p->body);
	free(p->app);
	free(p->flight);
	free(p);
}

/* Back onto the grid: the first slot at least half a period after the one just served, and in the future, so
 * a late poll neither bunches up with the next one nor makes up for slots it missed. */
static void plan_next(struct poller *p, size_t j, const struct now *now)
{
	const struct job *job = &p->parts.job[j];
	struct app *a = &p->app[job->app];
	struct flight *f = &p->flight[j];
	int64_t after_ms = f->due_ms + job->period_ms / 2;

	if (after_ms < now->mono_ms)
		after_ms = now->mono_ms;
	f->due_ms =
		plan_slot(job->phase_key, job->period_ms, after_ms) + plan_jitter(a->plan, job->period_ms / 100);
	plan_put(a->plan, f->local, f->due_ms);
}

static void bar_app(struct app *a, int64_t for_ms, const struct now *now)
{
	rate_hush(&a->rate, for_ms > HOLD_MS ? for_ms : HOLD_MS, now);
	a->held = true;
	a->barred = true;
}

/* A new signature is made once; when that one is refused as well, the key is wrong and the app is barred. */
static void judge_signature(struct app *a, uint64_t signature, int64_t wait_ms, const struct now *now)
{
	if (wait_ms == 0 && signature == a->refused)
		return;
	if (a->held || wait_ms > 0)
		bar_app(a, wait_ms, now);
	a->held = true;
	a->refused = signature;
	signer_expire(a->conf->signer);
}

/* What an answer means for the whole app. */
static void judge_app(struct app *a, uint64_t signature, const struct outcome *o, const struct now *now)
{
	const struct chat_code *code = chat_code(chat_row(o->code));
	const bool by_code = o->err != ERR_HTTP_STATUS && o->code != 0;
	const int64_t wait_ms = by_code ? code->wait_s * 1000LL : 0;
	const bool about_app = by_code && code->scope == CHAT_SCOPE_APP;

	if (o->err == ERR_OK) {
		a->held = false;
		a->barred = false;
		a->last_ok_ms = now->mono_ms;
	} else if (o->verdict == CHAT_SLOW) {
		rate_hush(&a->rate, wait_ms > HUSH_MS ? wait_ms : HUSH_MS, now);
	} else if (o->verdict == CHAT_RESIGN) {
		judge_signature(a, signature, wait_ms, now);
	} else if (o->verdict == CHAT_DENIED && about_app) {
		bar_app(a, wait_ms, now);
	}
}

static void end_poll(struct poller *p, size_t j, const struct poll_end *end, const struct now *now)
{
	struct app *a = &p->app[p->parts.job[j].app];
	struct flight *f = &p->flight[j];

	if (!f->polled) {
		f->polled = true;
		a->pending--;
	}
	p->alive_ms = now->mono_ms;
	p->parts.sink.ended(p->parts.sink.arg, j, end, now);
	plan_next(p, j, now);
}

static void deliver(struct poller *p, const struct reply *r, const struct now *now)
{
	const size_t j = r->target;
	struct app *a = &p->app[p->parts.job[j].app];
	struct tally *t = &a->tally[CHAT_GET_TOPIC];
	struct poll_end end = { .took_us = r->took_us };

	a->inflight--;
	end.outcome = p->parts.sink.answer(p->parts.sink.arg, j, r, now, t, &end.why);
	tally_attempt(t, &end.outcome, r->took_us, r->bytes);
	judge_app(a, p->flight[j].signature, &end.outcome, now);
	end_poll(p, j, &end, now);
}

/* Hands one call to fetch. The token is spent only when the call was really started. */
static bool start_call(struct poller *p, size_t j, const char *usersig)
{
	const struct app *a = &p->app[p->parts.job[j].app];
	const struct poller_app *conf = a->conf;
	const struct chat_caller who = {
		.host = conf->host,
		.admin = conf->admin,
		.usersig = usersig,
		.sdk_app_id = conf->sdk_app_id,
	};
	struct ask ask = { .target = j, .ca_file = conf->ca_file };
	/* `random` tells requests apart; it is no secret. */
	const uint32_t nonce = (uint32_t)plan_jitter(a->plan, (int64_t)UINT32_MAX + 1);

	buf_reset(&p->url);
	buf_reset(&p->body);
	chat_url(&p->url, &who, CHAT_GET_TOPIC, nonce);
	p->parts.sink.ask(p->parts.sink.arg, j, &p->body);
	ask.url = buf_text(&p->url);
	ask.body = p->body.at;
	ask.len = p->body.len;
	return p->url.status == ERR_OK && p->body.status == ERR_OK && fetch_send(p->parts.fetch, &ask) == ERR_OK;
}

static void start_poll(struct poller *p, size_t j, const struct now *now)
{
	struct app *a = &p->app[p->parts.job[j].app];
	struct poll_end end = { .outcome = { .verdict = CHAT_DENIED, .err = ERR_AUTH } };
	const char *usersig;

	p->alive_ms = now->mono_ms;
	a->signing_failed = signer_get(a->conf->signer, now->unix_s, &usersig, &end.why) != ERR_OK;
	p->flight[j].signature = signer_renewals(a->conf->signer);
	if (!a->signing_failed && a->refused != 0 && p->flight[j].signature == a->refused) {
		/* No new one could be made; sending the refused one again would feed the lock. */
		bar_app(a, HOLD_MS, now);
		(void)err_because(&end.why, ERR_AUTH,
		                  "the signature was refused and the key cannot be read to make a new one");
		end_poll(p, j, &end, now);
		return;
	}
	if (!a->signing_failed && start_call(p, j, usersig)) {
		a->inflight++;
		return;
	}
	if (!a->signing_failed) {
		end.outcome = (struct outcome){ .verdict = CHAT_RETRY, .err = ERR_LOCAL_RESOURCE };
		(void)err_because(&end.why, ERR_LOCAL_RESOURCE, "no memory or room for a call");
	}
	end_poll(p, j, &end, now);
}

static bool has_room(const struct poller *p, const struct app *a)
{
	return fetch_room(p->parts.fetch) && a->inflight < (a->held ? 1 : a->conf->max_inflight);
}

static bool is_due(const struct app *a, const struct now *now)
{
	return plan_wait_ms(a->plan, now) == 0;
}

static void send_due(struct poller *p, struct app *a, const struct now *now)
{
	size_t local;

	for (int i = 0; is_due(a, now) && has_room(p, a); i++) {
		if (i == SENDS_A_TURN) {
			p->more = true;
			return;
		}
		if (!rate_take(&a->rate, now) || !plan_take(a->plan, now, &local))
			return;
		start_poll(p, a->job[local], now);
	}
}

void poller_turn(struct poller *p, const struct now *now)
{
	struct reply r;
	bool waiting = false;
	int n = 0;

	p->more = false;
	while (n < REPLIES_A_TURN && fetch_take(p->parts.fetch, &r)) {
		deliver(p, &r, now);
		n++;
	}
	if (n == REPLIES_A_TURN)
		p->more = true;
	for (size_t i = 0; !p->stopped && i < p->parts.app_n; i++) {
		struct app *a = &p->app[(p->first + i) % p->parts.app_n];

		send_due(p, a, now);
		if (is_due(a, now) && rate_wait_ms(&a->rate, now) == 0)
			waiting = true;
	}
	p->first++;
	if (!waiting)
		p->alive_ms = now->mono_ms;
}

int64_t poller_wait_ms(const struct poller *p, const struct now *now)
{
	int64_t least = INT64_MAX;

	if (p->more)
		return 0;
	for (size_t i = 0; !p->stopped && i < p->parts.app_n; i++) {
		const struct app *a = &p->app[i];
		int64_t wait = plan_wait_ms(a->plan, now);

		if (wait == 0 && !has_room(p, a))
			continue; /* a reply will wake the loop */
		if (wait == 0)
			wait = rate_wait_ms(&a->rate, now);
		if (wait < least)
			least = wait;
	}
	return least;
}

void poller_stop(struct poller *p)
{
	p->stopped = true;
}

int64_t poller_alive_ms(const struct poller *p)
{
	return p->alive_ms;
}

void poller_app_view(const struct poller *p, size_t app, const struct now *now, struct poller_view *ret)
{
	const struct app *a = &p->app[app];
	const int64_t due_ms = plan_due_ms(a->plan);

	*ret = (struct poller_view){
		.inflight = a->inflight,
		.last_ok_ms = a->last_ok_ms,
		.signing_failed = a->signing_failed,
		.barred = a->barred,
		.late_ms = due_ms < now->mono_ms ? now->mono_ms - due_ms : 0,
		.pending = a->pending,
	};
	for (int c = 0; c < CHAT_COMMANDS; c++)
		ret->tally[c] = &a->tally[c];
}
