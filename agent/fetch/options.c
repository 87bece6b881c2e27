/* Every option this program ever sets, so that none of libcurl's other doors (redirects, cookies, netrc,
 * proxies of the environment, other protocols) is open. The table in README.md lists them; a fence compares.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/fetch/inside.h"

enum {
	SLOW_BYTES_PER_S = 100, /* an upstream slower than this for SLOW_S is as good as dead */
	SLOW_S = 5,
	CA_CACHE_S =
		30, /* libcurl keeps parsed trust anchors for a day unless told; a renewed file must count soon */
	UNACKED_MS = 10000,
	HEAD_MAX = 64 << 10,
};

/* ---- callbacks: store and return ---- */
static size_t on_body(char *at, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;
	const size_t len = size * n;

	s->bytes += len;
	if (s->body.len + len > s->fetch->conf.max_reply) {
		s->err = ERR_TOO_LARGE;
		return CURL_WRITEFUNC_ERROR;
	}
	if (s->fetch->total + len > s->fetch->conf.max_total) {
		s->err = ERR_LOCAL_RESOURCE;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_add(&s->body, at, len);
	if (s->body.status != ERR_OK) {
		s->err = ERR_LOCAL_RESOURCE;
		return CURL_WRITEFUNC_ERROR;
	}
	s->fetch->total += len;
	return len;
}

/* libcurl's own limit is several times as high, and what it says beyond it depends on its version. */
static size_t on_head(char *at, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)at;
	s->in_head = size * n > 2; /* an empty line ends it */
	s->head_len += size * n;
	if (s->head_len <= HEAD_MAX)
		return size * n;
	s->err = ERR_TOO_LARGE;
	return CURL_WRITEFUNC_ERROR;
}

/* The connection stands and the request is written next: the only place where a silent second try shows, and
 * the last one where a kept connection can be turned down. libcurl closes it then. */
static int on_request(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct slot *s = arg;

	(void)from;
	(void)to_port;
	(void)from_port;
	s->stale = s->place != NULL && s->attempt_n == 0 && !place_offers(s->place, to, s->asked_ms);
	if (s->stale)
		return CURL_PREREQFUNC_ABORT;
	attempts_settle(s, to);
	if (s->sent++ == 0 && s->written != NULL)
		++*s->written;
	s->fetch->wrote = true;
	s->in_head = true;
	return CURL_PREREQFUNC_OK;
}

/* libcurl reports a socket that this machine could not make as "cannot connect"; the difference matters. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct slot *s = arg;
	const int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd < 0 && errno != EAFNOSUPPORT)
		s->err = ERR_LOCAL_RESOURCE;
	if (fd >= 0)
		attempts_opened(s, fd, a);
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int on_sockopt(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const unsigned ms = UNACKED_MS;

	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)); /* best effort */
	return CURL_SOCKOPT_OK;
}

/* A look-up takes down each address that libcurl would connect to, and never lets it. */
static curl_socket_t on_address(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct place *p = arg;
	struct address new = { .good_ms = -1, .bad_ms = -1 };

	(void)purpose;
	p->fetch->restless = true;
	if (p->found_n < ADDRESSES_MAX && address_text(a, new.text))
		p->found[p->found_n++] = new;
	return CURL_SOCKET_BAD;
}

/* ---- options ---- */
#define SET(OPTION, VALUE) (e = e != CURLE_OK ? e : curl_easy_setopt(h, OPTION, VALUE))

bool options_multi(const struct fetch *f)
{
	return curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK &&
	       curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)f->conf.max_inflight) == CURLM_OK;
}

CURLcode options_fixed(struct slot *s)
{
	const struct fetch_conf *c = &s->fetch->conf;
	CURL *h = s->easy;
	CURLcode e = CURLE_OK;

	SET(CURLOPT_PRIVATE, s);
	SET(CURLOPT_ERRORBUFFER, s->text);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOPROXY, ""); /* the environment's would lead calls past the proxy that is configured */
	SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* on_head sees the host's */
	SET(CURLOPT_USERAGENT, c->user_agent);
	SET(CURLOPT_HTTPHEADER, s->fetch->headers);
	SET(CURLOPT_CONNECTTIMEOUT_MS, c->timeout_ms < CONNECT_MS ? c->timeout_ms : (long)CONNECT_MS);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
	SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	SET(CURLOPT_MAXLIFETIME_CONN, c->connection_life_s);
	SET(CURLOPT_MAXAGE_CONN, c->connection_idle_s);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip"); /* on_body counts what it inflates to */
	SET(CURLOPT_HEADERFUNCTION, on_head);
	SET(CURLOPT_HEADERDATA, s);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, s);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_PREREQDATA, s);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, s);
	SET(CURLOPT_SOCKOPTFUNCTION, on_sockopt);
	return e;
}

/* Plain HTTP is for tests on this machine: a signature never crosses a network in clear, and a proxy is one.
 * What follows the name is read strictly: in "http://localhost:x@elsewhere/" it is a user with a password. */
const char *options_protocol(const struct ask *a)
{
	static const char *const loopback[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };
	const char *url = a->url;

	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		const size_t n = strlen(loopback[i]);

		if (strncmp(url, loopback[i], n) != 0)
			continue;
		url += n;
		if (url[0] == ':')
			url += 1 + strspn(url + 1, "0123456789");
		return url[0] == '/' && !ask_proxied(a) ? "http" : "https";
	}
	return "https";
}

CURLcode options_call(struct slot *s, const struct ask *a)
{
	const bool own_ca = a->ca_file != NULL && a->ca_file[0] != '\0';
	CURL *h = s->easy;
	CURLcode e = CURLE_OK;

	if (s->own_ca && !own_ca) { /* only a reset brings libcurl's own default back */
		curl_easy_reset(h);
		e = options_fixed(s);
	}
	s->own_ca = own_ca;
	s->proxied = ask_proxied(a);
	SET(CURLOPT_URL, a->url);
	SET(CURLOPT_PROTOCOLS_STR, options_protocol(a));
	SET(CURLOPT_PROXY, s->proxied ? a->proxy : ""); /* "": not the environment's either */
	SET(CURLOPT_FRESH_CONNECT, a->fresh ? 1L : 0L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->question.len);
	SET(CURLOPT_POSTFIELDS, s->question.at);
	if (own_ca)
		SET(CURLOPT_CAINFO, a->ca_file); /* the system's folder of certificates stays in force beside it */
	return e;
}

CURLcode options_begin(struct slot *s)
{
	const long left_ms = s->fetch->conf.timeout_ms - (long)(s->waited_us / 1000);
	CURL *h = s->easy;
	CURLcode e = CURLE_OK;
	size_t len;

	if (s->place != NULL) { /* "+": libcurl may forget it after a minute, the next call brings it again */
		len = (size_t)snprintf(s->resolve_text, sizeof(s->resolve_text), "+%s:", s->place->name);
		place_list(s->place, s->asked_ms, s->resolve_text + len, sizeof(s->resolve_text) - len);
	}
	s->resolve = (struct curl_slist){ .data = s->resolve_text };
	SET(CURLOPT_RESOLVE, s->place != NULL ? &s->resolve : NULL);
	SET(CURLOPT_TIMEOUT_MS, left_ms > 0 ? left_ms : 1L);
	return e;
}

/* It has no deadline: a handle given up would leave its resolver thread behind and make room for another. It
 * asks for the discard port, so that what libcurl remembers for it is nothing a call could find. */
CURLcode options_lookup(struct place *p)
{
	const int host_len = (int)(strrchr(p->name, ':') - p->name);
	char url[PLACE_NAME + 16];
	CURL *h = p->lookup;
	CURLcode e = CURLE_OK;

	(void)snprintf(url, sizeof(url), "http://%.*s:9/", host_len, p->name);
	(void)snprintf(p->forget_text, sizeof(p->forget_text), "-%.*s:9", host_len, p->name);
	p->forget = (struct curl_slist){ .data = p->forget_text };
	SET(CURLOPT_ERRORBUFFER, p->fault);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* at the end of the program a resolver that hangs is left behind */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_URL, url);
	SET(CURLOPT_RESOLVE, &p->forget);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_address);
	SET(CURLOPT_OPENSOCKETDATA, p);
	return e;
}
