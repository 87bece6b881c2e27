/* Accepts for the daemon. MHD would leave newcomers in the backlog while the house is full, where a scraper
 * hangs until its own timeout, and knows one socket a daemon, where several must share one limit. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exporters/web/inside.h"

enum { ACCEPTS_A_TURN = 64 };

static enum err watch(struct web *w, struct listener *l, const char *text, struct why *why)
{
	struct buf b;
	size_t len;

	buf_init(&b, 512);
	address_print(l->fd, &b);
	l->address = buf_take(&b, &len);
	if (l->address == NULL)
		return err_because(why, ERR_MEMORY, "cannot listen on '%.100s': out of memory", text);
	l->watched = web_watch(w, l->fd);
	if (!l->watched)
		return err_because(why, ERR_SYSTEM, "cannot watch the listener on '%.100s'", text);
	return ERR_OK;
}

enum err listener_open(struct web *w, struct listener *l, const char *text, struct why *why)
{
	const enum err e = address_listen(text, &l->fd, why);

	return e == ERR_OK ? watch(w, l, text, why) : e;
}

/* The inherited buffer bounds what a stalled reader costs the kernel. */
static bool make_ours(int fd)
{
	const int bytes = SEND_BYTES, flags = fcntl(fd, F_GETFL);

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool is_stream_listener(int fd)
{
	int type = 0, listens = 0, domain = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

enum err listener_adopt(struct web *w, struct listener *l, int fd, struct why *why)
{
	l->fd = fd;
	if (!is_stream_listener(fd) || !make_ours(fd))
		return err_because(why, ERR_CONFIG,
		                   "the socket handed over as descriptor %d is no TCP socket that listens", fd);
	return watch(w, l, "the socket handed over", why);
}

void listener_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void listener_done(struct listener *l)
{
	listener_close(l);
	free(l->address);
}

/* For who does not even fit into the lobby. Where TLS is spoken nobody could read it. */
static void turn_away(const struct web *w, int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
							   "Content-Type: text/plain; charset=utf-8\r\n"
							   "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
							   "Content-Length: 21\r\n\r\n"
							   "too many connections\n";
	char request[4096];

	if (w->hall->cert == NULL)
		(void)send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	(void)recv(fd, request, sizeof(request), MSG_DONTWAIT); /* unread, it would turn the end into a reset */
	close(fd);
}

static void admit(struct web *w, int fd, const struct sockaddr_storage *from, socklen_t len)
{
	const bool many =
		w->max_per_address > 0 && guests_from(w, (const struct sockaddr *)from) >= w->max_per_address;

	if (!many && web_connections(w) < w->max_connections + LOBBY) {
		(void)MHD_add_connection(w->hall->daemon, fd, (const struct sockaddr *)from,
		                         len); /* closes it on failure */
	} else {
		turn_away(w, fd);
		count_answer(w, NULL, MHD_HTTP_SERVICE_UNAVAILABLE);
	}
}

static bool is_lack(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

/* Without a descriptor for the next one the listener stays readable and the loop would spin: it leaves the
 * epoll set, and each turn tries until one succeeds. */
static void set_watched(struct web *w, struct listener *l, bool on)
{
	if (on && !l->watched)
		l->watched = web_watch(w, l->fd);
	else if (!on && l->watched)
		l->watched = epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL) != 0;
}

/* An accept that finds nobody takes the kernel twenty times as long as this answer. */
static bool has_newcomer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

void listener_turn(struct web *w, struct listener *l)
{
	for (int n = 0; l->fd >= 0 && n < ACCEPTS_A_TURN && has_newcomer(l->fd); n++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		const int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		set_watched(w, l, fd >= 0 || !is_lack(errno));
		if (fd < 0)
			return;
		admit(w, fd, &from, len);
	}
}
