/* What a line costs before anybody sends it: topic and community families of worlds of several sizes,
 * rendered into a block again and again, and a bare copy of as many bytes. CPU, no I/O. */
#include <stdio.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/topic.h"
#include "tests/bench/bench.h"

enum { TOPICS = 20, BLOCK = 128 << 10, LINES_A_ROUND = 2000000, LABELS_MAX = 128 };

static const enum metric of_topic[] = { M_TOPIC_INFO, M_TOPIC_CREATED, M_TOPIC_LAST_MESSAGE, M_TOPIC_MESSAGES,
	                                    M_TOPIC_MUTED };
static const enum metric of_community[] = { M_COMMUNITY_TOPICS, M_COMMUNITY_TOPICS_SILENT,
	                                        M_COMMUNITY_MESSAGES, M_COMMUNITY_LAST_MESSAGE };
enum { OF_TOPIC = sizeof(of_topic) / sizeof(of_topic[0]) };
enum { OF_COMMUNITY = sizeof(of_community) / sizeof(of_community[0]) };

struct community {
	struct facts *facts;
	struct topic_place place;
	char labels[LABELS_MAX];
};

/* On a page communities stand in the order of a hash, which has nothing to do with where they are in memory.
 */
struct row {
	const struct facts *facts;
	const struct community *community;
};

struct world {
	struct community *community;
	struct row *page;
	size_t n;
};

struct page {
	struct buf out;
	uint64_t lines, bytes;
};

/* ---- the world ---- */
static struct facts *answer(const char *id, size_t number)
{
	const struct topic_context c = { .community = id,
		                             .silent_after_s = 3600,
		                             .keep_ms = 300000,
		                             .now = { .mono_ms = 1000, .unix_s = 1700000000 } };
	static char text[64 << 10];
	struct topic_answer a;
	struct why why = { "" };
	struct buf b;

	buf_wrap(&b, text, sizeof(text));
	buf_str(&b, "{\"TopicAndSelfInfo\":[");
	for (unsigned i = 0; i < TOPICS; i++)
		buf_fmt(&b,
		        "%s{\"TopicInfo\":{\"TopicId\":\"%s@TOPIC#_@TOPIC#c%06zuHIM%02u\",\"TopicName\":\"topic no. "
		        "%02u\","
		        "\"NextMsgSeq\":%zu,\"CreateTime\":1600000000,\"LastMsgTime\":%u,\"MuteAllMember\":\"%s\"}}",
		        i > 0 ? "," : "", id, number, i, i, number * 37 % 100000 + i + 1, 1699990000 + i,
		        i % 3 == 0 ? "On" : "Off");
	buf_str(&b, "]}");
	topic_decode(b.at, b.len, &c, NULL, &a, &why);
	if (a.facts == NULL)
		abort();
	return a.facts;
}

static struct world world_new(size_t communities)
{
	enum { STRIDE = 7919 }; /* a prime that divides no size of a world */
	struct world w = { calloc(communities, sizeof(*w.community)), calloc(communities, sizeof(*w.page)),
		               communities };

	if (w.community == NULL || w.page == NULL)
		abort();
	for (size_t i = 0; i < w.n; i++) {
		struct community *c = &w.community[i];
		char id[32];
		const int id_len = snprintf(id, sizeof(id), "@TGS#_@TGS#c%05zuHIM62C", i);
		const int len =
			snprintf(c->labels, sizeof(c->labels), "sdkappid=\"1400000001\",community=\"%s\"", id);

		c->place = (struct topic_place){ { c->labels, (size_t)len },
			                             { c->labels + len - 1 - id_len, (size_t)id_len } };
		c->facts = answer(id, i);
		w.page[i * STRIDE % w.n] = (struct row){ c->facts, c };
	}
	return w;
}

static void world_free(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		facts_drop(w->community[i].facts);
	free(w->community);
	free(w->page);
}

/* ---- what is measured ---- */
static void send_block(struct page *p)
{
	p->bytes += p->out.len;
	buf_reset(&p->out);
}

static void topic_page(const struct world *w, struct page *p)
{
	for (size_t m = 0; m < OF_TOPIC; m++)
		for (size_t i = 0; i < w->n; i++) {
			const struct row *row = &w->page[i];
			size_t at = 0;

			while ((at = topic_samples(row->facts, of_topic[m], &row->community->place, 0, at, &p->out)) <
			       TOPICS)
				send_block(p);
		}
	send_block(p);
	p->lines += OF_TOPIC * TOPICS * w->n;
}

static void community_page(const struct world *w, struct page *p)
{
	for (size_t m = 0; m < OF_COMMUNITY; m++)
		for (size_t i = 0; i < w->n; i++) {
			const struct row *row = &w->page[i];

			if (BLOCK - p->out.len < SAMPLE_LINE_MAX)
				send_block(p);
			topic_community_sample(row->facts, of_community[m], &row->community->place, 0, &p->out);
		}
	send_block(p);
	p->lines += OF_COMMUNITY * w->n;
}

typedef void make_page(const struct world *w, struct page *p);

/* ns a line; tells how long lines are. */
static double round_of(const struct world *w, make_page *make, size_t lines, double *ret_bytes)
{
	static char block[BLOCK];
	struct page p = { .lines = 0 };
	double start;

	buf_wrap(&p.out, block, sizeof(block));
	start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	while (p.lines < lines)
		make(w, &p);
	*ret_bytes = (double)p.bytes / (double)p.lines;
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) * 1000 / (double)p.lines;
}

/* ns to copy that many bytes, in blocks between two buffers that stay in the cache. */
static double copy_of(double bytes)
{
	static char from[BLOCK], to[BLOCK];
	const size_t blocks = 4000;
	const double start = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);

	for (size_t i = 0; i < blocks; i++) {
		from[i % BLOCK]++;
		memcpy(to, from, sizeof(to));
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return (bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - start) * 1000 / (double)(blocks * BLOCK) * bytes;
}

static void bench(size_t communities)
{
	struct world w = world_new(communities);
	double topic[BENCH_ROUNDS], community[BENCH_ROUNDS], copy[BENCH_ROUNDS], topic_bytes, community_bytes;

	for (int i = 0; i < BENCH_ROUNDS; i++) {
		topic[i] = round_of(&w, topic_page, LINES_A_ROUND, &topic_bytes);
		community[i] = round_of(&w, community_page, LINES_A_ROUND / 4, &community_bytes);
		copy[i] = copy_of(topic_bytes);
	}
	printf("| %7zu | %5.0f | %6.1f | %6.1f | %6.1f |\n", communities * TOPICS * OF_TOPIC, topic_bytes,
	       bench_median(topic, BENCH_ROUNDS), bench_median(copy, BENCH_ROUNDS),
	       bench_median(community, BENCH_ROUNDS));
	world_free(&w);
}

int main(void)
{
	printf("| topic series | bytes a line | ns a line | a bare copy | ns a community's line |\n"
	       "| ---: | ---: | ---: | ---: | ---: |\n");
	bench(10);
	bench(1000);
	bench(10000);
	return 0;
}
