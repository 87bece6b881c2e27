#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/web/inside.h"

enum { BACKLOG = 128, SEND_BYTES = 256 << 10 };

struct parts {
	char host[256], port[8];
};

/* "host:port", "[v6]:port", ":port". */
static bool split(const char *text, struct parts *p)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_len, port_len;

	if (colon == NULL)
		return false;
	host_len = (size_t)(colon - text);
	port_len = strlen(colon + 1);
	if (host_len >= 2 && text[0] == '[' && colon[-1] == ']') {
		host++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len) != NULL) {
		return false; /* an IPv6 address without brackets is ambiguous */
	}
	if (host_len >= sizeof(p->host) || port_len == 0 || port_len > 5 ||
	    strspn(colon + 1, "0123456789") != port_len || strtol(colon + 1, NULL, 10) > 65535)
		return false;
	memcpy(p->host, host, host_len);
	p->host[host_len] = '\0';
	memcpy(p->port, colon + 1, port_len + 1);
	return true;
}

static int open_one(const struct addrinfo *a, bool dual)
{
	const int on = 1, off = 0, bytes = SEND_BYTES;
	const int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int saved;

	if (fd < 0)
		return -1;
	/* The send buffer bounds what a stalled reader costs the kernel; accepted sockets inherit it. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (a->ai_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? &off : &on, sizeof(on)) == 0) &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

enum err address_listen(const char *text, int *ret_fd, struct why *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	struct parts p;
	int fd = -1, failed;
	bool any;

	if (!split(text, &p))
		return err_because(why, ERR_CONFIG, "listen address '%.100s' is not host:port, [v6]:port or :port",
		                   text);
	any = p.host[0] == '\0';
	if (any)
		hints.ai_family = AF_INET6;
	failed = getaddrinfo(any ? NULL : p.host, p.port, &hints, &list);
	if (failed != 0)
		return err_because(why, ERR_CONFIG, "listen address '%.100s': %s", text, gai_strerror(failed));
	fd = open_one(list, any);
	freeaddrinfo(list);
	if (fd < 0 && any && errno == EAFNOSUPPORT) { /* a machine without IPv6 */
		hints.ai_family = AF_INET;
		if (getaddrinfo(NULL, p.port, &hints, &list) == 0) {
			fd = open_one(list, false);
			freeaddrinfo(list);
		}
	}
	if (fd < 0)
		return err_because(why, ERR_SYSTEM, "cannot listen on '%.100s': %s", text, strerror(errno));
	*ret_fd = fd;
	return ERR_OK;
}

void address_print(int fd, struct buf *out)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
	                NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		buf_str(out, "?");
		return;
	}
	buf_fmt(out, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}
