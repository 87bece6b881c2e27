/* A scripted upstream and the calls that go to it. Only name resolution is played: libcurl finds this
 * program's resolver before the system's. For the programs fetch_*test. */
#ifndef TESTS_UNIT_FETCH_CALLS_H
#define TESTS_UNIT_FETCH_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "agent/fetch/inside.h"
#include "tests/unit/upstream.h"

#define CHECK   assert_true
#define SIGNED  "?usersig=eJyrVgrxCd_secret"
#define SECRET  "secret"
#define HEAD    "HTTP/1.1 200 OK\r\n"
#define HEAD_19 HEAD "Content-Length: 19\r\n\r\n"
/* Who ends a connection after a good answer says so: else the next call may meet the dying one and be sent
 * twice. */
#define HEAD_LAST HEAD "Connection: close\r\nContent-Length: 19\r\n\r\n"
#define GZIP      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
#define DATED     "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 0\r\n"
#define BUSY      "HTTP/1.1 429 Too Many Requests\r\n"
#define BODY_19   "{\"ErrorCode\":0,\"x\"}"

enum { REPLY_MAX = 1000, TOTAL_MAX = 1499, PATIENCE_MS = 20000, ZEROS = 400 << 10 };
enum { HALF = 800, HALF_SENT = 700, HALF_CUT = sizeof(HEAD "Content-Length: 800\r\n\r\n") - 1 + HALF_SENT };

/* 41 bytes that inflate to {"ActionStatus":"OK"}, and 97 that inflate to 65536. */
static const char gzip_small[] =
	GZIP "Content-Length: "
		 "41\r\n\r\n\037\213\010\000\000\000\000\000\002\003\253\126\162\114\056\311\314\317\013\056\111"
		 "\054\051\055\126\262\122\362\367\126\252\005\000\032\321\245\307\025\000\000\000";
static const char gzip_bomb[] = GZIP
	"Content-Length: "
	"97\r\n\r\n\037\213\010\000\000\000\000\000\002\003\355\301\201\000\000\000\000\200\040\326"
	"\375\045\026\251\012\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\152\377\221\040\303\000\000\001\000";

/* Texts too long to write down. */
static char exact[REPLY_MAX + 100], above[REPLY_MAX + 100], chunked[2 * REPLY_MAX], half[REPLY_MAX];
static char long_line[ZEROS], many_lines[ZEROS];

static struct act acts[] = {
	{ "/fine", HEAD_19 BODY_19, 0, ACT_KEEP },
	{ "/once", HEAD_19 BODY_19, 0, ACT_ONCE },
	{ "/last", HEAD_LAST BODY_19, 0, ACT_CLOSE },
	{ "/empty", HEAD "Content-Length: 0\r\n\r\n", 0, ACT_KEEP },
	{ "/exact", exact, 0, ACT_KEEP },
	{ "/above", above, 0, ACT_KEEP },
	{ "/chunked", chunked, 0, ACT_KEEP },
	{ "/half", half, 0, ACT_KEEP },
	{ "/long_line", long_line, 0, ACT_KEEP },
	{ "/many_lines", many_lines, 0, ACT_KEEP },
	{ "/gzip", gzip_small, sizeof(gzip_small) - 1, ACT_KEEP },
	{ "/bomb", gzip_bomb, sizeof(gzip_bomb) - 1, ACT_KEEP },
	{ "/damaged", GZIP "Content-Length: 12\r\n\r\nnot gzip, no", 0, ACT_KEEP },
	{ "/cut", HEAD_19 "{\"Err", 0, ACT_CLOSE },
	{ "/cut_chunk", HEAD "Transfer-Encoding: chunked\r\n\r\n13\r\n{\"Err", 0, ACT_CLOSE },
	{ "/reset_body", HEAD_19 "{\"Err", 0, ACT_RESET },
	{ "/reset", "", 0, ACT_RESET },
	{ "/nothing", "", 0, ACT_CLOSE },
	{ "/babble", "220 mail.example ESMTP\r\n\r\n", 0, ACT_CLOSE },
	{ "/stall", half, HALF_CUT, ACT_KEEP },
	{ "/silent", "", 0, ACT_SILENT },
	{ "/moved", "HTTP/1.1 302 Found\r\nLocation: /fine\r\nContent-Length: 4\r\n\r\nmove", 0, ACT_KEEP },
	{ "/limit", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 3\r\n\r\nno\n", 0, ACT_KEEP },
	{ "/no_content", "HTTP/1.1 204 No Content\r\n\r\n", 0, ACT_KEEP },
	{ "/dated", HEAD DATED "\r\n", 0, ACT_KEEP },
	{ "/dated_old", HEAD "Date: Tuesday, 15-Nov-94 08:12:31 GMT\r\nContent-Length: 0\r\n\r\n", 0, ACT_KEEP },
	{ "/dated_odd", HEAD "Date: before noon\r\nContent-Length: 0\r\n\r\n", 0, ACT_KEEP },
	{ "/dated_empty", HEAD "Date:\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n", 0, ACT_KEEP },
	{ "/early",
	  "HTTP/1.1 103 Early Hints\r\nDate: Tue, 15 Nov 1994 08:00:00 GMT\r\nRetry-After: 9\r\n\r\n" HEAD DATED
	  "\r\n",
	  0, ACT_KEEP },
	{ "/busy", BUSY DATED "Retry-After: 7\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_none", BUSY DATED "\r\n", 0, ACT_KEEP },
	{ "/busy_now", BUSY DATED "Retry-After: 0\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_long", BUSY DATED "Retry-After: 86400\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_endless", BUSY DATED "Retry-After: 99999999999999999999999\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_date", BUSY DATED "Retry-After: Tue, 15 Nov 1994 08:13:01 GMT\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_past", BUSY DATED "Retry-After: Tue, 15 Nov 1994 08:12:30 GMT\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_far", BUSY DATED "Retry-After: Wed, 16 Nov 1994 08:12:31 GMT\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_undated", BUSY "Content-Length: 0\r\nRetry-After: Wed, 16 Nov 1994 08:12:31 GMT\r\n\r\n", 0,
	  ACT_KEEP },
	{ "/busy_odd", BUSY DATED "Retry-After: soon\r\n\r\n", 0, ACT_KEEP },
	{ "/busy_minus", BUSY DATED "Retry-After: -7\r\n\r\n", 0, ACT_KEEP },
	{ "/gateway", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", 0, ACT_KEEP },
};
enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

/* ---- the resolver: libcurl finds this one before the system's ---- */
enum { NAMES_HANG_S = 10 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const char *answer; /* addresses of every name, "a,b"; "": there is none; NULL: it hangs */
	unsigned asked, running, most;
} names = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .answer = "" };

static inline void names_answer(const char *answer)
{
	(void)pthread_mutex_lock(&names.lock);
	names.answer = answer;
	(void)pthread_cond_broadcast(&names.changed);
	(void)pthread_mutex_unlock(&names.lock);
}

static inline unsigned names_count(const unsigned *counter)
{
	unsigned n;

	(void)pthread_mutex_lock(&names.lock);
	n = *counter;
	(void)pthread_mutex_unlock(&names.lock);
	return n;
}

/* One node as glibc's freeaddrinfo frees it. */
static inline struct addrinfo *names_node(const char *address)
{
	const int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	struct addrinfo *node = calloc(1, sizeof(*node) + sizeof(struct sockaddr_in6));
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(node + 1);
	struct sockaddr_in *v4 = (struct sockaddr_in *)(node + 1);

	node->ai_family = family;
	node->ai_socktype = SOCK_STREAM;
	node->ai_addr = (struct sockaddr *)(node + 1);
	node->ai_addrlen = family == AF_INET6 ? sizeof(*v6) : sizeof(*v4);
	node->ai_addr->sa_family = (sa_family_t)family;
	if (inet_pton(family, address, family == AF_INET6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		abort();
	return node;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	struct timespec end;
	char list[512], *save = NULL;

	(void)host;
	(void)port;
	(void)hints;
	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += NAMES_HANG_S;
	(void)pthread_mutex_lock(&names.lock);
	names.asked++;
	names.running++;
	names.most = names.running > names.most ? names.running : names.most;
	while (names.answer == NULL && pthread_cond_timedwait(&names.changed, &names.lock, &end) == 0)
		;
	(void)snprintf(list, sizeof(list), "%s", names.answer != NULL ? names.answer : "");
	names.running--;
	(void)pthread_mutex_unlock(&names.lock);
	*ret = NULL;
	for (char *a = strtok_r(list, ",", &save); a != NULL; a = strtok_r(NULL, ",", &save)) {
		*ret = names_node(a);
		ret = &(*ret)->ai_next;
	}
	return list[0] != '\0' ? 0 : EAI_NONAME;
}

/* ---- helpers ---- */
static struct upstream *u;

static inline void fill_texts(void)
{
	(void)snprintf(exact, sizeof(exact), HEAD "Content-Length: %d\r\n\r\n%0*d", REPLY_MAX, REPLY_MAX, 0);
	(void)snprintf(above, sizeof(above), HEAD "Content-Length: %d\r\n\r\n%0*d", REPLY_MAX + 1, REPLY_MAX + 1,
	               0);
	(void)snprintf(chunked, sizeof(chunked),
	               HEAD "Transfer-Encoding: chunked\r\n\r\n%x\r\n%0*d\r\n%x\r\n%0*d\r\n", REPLY_MAX / 2,
	               REPLY_MAX / 2, 0, REPLY_MAX, REPLY_MAX, 0);
	(void)snprintf(half, sizeof(half), HEAD "Content-Length: %d\r\n\r\n%0*d", HALF, HALF, 0);
	(void)snprintf(long_line, sizeof(long_line), HEAD "X: %0*d\r\n\r\n", ZEROS - 100, 0);
	(void)snprintf(many_lines, sizeof(many_lines), HEAD);
	for (size_t n = strlen(many_lines); n + 1100 < sizeof(many_lines); n += 1010)
		(void)snprintf(many_lines + n, sizeof(many_lines) - n, "X-%06zu: %0*d\r\n", n % 1000000, 998, 0);
}

static inline int open_upstream(void **state)
{
	(void)state;
	u = upstream_new(acts, ACTS, NULL);
	return 0;
}

static inline int close_upstream(void **state)
{
	(void)state;
	if (u != NULL)
		upstream_free(u);
	u = NULL;
	return 0;
}

static inline struct fetch *open_fetch_for(unsigned max_inflight, long timeout_ms, long life_s, long idle_s)
{
	char agent[] = "tencentchat_exporter/test"; /* gone when this function returns */
	const struct fetch_conf c = {
		.max_reply = REPLY_MAX,
		.max_total = TOTAL_MAX,
		.max_inflight = max_inflight,
		.timeout_ms = timeout_ms,
		.user_agent = agent,
		.connection_life_s = life_s,
		.connection_idle_s = idle_s,
	};
	struct fetch *f = NULL;

	CHECK(fetch_new(&c, &f) == ERR_OK);
	return f;
}

static inline struct fetch *open_fetch(unsigned max_inflight, long timeout_ms)
{
	return open_fetch_for(max_inflight, timeout_ms, 0, 0);
}

static int64_t now_ms = 1000000; /* of the calls */
static const char *through = ""; /* the proxy of the calls */
static bool fresh;               /* their wish for a connection of their own */
static unsigned written;         /* counts those whose request was written */

/* Everything given is overwritten afterwards: fetch_send copies what it needs. */
static inline enum err send_to(struct fetch *f, size_t target, const char *base, const char *path,
                               const char *ca_file)
{
	char url[512], ca[256] = "", proxy[256], body[] = "{\"GroupId\":\"@TGS#_a\"}";
	const struct ask a = {
		.target = target,
		.url = url,
		.body = body,
		.len = sizeof(body) - 1,
		.ca_file = ca_file != NULL ? ca : NULL,
		.proxy = proxy,
		.fresh = fresh,
		.mono_ms = now_ms,
		.written = &written,
	};
	enum err e;

	(void)snprintf(url, sizeof(url), "%s%s" SIGNED, base, path);
	(void)snprintf(proxy, sizeof(proxy), "%s", through);
	if (ca_file != NULL)
		(void)snprintf(ca, sizeof(ca), "%s", ca_file);
	e = fetch_send(f, &a);
	memset(url, '#', sizeof(url));
	memset(ca, '#', sizeof(ca));
	memset(proxy, '#', sizeof(proxy));
	memset(body, '#', sizeof(body));
	return e;
}

static inline const char *base_url(const char *scheme)
{
	static char url[64];

	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u", scheme, u->port);
	return url;
}

static inline int64_t clock_ms(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* The next reply; what holds for every reply is checked here. */
static inline struct reply await(struct fetch *f)
{
	const int64_t end_ms = clock_ms() + PATIENCE_MS;
	struct reply r;

	while (!fetch_take(f, &r)) {
		CHECK(clock_ms() < end_ms);
		CHECK(fetch_wait(f, NULL, 0, end_ms - clock_ms()) == ERR_OK);
	}
	CHECK(strstr(r.why.text, SECRET) == NULL);
	CHECK((r.err == ERR_OK) == (r.why.text[0] == '\0'));
	CHECK(r.body != NULL && r.body[r.len] == '\0');
	CHECK((r.status == 0 && r.date_s == 0 && r.retry_after_s == -1) || r.sent > 0);
	return r;
}

static inline struct reply call(struct fetch *f, const char *path)
{
	struct reply r;

	CHECK(fetch_room(f) || !fetch_take(f, &r)); /* a lent reply goes back first */
	CHECK(send_to(f, 7, base_url("http"), path, NULL) == ERR_OK);
	return await(f);
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
