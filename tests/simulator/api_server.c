#include "tests/simulator/api_server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/simulator/answer.h"
#include "tests/simulator/call.h"
#include "tests/simulator/gate.h"

enum {
	CONNECTIONS_MAX = 4096,
	STACK_BYTES = 512 * 1024,
	MEMORY_BYTES = 64 * 1024, /* of one connection: a whole request head must fit */
	BLOCK_BYTES = 16 * 1024,
	SLOW_STEPS_PER_S = 10,
};

static const uint64_t unsized = MHD_SIZE_UNKNOWN;

/* One request on its way through the server; MHD carries it from call to call. */
struct exchange {
	struct simulator *simulator;
	struct call *call; /* NULL: the target was too long */
	struct faults_hit hit;
	struct moment began;
	uint64_t journal_id, sent;
	int64_t oversize_left;
	int fd;
	int64_t date_s; /* for the Date header */
	bool started;   /* the head was seen */
};

/* Sleeps; false when the client has left or the simulator ends. ms -1: for ever. */
static bool wait_ms(const struct exchange *x, int64_t ms)
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

static void run_command(struct simulator *s, struct exchange *x)
{
	const struct fault *f = x->hit.answer;
	struct moment now = { x->call->mono_ms, x->call->unix_ms };

	if (x->call->command == COMMAND_GET_TOPIC)
		answer_topics(&s->world, x->call, simulator_world_s(s, &now), f);
	else
		answer_groups(&s->world, x->call, f);
}

/* The ErrorCode that reaches the client, -1 when none does. */
static int code_sent(const struct exchange *x)
{
	const struct fault *a = x->hit.answer, *w = x->hit.wire;

	if (a != NULL && (a->kind == FAULT_STATUS || a->kind == FAULT_BODY || a->kind == FAULT_OVERSIZE))
		return -1;
	if (w != NULL && (w->kind == FAULT_RESET || w->kind == FAULT_CLOSE || w->kind == FAULT_HANG))
		return -1;
	return x->call->code;
}

static int status_sent(const struct exchange *x)
{
	const struct fault *a = x->hit.answer, *w = x->hit.wire;

	if (w != NULL && (w->kind == FAULT_RESET || w->kind == FAULT_CLOSE || w->kind == FAULT_HANG))
		return 0;
	return a != NULL && a->kind == FAULT_STATUS ? a->status : MHD_HTTP_OK;
}

static void write_journal(struct simulator *s, struct exchange *x)
{
	struct call *c = x->call;
	struct journal_entry e = { .unix_ms = c->unix_ms, .duration_ms = -1, .connection = c->connection };

	e.sdkappid = c->app != NULL ? c->app->sdkappid : 0;
	e.command = c->command;
	e.topics_asked = c->topics_asked;
	e.status = status_sent(x);
	e.code = code_sent(x);
	e.fault_answer = fault_name(x->hit.answer);
	e.fault_wire = fault_name(x->hit.wire);
	journal_text(e.community, sizeof(e.community), c->community_id);
	journal_text(e.account, sizeof(e.account), json_str(json_get(c->json, "From_Account")));
	x->journal_id = journal_add(s->journal, &e);
}

/* Everything that needs the lock: checks, faults, answer, journal. */
static enum err decide(struct simulator *s, struct exchange *x)
{
	struct call *c = x->call;
	bool passed;
	enum err e;

	(void)pthread_mutex_lock(&s->lock);
	x->date_s = c->unix_ms / 1000 + s->clock_offset_s;
	passed = gate_pass(&s->world, c, x->date_s);
	e = faults_draw(&s->faults, c->app != NULL ? c->app->sdkappid : 0, c->community_id, c->command, &x->hit);
	if (e == ERR_OK) {
		if (passed)
			run_command(s, x);
		write_journal(s, x);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return e;
}

static ssize_t read_oversize(struct exchange *x, char *at, size_t room)
{
	static const char head[] =
		"{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"ok\",\"ErrorCode\":0,\"TopicAndSelfInfo\":[";
	size_t n = 0;

	while (n < room && x->oversize_left > 0) {
		at[n++] = x->sent < sizeof(head) - 1 ? head[x->sent] : ' ';
		x->sent++;
		x->oversize_left--;
	}
	return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

/* Hands the answer to MHD in the pace and up to the place that the faults allow. */
static ssize_t read_answer(void *arg, uint64_t position, char *at, size_t room)
{
	struct exchange *x = arg;
	const struct fault *wire = x->hit.wire;
	const struct buf *answer = &x->call->answer;
	size_t left = position < answer->len ? answer->len - (size_t)position : 0;

	if (wire != NULL && wire->kind == FAULT_SLOW) {
		size_t step = (size_t)wire->bytes / SLOW_STEPS_PER_S > 0 ? (size_t)wire->bytes / SLOW_STEPS_PER_S : 1;
		room = room < step ? room : step;
		if (!wait_ms(x, (int64_t)room * 1000 / wire->bytes))
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (wire != NULL && wire->kind == FAULT_TRUNCATE) {
		size_t until = (size_t)wire->bytes < answer->len ? (size_t)wire->bytes : answer->len;
		if (position >= until)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		left = until - (size_t)position;
	}
	if (x->oversize_left > 0 || (x->hit.answer != NULL && x->hit.answer->kind == FAULT_OVERSIZE))
		return read_oversize(x, at, room);
	if (left == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	room = room < left ? room : left;
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

static void add_headers(struct MHD_Response *response, const struct exchange *x)
{
	const struct fault *f =
		x->hit.answer != NULL && x->hit.answer->kind == FAULT_STATUS ? x->hit.answer : NULL;
	time_t date = (time_t)x->date_s;
	struct tm tm;
	char text[64];
	struct buf b;

	if (gmtime_r(&date, &tm) != NULL && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	                              f != NULL ? "text/html" : "application/json;charset=utf-8");
	if (f != NULL && f->location != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, f->location);
	if (f != NULL && f->retry_after_s >= 0) {
		buf_wrap(&b, text, sizeof(text));
		buf_fmt(&b, "%d", f->retry_after_s);
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, buf_text(&b));
	}
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *x)
{
	const struct fault *answer = x->hit.answer, *wire = x->hit.wire;
	bool oversize = answer != NULL && answer->kind == FAULT_OVERSIZE;
	struct MHD_Response *response;
	enum MHD_Result result;

	replace_answer(x);
	x->oversize_left = oversize ? answer->bytes : 0;
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
	result = MHD_queue_response(connection, (unsigned)status_sent(x), response);
	MHD_destroy_response(response);
	return result;
}

/* Ends the connection without an answer, in the way the fault asks for. MHD_NO makes MHD drop its side;
 * by then the socket has already said what it has to say, so no TLS alert goes out. */
static enum MHD_Result end_connection(const struct exchange *x)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (x->hit.wire->kind == FAULT_HANG)
		(void)wait_ms(x, -1);
	else if (x->hit.wire->kind == FAULT_RESET)
		(void)connect(x->fd, &nobody, sizeof(nobody)); /* dissolves the connection: a RST at once */
	else
		(void)shutdown(x->fd, SHUT_WR); /* a FIN */
	return MHD_NO;
}

static enum MHD_Result respond(struct simulator *s, struct MHD_Connection *connection, struct exchange *x)
{
	x->call->mono_ms = x->began.mono_ms;
	x->call->unix_ms = x->began.unix_ms;
	if (decide(s, x) != ERR_OK)
		return MHD_NO;
	if (x->hit.delay_ms > 0 && !wait_ms(x, x->hit.delay_ms))
		return MHD_NO;
	if (x->hit.wire != NULL && status_sent(x) == 0)
		return end_connection(x);
	return send_answer(connection, x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
	struct exchange *x = *con_cls;
	const union MHD_ConnectionInfo *info;

	(void)url;
	(void)version;
	if (x == NULL || x->call == NULL)
		return MHD_NO;
	if (!x->started) {
		x->started = true;
		x->call->is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		x->fd = info != NULL ? info->connect_fd : -1;
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
		x->call->connection = info != NULL ? (uintptr_t)info->socket_context : 0;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		buf_add(&x->call->body, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	x->began = moment_read();
	return respond(arg, connection, x);
}

/* The target as it came, before MHD decodes anything: names are case-sensitive here, and not in MHD. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	(void)connection;
	if (x != NULL) {
		x->simulator = arg;
		x->call = call_new(target);
	}
	return x;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode how)
{
	struct simulator *s = arg;
	struct exchange *x = *con_cls;

	(void)connection;
	(void)how;
	if (x == NULL)
		return;
	if (x->journal_id != 0) {
		(void)pthread_mutex_lock(&s->lock);
		journal_finish(s->journal, x->journal_id, moment_read().mono_ms - x->began.mono_ms, x->sent);
		(void)pthread_mutex_unlock(&s->lock);
	}
	faults_release(&x->hit);
	call_free(x->call);
	free(x);
	*con_cls = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct simulator *s = arg;

	(void)connection;
	(void)pthread_mutex_lock(&s->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = (void *)(uintptr_t)++s->connections_opened;
		s->connections_open++;
	} else {
		s->connections_open--;
	}
	(void)pthread_mutex_unlock(&s->lock);
}

enum err api_server_start(struct simulator *s, const struct listen_address *at, const struct certs *certs,
                          struct MHD_Daemon **ret, struct why *why)
{
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, certs != NULL ? certs->key_pem : NULL },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, certs != NULL ? certs->cert_pem : NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
	                 MHD_USE_SUPPRESS_DATE_NO_CLOCK;

	flags |= certs != NULL ? MHD_USE_TLS : 0;
	flags |= at->address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0;
	*ret = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &at->address, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_BYTES, MHD_OPTION_ARRAY, certs != NULL ? tls : plain, MHD_OPTION_END);
	return *ret != NULL ? ERR_OK : err_because(why, ERR_SYSTEM, "cannot listen for the API: address in use?");
}
