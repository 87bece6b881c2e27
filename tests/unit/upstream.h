/* An HTTP server on a loopback port that plays one scripted act for each path, in a thread of its own. */
#ifndef TESTS_UNIT_UPSTREAM_H
#define TESTS_UNIT_UPSTREAM_H

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum act_end {
	ACT_KEEP,   /* the connection stays open */
	ACT_ONCE,   /* stays open, but a second request on it is met with an end instead of an answer */
	ACT_CLOSE,  /* an orderly end */
	ACT_RESET,  /* an end with RST */
	ACT_SILENT, /* nothing, for as long as the client likes */
};

struct act {
	const char *path;
	const char *text; /* the bytes sent after a whole request */
	size_t len;       /* 0: up to the NUL */
	enum act_end end;
};

enum { UPSTREAM_CONNECTIONS = 8, UPSTREAM_REQUEST = 16 << 10, UPSTREAM_DEADLINE_S = 5 };

struct upstream_peer {
	int fd;
	SSL *tls;
	unsigned requests;
	size_t used;
	char in[UPSTREAM_REQUEST + 1];
};

struct upstream {
	const struct act *act;
	size_t act_n;
	SSL_CTX *tls; /* NULL: plain */
	int fd, stop[2];
	bool closed; /* nobody comes in any more */
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock; /* of the three below */
	unsigned connections, requests;
	char last[UPSTREAM_REQUEST + 1]; /* the newest request */
	struct upstream_peer peer[UPSTREAM_CONNECTIONS];
};

static inline void upstream_drop(struct upstream_peer *p, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (reset)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	SSL_free(p->tls);
	close(p->fd);
	*p = (struct upstream_peer){ .fd = -1 };
}

static inline void upstream_write(struct upstream_peer *p, const char *at, size_t len)
{
	while (len > 0) {
		const ssize_t n =
			p->tls != NULL ? SSL_write(p->tls, at, (int)len) : send(p->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static inline void upstream_play(struct upstream *u, struct upstream_peer *p)
{
	p->requests++;
	for (size_t i = 0; i < u->act_n; i++) {
		const struct act *a = &u->act[i];
		const char *target = strchr(p->in, ' ');
		const size_t len = strlen(a->path);

		if (target == NULL || strncmp(target + 1, a->path, len) != 0 || strchr("? ", target[1 + len]) == NULL)
			continue;
		if (a->end == ACT_SILENT)
			return;
		if (a->end != ACT_ONCE || p->requests == 1)
			upstream_write(p, a->text, a->len > 0 ? a->len : strlen(a->text));
		if (a->end == ACT_CLOSE || a->end == ACT_RESET || (a->end == ACT_ONCE && p->requests > 1))
			upstream_drop(p, a->end == ACT_RESET);
		return;
	}
	upstream_drop(p, false);
}

/* Bytes of the first whole request in `in`, 0 when there is none yet. */
static inline size_t upstream_request(const struct upstream_peer *p)
{
	static const char name[] = "\r\nContent-Length:";
	const char *end = strstr(p->in, "\r\n\r\n");
	const char *length = strcasestr(p->in, name);
	size_t need;

	if (end == NULL)
		return 0;
	need = (size_t)(end + 4 - p->in);
	if (length != NULL && length < end)
		need += strtoul(length + sizeof(name) - 1, NULL, 10);
	return p->used >= need ? need : 0;
}

static inline void upstream_read(struct upstream *u, struct upstream_peer *p)
{
	do {
		const size_t room = UPSTREAM_REQUEST - p->used;
		const ssize_t n = p->tls != NULL ? SSL_read(p->tls, p->in + p->used, (int)room)
		                                 : recv(p->fd, p->in + p->used, room, 0);
		size_t whole;

		if (n <= 0) {
			upstream_drop(p, false);
			return;
		}
		p->used += (size_t)n;
		p->in[p->used] = '\0';
		if (p->in[0] == 0x16) { /* a TLS client at a server without TLS */
			upstream_write(p, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
			upstream_drop(p, false);
			return;
		}
		whole = upstream_request(p);
		if (whole == 0)
			continue;
		(void)pthread_mutex_lock(&u->lock);
		u->requests++;
		memcpy(u->last, p->in, whole);
		u->last[whole] = '\0';
		(void)pthread_mutex_unlock(&u->lock);
		p->used = 0; /* a client that waits for its answer sends nothing more */
		upstream_play(u, p);
	} while (p->tls != NULL && SSL_pending(p->tls) > 0);
}

static inline void upstream_accept(struct upstream *u)
{
	const struct timeval deadline = { .tv_sec = UPSTREAM_DEADLINE_S };
	struct upstream_peer *p = u->peer;

	while (p < u->peer + UPSTREAM_CONNECTIONS && p->fd >= 0)
		p++;
	if (p == u->peer + UPSTREAM_CONNECTIONS)
		abort(); /* a test opens fewer */
	*p = (struct upstream_peer){ .fd = accept(u->fd, NULL, NULL) };
	u->closed = p->fd < 0 && errno == EINVAL;
	if (p->fd < 0)
		return;
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	(void)pthread_mutex_lock(&u->lock);
	u->connections++;
	(void)pthread_mutex_unlock(&u->lock);
	if (u->tls == NULL)
		return;
	p->tls = SSL_new(u->tls);
	if (p->tls == NULL || SSL_set_fd(p->tls, p->fd) != 1 || SSL_accept(p->tls) != 1)
		upstream_drop(p, false);
}

static inline void *upstream_run(void *arg)
{
	struct upstream *u = arg;

	for (;;) {
		struct pollfd fd[2 + UPSTREAM_CONNECTIONS] = { { u->stop[0], POLLIN, 0 },
			                                           { u->closed ? -1 : u->fd, POLLIN, 0 } };

		for (int i = 0; i < UPSTREAM_CONNECTIONS; i++)
			fd[2 + i] = (struct pollfd){ u->peer[i].fd, POLLIN, 0 };
		if (poll(fd, 2 + UPSTREAM_CONNECTIONS, -1) < 0)
			continue; /* a test that lowers the number of descriptors makes it fail meanwhile */
		if (fd[0].revents != 0)
			break;
		for (int i = 0; i < UPSTREAM_CONNECTIONS; i++)
			if (fd[2 + i].revents != 0)
				upstream_read(u, &u->peer[i]);
		if (fd[1].revents != 0)
			upstream_accept(u);
	}
	for (int i = 0; i < UPSTREAM_CONNECTIONS; i++)
		if (u->peer[i].fd >= 0)
			upstream_drop(&u->peer[i], false);
	return NULL;
}

static inline bool upstream_family_exists(int family)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool exists = fd >= 0 && (family == AF_INET || bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);

	if (fd >= 0)
		close(fd);
	return exists;
}

/* A loopback socket on a port of the system's choice; `listening` or only reserved. */
static inline int upstream_socket(int family, bool listening, unsigned *ret_port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = family == AF_INET6 ? sizeof(a.v6) : sizeof(a.v4);
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET6)
		a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (fd < 0 || bind(fd, &a.any, len) != 0 || (listening && listen(fd, 16) != 0) ||
	    getsockname(fd, &a.any, &len) != 0)
		abort();
	*ret_port = ntohs(family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	return fd;
}

/* The socket, which listens at `port`, and `ctx` (may be NULL) are taken. */
static inline struct upstream *upstream_new_at(int fd, unsigned port, const struct act *act, size_t n,
                                               SSL_CTX *ctx)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL || pipe(u->stop) != 0)
		abort();
	u->act = act;
	u->act_n = n;
	u->tls = ctx;
	for (int i = 0; i < UPSTREAM_CONNECTIONS; i++)
		u->peer[i].fd = -1;
	u->fd = fd;
	u->port = port;
	if (pthread_mutex_init(&u->lock, NULL) != 0 || pthread_create(&u->thread, NULL, upstream_run, u) != 0)
		abort();
	return u;
}

static inline struct upstream *upstream_new_on(int family, const struct act *act, size_t n, SSL_CTX *ctx)
{
	unsigned port;
	const int fd = upstream_socket(family, true, &port);

	return upstream_new_at(fd, port, act, n, ctx);
}

static inline struct upstream *upstream_new(const struct act *act, size_t n, SSL_CTX *ctx)
{
	return upstream_new_on(AF_INET, act, n, ctx);
}

static inline void upstream_free(struct upstream *u)
{
	close(u->stop[1]);
	(void)pthread_join(u->thread, NULL);
	(void)pthread_mutex_destroy(&u->lock);
	close(u->stop[0]);
	close(u->fd);
	SSL_CTX_free(u->tls);
	free(u);
}

/* Whoever comes now is refused; connections that are open stay. */
static inline void upstream_refuse(struct upstream *u)
{
	(void)shutdown(u->fd, SHUT_RDWR);
}

static inline unsigned upstream_count(struct upstream *u, const unsigned *counter)
{
	unsigned n;

	(void)pthread_mutex_lock(&u->lock);
	n = *counter;
	(void)pthread_mutex_unlock(&u->lock);
	return n;
}

/* A server side that shows that certificate; at most TLS 1.1 when `old`. */
static inline SSL_CTX *upstream_tls(const char *cert_pem, const char *key_pem, bool old)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *cert_bio = BIO_new_mem_buf(cert_pem, -1), *key_bio = BIO_new_mem_buf(key_pem, -1);
	X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);

	if (ctx == NULL || SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		abort();
	if (old && (SSL_CTX_set_cipher_list(ctx, "DEFAULT@SECLEVEL=0") != 1 ||
	            SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION) != 1))
		abort();
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	return ctx;
}

#endif
