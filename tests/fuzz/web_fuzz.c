/* Raw requests into the real listener, over a socketpair, until it hangs up.
 *
 * The first byte is how the rest comes: '0' in one piece, any other in pieces of so many bytes. What is
 * answered must not depend on it, so that every input is asked both ways.
 *
 * The reader of requests and answers here shares no code with the listener's: it knows only heads without a
 * body, since that is all that may ever be answered and followed by another answer. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "exporters/web/inside.h"
#include "tests/fuzz/line.h"

enum {
	PIECES_MAX = 256,
	TURNS_MAX = 4096,
	PATIENCE = 64, /* turns without news until the deadline of every guest is over */
	ANSWERS_MAX = 512,
	BYTES_MAX = 16 << 20,
	PAGE = 40000, /* bytes of the stream: more than one block */
};

/* ---- the house ---- */
static struct {
	unsigned asked, opened, closed;
} seen;

struct page {
	size_t left;
};

static size_t page_next(void *arg, char *at, size_t room)
{
	struct page *p = arg;
	const size_t n = p->left < room ? p->left : room;

	memset(at, 's', n);
	p->left -= n;
	return n;
}

static void page_close(void *arg)
{
	seen.closed++;
	free(arg);
}

static void stream(struct web_reply *reply, int64_t size)
{
	struct page *p = malloc(sizeof(*p));

	MUST(p != NULL);
	p->left = PAGE;
	seen.opened++;
	reply->stream = (struct web_stream){ .next = page_next, .close = page_close, .arg = p, .size = size };
}

static void drop_pair(void *arg, const char *key, const char *value)
{
	*(size_t *)arg += strlen(key) + strlen(value);
}

static void answer_text(void *arg, const struct web_request *q, struct web_reply *reply)
{
	size_t bytes = 0;
	struct buf accept;

	(void)arg;
	seen.asked++;
	buf_init(&accept, BYTES_MAX);
	web_headers(q, "Accept", &accept);
	web_queries(q, drop_pair, &bytes);
	MUST(web_header_seconds(q, "X-Timeout") <= WEB_SECONDS_MAX);
	buf_str(&reply->body, "text\n");
	buf_done(&accept);
}

static void answer_page(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	seen.asked++;
	stream(reply, q->http10 ? PAGE : WEB_SIZE_UNKNOWN);
}

static void answer_act(void *arg, const struct web_request *q, struct web_reply *reply)
{
	(void)arg;
	(void)q;
	seen.asked++;
	buf_str(&reply->body, "done\n");
}

static const struct web_route table[] = {
	{ .path = "/", .answer = answer_text },
	{ .path = "/t", .answer = answer_text },
	{ .path = "/page", .answer = answer_page },
	{ .path = "/act", .answer = answer_act, .acts = true },
};
enum { ROUTES = sizeof(table) / sizeof(table[0]) };

static struct web *house(void)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	static struct web *w;
	const struct web_conf c = {
		.listen = listen, .listen_n = 1, .max_connections = 8, .idle_timeout_s = 3600
	};
	struct why why = { "" };

	if (w == NULL)
		MUST(web_new(&c, table, ROUTES, &seen, &w, &why) == ERR_OK);
	return w;
}

/* ---- one connection ---- */
static void listen_to(int fd, struct buf *heard, bool *ret_ended)
{
	char bytes[16 << 10];
	ssize_t n = 0;

	while (!*ret_ended && (n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) != -1) {
		*ret_ended = n == 0;
		buf_add(heard, bytes, (size_t)n);
	}
	*ret_ended = *ret_ended || (errno != EAGAIN && n == -1);
	MUST(heard->status == ERR_OK);
}

static void say(int fd, const char *at, size_t len, struct web *w, struct buf *heard, bool *ret_ended)
{
	while (len > 0 && !*ret_ended) {
		const ssize_t n = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
		web_turn(w);
		listen_to(fd, heard, ret_ended);
		if (n < 0 && errno == EPIPE)
			return;
	}
}

/* What a deadline does to whoever is still there. libmicrohttpd 0.9.75 does not notice every end of a
 * client. */
static void end_of_patience(const struct web *w)
{
	for (const struct guest *g = w->guest; g != NULL; g = g->next)
		(void)shutdown(g->fd, SHUT_RDWR);
}

/* Says all of it and no more, hears what there is to hear, until the listener hangs up. */
static void converse(const char *at, size_t len, size_t piece, struct buf *heard)
{
	const struct sockaddr_in from = { .sin_family = AF_INET };
	struct web *w = house();
	bool ended = false;
	int fd[2], quiet = 0;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) == 0);
	MUST(MHD_add_connection(w->hall->daemon, fd[1], (const struct sockaddr *)&from, sizeof(from)) == MHD_YES);
	for (size_t i = 0; i < len; i += piece)
		say(fd[0], at + i, piece < len - i ? piece : len - i, w, heard, &ended);
	(void)shutdown(fd[0], SHUT_WR);
	for (int n = 0; !ended; n++) {
		const size_t had = heard->len;

		MUST(n < TURNS_MAX);
		web_turn(w);
		listen_to(fd[0], heard, &ended);
		quiet = heard->len == had ? quiet + 1 : 0;
		if (quiet == PATIENCE)
			end_of_patience(w);
	}
	close(fd[0]);
	for (int n = 0; web_connections(w) > 0; n++) {
		MUST(n < TURNS_MAX);
		web_turn(w);
		if (n == PATIENCE)
			end_of_patience(w);
	}
}

/* ---- what was asked ---- */
struct text {
	const char *at, *end;
};

static bool starts(struct text t, const char *word)
{
	const size_t len = strlen(word);

	return (size_t)(t.end - t.at) >= len && memcmp(t.at, word, len) == 0;
}

/* Empty lines in front of a request, RFC 9112 2.2. For libmicrohttpd 0.9.75 a line may end with either byte.
 */
static void skip_empty_lines(struct text *t)
{
	while (t->at < t->end && (*t->at == '\r' || *t->at == '\n'))
		t->at++;
}

/* The end of a line and an empty line. What libmicrohttpd 0.9.75 leaves of a head does not tell whether a
 * colon stood where the CR of the empty line belongs. */
static const char *head_end(struct text t)
{
	for (const char *s = t.at; t.end - s >= 4; s++)
		if (memchr("\r\n", s[0], 2) != NULL && memchr("\r\n", s[1], 2) != NULL &&
		    memchr("\r\n:", s[2], 3) != NULL && s[3] == '\n')
			return s + 4;
	return NULL;
}

/* The next head; false when it does not end. */
static bool next_head(struct text *rest, struct text *ret)
{
	const char *stop;

	skip_empty_lines(rest);
	stop = head_end(*rest);
	ret->at = rest->at;
	ret->end = stop != NULL ? stop : rest->end;
	rest->at = ret->end;
	return stop != NULL;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* METHOD SP PATH [?QUERY] SP HTTP/1.[01] CRLF with a path of the table and a method that it allows. */
static bool is_on_the_table(struct text head)
{
	const bool reads = starts(head, "GET ") || starts(head, "HEAD ");
	const char *s = memchr(head.at, ' ', (size_t)(head.end - head.at)), *stop;
	char path[16];
	size_t n = 0;

	if (s == NULL || (!reads && !starts(head, "POST ") && !starts(head, "PUT ")))
		return false;
	s++;
	stop = memchr(s, ' ', (size_t)(head.end - s));
	if (stop == NULL || !starts((struct text){ stop, head.end }, " HTTP/1.") || stop[9] != '\r')
		return false;
	for (; s < stop && *s != '?'; s++) {
		const int high = *s == '%' && stop - s > 2 ? hex(s[1]) : -1, low = high >= 0 ? hex(s[2]) : -1;

		if (n + 1 == sizeof(path))
			return false;
		path[n++] = low >= 0 ? (char)(16 * high + low) : *s;
		s += low >= 0 ? 2 : 0;
	}
	path[n] = '\0';
	for (size_t i = 0; i < ROUTES; i++)
		if (strcmp(path, table[i].path) == 0 && strlen(path) == n)
			return table[i].acts != reads;
	return false;
}

/* ---- what was answered ---- */
struct reply {
	int status;
	bool last, chunked;
	size_t length;
};

static bool is_status(int n)
{
	static const int sent[] = { 200, 400, 404, 405, 413, 414, 431, 500, 501, 503, 505 };

	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
		if (sent[i] == n)
			return true;
	return false;
}

static bool field_is(const char *line, const char *name, const char *value)
{
	return strncasecmp(line, name, strlen(name)) == 0 && strcasecmp(line + strlen(name), value) == 0;
}

/* One head: a status line, then fields; nothing else, and no second status line among them. */
static void read_reply(struct text *t, struct reply *ret)
{
	static char head[8 << 10];
	const char *stop = memmem(t->at, (size_t)(t->end - t->at), "\r\n\r\n", 4);
	unsigned lengths = 0;
	char *save = NULL;

	MUST(stop != NULL && (size_t)(stop - t->at) < sizeof(head) && starts(*t, "HTTP/1."));
	memcpy(head, t->at, (size_t)(stop - t->at));
	head[stop - t->at] = '\0';
	MUST(strlen(head) == (size_t)(stop - t->at));
	t->at = stop + 4;
	ret->status = (int)strtol(head + 9, NULL, 10);
	MUST(is_status(ret->status) && head[8] == ' ' && head[12] == ' ');
	for (char *line = strtok_r(head, "\r\n", &save); (line = strtok_r(NULL, "\r\n", &save)) != NULL;) {
		MUST(strchr(line, ':') != NULL && strncmp(line, "HTTP/", 5) != 0);
		ret->last = ret->last || field_is(line, "Connection: ", "close");
		ret->chunked = ret->chunked || field_is(line, "Transfer-Encoding: ", "chunked");
		if (strncasecmp(line, "Content-Length: ", 16) == 0) {
			ret->length = strtoul(line + 16, NULL, 10);
			lengths++;
		}
	}
	MUST(lengths <= 1 && !(lengths == 1 && ret->chunked));
}

static void skip(struct text *t, size_t len)
{
	MUST((size_t)(t->end - t->at) >= len);
	t->at += len;
}

static void read_chunks(struct text *t)
{
	size_t len;

	do {
		char *stop;

		len = strtoul(t->at, &stop, 16);
		MUST(stop != t->at && starts((struct text){ stop, t->end }, "\r\n"));
		t->at = stop;
		skip(t, 2 + len);
		MUST(starts(*t, "\r\n"));
		t->at += 2;
	} while (len > 0);
}

/* Reads both sides next to each other; writes the statuses down. */
static size_t check(struct text asked, struct text heard, int *ret_status)
{
	unsigned fine = 0;
	size_t n = 0;
	bool last = false;

	while (heard.at < heard.end) {
		struct reply r = { 0 };
		struct text head;
		const bool whole = next_head(&asked, &head);
		const bool is_head = starts(head, "HEAD ");

		MUST(n < ANSWERS_MAX && !last);
		read_reply(&heard, &r);
		last = r.last;
		/* Whoever is refused for good may have asked in a way that two readers take for two methods. */
		if (last && r.status != 200 && heard.at == heard.end)
			;
		else if (r.chunked && !is_head)
			read_chunks(&heard);
		else if (!is_head || (last && r.status != 200))
			skip(&heard, r.length);
		MUST(whole || last);
		MUST(r.status != 200 || (whole && is_on_the_table(head)));
		fine += r.status == 200;
		ret_status[n++] = r.status;
	}
	MUST(fine == seen.asked && seen.opened == seen.closed);
	return n;
}

/* Where a NUL was received libmicrohttpd 0.9.75 does not tell where a line ended, so that two readers may see
 * two requests: then only that nothing breaks. web_strict_test has those that are refused. */
static size_t ask(const char *at, size_t len, size_t piece, int *ret_status)
{
	struct buf heard;
	size_t n = 0;

	memset(&seen, 0, sizeof(seen));
	buf_init(&heard, BYTES_MAX);
	converse(at, len, piece, &heard);
	if (memchr(at, '\0', len) == NULL)
		n = check((struct text){ at, at + len },
		          (struct text){ buf_text(&heard), buf_text(&heard) + heard.len }, ret_status);
	MUST(seen.opened == seen.closed);
	buf_done(&heard);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + 1;
	static int whole[ANSWERS_MAX], pieces[ANSWERS_MAX];
	size_t piece, n;

	if (len < 2)
		return 0;
	len--;
	n = ask(text, len, len, whole);
	piece = data[0] == '0' || data[0] == 0 ? len : data[0];
	if (len / piece > PIECES_MAX)
		piece = len / PIECES_MAX + 1;
	if (piece >= len)
		return 0;
	MUST(ask(text, len, piece, pieces) == n);
	MUST(memcmp(whole, pieces, n * sizeof(whole[0])) == 0);
	return 0;
}
