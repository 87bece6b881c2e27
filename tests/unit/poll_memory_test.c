/* The program without memory, from the poller to the page: whatever allocation fails, it goes on, loses no
 * block and tells nothing that it was not told; one round later nobody would know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "agent/daemon.c"      /* turn_and_wait */
#include "agent/daemon_open.c" /* start */
#include "tests/unit/memory.h"
#include "tests/unit/memory_page.h"
#include "tests/unit/memory_service.h"

#define CHECK assert_true

enum { START_MS = 5000000, START_S = 1700000000, ROUND_S = 75, OUT_S = 45, ROUNDS = 3 };

/* What the bad round is like. */
enum kind {
	KIND_FIRST,  /* nothing is known yet */
	KIND_LATER,  /* everything is */
	KIND_SIGNED, /* and a new signature is needed */
};

struct stage {
	struct daemon d;
	int64_t round_began_s[ROUNDS + 1];
	unsigned first[SERVICE_COMMUNITIES_MAX]; /* the round of its first facts; 0: none yet */
};

/* ---- the loop, on a clock of its own ---- */
static void play(struct daemon *d, int64_t for_s)
{
	service_stop_ms = service_now.mono_ms + for_s * 1000;
	while (service_now.mono_ms < service_stop_ms)
		CHECK(turn_and_wait(d) == ERR_OK);
	d->now = service_now;
}

static bool is_polling(const struct daemon *d)
{
	for (size_t i = 0; i < d->roster->slots; i++)
		if (d->roster->member[i] != NULL && d->roster->member[i]->poll != NULL)
			return true;
	return service.flying > 0;
}

static void begin_round(struct stage *s, unsigned round)
{
	for (int i = 0; is_polling(&s->d); i++) {
		CHECK(i < 10);
		play(&s->d, 1);
	}
	service.round = round;
	s->round_began_s[round] = service_now.unix_s;
}

/* ---- pages ---- */
static unsigned round_at(const struct stage *s, int64_t unix_s)
{
	unsigned r = service.round;

	while (r > 1 && s->round_began_s[r] > unix_s)
		r--;
	return r;
}

/* A page may be refused while there is no memory. */
static bool read_page(struct daemon *d, web_answer *answer, struct seen *ret)
{
	const struct web_request q = { .path = "/metrics" };
	struct web_reply reply = { .status = 200 };
	bool whole = true;

	buf_init(&reply.body, 1 << 20);
	answer(d, &q, &reply);
	if (reply.stream.next != NULL) {
		seen_read(ret, &reply.stream);
		reply.stream.close(reply.stream.arg);
		CHECK(ret->communities == d->roster->community_n);
	} else {
		whole = reply.status == 200 && reply.body.status == ERR_OK;
		CHECK(whole || reply.status == 503 || reply.body.status == ERR_MEMORY);
	}
	buf_done(&reply.body);
	CHECK(d->scrapes == 0);
	return whole;
}

/* Nothing stands there that was not said, and what failed is called by its name. */
static void check_honest(struct stage *s, const struct seen *p)
{
	for (size_t i = 0; i < service_communities; i++) {
		const struct service_community *c = &service_community[i];
		const struct seen_community *r = &p->community[i];

		CHECK(r->shown || r->topics == 0);
		CHECK((r->last_poll_s == 0) == (r->up < 0));
		if (c->topics == 0 || r->last_success_s == 0) {
			CHECK(r->up != 1 && r->topics == 0 && r->last_success_s == 0);
		} else {
			CHECK(r->topics == c->topics && r->least == r->most);
			CHECK(r->least == round_at(s, r->last_success_s) * SERVICE_STEP);
			if (s->first[i] == 0)
				s->first[i] = r->least / SERVICE_STEP;
			CHECK(r->messages == (int64_t)c->topics * (r->least - s->first[i] * SERVICE_STEP));
		}
		if (r->up == 1)
			CHECK(r->last_poll_s == r->last_success_s && r->failures == 0 && r->reason[0] == '\0');
		if (r->up == 0)
			CHECK(r->last_poll_s >= r->last_success_s && r->failures > 0 && r->reason[0] != '\0');
		if (r->up == 0 && c->topics > 0)
			assert_string_equal(r->reason, "local_resource");
	}
	for (size_t a = 0; a < SERVICE_APPS; a++) {
		CHECK(p->app[a].requests == service.delivered[a] && p->app[a].durations == service.delivered[a]);
		CHECK(p->app[a].inflight == service.sent[a] - service.delivered[a]);
		CHECK(p->app[a].errors <= service.delivered[a]);
	}
}

static void check_members(const struct seen *p, unsigned from, unsigned to)
{
	for (size_t i = 0; i < service_communities; i++) {
		const struct service_community *c = &service_community[i];
		const bool known = c->listed_to == 0 || (c->listed_from <= from && c->listed_to >= to);
		const bool gone = c->listed_to != 0 && (c->listed_from > to || c->listed_to < from);

		CHECK(!known || p->community[i].shown);
		CHECK(!gone || !p->community[i].shown);
	}
}

static void check_normal(const struct seen *p)
{
	check_members(p, service.round, service.round);
	for (size_t i = 0; i < service_communities; i++)
		if (p->community[i].shown && service_community[i].topics > 0)
			CHECK(p->community[i].up == 1 && p->community[i].least == service.round * SERVICE_STEP);
	CHECK(p->app[0].up == 1);
}

/* ---- rounds ---- */
static void good_round(struct stage *s)
{
	struct seen p;

	play(&s->d, ROUND_S);
	CHECK(read_page(&s->d, answer_metrics, &p));
	check_honest(s, &p);
	check_normal(&p);
}

/* False: no allocation was the nth. */
static bool bad_round(struct stage *s, size_t nth, enum memory_failing how)
{
	struct seen p;
	bool failed = false;

	memory_fail(nth, how);
	play(&s->d, 2);
	if (read_page(&s->d, answer_metrics, &p))
		check_honest(s, &p);
	play(&s->d, OUT_S);
	if (read_page(&s->d, answer_metrics, &p))
		check_honest(s, &p);
	(void)read_page(&s->d, answer_landing, &p);
	if (how == MEMORY_FROM_THEN_ON)
		failed = memory_heal();
	play(&s->d, ROUND_S - OUT_S - 2);
	failed = memory_heal() || failed;
	CHECK(read_page(&s->d, answer_metrics, &p));
	check_honest(s, &p);
	if (service.round > 1)
		check_members(&p, service.round - 1, service.round);
	return failed;
}

static enum err open_stage(struct stage *s, const struct conf *c)
{
	static const char *const at[] = { "127.0.0.1:0" };
	const struct daemon_listen listen = { .at = at, .n = 1 };
	struct why why = { 0 };

	memset(s, 0, sizeof(*s));
	memset(&service, 0, sizeof(service));
	service_now = (struct now){ .mono_ms = START_MS, .unix_s = START_S };
	s->d = (struct daemon){ .conf = c,
		                    .signal_fd = -1,
		                    .notify = { .fd = -1 },
		                    .seed = 7,
		                    .started_ms = START_MS,
		                    .now = service_now };
	buf_init(&s->d.build, 4096);
	return start(&s->d, &listen, &why);
}

/* ---- tests ---- */
static struct conf *conf;

static int open_conf(void **state)
{
	struct buf said;
	enum err e;

	(void)state;
	log_open(SAY_LEVELS, LOG_LOGFMT);
	if (setenv("TCE_TEST_KEY", "key", 1) != 0)
		return -1;
	buf_init(&said, 1 << 20);
	e = conf_read("x.cfg", service_config, strlen(service_config), &conf, &said);
	if (e != ERR_OK)
		fprintf(stderr, "%s", buf_text(&said));
	buf_done(&said);
	return e == ERR_OK ? 0 : -1;
}

static int close_conf(void **state)
{
	(void)state;
	conf_free(conf);
	return 0;
}

static bool run_rounds(enum kind kind, size_t nth, enum memory_failing how)
{
	struct stage s;
	unsigned round = 1;
	bool failed;

	CHECK(open_stage(&s, conf) == ERR_OK);
	if (kind != KIND_FIRST) {
		begin_round(&s, round++);
		good_round(&s);
	}
	begin_round(&s, round++);
	service.refuses = kind == KIND_SIGNED;
	failed = bad_round(&s, nth, how);
	begin_round(&s, round);
	good_round(&s);
	daemon_close(&s.d);
	return failed;
}

static void run_kind(enum kind kind, enum memory_failing how)
{
	size_t blocks, n = 1;

	(void)run_rounds(kind, 0, how); /* what is kept for ever is there now */
	blocks = memory_blocks();
	for (; run_rounds(kind, n, how); n++)
		CHECK(memory_blocks() == blocks);
	print_message("%zu allocations\n", n - 1);
	CHECK(n > 50);
}

static void nothing_is_known_yet_and_one_allocation_fails(void **state)
{
	(void)state;
	run_kind(KIND_FIRST, MEMORY_ONCE);
}

static void nothing_is_known_yet_and_memory_is_out(void **state)
{
	(void)state;
	run_kind(KIND_FIRST, MEMORY_FROM_THEN_ON);
}

static void one_allocation_fails(void **state)
{
	(void)state;
	run_kind(KIND_LATER, MEMORY_ONCE);
}

static void memory_is_out_for_a_while(void **state)
{
	(void)state;
	run_kind(KIND_LATER, MEMORY_FROM_THEN_ON);
}

static void one_allocation_fails_around_a_refused_signature(void **state)
{
	(void)state;
	run_kind(KIND_SIGNED, MEMORY_ONCE);
}

static void memory_is_out_around_a_refused_signature(void **state)
{
	(void)state;
	run_kind(KIND_SIGNED, MEMORY_FROM_THEN_ON);
}

static void start_with(enum memory_failing how)
{
	const size_t blocks = memory_blocks();
	struct stage s;
	bool failed = true;
	size_t n = 0;

	while (failed) {
		enum err e;

		memory_fail(++n, how);
		e = open_stage(&s, conf);
		failed = memory_heal();
		CHECK(e == (failed ? ERR_MEMORY : ERR_OK));
		daemon_close(&s.d);
		CHECK(memory_blocks() == blocks);
	}
	print_message("%zu allocations\n", n - 1);
	CHECK(n > 50);
}

static void a_start_without_memory_ends_cleanly(void **state)
{
	(void)state;
	start_with(MEMORY_ONCE);
	start_with(MEMORY_FROM_THEN_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_without_memory_ends_cleanly),
		cmocka_unit_test(nothing_is_known_yet_and_one_allocation_fails),
		cmocka_unit_test(nothing_is_known_yet_and_memory_is_out),
		cmocka_unit_test(one_allocation_fails),
		cmocka_unit_test(memory_is_out_for_a_while),
		cmocka_unit_test(one_allocation_fails_around_a_refused_signature),
		cmocka_unit_test(memory_is_out_around_a_refused_signature),
	};

	return cmocka_run_group_tests_name("poll memory", tests, open_conf, close_conf);
}
