/* The stage of the poller's tests: a fetch and a signer that the test plays itself, on a clock it owns. For
 * one program each: everything here is static. */
#ifndef UNIT_POLL_STAGE_H
#define UNIT_POLL_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/poll/poller.h"

#define CHECK assert_true

enum { FAKE_ROOM = 64, JOBS_MAX = 1024, SENT_MAX = 60000 };

struct sent {
	int64_t at_ms;
	size_t job;
};

/* ---- the fakes ---- */
static struct {
	struct now now;
	size_t flying[FAKE_ROOM];
	unsigned flying_n, room;
	struct sent sent[SENT_MAX];
	size_t sent_n;
	bool deliver[JOBS_MAX]; /* false: the call of this job hangs */
	struct outcome outcome[JOBS_MAX];
	enum err transport;       /* not ERR_OK: every call fails like this on the way */
	unsigned more[JOBS_MAX];  /* calls that a poll of this job takes beyond the first */
	unsigned asked[JOBS_MAX]; /* calls of its poll so far */
	uint64_t messages[JOBS_MAX];
	unsigned resends;    /* requests that every call costs beyond the one asked for */
	int64_t date_skew_s; /* of the Date header; INT64_MAX: there is none */
	int64_t retry_after_s;
	int64_t signed_at_s; /* what the signer was last told */
	unsigned expired;
	uint64_t renewals;
	uint64_t good_from; /* signatures below this one are refused; 0: `outcome` decides */
	bool must_mint, cannot_sign, cannot_mint;
	size_t ended[JOBS_MAX];
	struct poll_end last_end[JOBS_MAX];
	unsigned most_flying;
	bool wrote; /* a request since the last wait */
} world;

bool fetch_room(const struct fetch *f)
{
	(void)f;
	return world.flying_n < world.room;
}

enum err fetch_send(struct fetch *f, const struct ask *a)
{
	(void)f;
	CHECK(world.flying_n < world.room);
	CHECK(world.sent_n < SENT_MAX);
	CHECK(strstr(a->url, "usersig=sig") != NULL);
	CHECK(a->len == 2 && memcmp(a->body, "{}", 2) == 0);
	world.flying[world.flying_n++] = a->target;
	++*a->written;
	world.wrote = true;
	if (world.flying_n > world.most_flying)
		world.most_flying = world.flying_n;
	world.sent[world.sent_n++] = (struct sent){ world.now.mono_ms, a->target };
	return ERR_OK;
}

bool fetch_take(struct fetch *f, struct reply *ret)
{
	(void)f;
	for (unsigned i = 0; i < world.flying_n; i++) {
		const size_t job = world.flying[i];

		if (!world.deliver[job])
			continue;
		memmove(&world.flying[i], &world.flying[i + 1], (world.flying_n - i - 1) * sizeof(world.flying[0]));
		world.flying_n--;
		*ret = (struct reply){
			.target = job,
			.took_us = 1000,
			.bytes = 2,
			.status = 200,
			.sent = 1 + world.resends,
			.retry_after_s = world.retry_after_s,
			.err = world.transport,
			.date_s = world.date_skew_s != INT64_MAX ? world.now.unix_s + world.date_skew_s : 0,
		};
		return true;
	}
	return false;
}

enum err signer_get(struct signer *s, int64_t unix_s, const char **ret_sig, struct why *why)
{
	(void)s;
	world.signed_at_s = unix_s;
	if (world.cannot_sign)
		return err_because(why, ERR_KEY, "cannot read 'prod.key'");
	if (world.must_mint && !world.cannot_mint) {
		world.renewals++;
		world.must_mint = false;
	}
	*ret_sig = "sig";
	return ERR_OK;
}

uint64_t signer_renewals(const struct signer *s)
{
	(void)s;
	return world.renewals;
}

void signer_expire(struct signer *s)
{
	(void)s;
	world.expired++;
	world.must_mint = true;
}

/* ---- the sink ---- */
static bool ask(void *arg, size_t subject, bool first, struct buf *body)
{
	(void)arg;
	if (first)
		world.asked[subject] = 0;
	world.asked[subject]++;
	buf_str(body, "{}");
	return true;
}

static void answer(void *arg, size_t subject, const struct reply *r, const struct now *now, struct tally *t,
                   struct poll_answer *ret)
{
	(void)arg;
	(void)t;
	(void)now;
	ret->messages = world.messages[subject];
	if (r->err != ERR_OK)
		ret->outcome = (struct outcome){ CHAT_RETRY, r->err, 0 };
	else if (world.good_from > 0 && world.renewals < world.good_from)
		ret->outcome = (struct outcome){ CHAT_RESIGN, ERR_AUTH, 70009 };
	else if (world.asked[subject] <= world.more[subject])
		ret->outcome = (struct outcome){ CHAT_MORE, ERR_OK, 0 };
	else
		ret->outcome = world.outcome[subject];
}

static void ended(void *arg, size_t subject, const struct poll_end *end, const struct now *now)
{
	(void)arg;
	(void)now;
	world.ended[subject]++;
	world.last_end[subject] = *end;
}

/* ---- the stage ---- */
struct stage {
	struct poller_app app[2];
	struct job job[JOBS_MAX];
	size_t number[JOBS_MAX];
	struct poller *poller;
};

static inline void set_apps(struct stage *s, size_t app_n, int64_t milli_per_s)
{
	const struct poller_sink sink = { .ask = ask, .answer = answer, .ended = ended };
	struct poller_parts parts = {
		.app = s->app, .app_n = app_n, .seed = 7, .sink = { sink, sink }, .probe_sink = sink
	};

	memset(&world, 0, sizeof(world));
	world.now = (struct now){ .mono_ms = 5000000, .unix_s = 1700000000 };
	world.room = FAKE_ROOM;
	world.must_mint = true;
	world.date_skew_s = INT64_MAX;
	world.retry_after_s = -1;
	for (size_t i = 0; i < JOBS_MAX; i++)
		world.deliver[i] = true;
	for (size_t a = 0; a < app_n; a++)
		s->app[a] = (struct poller_app){
			.host = "https://example.invalid",
			.admin = "administrator",
			.sdk_app_id = 1400000001 + a,
			.milli_per_s = { milli_per_s, 800 },
			.max_inflight = 8,
		};
	CHECK(poller_new(&parts, &world.now, &s->poller) == ERR_OK);
}

/* Jobs take turns over the apps; the subject of a job is its place here, and so is its number. */
static inline void set_stage(struct stage *s, size_t app_n, size_t job_n, int64_t period_ms,
                             int64_t milli_per_s)
{
	set_apps(s, app_n, milli_per_s);
	for (size_t j = 0; j < job_n; j++)
		s->job[j] = (struct job){
			.app = j % app_n,
			.subject = j,
			.period_ms = period_ms,
			.phase_key = UINT64_MAX / job_n * j,
		};
	CHECK(poller_add(s->poller, s->job, job_n, &world.now, s->number) == ERR_OK);
	for (size_t j = 0; j < job_n; j++)
		CHECK(s->number[j] == j);
}

static inline struct poller_view view_of(struct stage *s, size_t app)
{
	struct poller_view v;

	poller_app_view(s->poller, app, &world.now, &v);
	return v;
}

/* Runs the loop as agent/daemon.c does: a turn, then the clock goes on by what the poller says, 1 ms at
 * least. */
static inline void play(struct stage *s, int64_t for_ms)
{
	const int64_t end_ms = world.now.mono_ms + for_ms;

	while (world.now.mono_ms < end_ms) {
		int64_t wait_ms;

		world.wrote = false;
		poller_turn(s->poller, &world.now);
		if (world.wrote) /* fetch_wait does not sleep then */
			poller_turn(s->poller, &world.now);
		wait_ms = poller_wait_ms(s->poller, &world.now);
		CHECK(wait_ms >= 0);
		if (wait_ms < 1 || world.flying_n > 0)
			wait_ms = 1;
		if (wait_ms > end_ms - world.now.mono_ms)
			wait_ms = end_ms - world.now.mono_ms;
		world.now.mono_ms += wait_ms;
		world.now.unix_s = 1700000000 + (world.now.mono_ms - 5000000) / 1000;
	}
}

static inline size_t most_in_a_second(void)
{
	size_t most = 0, from = 0;

	for (size_t to = 0; to < world.sent_n; to++) {
		while (world.sent[to].at_ms - world.sent[from].at_ms >= 1000)
			from++;
		if (to - from + 1 > most)
			most = to - from + 1;
	}
	return most;
}

#endif
