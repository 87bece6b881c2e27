#include "exporters/web/web.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exporters/web/inside.h"

struct listener {
	struct MHD_Daemon *daemon;
	int fd; /* the listening socket; -1 once it is closed */
	char *address;
};

struct web {
	const struct web_route *route;
	size_t route_n;
	void *arg;
	int epoll_fd; /* holds the epoll descriptors of all daemons */
	struct listener *listener;
	size_t listener_n;
};

/* ---- one request ---- */
static const struct web_route *find_route(const struct web *w, const char *path)
{
	for (size_t i = 0; i < w->route_n; i++)
		if (strcmp(w->route[i].path, path) == 0)
			return &w->route[i];
	return NULL;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *text, bool http10,
                              bool close, const char *allow)
{
	struct web_reply reply = { .status = status, .type = "text/plain; charset=utf-8" };

	buf_init(&reply.body, BODY_MAX);
	buf_str(&reply.body, text);
	return answer_send(c, &reply, http10, close, allow);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **state)
{
	struct web *w = arg;
	struct call *call = *state;
	const bool http10 = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
	const char *text = "";
	const struct web_route *route;
	struct web_request q = { .path = path, .http10 = http10, .inside = c };
	struct web_reply reply = { .status = 200, .type = "text/plain; charset=utf-8" };
	unsigned status;

	(void)upload;
	if (call == NULL)
		return MHD_NO;
	if (!call->judged) {
		/* The first call comes with the head alone; a refusal must be queued now or never. */
		call->judged = true;
		status = check_request(c, call, method, version, &text);
		if (status != 0)
			return refuse(c, status, text, http10, true, NULL);
		if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
			return find_route(w, path) != NULL
			           ? refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are allowed here\n",
			                    http10, true, "GET, HEAD")
			           : refuse(c, MHD_HTTP_NOT_FOUND, "no such page\n", http10, true, NULL);
		return MHD_YES;
	}
	if (*upload_len > 0)
		return MHD_NO;
	route = find_route(w, path);
	if (route == NULL)
		return refuse(c, MHD_HTTP_NOT_FOUND, "no such page\n", http10, false, NULL);
	q.head = strcmp(method, "HEAD") == 0;
	buf_init(&reply.body, BODY_MAX);
	route->answer(w->arg, &q, &reply);
	return answer_send(c, &reply, http10, false, NULL);
}

static void *on_target(void *arg, const char *target, struct MHD_Connection *c)
{
	struct call *call = calloc(1, sizeof(*call));

	(void)arg;
	(void)c;
	if (call != NULL)
		check_target(call, target);
	return call;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode how)
{
	(void)arg;
	(void)c;
	(void)how;
	free(*state);
	*state = NULL;
}

const char *web_header(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->inside, MHD_HEADER_KIND, name);
}

const char *web_query(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->inside, MHD_GET_ARGUMENT_KIND, name);
}

/* ---- life ---- */
static void on_panic(void *arg, const char *file, unsigned line, const char *reason)
{
	static const char text[] = "tencentchat_exporter: libmicrohttpd found itself in an impossible state\n";

	(void)arg;
	(void)file;
	(void)line;
	(void)reason;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(70);
}

static enum err open_listener(struct web *w, struct listener *l, const char *text, const struct web_conf *c,
                              struct why *why)
{
	const union MHD_DaemonInfo *info;
	struct epoll_event event = { .events = EPOLLIN };
	struct buf b;
	size_t len;
	enum err e = address_listen(text, &l->fd, why);

	if (e != ERR_OK)
		return e;
	buf_init(&b, 512);
	address_print(l->fd, &b);
	l->address = buf_take(&b, &len);
	l->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, w, MHD_OPTION_LISTEN_SOCKET, l->fd,
		MHD_OPTION_CONNECTION_LIMIT, c->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, c->idle_timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_target,
		NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (l->daemon == NULL || l->address == NULL)
		return err_because(why, ERR_SYSTEM, "cannot start a listener on '%.100s'", text);
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0)
		return err_because(why, ERR_SYSTEM, "cannot watch the listener on '%.100s'", text);
	return ERR_OK;
}

enum err web_new(const struct web_conf *c, const struct web_route *routes, size_t route_n, void *arg,
                 struct web **ret, struct why *why)
{
	struct web *w = calloc(1, sizeof(*w));
	enum err e = ERR_OK;

	if (w == NULL)
		return ERR_MEMORY;
	MHD_set_panic_func(on_panic, NULL);
	w->route = routes;
	w->route_n = route_n;
	w->arg = arg;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->listener = calloc(c->listen_n, sizeof(w->listener[0]));
	if (w->epoll_fd < 0 || w->listener == NULL)
		e = err_because(why, w->listener == NULL ? ERR_MEMORY : ERR_SYSTEM, "cannot prepare the listeners");
	for (size_t i = 0; e == ERR_OK && i < c->listen_n; i++) {
		w->listener[i].fd = -1;
		w->listener_n++;
		e = open_listener(w, &w->listener[i], c->listen[i], c, why);
	}
	if (e != ERR_OK) {
		web_free(w);
		return e;
	}
	*ret = w;
	return ERR_OK;
}

void web_free(struct web *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->listener_n; i++) {
		struct listener *l = &w->listener[i];

		if (l->daemon != NULL)
			MHD_stop_daemon(l->daemon); /* closes the listening socket too, unless it was quiesced */
		else if (l->fd >= 0)
			close(l->fd);
		free(l->address);
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w->listener);
	free(w);
}

int web_fd(const struct web *w)
{
	return w->epoll_fd;
}

int64_t web_wait_ms(const struct web *w)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < w->listener_n; i++) {
		MHD_UNSIGNED_LONG_LONG ms;

		if (MHD_get_timeout(w->listener[i].daemon, &ms) == MHD_YES && (int64_t)ms < least)
			least = (int64_t)ms;
	}
	return least;
}

void web_turn(struct web *w)
{
	for (size_t i = 0; i < w->listener_n; i++)
		(void)MHD_run(w->listener[i].daemon);
}

void web_quiesce(struct web *w)
{
	for (size_t i = 0; i < w->listener_n; i++) {
		struct listener *l = &w->listener[i];
		const MHD_socket fd = MHD_quiesce_daemon(l->daemon);

		if (fd != MHD_INVALID_SOCKET)
			close(fd);
		l->fd = -1;
	}
}

unsigned web_connections(const struct web *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->listener_n; i++) {
		const union MHD_DaemonInfo *info =
			MHD_get_daemon_info(w->listener[i].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

		n += info != NULL ? info->num_connections : 0;
	}
	return n;
}

const char *web_address(const struct web *w, size_t i)
{
	return i < w->listener_n ? w->listener[i].address : NULL;
}

const char *web_library(void)
{
	return MHD_get_version();
}
