#include "exporters/web/web.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exporters/web/inside.h"

/* STRICT refuses in libmicrohttpd 1.0 what check.c refuses with 0.9, where it has faults of its own. */
enum { RETRY_MS = 1000, STRICT = MHD_VERSION >= 0x01000000 };

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

bool web_watch(const struct web *w, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum err open_daemon(struct web *w, struct why *why)
{
	const union MHD_DaemonInfo *info = NULL;

	w->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, w, MHD_OPTION_CONNECTION_LIMIT,
		w->max_connections + LOBBY, MHD_OPTION_CONNECTION_TIMEOUT, w->idle_timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_target,
		w, MHD_OPTION_STRICT_FOR_CLIENT, (int)STRICT, MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
		MHD_OPTION_NOTIFY_CONNECTION, guest_come_and_go, w, MHD_OPTION_END);
	if (w->daemon != NULL)
		info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || !web_watch(w, info->epoll_fd) || !guests_open(w))
		return err_because(why, ERR_SYSTEM, "cannot start the HTTP server");
	return ERR_OK;
}

static enum err open_listeners(struct web *w, const struct web_conf *c, struct why *why)
{
	enum err e = ERR_OK;

	w->listener = calloc(c->listen_n, sizeof(w->listener[0]));
	if (w->listener == NULL)
		return err_because(why, ERR_MEMORY, "cannot prepare the listeners: out of memory");
	for (; e == ERR_OK && w->listener_n < c->listen_n; w->listener_n++) {
		w->listener[w->listener_n].fd = -1;
		e = listener_open(w, &w->listener[w->listener_n], c->listen[w->listener_n], why);
	}
	return e;
}

enum err web_new(const struct web_conf *c, const struct web_route *routes, size_t route_n, void *arg,
                 struct web **ret, struct why *why)
{
	struct web *w = calloc(1, sizeof(*w));
	enum err e;

	if (w == NULL)
		return err_because(why, ERR_MEMORY, "cannot prepare the listeners: out of memory");
	MHD_set_panic_func(on_panic, NULL);
	w->route = routes;
	w->route_n = route_n;
	w->arg = arg;
	w->max_connections = c->max_connections;
	w->idle_timeout_s = c->idle_timeout_s;
	w->tick_fd = -1;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!counts_open(w)) {
		web_free(w);
		return err_because(why, ERR_MEMORY, "cannot prepare the listeners: out of memory");
	}
	e = w->epoll_fd >= 0 ? open_listeners(w, c, why)
	                     : err_because(why, ERR_SYSTEM, "cannot prepare the listeners");
	if (e == ERR_OK)
		e = open_daemon(w, why);
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
	if (w->daemon != NULL)
		MHD_stop_daemon(w->daemon);
	guests_close(w);
	for (size_t i = 0; i < w->listener_n; i++)
		listener_done(&w->listener[i]);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w->listener);
	free(w->answered);
	free(w);
}

int web_fd(const struct web *w)
{
	return w->epoll_fd;
}

int64_t web_wait_ms(const struct web *w)
{
	int64_t wait_ms = INT64_MAX;
	MHD_UNSIGNED_LONG_LONG ms;

	for (size_t i = 0; i < w->listener_n; i++)
		if (w->listener[i].fd >= 0 && !w->listener[i].watched)
			wait_ms = RETRY_MS;
	if (MHD_get_timeout(w->daemon, &ms) == MHD_YES && ms < (MHD_UNSIGNED_LONG_LONG)wait_ms)
		wait_ms = (int64_t)ms;
	return wait_ms;
}

/* Those who left make room before others come. Newcomers are served by the next turn, which is due at once.
 */
void web_turn(struct web *w)
{
	guests_turn(w);
	(void)MHD_run(w->daemon);
	for (size_t i = 0; i < w->listener_n; i++)
		listener_turn(w, &w->listener[i]);
}

void web_quiesce(struct web *w)
{
	w->quiet = true;
	for (size_t i = 0; i < w->listener_n; i++)
		listener_close(&w->listener[i]);
}

/* MHD's own count would free closed connections under the hands of whoever asks from inside an answer. */
unsigned web_connections(const struct web *w)
{
	return w->guest_n;
}

const char *web_address(const struct web *w, size_t i)
{
	return i < w->listener_n ? w->listener[i].address : NULL;
}

const char *web_library(void)
{
	return MHD_get_version();
}
