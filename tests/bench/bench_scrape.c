/* Scrapes of 1k, 10k and 100k topic series from the real store, exposition and listener over loopback: wall
 * time as the client sees it, CPU of the server's thread, bytes. A child process is the scraper. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/exposition/exposition.h"
#include "exporters/web/web.h"
#include "tests/bench/bench.h"
#include "tests/unit/answers.h"

enum { TOPICS_A_COMMUNITY = 20, SERIES_A_TOPIC = 5, LABELS_MAX = 128, COPY = 256 << 10 };

struct stage {
	struct store *store;
	struct tally tally;
	struct health_app app;
	struct health_exporter exporter;
	struct now now;
};

static void add_community(struct stage *s, size_t i)
{
	const struct outcome fine = { CHAT_FINE, ERR_OK, 0 };
	char id[32], labels[LABELS_MAX];
	const int id_len = snprintf(id, sizeof(id), "@TGS#_@TGS#c%05zuHIM62C", i);
	const int len = snprintf(labels, sizeof(labels), "sdkappid=\"1400000001\",community=\"%s\"", id);
	const struct store_community c = {
		.key = i,
		.place = { { labels, (size_t)len }, { labels + len - 1 - id_len, (size_t)id_len } },
		.settings = { 60000, 86400000, span_of("community_name=\"\"") },
		.stale_after_ms = INT64_MAX / 2,
	};
	size_t slot;

	if (store_add(s->store, &c, &slot) != ERR_OK)
		abort();
	store_facts(s->store, slot, answer_facts(id, TOPICS_A_COMMUNITY, 1699990000), &s->now);
	store_ended(s->store, slot, &fine, 1000, &s->now);
}

static void load(struct stage *s, size_t topics)
{
	s->now = (struct now){ 1000, 1700000000 };
	if (store_new(1, &s->store) != ERR_OK)
		abort();
	s->app = (struct health_app){
		.labels = span_of("sdkappid=\"1400000001\""),
		.info = span_of("app_name=\"bench\""),
		.tally = { &s->tally, &s->tally },
	};
	for (size_t i = 0; i < topics / TOPICS_A_COMMUNITY; i++)
		add_community(s, i);
}

static size_t next(void *arg, char *at, size_t room)
{
	return exposition_next(arg, at, room);
}

static void end(void *arg)
{
	exposition_close(arg);
}

static void answer(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct stage *s = arg;
	static struct metric_set all;
	struct exposition_parts parts = { .app = &s->app, .app_n = 1, .exporter = &s->exporter };
	struct exposition *e;

	(void)q;
	health_process_read(&s->exporter.process);
	if (store_pin(s->store, &s->now, &parts.pin) != ERR_OK)
		abort();
	pin_count(parts.pin, 0, &s->app);
	memset(&all, true, sizeof(all));
	parts.want = exposition_everything(&all);
	if (exposition_open(&parts, &e) != ERR_OK)
		abort();
	reply->type = exposition_type_text(parts.want.type);
	reply->stream = (struct web_stream){ next, end, e, WEB_SIZE_UNKNOWN };
}

struct figures {
	double wall_us;
	uint64_t bytes;
};

/* One scrape by a client that does nothing with the bytes but count them. */
static struct figures scrape(const char *address)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
	static char copy[COPY];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct figures f = { 0 };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const double start = bench_clock_us(CLOCK_MONOTONIC);
	ssize_t n;

	to.sin_port = htons((uint16_t)strtol(strrchr(address, ':') + 1, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	if (write(fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1)
		abort();
	while ((n = read(fd, copy, sizeof(copy))) > 0)
		f.bytes += (uint64_t)n;
	f.wall_us = bench_clock_us(CLOCK_MONOTONIC) - start;
	close(fd);
	return f;
}

/* Serves until the child has handed over its figures. */
static struct figures serve_one(struct web *web, double *ret_cpu_us)
{
	struct figures f;
	int channel[2];
	double cpu;
	pid_t child;

	if (pipe(channel) != 0)
		abort();
	cpu = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	child = fork();
	if (child == 0) {
		f = scrape(web_address(web, 0));
		_exit(write(channel[1], &f, sizeof(f)) == (ssize_t)sizeof(f) ? 0 : 1);
	}
	cpu = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
	for (;;) {
		struct pollfd p[2] = { { .fd = web_fd(web), .events = POLLIN },
			                   { .fd = channel[0], .events = POLLIN } };

		const int64_t wait_ms = web_wait_ms(web);

		if (poll(p, 2, wait_ms < 5000 ? (int)wait_ms : 5000) < 0)
			abort();
		if ((p[1].revents & POLLIN) != 0)
			break;
		web_turn(web);
	}
	*ret_cpu_us = bench_clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (read(channel[0], &f, sizeof(f)) != (ssize_t)sizeof(f) || waitpid(child, NULL, 0) != child)
		abort();
	close(channel[0]);
	close(channel[1]);
	return f;
}

static void bench(size_t series)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .max_connections = 16, .idle_timeout_s = 10
	};
	const struct web_route route = { "/metrics", answer };
	double wall[BENCH_ROUNDS], cpu[BENCH_ROUNDS];
	struct stage s = { 0 };
	struct why why = { 0 };
	uint64_t bytes = 0;
	struct web *web;

	load(&s, series / SERIES_A_TOPIC);
	if (web_new(&c, &route, 1, &s, &web, &why) != ERR_OK) {
		fprintf(stderr, "%s\n", why.text);
		exit(1);
	}
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		const struct figures f = serve_one(web, &cpu[i]);

		wall[i] = f.wall_us;
		bytes = f.bytes;
	}
	printf("| %7zu | %9.2f | %9.2f | %11llu |\n", series, bench_median(wall, BENCH_ROUNDS) / 1000,
	       bench_median(cpu, BENCH_ROUNDS) / 1000, (unsigned long long)bytes);
	web_free(web);
	store_free(s.store);
}

int main(void)
{
	printf("| topic series | wall ms | server CPU ms | bytes |\n| ---: | ---: | ---: | ---: |\n");
	bench(1000);
	bench(10000);
	bench(100000);
	return 0;
}
