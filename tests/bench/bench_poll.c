/* CPU of one poll, microseconds, four ways in turns against the same server, with the same number of calls in
 * flight:
 *     bare      a bare libcurl multi loop that fetches the whole answer and throws it away
 *     whole     what the exporter does with the whole answer: asks, fetches, checks, decodes, compares with
 * the poll before, stores filtered  the same with a ResponseFilter of what is exported peer      another
 * program that fetches and decodes the whole answer; see peers/poll and with each the bytes of an answer.
 *
 *     bench_poll URL-WITHOUT-QUERY CA-FILE SDKAPPID IDENTIFIER KEY-FILE COMMUNITY PEER
 *
 * prints one line: topics, bytes of a whole answer, bytes of a filtered one, and the medians in that order.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/chat/chat.h"
#include "agent/fetch/fetch.h"
#include "agent/usersig/signer.h"
#include "exporters/store/store.h"
#include "exporters/topic/inside.h"
#include "tests/bench/bench.h"

enum { INFLIGHT = 8, CALLS = 200, ROUNDS = 21 };

/* What every side asks. */
struct target {
	struct chat_caller who;
	struct topic_question question;
	struct signer *signer;
	const char *ca_file;
	struct buf url, body;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench_poll: %s\n", what);
	exit(1);
}

/* ---- bare libcurl ---- */
struct bare {
	CURLM *multi;
	CURL *handle[INFLIGHT];
	struct curl_slist *headers;
	uint64_t bytes;
};

static size_t discard(char *at, size_t size, size_t n, void *arg)
{
	(void)at;
	*(uint64_t *)arg += size * n;
	return size * n;
}

static CURL *bare_handle(struct bare *b, struct target *t)
{
	CURL *h = curl_easy_init();

	if (h == NULL)
		abort();
	curl_easy_setopt(h, CURLOPT_URL, buf_text(&t->url));
	curl_easy_setopt(h, CURLOPT_CAINFO, t->ca_file);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, b->headers);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)t->body.len);
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, t->body.at);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, &b->bytes);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	return h;
}

static void bare_init(struct bare *b, struct target *t)
{
	*b = (struct bare){ .multi = curl_multi_init() };
	b->headers = curl_slist_append(NULL, "Content-Type: application/json");
	b->headers = curl_slist_append(b->headers, "Expect:");
	for (int i = 0; i < INFLIGHT; i++)
		b->handle[i] = bare_handle(b, t);
}

static void bare_done(struct bare *b)
{
	for (int i = 0; i < INFLIGHT; i++)
		curl_easy_cleanup(b->handle[i]);
	curl_multi_cleanup(b->multi);
	curl_slist_free_all(b->headers);
}

static double bare_run(struct bare *b)
{
	const double start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	int sent = 0, done = 0, running;

	b->bytes = 0;
	for (; sent < INFLIGHT; sent++)
		curl_multi_add_handle(b->multi, b->handle[sent]);
	while (done < CALLS) {
		CURLMsg *m;
		int left;

		curl_multi_perform(b->multi, &running);
		while ((m = curl_multi_info_read(b->multi, &left)) != NULL) {
			CURL *h = m->easy_handle;

			if (m->data.result != CURLE_OK)
				fail(curl_easy_strerror(m->data.result));
			curl_multi_remove_handle(b->multi, h);
			done++;
			if (sent < CALLS) {
				curl_multi_add_handle(b->multi, h);
				sent++;
			}
		}
		if (done < CALLS)
			curl_multi_poll(b->multi, NULL, 0, 1000, NULL);
	}
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

/* ---- ours: what agent/poll and agent/polls.c do for one community ---- */
struct ours {
	struct target *target;
	struct fetch *fetch;
	struct store *store;
	size_t slot;
	uint8_t step; /* where polls begin: everything, or what is exported */
	struct call {
		struct topic_poll *poll;
		struct topic_way way;
	} call[INFLIGHT];
	size_t idle[INFLIGHT], idle_n; /* calls that are not under way */
	struct buf url, body;
	size_t topics, bytes;
};

static void ours_init(struct ours *o, struct target *t, enum step step)
{
	const struct fetch_conf fc = {
		.max_reply = 8 << 20,
		.max_total = 64 << 20,
		.max_inflight = INFLIGHT,
		.timeout_ms = 10000,
		.user_agent = "bench",
	};
	static const struct store_community community = { .stale_after_ms = INT64_MAX / 2 };

	*o = (struct ours){ .target = t, .step = (uint8_t)step };
	buf_init(&o->url, 4096);
	buf_init(&o->body, 4096);
	if (fetch_new(&fc, &o->fetch) != ERR_OK || store_new(1, &o->store) != ERR_OK ||
	    store_add(o->store, &community, &o->slot) != ERR_OK)
		abort();
	for (; o->idle_n < INFLIGHT; o->idle_n++)
		o->idle[o->idle_n] = o->idle_n;
}

static void ours_done(struct ours *o)
{
	store_free(o->store);
	fetch_free(o->fetch);
	buf_done(&o->url);
	buf_done(&o->body);
}

static void send_one(struct ours *o)
{
	const size_t number = o->idle[--o->idle_n];
	struct target *t = o->target;
	struct call *c = &o->call[number];
	struct ask ask = { .target = number, .ca_file = t->ca_file };
	struct why why = { "" };

	c->way = (struct topic_way){ .step = o->step };
	c->poll = topic_poll_new(&t->question, &c->way);
	if (c->poll == NULL || signer_get(t->signer, (int64_t)time(NULL), &t->who.usersig, &why) != ERR_OK)
		fail(why.text);
	buf_reset(&o->url);
	buf_reset(&o->body);
	chat_url(&o->url, &t->who, CHAT_GET_TOPIC, (uint32_t)number);
	topic_poll_ask(c->poll, &o->body);
	ask.url = buf_text(&o->url);
	ask.body = o->body.at;
	ask.len = o->body.len;
	if (fetch_send(o->fetch, &ask) != ERR_OK)
		abort();
}

static void take_one(struct ours *o, const struct reply *r)
{
	const struct now now = { .mono_ms = 1000, .unix_s = 1700000000 };
	const struct topic_context c = {
		.community = o->target->question.community,
		.silent_after_s = 86400,
		.keep_ms = 300000,
		.now = now,
	};
	struct call *call = &o->call[r->target];
	struct topic_answer a = { 0 };
	struct why why = r->why;

	if (r->err == ERR_OK)
		topic_poll_take(call->poll, r->body, r->len, &c, store_before(o->store, o->slot), &a, &why);
	if (a.facts == NULL)
		fail(why.text);
	o->topics = facts_topics(a.facts);
	o->bytes = r->len;
	store_facts(o->store, o->slot, a.facts, &now);
	store_ended(o->store, o->slot, &a.outcome, r->took_us, &now);
	topic_poll_free(call->poll);
	o->idle[o->idle_n++] = r->target;
}

static double ours_run(struct ours *o)
{
	const double start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	int sent = 0, done = 0;

	while (done < CALLS) {
		struct reply r;

		while (fetch_take(o->fetch, &r)) {
			take_one(o, &r);
			done++;
		}
		for (; sent < CALLS && fetch_room(o->fetch); sent++) /* before waiting: nothing may be under way */
			send_one(o);
		if (done < CALLS && fetch_wait(o->fetch, NULL, 0, 1000) != ERR_OK)
			abort();
	}
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

/* ---- the peer: a program that runs a round for each line it reads, and prints what a call took ---- */
struct peer {
	pid_t pid;
	FILE *to, *from;
};

static void peer_init(struct peer *p, const char *program, struct target *t)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	p->pid = fork();
	if (p->pid == 0) {
		if (dup2(pair[1], STDIN_FILENO) >= 0 && dup2(pair[1], STDOUT_FILENO) >= 0)
			execl(program, program, t->ca_file, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	p->to = fdopen(pair[0], "w");
	p->from = fdopen(dup(pair[0]), "r");
	if (p->pid < 0 || p->to == NULL || p->from == NULL)
		abort();
	fprintf(p->to, "%s\n%s\n%d %d\n", buf_text(&t->url), buf_text(&t->body), INFLIGHT, CALLS);
}

static double peer_run(struct peer *p)
{
	double us;

	if (fputs("run\n", p->to) < 0 || fflush(p->to) != 0 || fscanf(p->from, "%lf", &us) != 1)
		fail("the peer ended");
	return us;
}

static void peer_done(struct peer *p)
{
	fclose(p->to);
	fclose(p->from);
	(void)waitpid(p->pid, NULL, 0);
}

/* ---- all of them ---- */
static void target_init(struct target *t, char **argv)
{
	const struct key_source key = { KEY_FILE, argv[5] };
	struct why why = { "" };

	*t = (struct target){
		.who = { .host = argv[1], .admin = argv[4], .sdk_app_id = strtoull(argv[3], NULL, 10) },
		.question = { .community = argv[6], .account = argv[4] },
		.ca_file = argv[2],
	};
	if (signer_new(t->who.sdk_app_id, t->who.admin, &key, 86400, 1, &t->signer) != ERR_OK ||
	    signer_get(t->signer, (int64_t)time(NULL), &t->who.usersig, &why) != ERR_OK)
		fail(why.text);
	buf_init(&t->url, 4096);
	buf_init(&t->body, 4096);
	chat_url(&t->url, &t->who, CHAT_GET_TOPIC, 1);
	topic_ask(&t->body, &t->question);
}

static void target_done(struct target *t)
{
	signer_free(t->signer);
	buf_done(&t->url);
	buf_done(&t->body);
}

int main(int argc, char **argv)
{
	enum { BARE, WHOLE, FILTERED, PEER, SIDES };
	double us[SIDES][ROUNDS];
	struct target target;
	struct bare bare;
	struct ours whole, filtered;
	struct peer peer;

	if (argc != 8) {
		fprintf(stderr, "usage: bench_poll URL CA-FILE SDKAPPID IDENTIFIER KEY-FILE COMMUNITY PEER\n");
		return 2;
	}
	target_init(&target, argv);
	peer_init(&peer, argv[7], &target); /* before there are any connections to inherit */
	ours_init(&whole, &target, STEP_WHOLE);
	ours_init(&filtered, &target, STEP_FILTER);
	bare_init(&bare, &target);
	for (int i = -1; i < ROUNDS; i++) { /* the first round makes connections and warms caches */
		const int at = i < 0 ? 0 : i;

		us[BARE][at] = bare_run(&bare);
		us[WHOLE][at] = ours_run(&whole);
		us[FILTERED][at] = ours_run(&filtered);
		us[PEER][at] = peer_run(&peer);
	}
	printf("%zu %zu %zu", whole.topics, whole.bytes, filtered.bytes);
	for (int side = 0; side < SIDES; side++)
		printf(" %.1f", bench_median(us[side], ROUNDS));
	printf("\n");
	bare_done(&bare);
	ours_done(&filtered);
	ours_done(&whole);
	peer_done(&peer);
	target_done(&target);
	return 0;
}
