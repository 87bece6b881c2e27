#include "tests/simulator/api_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/simulator/answer.h"
#include "tests/simulator/exchange.h"
#include "tests/simulator/gate.h"
#include "tests/simulator/orders.h"

enum {
	CONNECTIONS_MAX = 4096,
	STACK_BYTES = 512 * 1024,
	MEMORY_BYTES = 64 * 1024, /* of one connection: a whole request head must fit */
};

/* GnuTLS's words for TLS 1.1 and nothing else, which it speaks on Debian 12 and 13. */
static char old_tls[] = "NORMAL:-VERS-ALL:+VERS-TLS1.1";

struct api_server {
	struct simulator *simulator;
	const struct certs *certs; /* NULL: plain */
	enum certs_kind kind;
	struct listen_address at;
	unsigned port;             /* as bound, the same for every daemon */
	struct MHD_Daemon *daemon; /* the control thread's, once that runs */
};

static void run_command(struct simulator *s, struct exchange *x)
{
	const struct fault *f = x->hit.answer;
	struct moment now = { x->call->mono_ms, x->call->unix_ms };

	if (x->call->command == COMMAND_GET_TOPIC)
		answer_topics(&s->world, x->call, simulator_world_s(s, &now), f);
	else
		answer_groups(&s->world, x->call, f);
}

/* A client that puts its UserSig into the body has a fault of its own; the journal shows nothing of it. */
static bool body_is_harmless(struct call *c)
{
	const char *usersig = c->parameters.usersig;

	return c->json != NULL &&
	       (usersig == NULL || *usersig == '\0' || strstr(buf_text(&c->body), usersig) == NULL);
}

static void write_journal(struct simulator *s, struct exchange *x)
{
	struct call *c = x->call;
	bool harmless = body_is_harmless(c);
	struct journal_entry e = { .mono_ms = c->mono_ms, .unix_ms = c->unix_ms, .duration_ms = -1 };

	e.sdkappid = c->app != NULL ? c->app->sdkappid : 0;
	e.command = c->command;
	e.topics_asked = c->topics_asked;
	e.connection = c->connection;
	e.status = exchange_status(x);
	e.code = exchange_code(x);
	e.fault = faults_hit_name(&x->hit);
	if (harmless) {
		e.question = buf_text(&c->body);
		journal_text(e.community, sizeof(e.community), c->community_id);
		journal_text(e.account, sizeof(e.account), json_str(json_get(c->json, "From_Account")));
	}
	x->journal_id = journal_add(s->journal, &e);
}

/* The answer is made: what a fault changes now, only the next call sees. */
static void run_change(struct simulator *s, const struct fault *f)
{
	struct buf answer;
	struct json_out o = { .buf = &answer };
	struct why why = { "" };

	buf_init(&answer, 1024 * 1024);
	json_open(&o, NULL, '{');
	if (order_run(s, f->path, f->order, &o, &why) == ERR_OK) {
		s->changes_made++;
	} else {
		s->changes_failed++;
		s->change_error = why;
	}
	buf_done(&answer);
}

/* Everything that needs the lock: checks, faults, answer, journal. */
static enum err decide(struct simulator *s, struct exchange *x)
{
	struct call *c = x->call;
	struct faults_aim aim = { 0 };
	enum err e;

	(void)pthread_mutex_lock(&s->lock);
	x->offset_s = s->clock_offset_s;
	x->gzip = x->gzip && s->world.gzip;
	aim.refused = !gate_pass(&s->world, c, c->unix_ms / 1000 + s->clock_offset_s);
	aim.sdkappid = c->app != NULL ? c->app->sdkappid : 0;
	aim.community = c->community_id;
	aim.command = c->command;
	e = faults_draw(&s->faults, &aim, &x->hit);
	if (e == ERR_OK) {
		if (!aim.refused)
			run_command(s, x);
		if (x->hit.change != NULL)
			run_change(s, x->hit.change);
		write_journal(s, x);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return e;
}

static enum MHD_Result respond(struct simulator *s, struct MHD_Connection *connection, struct exchange *x)
{
	x->call->mono_ms = x->began.mono_ms;
	x->call->unix_ms = x->began.unix_ms;
	if (decide(s, x) != ERR_OK)
		return MHD_NO;
	if (x->hit.delay_ms > 0 && !exchange_wait_ms(x, x->hit.delay_ms))
		return MHD_NO;
	return exchange_send(x, connection);
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
		x->gzip = exchange_accepts_gzip(
			MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING));
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

/* `fd` -1: a new listening socket. */
static struct MHD_Daemon *daemon_start(struct api_server *a, enum certs_kind kind, MHD_socket fd)
{
	struct simulator *s = a->simulator;
	struct MHD_OptionItem options[5] = { { MHD_OPTION_SOCK_ADDR, 0, &a->at.address } };
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
	                 MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
	int n = 1;

	if (fd != MHD_INVALID_SOCKET)
		options[0] = (struct MHD_OptionItem){ MHD_OPTION_LISTEN_SOCKET, fd, NULL };
	if (a->certs != NULL) {
		options[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, a->certs->server[kind].key_pem };
		options[n++] =
			(struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, a->certs->server[kind].cert_pem };
		if (kind == CERTS_OLD_TLS)
			options[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, old_tls };
		flags |= MHD_USE_TLS;
	}
	options[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	flags |= a->at.address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
	                        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
	                        on_connection, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	                        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_ARRAY,
	                        options, MHD_OPTION_END);
}

enum err api_server_start(struct simulator *s, const struct listen_address *at, const struct certs *certs,
                          enum certs_kind kind, struct api_server **ret, struct why *why)
{
	struct api_server *a = calloc(1, sizeof(*a));
	const union MHD_DaemonInfo *info;

	if (a == NULL)
		return err_because(why, ERR_MEMORY, "out of memory");
	*a = (struct api_server){ .simulator = s, .certs = certs, .kind = kind, .at = *at };
	a->daemon = daemon_start(a, kind, MHD_INVALID_SOCKET);
	if (a->daemon == NULL) {
		free(a);
		return err_because(why, ERR_SYSTEM, "cannot listen for the API: address in use?");
	}
	info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT);
	a->port = info != NULL ? info->port : 0;
	*ret = a;
	return ERR_OK;
}

unsigned api_server_port(const struct api_server *a)
{
	return a->port;
}

/* The listening socket moves to a new daemon, so that nobody is refused meanwhile: MHD cannot change the
 * certificate of a daemon that runs. */
enum err api_server_present(struct api_server *a, enum certs_kind kind, struct why *why)
{
	struct MHD_Daemon *old = a->daemon, *fresh;
	MHD_socket fd;

	if (a->certs == NULL)
		return err_because(why, ERR_CONFIG, "the API is plain: there is no certificate");
	fd = MHD_quiesce_daemon(old);
	if (fd == MHD_INVALID_SOCKET)
		return err_because(why, ERR_SYSTEM, "cannot take the listening socket over");
	fresh = daemon_start(a, kind, fd);
	if (fresh == NULL) {
		(void)close(fd);
		return err_because(why, ERR_SYSTEM, "cannot start with another certificate; the API is gone");
	}
	a->daemon = fresh;
	a->kind = kind;
	MHD_stop_daemon(old);
	return ERR_OK;
}

const char *api_server_presents(const struct api_server *a)
{
	return a->certs != NULL ? certs_kind_name(a->kind) : "";
}

void api_server_stop(struct api_server *a)
{
	if (a == NULL)
		return;
	MHD_stop_daemon(a->daemon);
	free(a);
}
