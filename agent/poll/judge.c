/* What a reply means for its app: the signature, the breaker, the pace, and whether the poll asks again. */
#include "agent/poll/inside.h"

enum {
	BAR_MS = 60000,  /* the service locks an account out for a minute after repeated bad signatures (70050) */
	SKEW_MAX_S = 60, /* a clock that is further off may be why a signature was refused */
	RETRY_COST = 1000,
	RETRY_AFTER_MAX_S = 300,
	RETRY_LATEST_MS = 3000,
};

/* There was no answer at all. */
static bool on_the_way(enum err e)
{
	return e == ERR_DNS || e == ERR_CONNECT || e == ERR_TLS || e == ERR_TIMEOUT || e == ERR_RESET;
}

/* The service read the signature and took it, whatever else it says. */
static bool shows_good_signature(const struct outcome *o)
{
	const bool by_code = o->err != ERR_HTTP_STATUS && o->code != 0;

	if (o->err == ERR_OK || (by_code && (o->verdict == CHAT_MORE || o->verdict == CHAT_GONE)))
		return true;
	return by_code && (o->verdict == CHAT_REFUSED || o->verdict == CHAT_DENIED) &&
	       chat_scope_of(o->code) == CHAT_SCOPE_COMMUNITY;
}

static void note_clock(struct app *a, const struct reply *r, const struct now *now)
{
	if (r->date_s == 0)
		return;
	a->skew_known = true;
	a->skew_s = r->date_s - now->unix_s;
}

static void close_app(struct app *a, const struct outcome *o, const struct why *why)
{
	a->closed_by = *o;
	a->closed_why = *why;
}

void judge_bar(struct app *a, int64_t every_ms, const struct outcome *o, const struct why *why,
               const struct now *now)
{
	breaker_hold(&a->breaker, every_ms > BAR_MS ? every_ms : BAR_MS, now);
	close_app(a, o, why);
	a->held = true;
	a->barred = true;
}

/* A new signature is made once; when that one is refused as well, the key is wrong and the app is barred. A
 * probe that is refused for the first time found a service that answers: the second try is no probe any more.
 */
static enum next judge_signature(struct app *a, const struct task *t, const struct poll_answer *got,
                                 int64_t wait_ms, const struct now *now, bool *ret_reopened)
{
	const bool again = a->held && a->refused != 0;
	const enum next next = t->retried ? NEXT_END : NEXT_AGAIN_NOW;

	if (wait_ms == 0 && t->signature == a->refused) {
		if (t->probe)
			judge_bar(a, BAR_MS, &got->outcome, &got->why, now);
		return a->breaker.open ? NEXT_END : next;
	}
	a->held = true;
	a->refused = t->signature;
	a->sign_offset_s = a->skew_known && (a->skew_s > SKEW_MAX_S || a->skew_s < -SKEW_MAX_S) ? a->skew_s : 0;
	signer_expire(a->conf.signer);
	if (!again && wait_ms == 0) {
		*ret_reopened = t->probe && breaker_good(&a->breaker);
		return next;
	}
	judge_bar(a, wait_ms, &got->outcome, &got->why, now);
	return NEXT_END;
}

static int64_t stay_away_ms(const struct reply *r, const struct chat_code *code)
{
	const int64_t told_s = r->retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : r->retry_after_s;
	const int64_t known_s = code != NULL ? code->wait_s : 0;

	return 1000 * (told_s > known_s ? told_s : known_s);
}

/* "Too fast" is about the interface or about the app; an HTTP status does not say, so it is about both. */
static void judge_speed(struct app *a, const struct task *t, const struct reply *r, const struct outcome *o,
                        const struct now *now)
{
	const bool status = o->err == ERR_HTTP_STATUS;
	const struct chat_code *code = status || o->code == 0 ? NULL : chat_code(chat_row(o->code));

	if (o->verdict == CHAT_SLOW)
		a->lane[t->conf.command].tally.throttled++;
	else if (!status || o->code != 503)
		return;
	for (int c = 0; c < CHAT_COMMANDS; c++)
		if (c == (int)t->conf.command || code == NULL || code->scope == CHAT_SCOPE_APP)
			pace_throttled(&a->lane[c].pace, stay_away_ms(r, code), now);
}

static void judge_failure(struct app *a, const struct task *t, const struct poll_answer *got,
                          const struct now *now)
{
	const struct outcome *o = &got->outcome;

	/* A community that fails again and again says nothing new about its app; whoever probes one may do so
	 * because it fails. */
	const bool known = !on_the_way(o->err) && (t->failing || t->retried || t->one_shot) && !t->probe;

	if (o->err == ERR_LOCAL_RESOURCE || known)
		breaker_neutral(&a->breaker, t->probe, now);
	else if (breaker_bad(&a->breaker, on_the_way(o->err), t->probe, now) || (t->probe && a->breaker.open))
		close_app(a, o, &got->why);
}

/* Lists are asked for so rarely that one which came too fast met a call of somebody else: of another shard,
 * or of the app's backend. */
static bool met_another(const struct task *t, const struct outcome *o)
{
	return o->verdict == CHAT_SLOW && t->conf.command == CHAT_GET_APPID_GROUP_LIST;
}

/* Not worth a second try: what a moment does not change. */
static bool may_retry(const struct app *a, const struct task *t, const struct outcome *o)
{
	if (t->one_shot || (o->verdict != CHAT_RETRY && !met_another(t, o)))
		return false;
	if (o->err == ERR_TLS || o->err == ERR_SCHEMA || o->err == ERR_TOO_LARGE)
		return false;
	if (o->err == ERR_HTTP_STATUS && o->code < 500)
		return false;
	return !t->retried && !a->breaker.open && a->retry_credit >= RETRY_COST &&
	       t->period_ms > 2 * RETRY_LATEST_MS;
}

enum next judge(struct app *a, const struct task *t, const struct reply *r, const struct poll_answer *got,
                const struct now *now, bool *ret_reopened)
{
	const struct outcome *o = &got->outcome;
	const bool by_code = o->err != ERR_HTTP_STATUS && o->code != 0;
	const struct chat_code *code = chat_code(chat_row(o->code));
	const int64_t wait_ms = by_code ? code->wait_s * 1000LL : 0;

	note_clock(a, r, now);
	judge_speed(a, t, r, o, now);
	if (o->err == ERR_OK)
		a->last_ok_ms = now->mono_ms;
	if (o->verdict == CHAT_RESIGN)
		return judge_signature(a, t, got, wait_ms, now, ret_reopened);
	if (o->verdict == CHAT_DENIED && by_code && chat_scope_of(o->code) == CHAT_SCOPE_APP) {
		judge_bar(a, wait_ms, o, &got->why, now);
		return NEXT_END;
	}
	if (shows_good_signature(o)) {
		a->held = a->barred = false;
		a->refused = 0;
	}
	if (o->verdict == CHAT_RETRY)
		judge_failure(a, t, got, now);
	else if (!a->barred)
		*ret_reopened = breaker_good(&a->breaker);
	else
		breaker_neutral(&a->breaker, t->probe, now);
	if (o->verdict == CHAT_MORE)
		return NEXT_MORE;
	if (!may_retry(a, t, o))
		return NEXT_END;
	a->retry_credit -= RETRY_COST;
	return NEXT_AGAIN_SOON;
}
