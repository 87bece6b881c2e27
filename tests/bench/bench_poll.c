/* CPU of one poll: fetch, decode, compare and store, against a bare libcurl multi loop that fetches the same
 * answer and throws it away. Both talk to the same server, with the same number of calls in flight, in turns.
 *
 *     bench_poll URL-WITHOUT-QUERY CA-FILE SDKAPPID IDENTIFIER KEY-FILE COMMUNITY LABEL */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "agent/chat/chat.h"
#include "agent/fetch/fetch.h"
#include "agent/usersig/signer.h"
#include "exporters/store/store.h"
#include "tests/bench/bench.h"

enum { INFLIGHT = 8, CALLS = 400 };

struct target {
	struct buf url, body;
	const char *ca_file, *community;
};

static size_t discard(char *at, size_t size, size_t n, void *arg)
{
	(void)at;
	*(uint64_t *)arg += size * n;
	return size * n;
}

static CURL *bare_handle(struct target *t, struct curl_slist *headers, uint64_t *bytes)
{
	CURL *h = curl_easy_init();

	if (h == NULL)
		abort();
	curl_easy_setopt(h, CURLOPT_URL, buf_text(&t->url));
	curl_easy_setopt(h, CURLOPT_CAINFO, t->ca_file);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)t->body.len);
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, t->body.at);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, bytes);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	return h;
}

/* CPU microseconds a call. */
static double run_bare(CURLM *multi, CURL **handle, uint64_t *bytes)
{
	const double start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	int sent = 0, done = 0, running;

	*bytes = 0;
	for (; sent < INFLIGHT; sent++)
		curl_multi_add_handle(multi, handle[sent]);
	while (done < CALLS) {
		CURLMsg *m;
		int left;

		curl_multi_perform(multi, &running);
		while ((m = curl_multi_info_read(multi, &left)) != NULL) {
			CURL *h = m->easy_handle;

			if (m->data.result != CURLE_OK) {
				fprintf(stderr, "bench_poll: %s\n", curl_easy_strerror(m->data.result));
				exit(1);
			}
			curl_multi_remove_handle(multi, h);
			done++;
			if (sent < CALLS) {
				curl_multi_add_handle(multi, h);
				sent++;
			}
		}
		if (done < CALLS)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

static void take_one(struct store *store, size_t slot, const struct target *t, const struct reply *r,
                     size_t *ret_topics)
{
	const struct now now = { .mono_ms = 1000, .unix_s = 1700000000 };
	const struct topic_context c = {
		.community = t->community,
		.silent_after_s = 86400,
		.keep_ms = 300000,
		.now = now,
	};
	struct topic_answer a;
	struct why why = r->why;

	if (r->err == ERR_OK)
		topic_decode(r->body, r->len, &c, store_before(store, slot), &a, &why);
	if (r->err != ERR_OK || a.facts == NULL) {
		fprintf(stderr, "bench_poll: %s\n", why.text);
		exit(1);
	}
	*ret_topics = facts_topics(a.facts);
	store_facts(store, slot, a.facts, &now);
	store_ended(store, slot, &a.outcome, r->took_us, &now);
}

static double run_ours(struct fetch *fetch, struct store *store, size_t slot, struct target *t,
                       size_t *ret_topics)
{
	const struct ask ask = {
		.url = buf_text(&t->url), .body = t->body.at, .len = t->body.len, .ca_file = t->ca_file
	};
	const double start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	int sent = 0, done = 0;

	while (done < CALLS) {
		struct reply r;

		while (fetch_take(fetch, &r)) {
			take_one(store, slot, t, &r, ret_topics);
			done++;
		}
		while (sent < CALLS && fetch_room(fetch)) { /* before waiting: nothing may be under way any more */
			if (fetch_send(fetch, &ask) != ERR_OK)
				abort();
			sent++;
		}
		if (done < CALLS && fetch_wait(fetch, NULL, 0, 1000) != ERR_OK)
			abort();
	}
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

static void prepare(struct target *t, char **argv)
{
	const struct key_source key = { KEY_FILE, argv[5] };
	const struct topic_question q = { .community = argv[6], .account = argv[4] };
	struct chat_caller who = { .host = argv[1], .admin = argv[4], .sdk_app_id = strtoull(argv[3], NULL, 10) };
	struct why why = { 0 };
	struct signer *signer;

	if (signer_new(who.sdk_app_id, who.admin, &key, 86400, 1, &signer) != ERR_OK ||
	    signer_get(signer, (int64_t)time(NULL), &who.usersig, &why) != ERR_OK) {
		fprintf(stderr, "bench_poll: %s\n", why.text);
		exit(1);
	}
	t->ca_file = argv[2];
	t->community = argv[6];
	buf_init(&t->url, 4096);
	buf_init(&t->body, 4096);
	chat_url(&t->url, &who, CHAT_GET_TOPIC, 1);
	topic_ask(&t->body, &q);
	signer_free(signer);
}

int main(int argc, char **argv)
{
	const struct fetch_conf fc = { 8 << 20, 64 << 20, INFLIGHT, 10000, "bench" };
	static const struct store_community community = { .stale_after_ms = INT64_MAX / 2 };
	struct curl_slist *headers = NULL;
	double bare[BENCH_ROUNDS], ours[BENCH_ROUNDS];
	struct target t = { 0 };
	CURL *handle[INFLIGHT];
	struct fetch *fetch;
	struct store *store;
	uint64_t bytes = 0;
	size_t topics = 0, slot;
	CURLM *multi;

	if (argc != 8) {
		fprintf(stderr, "usage: bench_poll URL CA-FILE SDKAPPID IDENTIFIER KEY-FILE COMMUNITY LABEL\n");
		return 2;
	}
	if (fetch_new(&fc, &fetch) != ERR_OK || store_new(1, &store) != ERR_OK ||
	    store_add(store, &community, &slot) != ERR_OK)
		return 1;
	prepare(&t, argv);
	multi = curl_multi_init();
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	for (int i = 0; i < INFLIGHT; i++)
		handle[i] = bare_handle(&t, headers, &bytes);
	(void)run_bare(multi, handle, &bytes); /* connections and caches */
	(void)run_ours(fetch, store, slot, &t, &topics);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		bare[i] = run_bare(multi, handle, &bytes);
		ours[i] = run_ours(fetch, store, slot, &t, &topics);
	}
	printf("| %s | %zu | %llu | %.1f | %.1f | %.2f |\n", argv[7], topics, (unsigned long long)(bytes / CALLS),
	       bench_median(bare, BENCH_ROUNDS), bench_median(ours, BENCH_ROUNDS),
	       bench_median(ours, BENCH_ROUNDS) / bench_median(bare, BENCH_ROUNDS));
	for (int i = 0; i < INFLIGHT; i++)
		curl_easy_cleanup(handle[i]);
	curl_slist_free_all(headers);
	curl_multi_cleanup(multi);
	store_free(store);
	fetch_free(fetch);
	buf_done(&t.url);
	buf_done(&t.body);
	return 0;
}
