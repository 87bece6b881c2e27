#include "agent/fetch/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/redact.h"

enum {
	CONNECT_MS = 3000,
	SLOW_BYTES_PER_S = 100, /* an upstream slower than this for SLOW_S is as good as dead */
	SLOW_S = 5,
	CONNECTION_LIFE_S = 600, /* certificates are checked at connect time only */
	CONNECTION_IDLE_S = 30,
	CA_CACHE_S =
		30, /* libcurl keeps parsed trust anchors for a day unless told; a renewed file must count soon */
	UNACKED_MS = 10000,
	KEEP_BYTES = 256 << 10, /* a larger body's memory is given back */
	HEAD_MAX = 64 << 10,
};

/* One call, and the handle it reuses. */
struct slot {
	struct fetch *fetch;
	CURL *easy;
	struct slot *next; /* in the list of free or finished ones */
	struct buf question, body;
	size_t target;
	uint64_t bytes;
	size_t head_len;
	bool own_ca;  /* the handle carries a CA file */
	enum err err; /* what a callback of ours found; ERR_OK: nothing */
	CURLcode code;
	char text[CURL_ERROR_SIZE];
};

struct fetch {
	struct fetch_conf conf;
	CURLM *multi;
	struct curl_slist *headers;
	struct slot *slot;            /* conf.max_inflight of them */
	struct slot *free, *finished; /* finished: newest first */
	struct slot *lent;            /* whose body the caller reads */
	unsigned inflight;
	size_t total; /* bytes in all bodies */
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
	s->head_len += size * n;
	if (s->head_len <= HEAD_MAX)
		return size * n;
	s->err = ERR_TOO_LARGE;
	return CURL_WRITEFUNC_ERROR;
}

/* libcurl reports a socket that this machine could not make as "cannot connect"; the difference matters. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct slot *s = arg;
	const int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd < 0 && errno != EAFNOSUPPORT)
		s->err = ERR_LOCAL_RESOURCE;
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

/* ---- handles ---- */
/* Every option this program ever sets, so that none of libcurl's other doors (redirects, cookies, netrc,
 * proxies of the environment, other protocols) is open. */
static CURLcode set_fixed(struct slot *s)
{
	const struct fetch_conf *c = &s->fetch->conf;
	CURL *h = s->easy;
	CURLcode e = CURLE_OK;

#define SET(OPTION, VALUE) (e = e != CURLE_OK ? e : curl_easy_setopt(h, OPTION, VALUE))
	SET(CURLOPT_PRIVATE, s);
	SET(CURLOPT_ERRORBUFFER, s->text);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a stuck resolver thread must not hold up the loop */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_USERAGENT, c->user_agent);
	SET(CURLOPT_HTTPHEADER, s->fetch->headers);
	SET(CURLOPT_TIMEOUT_MS, c->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, c->timeout_ms < CONNECT_MS ? c->timeout_ms : (long)CONNECT_MS);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
	SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
	SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip"); /* on_body counts what it inflates to */
	SET(CURLOPT_HEADERFUNCTION, on_head);
	SET(CURLOPT_HEADERDATA, s);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, s);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, s);
	SET(CURLOPT_SOCKOPTFUNCTION, on_sockopt);
	return e;
}

/* Plain HTTP is for tests on this machine: a signature never crosses a network in clear. What follows the
 * name is read strictly: in "http://localhost:x@elsewhere/" it is a user with a password. */
static const char *allowed_protocol(const char *url)
{
	static const char *const loopback[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };

	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		const size_t n = strlen(loopback[i]);

		if (strncmp(url, loopback[i], n) != 0)
			continue;
		url += n;
		if (url[0] == ':')
			url += 1 + strspn(url + 1, "0123456789");
		return url[0] == '/' ? "http" : "https";
	}
	return "https";
}

static CURLcode set_call(struct slot *s, const struct ask *a)
{
	const bool own_ca = a->ca_file != NULL && a->ca_file[0] != '\0';
	CURL *h = s->easy;
	CURLcode e = CURLE_OK;

	if (s->own_ca && !own_ca) { /* only a reset brings libcurl's own default back */
		curl_easy_reset(h);
		e = set_fixed(s);
	}
	s->own_ca = own_ca;
	SET(CURLOPT_URL, a->url);
	SET(CURLOPT_PROTOCOLS_STR, allowed_protocol(a->url));
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->question.len);
	SET(CURLOPT_POSTFIELDS, s->question.at);
	if (own_ca)
		SET(CURLOPT_CAINFO, a->ca_file); /* the system's folder of certificates stays in force beside it */
	return e;
#undef SET
}

static bool slot_ready(struct slot *s)
{
	if (s->easy != NULL)
		return true;
	s->easy = curl_easy_init();
	if (s->easy == NULL)
		return false;
	if (set_fixed(s) == CURLE_OK)
		return true;
	curl_easy_cleanup(s->easy);
	s->easy = NULL;
	return false;
}

static void slot_release(struct fetch *f, struct slot *s)
{
	f->total -= s->body.len;
	if (s->body.cap > KEEP_BYTES)
		buf_done(&s->body);
	buf_reset(&s->body);
	s->next = f->free;
	f->free = s;
}

/* ---- life ---- */
enum err fetch_new(const struct fetch_conf *c, struct fetch **ret)
{
	struct fetch *f = calloc(1, sizeof(*f));
	struct curl_slist *more;

	if (f == NULL)
		return ERR_MEMORY;
	f->conf = *c;
	f->conf.user_agent = NULL;
	(void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the TLS secrets there */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(f);
		return ERR_SYSTEM;
	}
	f->conf.user_agent = strdup(c->user_agent);
	f->multi = curl_multi_init();
	f->slot = calloc(c->max_inflight, sizeof(f->slot[0]));
	f->headers = curl_slist_append(NULL, "Content-Type: application/json");
	more = f->headers != NULL ? curl_slist_append(f->headers, "Expect:") : NULL;
	if (f->conf.user_agent == NULL || f->multi == NULL || f->slot == NULL || more == NULL ||
	    curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK ||
	    curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)c->max_inflight) != CURLM_OK) {
		fetch_free(f);
		return ERR_MEMORY;
	}
	for (unsigned i = c->max_inflight; i-- > 0;) {
		f->slot[i].fetch = f;
		buf_init(&f->slot[i].question, 2 << 20);
		buf_init(&f->slot[i].body, c->max_reply + 1);
		f->slot[i].next = f->free;
		f->free = &f->slot[i];
	}
	*ret = f;
	return ERR_OK;
}

void fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; f->slot != NULL && i < f->conf.max_inflight; i++) {
		struct slot *s = &f->slot[i];

		if (s->easy != NULL) {
			(void)curl_multi_remove_handle(f->multi, s->easy);
			curl_easy_cleanup(s->easy);
		}
		buf_done(&s->question);
		buf_done(&s->body);
	}
	if (f->multi != NULL)
		(void)curl_multi_cleanup(f->multi);
	curl_slist_free_all(f->headers);
	free(f->slot);
	free((char *)f->conf.user_agent);
	free(f);
	curl_global_cleanup();
}

const char *fetch_library(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}

/* ---- calls ---- */
bool fetch_room(const struct fetch *f)
{
	return f->free != NULL;
}

unsigned fetch_inflight(const struct fetch *f)
{
	return f->inflight;
}

enum err fetch_send(struct fetch *f, const struct ask *a)
{
	struct slot *s = f->free;

	if (s == NULL)
		return ERR_LIMIT;
	buf_reset(&s->question);
	buf_add(&s->question, a->body, a->len);
	if (s->question.status != ERR_OK || !slot_ready(s))
		return ERR_MEMORY;
	s->target = a->target;
	s->bytes = 0;
	s->head_len = 0;
	s->err = ERR_OK;
	s->text[0] = '\0';
	if (set_call(s, a) != CURLE_OK || curl_multi_add_handle(f->multi, s->easy) != CURLM_OK)
		return ERR_MEMORY;
	f->free = s->next;
	s->next = NULL;
	f->inflight++;
	return ERR_OK;
}

static void collect(struct fetch *f)
{
	int running, left;
	CURLMsg *m;

	(void)curl_multi_perform(f->multi, &running);
	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		CURL *easy = m->easy_handle;
		struct slot *s = NULL;

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s) != CURLE_OK)
			continue;
		s->code = m->data.result;
		(void)curl_multi_remove_handle(f->multi, easy); /* frees `m` */
		s->next = f->finished;
		f->finished = s;
		f->inflight--;
	}
}

/* A name that takes too long ends as a timeout of the whole call; only the missing time tells. */
static bool resolved(const struct slot *s)
{
	curl_off_t took_us = 0;

	return curl_easy_getinfo(s->easy, CURLINFO_NAMELOOKUP_TIME_T, &took_us) == CURLE_OK && took_us > 0;
}

/* What went wrong, in the words of err.def. */
static enum err reason_of(const struct slot *s, long status)
{
	if (s->code == CURLE_OK)
		return status == 200 ? ERR_OK : ERR_HTTP_STATUS;
	if (s->err != ERR_OK)
		return s->err;
	switch (s->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ERR_DNS;
	case CURLE_COULDNT_CONNECT:
	case CURLE_URL_MALFORMAT:
		return ERR_CONNECT;
	case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or an answer that is not HTTP */
		return resolved(s) ? ERR_RESET : ERR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return resolved(s) ? ERR_TIMEOUT : ERR_DNS;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ERR_TLS;
	case CURLE_PARTIAL_FILE:
	case CURLE_BAD_CONTENT_ENCODING:
		return ERR_TRUNCATED;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		return ERR_RESET;
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
	case CURLE_OUT_OF_MEMORY: /* also what libcurl 7.88 says of a header line that is too long */
		return ERR_TOO_LARGE;
	default:
		return status != 0 && status != 200 ? ERR_HTTP_STATUS : ERR_RESET;
	}
}

static void explain(const struct slot *s, struct reply *r)
{
	const char *text = s->text[0] != '\0' ? s->text : curl_easy_strerror(s->code);

	if (r->err == ERR_OK)
		return;
	if (r->err == ERR_HTTP_STATUS)
		(void)err_because(&r->why, r->err, "the API host answered with HTTP status %ld", r->status);
	else if (s->err != ERR_OK)
		(void)err_because(&r->why, r->err, "%s", err_text(s->err));
	else
		(void)err_because(&r->why, r->err, "%s", text);
	redact(r->why.text, strlen(r->why.text));
}

bool fetch_take(struct fetch *f, struct reply *ret)
{
	curl_off_t took_us = 0;
	struct slot *s;

	if (f->lent != NULL)
		slot_release(f, f->lent);
	f->lent = NULL;
	if (f->finished == NULL)
		collect(f);
	s = f->finished;
	if (s == NULL)
		return false;
	f->finished = s->next;
	f->lent = s;
	*ret = (struct reply){ .target = s->target, .bytes = s->bytes, .len = s->body.len };
	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	if (curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &took_us) == CURLE_OK)
		ret->took_us = (int64_t)took_us;
	ret->err = reason_of(s, ret->status);
	ret->body = (char *)buf_text(&s->body); /* its own byte for the NUL was reserved */
	if (s->body.status != ERR_OK)
		ret->err = ERR_LOCAL_RESOURCE;
	explain(s, ret);
	return true;
}

enum err fetch_wait(struct fetch *f, const int *fds, size_t n, int64_t wait_ms)
{
	struct curl_waitfd extra[FETCH_FDS_MAX];

	if (n > FETCH_FDS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		extra[i] = (struct curl_waitfd){ .fd = fds[i], .events = CURL_WAIT_POLLIN };
	if (f->finished != NULL || wait_ms < 0)
		wait_ms = 0;
	if (wait_ms > 60000)
		wait_ms = 60000;
	return curl_multi_poll(f->multi, extra, (unsigned)n, (int)wait_ms, NULL) == CURLM_OK ? ERR_OK
	                                                                                     : ERR_SYSTEM;
}
