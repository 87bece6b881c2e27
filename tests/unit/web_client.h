/* A client of the listener that writes raw bytes and reads whole answers, on the thread that also turns the
 * listener. Everything ends by an event or fails after PATIENCE_MS. */
#ifndef TESTS_UNIT_WEB_CLIENT_H
#define TESTS_UNIT_WEB_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exporters/web/web.h"

#define CHECK assert_true

enum { PATIENCE_MS = 10000, CLIENT_MAX = 4 << 20 };

struct client {
	struct web *web;
	int fd;
	struct buf in; /* received and not yet looked at */
	bool ended;    /* the listener closed or reset the connection */
};

struct answer {
	int status;
	char head[4096];
	struct buf body; /* chunks put together */
	bool whole;      /* false: the connection ended first */
};

static inline int64_t clock_ms(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Connects to listener 0 of `w`. */
static inline struct client client_open(struct web *w, size_t listener)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct client c = { .web = w };
	const char *address = web_address(w, listener);
	const char *port = strrchr(address, ':') + 1;
	struct addrinfo *a;

	buf_init(&c.in, CLIENT_MAX);
	CHECK(getaddrinfo(strncmp(address, "[::", 3) == 0 ? "::1" : "127.0.0.1", port, &hints, &a) == 0);
	c.fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(c.fd >= 0 && connect(c.fd, a->ai_addr, a->ai_addrlen) == 0);
	freeaddrinfo(a);
	return c;
}

static inline void client_close(struct client *c)
{
	close(c->fd);
	buf_done(&c->in);
}

/* Waits for the listener or `fd` (-1: none) as the program's loop does, then turns the listener. */
static inline void turn(struct web *w, int fd, int64_t end_ms)
{
	struct pollfd fds[] = { { web_fd(w), POLLIN, 0 }, { fd, POLLIN, 0 } };
	int64_t wait_ms = end_ms - clock_ms();

	CHECK(wait_ms > 0);
	if (web_wait_ms(w) < wait_ms)
		wait_ms = web_wait_ms(w);
	CHECK(poll(fds, 2, (int)wait_ms) >= 0);
	web_turn(w);
}

static inline void client_write(struct client *c, const char *at, size_t len)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;

	while (len > 0) {
		const ssize_t n = send(c->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* the listener has had enough; its answer may still be read */
		if (n < 0) {
			turn(c->web, -1, end_ms);
			continue;
		}
		at += n;
		len -= (size_t)n;
	}
}

/* Reads more, turning the listener meanwhile; false when the connection ended. */
static inline bool client_more(struct client *c)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;

	while (!c->ended) {
		char bytes[64 << 10];
		const ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n > 0) {
			buf_add(&c->in, bytes, (size_t)n);
			CHECK(c->in.status == ERR_OK);
			return true;
		}
		if (n == 0 || errno != EAGAIN)
			c->ended = true;
		else
			turn(c->web, c->fd, end_ms);
	}
	return false;
}

static inline bool client_ended(struct client *c)
{
	while (client_more(c))
		;
	return true;
}

static inline bool client_need(struct client *c, size_t len)
{
	while (c->in.len < len)
		if (!client_more(c))
			return false;
	return true;
}

static inline void client_drop(struct client *c, size_t len)
{
	memmove(c->in.at, c->in.at + len, c->in.len - len);
	c->in.len -= len;
}

/* Moves bytes up to and with the first `mark` to `to`; false when the connection ended before. */
static inline bool client_until(struct client *c, const char *mark, char *to, size_t room)
{
	const char *found;
	size_t len;

	while ((found = c->in.len > 0 ? memmem(c->in.at, c->in.len, mark, strlen(mark)) : NULL) == NULL)
		if (!client_more(c))
			return false;
	len = (size_t)(found - c->in.at) + strlen(mark);
	CHECK(len < room);
	memcpy(to, c->in.at, len);
	to[len] = '\0';
	client_drop(c, len);
	return true;
}

static inline bool client_body(struct client *c, struct buf *to, size_t len)
{
	const bool whole = client_need(c, len);

	if (len > c->in.len)
		len = c->in.len;
	buf_add(to, c->in.at, len);
	client_drop(c, len);
	return whole;
}

static inline bool client_chunks(struct client *c, struct buf *to)
{
	for (;;) {
		char line[64];
		size_t len;

		if (!client_until(c, "\r\n", line, sizeof(line)))
			return false;
		len = strtoul(line, NULL, 16);
		if (len > 0 && !client_body(c, to, len))
			return false;
		if (!client_until(c, "\r\n", line, sizeof(line)))
			return false;
		CHECK(strcmp(line, "\r\n") == 0);
		if (len == 0)
			return true;
	}
}

/* The value of a header, NULL when absent. Borrowed until the next call. */
static inline const char *answer_header(const struct answer *a, const char *name)
{
	static char value[512];
	char line[64];
	const char *at;

	(void)snprintf(line, sizeof(line), "\r\n%s: ", name);
	at = strcasestr(a->head, line);
	if (at == NULL)
		return NULL;
	CHECK(strcasestr(at + 1, line) == NULL); /* once */
	at += strlen(line);
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static inline bool answer_has(const struct answer *a, const char *name, const char *value)
{
	const char *found = answer_header(a, name);

	return value == NULL ? found == NULL : found != NULL && strcmp(found, value) == 0;
}

/* The next answer; status 0 when the connection ended without one. */
static inline struct answer client_read(struct client *c, bool head)
{
	struct answer a = { 0 };

	buf_init(&a.body, CLIENT_MAX);
	if (!client_until(c, "\r\n\r\n", a.head, sizeof(a.head)))
		return a;
	CHECK(strncmp(a.head, "HTTP/1.", 7) == 0);
	a.status = (int)strtol(a.head + 9, NULL, 10);
	if (head)
		a.whole = true;
	else if (answer_has(&a, "Transfer-Encoding", "chunked"))
		a.whole = client_chunks(c, &a.body);
	else if (answer_header(&a, "Content-Length") != NULL)
		a.whole = client_body(c, &a.body, strtoul(answer_header(&a, "Content-Length"), NULL, 10));
	return a;
}

static inline bool body_is(struct answer *a, const char *text)
{
	return strcmp(buf_text(&a->body), text) == 0;
}

#endif
