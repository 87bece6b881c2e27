/* Which addresses a call tried, and whose fault its end is. libcurl tries one address after the other, closes
 * what failed in several ways and tells of the last one only. So each socket is held by a descriptor of our
 * own as well, until the request begins or the call ends, and asked then: what the kernel knows of it is the
 * same with every version of libcurl. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/fetch/inside.h"

bool address_text(const struct curl_sockaddr *a, char ret[ADDRESS_TEXT])
{
	const void *binary = a->family == AF_INET6
	                         ? (const void *)&((const struct sockaddr_in6 *)&a->addr)->sin6_addr
	                         : (const void *)&((const struct sockaddr_in *)&a->addr)->sin_addr;

	return (a->family == AF_INET || a->family == AF_INET6) &&
	       inet_ntop(a->family, binary, ret, ADDRESS_TEXT) != NULL;
}

void attempts_opened(struct slot *s, int fd, const struct curl_sockaddr *a)
{
	struct attempt t = { .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };

	if (t.fd < 0)
		t.fate = FATE_SERVES; /* no descriptor is left: nothing can be said against it */
	if (s->attempt_n < ADDRESSES_MAX && address_text(a, t.address)) {
		s->attempt[s->attempt_n++] = t;
		s->fetch->connecting += t.fd >= 0;
	} else if (t.fd >= 0) {
		close(t.fd);
	}
}

/* The kernel sends its question anew after a second. */
static enum fate fate_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return FATE_WAITS;
	if (info.tcpi_state == TCP_SYN_SENT)
		return info.tcpi_total_retrans > 0 ? FATE_SILENT : FATE_WAITS;
	return info.tcpi_state == TCP_CLOSE ? FATE_ENDED : FATE_STANDS;
}

void attempts_settle(struct slot *s, const char *serves)
{
	for (unsigned i = 0; i < s->attempt_n; i++) {
		struct attempt *t = &s->attempt[i];

		if (t->fd < 0)
			continue;
		t->fate = strcmp(t->address, serves) == 0 ? FATE_SERVES : fate_of(t->fd);
		close(t->fd);
		t->fd = -1;
		s->fetch->connecting--;
	}
}

/* Of a connection on which the request never began. A missing CA file is ours, and so is a lack of memory. */
static bool handshake_failed(const struct slot *s, enum err e)
{
	return !s->proxied && s->code != CURLE_SSL_CACERT_BADFILE && s->refused == memory_refused() &&
	       (e == ERR_TLS || e == ERR_RESET || e == ERR_TIMEOUT);
}

void attempts_judge(struct slot *s, enum err e, int64_t mono_ms)
{
	enum fate best = FATE_WAITS;
	bool tunnel; /* a proxy's connection ended behind it: which of the attempts that was is not known */

	for (unsigned i = 0; i < s->attempt_n; i++)
		if (s->attempt[i].fate > best)
			best = s->attempt[i].fate;
	tunnel = best != FATE_SERVES && reason_beyond_proxy(s);
	for (unsigned i = 0; i < s->attempt_n; i++) {
		const struct attempt *t = &s->attempt[i];

		if ((t->fate == FATE_WAITS && best < FATE_STANDS && !tunnel && e == ERR_TIMEOUT) ||
		    t->fate == FATE_SILENT || (t->fate == FATE_ENDED && !tunnel) ||
		    (t->fate == FATE_STANDS && handshake_failed(s, e)))
			place_bad(s->place, t->address, mono_ms);
	}
}
