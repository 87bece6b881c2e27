#include "tests/bench/world.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MAX = 8 << 20, LABELS_MAX = 128, ID_MAX = 64, TAIL = 11, TOOK_US = 30000 };

/* 64 bits that look random, of any two numbers; splitmix64. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = ((a << 32 | b) + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What the service puts at the end of the ids it makes: 55 bits, five a character. */
static void tail_of(uint64_t bits, char at[TAIL + 1])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (int i = 0; i < TAIL; i++)
		at[i] = digits[bits >> 5 * i & 31];
	at[TAIL] = '\0';
}

static int community_id(uint32_t number, char at[ID_MAX])
{
	char tail[TAIL + 1];

	tail_of(mix(number, UINT32_MAX), tail);
	return snprintf(at, ID_MAX, "@TGS#_@TGS#c%s", tail);
}

/* As the program has it: pages and gzip's slices rest on its being a hash. */
static uint64_t key_of(const char *id)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[ID_MAX + sizeof(WORLD_APP)];
	const int len = snprintf(text, sizeof(text), "%s/%s", WORLD_APP, id);
	uint64_t key = 0;

	(void)SHA256((const unsigned char *)text, (size_t)len, digest);
	for (int i = 0; i < 8; i++)
		key = key << 8 | digest[i];
	return key;
}

static void add_topic(const struct world *w, const struct world_community *c, const char *id, uint32_t topic,
                      struct buf *out)
{
	const uint64_t bits = mix(c->number, topic);
	char tail[TAIL + 1];

	tail_of(bits, tail);
	buf_fmt(out, "%s{\"ErrorCode\":0,\"ErrorInfo\":\"\",\"TopicInfo\":{\"TopicId\":\"%s@TOPIC#_@TOPIC#c%s\",",
	        topic > 0 ? "," : "", id, tail);
	buf_fmt(out, "\"TopicName\":\"%s %06u\",", c->upheaval % 2 == 0 ? "topic" : "forum",
	        (unsigned)(c->number * w->topics + topic) % 1000000);
	buf_fmt(out, "\"MuteAllMember\":\"%s\",", (bits % 8 == 0) != (c->upheaval % 2 == 1) ? "On" : "Off");
	buf_fmt(out, "\"NextMsgSeq\":%u,\"LastMsgTime\":%u,\"CreateTime\":%u}}",
	        (unsigned)(bits % 100000 + 1 + 3 * c->news), (unsigned)(1750000000 - bits % 864000 + c->news),
	        (unsigned)(1600000000 + bits % 100000000 + c->upheaval));
}

static void poll_one(struct world *w, const struct world_community *c)
{
	const struct now now = now_read();
	char id[ID_MAX];
	struct topic_context context = {
		.community = id, .silent_after_s = 86400, .keep_ms = INT64_MAX / 2, .now = now
	};
	struct topic_answer a;
	struct why why = { 0 };

	(void)community_id(c->number, id);
	buf_reset(&w->answer);
	buf_str(&w->answer, "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\",\"TopicAndSelfInfo\":[");
	for (uint32_t t = 0; t < w->topics; t++)
		add_topic(w, c, id, t, &w->answer);
	buf_str(&w->answer, "]}");
	if (w->answer.status != ERR_OK)
		abort();
	topic_decode(w->answer.at, w->answer.len, &context, store_before(w->store, c->slot), &a, &why);
	if (a.facts == NULL) {
		fprintf(stderr, "bench_server: %s\n", why.text);
		exit(1);
	}
	store_facts(w->store, c->slot, a.facts, &now);
	store_ended(w->store, c->slot, &a.outcome, TOOK_US, &now);
}

/* Where a community stands on the page. */
struct place {
	uint64_t key;
	uint32_t number;
};

static struct place place_of(uint32_t number)
{
	char id[ID_MAX];

	community_id(number, id);
	return (struct place){ key_of(id), number };
}

static struct world_community add_community(struct world *w, uint32_t number)
{
	char id[ID_MAX], labels[LABELS_MAX];
	const int id_len = community_id(number, id);
	const int len = snprintf(labels, sizeof(labels), "sdkappid=\"%s\",community=\"%s\"", WORLD_APP, id);
	const struct store_community c = {
		.key = key_of(id),
		.place = { { labels, (size_t)len }, { labels + len - 1 - id_len, (size_t)id_len } },
		.settings = { 60000, 86400000, span_of("community_name=\"\"") },
		.stale_after_ms = INT64_MAX / 2,
	};
	size_t slot;

	if (store_add(w->store, &c, &slot) != ERR_OK)
		abort();
	return (struct world_community){ .number = number, .slot = (uint32_t)slot };
}

static int in_page_order(const void *a, const void *b)
{
	const struct place *l = a, *r = b;

	return (l->key > r->key) - (l->key < r->key);
}

void world_init(struct world *w, size_t communities, size_t topics)
{
	struct place *place = calloc(communities, sizeof(place[0]));

	*w = (struct world){ .n = communities, .topics = topics };
	buf_init(&w->answer, ANSWER_MAX);
	w->community = calloc(communities, sizeof(w->community[0]));
	if (place == NULL || w->community == NULL || store_new(1, &w->store) != ERR_OK)
		abort();
	for (size_t i = 0; i < communities; i++)
		place[i] = place_of((uint32_t)i);
	qsort(place, communities, sizeof(place[0]), in_page_order); /* as the roster does */
	for (size_t i = 0; i < communities; i++)
		w->community[i] = add_community(w, place[i].number);
	free(place);
	world_round(w);
}

void world_done(struct world *w)
{
	store_free(w->store);
	free(w->community);
	buf_done(&w->answer);
}

void world_round(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		poll_one(w, &w->community[i]);
}

void world_news(struct world *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct world_community *c = &w->community[w->next];

		c->news++;
		poll_one(w, c);
		w->next = (w->next + 1) % w->n;
	}
}

void world_upheaval(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		w->community[i].news++;
		w->community[i].upheaval++;
		poll_one(w, &w->community[i]);
	}
}
