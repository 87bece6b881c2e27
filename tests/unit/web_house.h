/* A listener with a few routes, and one request on a connection of its own. */
#ifndef TESTS_UNIT_WEB_HOUSE_H
#define TESTS_UNIT_WEB_HOUSE_H

#include "tests/unit/web_client.h"

#include <dirent.h>
#include <signal.h>

#include "exporters/web/inside.h"

#define HOST        "Host: localhost\r\n"
#define GET(TARGET) "GET " TARGET " HTTP/1.1\r\n" HOST "\r\n"

enum { BLOCKS = 40, ENDLESS = -1 };

/* A body of `left` blocks with their numbers in them. */
struct stream {
	int left; /* ENDLESS: no end */
	int sent;
	int break_at; /* this block is not made; 0: none */
	size_t least_room;
};

/* What the routes below share with their test. */
static struct {
	struct stream stream;
	int64_t size;
	const char *encoding;
	unsigned within_s;
	unsigned asked, opened, closed, seconds, acted;
	bool head, http10;
	char header[64], query[64], headers[128], pairs[128];
} seen;

static inline size_t stream_next(void *arg, char *at, size_t room)
{
	struct stream *s = arg;
	const size_t n = room < 16 << 10 ? room : 16 << 10;

	if (room < s->least_room)
		s->least_room = room;
	if (s->left == 0)
		return 0;
	if (s->sent + 1 == s->break_at)
		return WEB_BROKEN;
	memset(at, 'a' + s->sent % 26, n);
	s->sent++;
	s->left -= s->left > 0;
	return n;
}

static inline void stream_close(void *arg)
{
	CHECK(arg == &seen.stream);
	seen.closed++;
}

static inline void note_pair(void *arg, const char *key, const char *value)
{
	buf_fmt(arg, "%s=%s;", key, value);
}

static inline void answer_text(void *arg, const struct web_request *q, struct web_reply *reply)
{
	char text[256];
	struct buf all;

	CHECK(arg == &seen);
	buf_wrap(&all, text, sizeof(text));
	seen.asked++;
	seen.head = q->head;
	seen.http10 = q->http10;
	(void)snprintf(seen.header, sizeof(seen.header), "%s",
	               web_header(q, "accept") != NULL ? web_header(q, "accept") : "absent");
	(void)snprintf(seen.query, sizeof(seen.query), "%s",
	               web_query(q, "app") != NULL ? web_query(q, "app") : "absent");
	seen.seconds = web_header_seconds(q, "x-timeout");
	web_headers(q, "accept", &all);
	(void)snprintf(seen.headers, sizeof(seen.headers), "%s", buf_text(&all));
	buf_reset(&all);
	web_queries(q, note_pair, &all);
	(void)snprintf(seen.pairs, sizeof(seen.pairs), "%s", buf_text(&all));
	CHECK(strcmp(q->path, "/text") == 0);
	buf_str(&reply->body, "fine\n");
}

static inline void answer_stream(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	(void)q;
	seen.opened++;
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	reply->vary = "Accept, Accept-Encoding";
	reply->encoding = seen.encoding;
	reply->within_s = seen.within_s;
	reply->stream = (struct web_stream){
		.next = stream_next, .close = stream_close, .arg = &seen.stream, .size = seen.size
	};
}

static inline void answer_busy(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	(void)q;
	reply->status = 503;
	reply->retry_after_s = 1;
	buf_str(&reply->body, "too many scrapes at once\n");
}

static inline void answer_huge(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	(void)q;
	for (int i = 0; i < 1025; i++) {
		char *at = buf_room(&reply->body, 1024);

		if (at != NULL)
			memset(at, 'x', 1024);
		reply->body.len += at != NULL ? 1024 : 0;
	}
}

static inline void answer_act(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	(void)q;
	seen.acted++;
	buf_str(&reply->body, "done\n");
}

static const struct web_route routes[] = {
	{ .path = "/", .answer = answer_busy },
	{ .path = "/text", .answer = answer_text },
	{ .path = "/stream", .answer = answer_stream },
	{ .path = "/huge", .answer = answer_huge },
	{ .path = "/act", .answer = answer_act, .acts = true },
	{ .path = "/probe", .answer = answer_act, .small = true },
};

static inline struct web *open_conf(const struct web_conf *c)
{
	struct web *w = NULL;
	struct why why = { "" };

	memset(&seen, 0, sizeof(seen));
	seen.stream = (struct stream){ .left = BLOCKS, .least_room = SIZE_MAX };
	seen.size = WEB_SIZE_UNKNOWN;
	if (web_new(c, routes, sizeof(routes) / sizeof(routes[0]), &seen, &w, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return w;
}

static inline struct web *open_web(const char *const *listen, size_t n, unsigned max_connections,
                                   unsigned idle_timeout_s)
{
	const struct web_conf c = {
		.listen = listen, .listen_n = n, .max_connections = max_connections, .idle_timeout_s = idle_timeout_s
	};

	return open_conf(&c);
}

static inline struct web *open_one(unsigned max_connections, unsigned idle_timeout_s)
{
	static const char *const listen[] = { "127.0.0.1:0" };

	return open_web(listen, 1, max_connections, idle_timeout_s);
}

/* One request on a connection of its own. */
static inline struct answer ask(struct web *w, const char *request, size_t len, bool head, bool *ret_ended)
{
	struct client c = client_open(w, 0);
	struct answer a;

	client_write(&c, request, len);
	a = client_read(&c, head);
	if (ret_ended != NULL)
		*ret_ended = client_ended(&c) && c.in.len == 0;
	client_close(&c);
	return a;
}

static inline int status_of(struct web *w, const char *request)
{
	struct answer a = ask(w, request, strlen(request), false, NULL);

	CHECK(a.whole || a.status == 0);
	buf_done(&a.body);
	return a.status;
}

/* base64 */
static inline void encode(const char *plain, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t len = strlen(plain);

	for (size_t i = 0; i < len; i += 3) {
		const unsigned char *s = (const unsigned char *)plain + i;
		const unsigned bits =
			(unsigned)s[0] << 16 | (i + 1 < len ? (unsigned)s[1] << 8 : 0) | (i + 2 < len ? s[2] : 0);

		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*to++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*to = '\0';
}

static inline size_t open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	CHECK(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#endif
