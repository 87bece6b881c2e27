#include "tests/simulator/exchange.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <zlib.h>

enum { BLOCK_BYTES = 16 * 1024, SLOW_STEPS_PER_S = 10 };

static const uint64_t unsized = MHD_SIZE_UNKNOWN;

bool exchange_wait_ms(const struct exchange *x, int64_t ms)
{
	struct pollfd fds[] = { { .fd = x->simulator->stop_fd, .events = POLLIN },
		                    { .fd = x->fd, .events = POLLRDHUP } };
	struct moment now = moment_read();
	int64_t end_ms = now.mono_ms + ms;

	while (ms < 0 || now.mono_ms < end_ms) {
		int64_t left_ms = ms < 0 ? 60000 : end_ms - now.mono_ms;
		int n = poll(fds, 2, left_ms > 60000 ? 60000 : (int)left_ms);

		if (n > 0)
			return false;
		now = moment_read();
	}
	return true;
}

static bool is_silent(const struct fault *wire)
{
	return wire != NULL &&
	       (wire->kind == FAULT_RESET || wire->kind == FAULT_CLOSE || wire->kind == FAULT_HANG);
}

int exchange_code(const struct exchange *x)
{
	const struct fault *a = x->hit.answer;

	if (is_silent(x->hit.wire))
		return -1;
	if (a != NULL && (a->kind == FAULT_STATUS || a->kind == FAULT_BODY || a->kind == FAULT_OVERSIZE))
		return -1;
	return x->call->code;
}

int exchange_status(const struct exchange *x)
{
	const struct fault *a = x->hit.answer;

	if (is_silent(x->hit.wire))
		return 0;
	return a != NULL && a->kind == FAULT_STATUS ? a->status : MHD_HTTP_OK;
}

/* A hopeful beginning, then blanks. */
static ssize_t write_oversize(struct exchange *x, uint64_t position, char *at, size_t n)
{
	static const char head[] =
		"{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"ok\",\"ErrorCode\":0,\"TopicAndSelfInfo\":[";

	for (size_t i = 0; i < n; i++)
		at[i] = position + i < sizeof(head) - 1 ? head[position + i] : ' ';
	x->sent = position + n;
	return (ssize_t)n;
}

/* Hands the answer to MHD in the pace and up to the place that the faults allow. */
static ssize_t read_answer(void *arg, uint64_t position, char *at, size_t room)
{
	struct exchange *x = arg;
	const struct fault *wire = x->hit.wire;
	const struct buf *answer = &x->call->answer;
	bool oversize = x->hit.answer != NULL && x->hit.answer->kind == FAULT_OVERSIZE;
	uint64_t len = oversize ? (uint64_t)x->hit.answer->bytes : answer->len;
	uint64_t left;

	if (wire != NULL && wire->kind == FAULT_SLOW) {
		size_t step = (size_t)wire->bytes / SLOW_STEPS_PER_S > 0 ? (size_t)wire->bytes / SLOW_STEPS_PER_S : 1;
		room = room < step ? room : step;
		if (!exchange_wait_ms(x, (int64_t)room * 1000 / wire->bytes))
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (wire != NULL && wire->kind == FAULT_TRUNCATE) {
		if (position >= (uint64_t)wire->bytes || position >= len)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		len = (uint64_t)wire->bytes < len ? (uint64_t)wire->bytes : len;
	}
	left = position < len ? len - position : 0;
	if (left == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	room = room < left ? room : (size_t)left;
	if (oversize)
		return write_oversize(x, position, at, room);
	memcpy(at, answer->at + position, room);
	x->sent = position + room;
	return (ssize_t)room;
}

/* What the answering fault puts in place of the answer. */
static void replace_answer(struct exchange *x)
{
	const struct fault *f = x->hit.answer;

	if (f == NULL || (f->kind != FAULT_STATUS && f->kind != FAULT_BODY))
		return;
	buf_reset(&x->call->answer);
	buf_add(&x->call->answer, f->body, f->body_len);
}

/* What stands behind the comma or semicolon that follows `gzip` in the list: false for a weight of zero. */
static bool is_welcome(const char *rest)
{
	const char *q;

	rest += strspn(rest, " \t");
	if (*rest != ';')
		return true;
	q = rest + 1 + strspn(rest + 1, " \t");
	return (*q != 'q' && *q != 'Q') || q[1] != '=' || strtod(q + 2, NULL) > 0;
}

bool exchange_accepts_gzip(const char *accept_encoding)
{
	const char *at = accept_encoding != NULL ? accept_encoding : "";

	while (*at != '\0') {
		size_t len;

		at += strspn(at, ", \t");
		len = strcspn(at, ",; \t");
		if (len == 4 && strncasecmp(at, "gzip", 4) == 0)
			return is_welcome(at + len);
		at += strcspn(at, ",");
	}
	return false;
}

/* Replaces the answer by its gzip form. False when out of memory; the answer is lost then. */
static bool compress_answer(struct buf *answer)
{
	const int gzip_window = 15 + 16;
	struct buf plain = *answer;
	z_stream z = { 0 };
	bool done = false;
	char *room;

	buf_init(answer, plain.max);
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
		uLong most = deflateBound(&z, (uLong)plain.len);

		room = buf_room(answer, most);
		z.next_in = (Bytef *)plain.at;
		z.avail_in = (uInt)plain.len;
		z.next_out = (Bytef *)room;
		z.avail_out = (uInt)most;
		done = room != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
		answer->len = done ? z.total_out : 0;
		(void)deflateEnd(&z);
	}
	buf_done(&plain);
	return done;
}

static void add_date(struct MHD_Response *response, const struct exchange *x)
{
	time_t date = (time_t)(moment_read().unix_ms / 1000 + x->offset_s);
	struct tm tm;
	char text[64];

	if (gmtime_r(&date, &tm) != NULL && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text);
}

static void add_headers(struct MHD_Response *response, const struct exchange *x)
{
	const struct fault *f = x->hit.answer;
	bool gateway = f != NULL && f->kind == FAULT_STATUS;
	const char *encoding = f != NULL && f->encoding != NULL ? f->encoding : x->gzip ? "gzip" : NULL;

	add_date(response, x);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	                              gateway ? "text/html" : "application/json;charset=utf-8");
	if (encoding != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, encoding);
	if (gateway && f->location != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, f->location);
	if (gateway && f->retry_after != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, f->retry_after);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *x)
{
	const struct fault *answer = x->hit.answer, *wire = x->hit.wire;
	bool oversize = answer != NULL && answer->kind == FAULT_OVERSIZE;
	struct MHD_Response *response;
	enum MHD_Result result;

	replace_answer(x);
	/* Only what the service itself says is compressed: bytes put in by hand go out as they are. */
	x->gzip = x->gzip && (answer == NULL || answer->kind == FAULT_ERROR || answer->kind == FAULT_SHAPE);
	if (x->gzip && !compress_answer(&x->call->answer))
		return MHD_NO;
	if (oversize || wire != NULL) {
		response = MHD_create_response_from_callback(oversize ? unsized : x->call->answer.len, BLOCK_BYTES,
		                                             read_answer, x, NULL);
	} else {
		size_t len = 0;
		char *bytes = buf_take(&x->call->answer, &len);

		x->sent = len;
		response = bytes != NULL ? MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE) : NULL;
		if (response == NULL)
			free(bytes);
	}
	if (response == NULL)
		return MHD_NO;
	add_headers(response, x);
	result = MHD_queue_response(connection, (unsigned)exchange_status(x), response);
	MHD_destroy_response(response);
	return result;
}

/* Ends the connection without an answer, in the way the fault asks for. MHD_NO makes MHD drop its side;
 * by then the socket has already said what it has to say, so no TLS alert goes out. */
static enum MHD_Result end_connection(const struct exchange *x)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (x->hit.wire->kind == FAULT_HANG)
		(void)exchange_wait_ms(x, -1);
	else if (x->hit.wire->kind == FAULT_RESET)
		(void)connect(x->fd, &nobody, sizeof(nobody)); /* dissolves the connection: a RST at once */
	else
		(void)shutdown(x->fd, SHUT_WR); /* a FIN */
	return MHD_NO;
}

enum MHD_Result exchange_send(struct exchange *x, struct MHD_Connection *connection)
{
	return exchange_status(x) == 0 ? end_connection(x) : send_answer(connection, x);
}
