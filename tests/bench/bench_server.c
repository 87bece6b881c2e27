/* Serves a page of any size without polling for an hour: a made-up world in the real store, behind the real
 * exposition and listener. Prints the address it listens on, then takes orders on standard input, a line
 * each, and answers each with a line:
 *
 *     change N     the next N communities in page order are polled, and their topics had messages
 *     change all   every community is polled, and every line of a topic is another
 *     round        every community is polled, and nothing is new
 *     rss          resident bytes
 *     still        from now on the process's own figures stay what they are
 *     quit         as the end of standard input
 *
 *     bench_server COMMUNITIES TOPICS-A-COMMUNITY */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/exposition/exposition.h"
#include "exporters/web/web.h"
#include "tests/bench/world.h"

enum { TURN_MAX_MS = 5000, LINE_MAX_BYTES = 64, ACCEPT_MAX = 16 << 10 };

struct stage {
	struct world world;
	struct exposition_cache *cache;
	struct metric_set metrics;
	struct tally tally;
	struct health_app app;
	struct health_exporter exporter;
	bool still;
};

/* ---- the page ---- */
static size_t body_next(void *arg, char *at, size_t room)
{
	const size_t n = exposition_next(arg, at, room);

	return n == EXPOSITION_BROKEN ? WEB_BROKEN : n;
}

static void body_close(void *arg)
{
	exposition_close(arg);
}

static void answer(void *arg, const struct web_request *q, struct web_reply *reply)
{
	struct stage *s = arg;
	struct exposition_parts parts = {
		.want = exposition_everything(&s->metrics),
		.app = &s->app,
		.app_n = 1,
		.exporter = &s->exporter,
		.cache = s->cache,
	};
	const struct now now = now_read();
	struct exposition *e;
	char text[ACCEPT_MAX];
	struct buf accept;

	buf_wrap(&accept, text, sizeof(text));
	web_headers(q, "Accept", &accept);
	parts.want.type = exposition_accept(buf_view(&accept));
	buf_reset(&accept);
	web_headers(q, "Accept-Encoding", &accept);
	parts.want.coding = exposition_coding(buf_view(&accept));
	if (!s->still)
		health_process_read(&s->exporter.process);
	if (store_pin(s->world.store, &now, &parts.pin) != ERR_OK)
		abort();
	pin_count(parts.pin, 0, &s->app);
	if (exposition_open(&parts, &e) != ERR_OK)
		abort();
	reply->type = exposition_type_text(parts.want.type);
	reply->encoding = exposition_coding_text(parts.want.coding);
	reply->stream = (struct web_stream){ body_next, body_close, e, WEB_SIZE_UNKNOWN };
}

static void stage_init(struct stage *s, size_t communities, size_t topics)
{
	*s = (struct stage){ .cache = exposition_cache_new() };
	if (s->cache == NULL)
		abort();
	memset(&s->metrics, true, sizeof(s->metrics));
	/* The one histogram of the page: each of the peers would want it told in a way of its own. */
	s->metrics.has[M_API_REQUEST_DURATION] = false;
	s->app = (struct health_app){
		.labels = span_of("sdkappid=\"" WORLD_APP "\""),
		.info = span_of("app_name=\"bench\",api_host=\"127.0.0.1\""),
		.tally = { &s->tally, &s->tally },
	};
	s->exporter.build = span_of("version=\"bench\"");
	world_init(&s->world, communities, topics);
}

static void stage_done(struct stage *s)
{
	world_done(&s->world);
	exposition_cache_free(s->cache);
}

/* ---- orders ---- */
static bool change(struct stage *s, const char *what)
{
	char *end;
	const unsigned long long n = strtoull(what, &end, 10);

	if (strcmp(what, "all") == 0)
		world_upheaval(&s->world);
	else if (end != what && *end == '\0')
		world_news(&s->world, n);
	else
		return false;
	return true;
}

/* False: it is time to go. */
static bool obey(struct stage *s, const char *order)
{
	static const char order_change[] = "change ";

	if (strcmp(order, "quit") == 0)
		return false;
	if (strcmp(order, "rss") == 0) {
		health_process_read(&s->exporter.process);
		printf("%lld\n", (long long)s->exporter.process.resident_bytes);
		return true;
	}
	if (strcmp(order, "still") == 0) {
		s->still = true;
	} else if (strcmp(order, "round") == 0) {
		world_round(&s->world);
	} else if (strncmp(order, order_change, strlen(order_change)) != 0 ||
	           !change(s, order + strlen(order_change))) {
		fprintf(stderr, "bench_server: unknown order '%s'\n", order);
		return false;
	}
	printf("ok\n");
	return true;
}

/* Reads what is there and obeys every whole line of it. False: it is time to go. */
static bool read_orders(struct stage *s, char line[LINE_MAX_BYTES], size_t *len)
{
	const ssize_t n = read(STDIN_FILENO, line + *len, LINE_MAX_BYTES - *len);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	*len += (size_t)n;
	while ((end = memchr(line, '\n', *len)) != NULL) {
		*end = '\0';
		if (!obey(s, line))
			return false;
		*len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, *len);
	}
	fflush(stdout);
	return *len < LINE_MAX_BYTES;
}

static void serve(struct stage *s, struct web *web)
{
	char line[LINE_MAX_BYTES];
	size_t len = 0;

	for (;;) {
		const int64_t wait_ms = web_wait_ms(web);
		struct pollfd p[] = { { .fd = web_fd(web), .events = POLLIN },
			                  { .fd = STDIN_FILENO, .events = POLLIN } };

		if (poll(p, 2, wait_ms < TURN_MAX_MS ? (int)wait_ms : TURN_MAX_MS) < 0 && errno != EINTR)
			abort();
		if (p[1].revents != 0 && !read_orders(s, line, &len))
			return;
		web_turn(web);
	}
}

int main(int argc, char **argv)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .max_connections = 16, .idle_timeout_s = 10
	};
	const struct web_route route = { .path = "/metrics", .answer = answer };
	const size_t communities = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	const size_t topics = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct why why = { 0 };
	struct stage s;
	struct web *web;

	if (communities == 0 || topics == 0 || communities > UINT32_MAX || topics > 10000) {
		fprintf(stderr, "usage: bench_server COMMUNITIES TOPICS-A-COMMUNITY\n");
		return 2;
	}
	stage_init(&s, communities, topics);
	if (web_new(&c, &route, 1, &s, &web, &why) != ERR_OK) {
		fprintf(stderr, "bench_server: %s\n", why.text);
		return 1;
	}
	printf("%s\n", web_address(web, 0));
	fflush(stdout);
	serve(&s, web);
	web_free(web);
	stage_done(&s);
	return 0;
}
