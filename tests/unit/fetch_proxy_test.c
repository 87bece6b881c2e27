/* Calls through a proxy that is configured, and only then. */
#include "tests/unit/fetch_certs.h"

enum proxy_way {
	PROXY_TUNNEL,
	PROXY_LONG,   /* a tunnel after a head that would be too large for a host's */
	PROXY_REFUSE, /* 403 with a body and odd headers */
	PROXY_ASK,    /* 407 */
	PROXY_BABBLE, /* no HTTP */
	PROXY_CLOSE,  /* an end without an answer */
	PROXY_SILENT,
};

enum { PROXY_PAIRS = 4 };

/* A proxy in a thread of its own: answers CONNECT, then carries bytes both ways. */
static struct proxy {
	_Atomic enum proxy_way way;
	_Atomic unsigned tunnels;
	int fd, stop[2];
	unsigned port, target_port;
	pthread_t thread;
	int pair[PROXY_PAIRS][2];
	char asked[4096]; /* the newest head */
} proxy;

static int proxy_dial(unsigned port)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                           .sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		abort();
	return fd;
}

static void proxy_say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* The whole head arrives at once on loopback. True: a tunnel is wanted. */
static bool proxy_greet(int fd)
{
	const ssize_t n = recv(fd, proxy.asked, sizeof(proxy.asked) - 1, 0);

	proxy.asked[n > 0 ? n : 0] = '\0';
	if (proxy.way == PROXY_REFUSE)
		proxy_say(fd, "HTTP/1.1 403 Forbidden\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nRetry-After: 9\r\n"
		              "Content-Length: 2\r\n\r\nno");
	if (proxy.way == PROXY_ASK)
		proxy_say(fd,
		          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
		          "Content-Length: 0\r\n\r\n");
	if (proxy.way == PROXY_BABBLE)
		proxy_say(fd, "220 mail.example ESMTP\r\n\r\n");
	if (proxy.way != PROXY_TUNNEL && proxy.way != PROXY_LONG)
		return false;
	proxy_say(fd, "HTTP/1.1 200 Connection established\r\n");
	for (int i = 0; proxy.way == PROXY_LONG && i < 70; i++) {
		char line[1100];

		(void)snprintf(line, sizeof(line), "X-Proxy: %01000d\r\n", i);
		proxy_say(fd, line);
	}
	proxy_say(fd, "\r\n");
	return true;
}

static void proxy_accept(void)
{
	const int fd = accept(proxy.fd, NULL, NULL);
	int i = 0;

	while (i < PROXY_PAIRS && proxy.pair[i][0] >= 0)
		i++;
	if (i == PROXY_PAIRS)
		abort(); /* a test opens fewer */
	if (proxy_greet(fd)) {
		proxy.tunnels++;
		proxy.pair[i][0] = fd;
		proxy.pair[i][1] = proxy_dial(proxy.target_port);
	} else if (proxy.way == PROXY_SILENT) {
		proxy.pair[i][0] = proxy.pair[i][1] = fd;
	} else {
		close(fd);
	}
}

static void proxy_carry(int *pair, int from)
{
	char at[8192];
	const ssize_t n = recv(pair[from], at, sizeof(at), 0);

	if (n > 0) {
		(void)send(pair[!from], at, (size_t)n, MSG_NOSIGNAL);
		return;
	}
	close(pair[0]);
	if (pair[1] != pair[0])
		close(pair[1]);
	pair[0] = pair[1] = -1;
}

static void *proxy_run(void *arg)
{
	for (;;) {
		struct pollfd fd[2 + 2 * PROXY_PAIRS] = { { proxy.stop[0], POLLIN, 0 }, { proxy.fd, POLLIN, 0 } };

		for (int i = 0; i < 2 * PROXY_PAIRS; i++)
			fd[2 + i] = (struct pollfd){ proxy.pair[i / 2][i % 2], POLLIN, 0 };
		if (poll(fd, sizeof(fd) / sizeof(fd[0]), -1) < 0 || fd[0].revents != 0)
			break;
		for (int i = 0; i < 2 * PROXY_PAIRS; i++)
			if (fd[2 + i].revents != 0 && proxy.pair[i / 2][i % 2] >= 0)
				proxy_carry(proxy.pair[i / 2], i % 2);
		if (fd[1].revents != 0)
			proxy_accept();
	}
	for (int i = 0; i < 2 * PROXY_PAIRS; i++)
		if (proxy.pair[i / 2][i % 2] >= 0)
			close(proxy.pair[i / 2][i % 2]);
	return arg;
}

static int open_both(void **state)
{
	(void)state;
	u = open_tls(AF_INET, &shown_good);
	proxy = (struct proxy){ .way = PROXY_TUNNEL, .target_port = u->port };
	memset(proxy.pair, -1, sizeof(proxy.pair));
	proxy.fd = upstream_socket(AF_INET, true, &proxy.port);
	return pipe(proxy.stop) == 0 && pthread_create(&proxy.thread, NULL, proxy_run, NULL) == 0 ? 0 : -1;
}

static int close_both(void **state)
{
	through = "";
	close(proxy.stop[1]);
	(void)pthread_join(proxy.thread, NULL);
	close(proxy.stop[0]);
	close(proxy.fd);
	return close_upstream(state);
}

/* "http://host:port" of the proxy. */
static const char *proxy_url(const char *host)
{
	static char url[128];

	(void)snprintf(url, sizeof(url), "http://%s:%u", host, proxy.port);
	return url;
}

static void a_call_goes_through_the_tunnel_and_the_proxy_sees_no_signature(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	const unsigned before = names_count(&names.asked);
	char first[64];
	struct reply r;

	(void)state;
	through = proxy_url("127.0.0.1");
	r = call_named(f, "api.test", "/fine", in_folder("ca"));
	CHECK(r.err == ERR_OK && r.status == 200 && r.sent == 1 && strcmp(r.body, BODY_19) == 0);
	(void)snprintf(first, sizeof(first), "CONNECT api.test:%u HTTP/1.1\r\n", u->port);
	CHECK(strncmp(proxy.asked, first, strlen(first)) == 0 && strstr(proxy.asked, "usersig") == NULL);
	CHECK(strstr(u->last, "Proxy-Connection") == NULL);
	CHECK(call_named(f, "api.test", "/fine", in_folder("ca")).err == ERR_OK);
	CHECK(proxy.tunnels == 1 && upstream_count(u, &u->requests) == 2); /* kept */
	CHECK(names_count(&names.asked) == before);                        /* the proxy finds the host */
	through = "";
	CHECK(call_named(f, "127.0.0.1", "/fine", in_folder("ca")).err == ERR_OK);
	CHECK(proxy.tunnels == 1 && upstream_count(u, &u->connections) == 2);
	fetch_free(f);
}

static void the_host_is_verified_through_the_tunnel_too(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	struct reply r;

	(void)state;
	through = proxy_url("127.0.0.1");
	r = call_named(f, "other.test", "/fine", in_folder("ca"));
	CHECK(r.err == ERR_TLS && r.sent == 0 && strstr(r.why.text, "another host") != NULL);
	CHECK(call_named(f, "api.test", "/fine", NULL).err == ERR_TLS);
	CHECK(upstream_count(u, &u->requests) == 0);
	fetch_free(f);
}

static void the_proxys_own_head_does_not_count(void **state)
{
	struct fetch *f = open_fetch(1, 5000);

	(void)state;
	through = proxy_url("127.0.0.1");
	proxy.way = PROXY_LONG;
	CHECK(call_named(f, "api.test", "/fine", in_folder("ca")).err == ERR_OK);
	fetch_free(f);
}

static void the_proxys_name_is_looked_up_and_remembered_like_a_host(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	const unsigned before = names_count(&names.asked);
	struct reply r;

	(void)state;
	through = proxy_url("proxy.test");
	names_answer("127.0.0.1");
	CHECK(call_named(f, "api.test", "/last", in_folder("ca")).err == ERR_OK);
	CHECK(call_named(f, "other.test", "/last", in_folder("ca")).err == ERR_TLS);
	CHECK(names_count(&names.asked) == before + 1 && strncmp(f->place[0].name, "proxy.test:", 11) == 0);
	names_answer("");
	now_ms += LOOKUP_AGAIN_MS;
	CHECK(call_named(f, "api.test", "/last", in_folder("ca")).err == ERR_OK);
	fetch_free(f);
	f = open_fetch(1, 5000);
	r = call_named(f, "api.test", "/fine", in_folder("ca"));
	CHECK(r.err == ERR_DNS && r.sent == 0 && strstr(r.why.text, "proxy") != NULL);
	fetch_free(f);
}

static void a_proxy_s_address_rests_for_what_it_did_itself(void **state)
{
	static const enum proxy_way ways[] = { PROXY_REFUSE, PROXY_ASK, PROXY_BABBLE, PROXY_CLOSE, PROXY_SILENT };
	struct fetch *f = open_fetch(1, 1000);
	const struct place *p = &f->place[0];

	(void)state;
	through = proxy_url("proxy.test");
	names_answer("127.0.0.2,127.0.0.1"); /* nobody at the first one */
	CHECK(call_named(f, "api.test", "/last", in_folder("ca")).err == ERR_OK);
	CHECK(!place_offers(p, "127.0.0.2", now_ms) && place_offers(p, "127.0.0.1", now_ms));
	CHECK(call_named(f, "other.test", "/last", in_folder("ca")).err == ERR_TLS); /* the host's fault */
	CHECK(p->address[1].bad_ms == -1);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		proxy.way = ways[i];
		CHECK(call_named(f, "api.test", "/last", in_folder("ca")).err != ERR_OK);
		CHECK(p->address[1].bad_ms == -1); /* it may be the host that is away */
	}
	fetch_free(f);
}

static void a_proxy_that_makes_no_tunnel_is_no_connection(void **state)
{
	static const struct {
		enum proxy_way way;
		enum err err;
		const char *why;
	} ways[] = {
		{ PROXY_REFUSE, ERR_CONNECT, "HTTP status 403" },
		{ PROXY_ASK, ERR_CONNECT, "HTTP status 407" },
		{ PROXY_BABBLE, ERR_CONNECT, "" },
		{ PROXY_CLOSE, ERR_CONNECT, "" },
		{ PROXY_SILENT, ERR_TIMEOUT, "" },
	};

	(void)state;
	through = proxy_url("127.0.0.1");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct fetch *f = open_fetch(1, 500);
		struct reply r;

		proxy.way = ways[i].way;
		r = call_named(f, "api.test", "/fine", in_folder("ca"));
		if (r.err != ways[i].err || strstr(r.why.text, ways[i].why) == NULL)
			fail_msg("way %zu: %s: %s", i, err_label(r.err), r.why.text);
		CHECK(r.sent == 0 && r.status == 0 && r.date_s == 0 && r.retry_after_s == -1 && r.len == 0);
		fetch_free(f);
	}
	CHECK(upstream_count(u, &u->connections) == 0);
}

static void nobody_at_the_proxys_port_is_no_connection(void **state)
{
	struct fetch *f = open_fetch(1, 5000);
	unsigned port;
	const int reserved = upstream_socket(AF_INET, false, &port);
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	through = url;
	CHECK(call_named(f, "api.test", "/fine", in_folder("ca")).err == ERR_CONNECT);
	close(reserved);
	fetch_free(f);
}

static void plain_http_and_other_proxies_are_refused(void **state)
{
	static const char *const others[] = { "https://",          "socks5://",        "socks5h://", "",
		                                  "http://user:word@", "http://api.test@", "no url " };
	struct fetch *f = open_fetch(1, 1000);
	char url[64];
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)snprintf(url, sizeof(url), "%s127.0.0.1:%u", others[i], proxy.port);
		through = url;
		r = call_named(f, "api.test", "/fine", in_folder("ca"));
		if (r.err != ERR_CONNECT || r.sent != 0 || strstr(r.why.text, "word") != NULL ||
		    proxy.asked[0] != '\0')
			fail_msg("%s: %s: %s", others[i], err_label(r.err), r.why.text);
	}
	through = proxy_url("127.0.0.1");
	CHECK(!fetch_take(f, &r) && send_to(f, 0, base_url("http"), "/fine", NULL) == ERR_OK);
	CHECK(await(f).err == ERR_CONNECT && proxy.tunnels == 0);
	fetch_free(f);
}

static void proxies_of_the_environment_are_ignored_also_beside_one_that_is_set(void **state)
{
	static const char *const name[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
		                                "ALL_PROXY" };
	struct fetch *f;

	(void)state;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		CHECK(setenv(name[i], "http://127.0.0.1:1", 1) == 0);
	CHECK(setenv("no_proxy", "api.test,127.0.0.1", 1) == 0 && setenv("NO_PROXY", "*", 1) == 0);
	f = open_fetch(1, 5000);
	CHECK(call_named(f, "127.0.0.1", "/last", in_folder("ca")).err == ERR_OK);
	CHECK(proxy.tunnels == 0);
	through = proxy_url("127.0.0.1");
	CHECK(call_named(f, "api.test", "/last", in_folder("ca")).err == ERR_OK);
	CHECK(proxy.tunnels == 1); /* whatever no_proxy says */
	fetch_free(f);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		CHECK(unsetenv(name[i]) == 0);
	CHECK(unsetenv("no_proxy") == 0 && unsetenv("NO_PROXY") == 0);
}

#define PROXIED(TEST) cmocka_unit_test_setup_teardown(TEST, open_both, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXIED(a_call_goes_through_the_tunnel_and_the_proxy_sees_no_signature),
		PROXIED(the_host_is_verified_through_the_tunnel_too),
		PROXIED(the_proxys_own_head_does_not_count),
		PROXIED(the_proxys_name_is_looked_up_and_remembered_like_a_host),
		PROXIED(a_proxy_s_address_rests_for_what_it_did_itself),
		PROXIED(a_proxy_that_makes_no_tunnel_is_no_connection),
		PROXIED(nobody_at_the_proxys_port_is_no_connection),
		PROXIED(plain_http_and_other_proxies_are_refused),
		PROXIED(proxies_of_the_environment_are_ignored_also_beside_one_that_is_set),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
