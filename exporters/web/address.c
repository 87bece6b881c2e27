#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/web/inside.h"

enum { BACKLOG = 128 };

struct parts {
	char host[256], port[8];
};

/* "::1", "fe80::1%eth0". */
static bool is_ipv6(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr ignored;
	const size_t len = strcspn(host, "%");

	if (len >= sizeof(address))
		return false;
	memcpy(address, host, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &ignored) == 1;
}

/* "host:port", "[v6]:port", ":port". */
static bool split(const char *text, struct parts *p)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_len, port_len;
	bool bracketed;

	if (colon == NULL)
		return false;
	host_len = (size_t)(colon - text);
	port_len = strlen(colon + 1);
	bracketed = host_len >= 2 && text[0] == '[' && colon[-1] == ']';
	if (bracketed) {
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
	return !bracketed || is_ipv6(p->host);
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

/* The kernel has no such family, or none of its addresses. Any other failure must be heard: whoever asked for
 * a port that is taken does not want half of it. */
static bool is_absent(int code)
{
	return code == EAFNOSUPPORT || code == EADDRNOTAVAIL;
}

/* Binds the first address that this machine has; *ret_fd is -1 with errno when that fails. Returns a code of
 * getaddrinfo. */
static int open_host(const char *host, const char *port, int family, int *ret_fd)
{
	const struct addrinfo hints = { .ai_family = family,
		                            .ai_socktype = SOCK_STREAM,
		                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list;
	const int failed = getaddrinfo(host, port, &hints, &list);
	int code = 0;

	*ret_fd = -1;
	if (failed != 0)
		return failed;
	for (const struct addrinfo *a = list; a != NULL && *ret_fd < 0; a = a->ai_next) {
		*ret_fd = open_one(a, host == NULL);
		code = errno;
		if (*ret_fd < 0 && !is_absent(code))
			break;
	}
	freeaddrinfo(list);
	errno = code;
	return 0;
}

enum err address_listen(const char *text, int *ret_fd, struct why *why)
{
	const char *host;
	struct parts p;
	int fd, failed;

	if (!split(text, &p))
		return err_because(why, ERR_CONFIG, "listen address '%.100s' is not host:port, [v6]:port or :port",
		                   text);
	host = p.host[0] != '\0' ? p.host : NULL;
	failed = open_host(host, p.port, host != NULL ? AF_UNSPEC : AF_INET6, &fd);
	if (host == NULL && (failed != 0 || (fd < 0 && is_absent(errno))))
		failed = open_host(NULL, p.port, AF_INET, &fd);
	if (failed != 0)
		return err_because(why, ERR_CONFIG, "listen address '%.100s': %s", text, gai_strerror(failed));
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
