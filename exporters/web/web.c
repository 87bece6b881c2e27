#include "exporters/web/web.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exporters/web/inside.h"

enum { RETRY_MS = 1000 };

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

static enum err open_listeners(struct web *w, const struct web_conf *c, struct why *why)
{
	const size_t n = c->fd_n > 0 ? c->fd_n : c->listen_n;
	enum err e = ERR_OK;

	for (; e == ERR_OK && w->listener_n < n; w->listener_n++) {
		struct listener *l = &w->listener[w->listener_n];

		l->fd = -1;
		if (c->fd_n > 0)
			e = listener_adopt(w, l, c->fds[w->listener_n], why);
		else
			e = listener_open(w, l, c->listen[w->listener_n], why);
	}
	return e;
}

/* The sockets that were handed over and no listener has taken. */
static void drop_fds(const struct web *w, const struct web_conf *c)
{
	for (size_t i = w != NULL ? w->listener_n : 0; i < c->fd_n; i++)
		close(c->fds[i]);
}

static enum err set_users(struct web *w, const struct web_secure *s)
{
	enum err e = ERR_OK;

	if (s->user_n > 0 && w->porter == NULL)
		e = porter_new(w, &w->porter);
	if (e == ERR_OK && w->porter != NULL)
		e = porter_users(w->porter, s->user, s->user_n);
	return e;
}

enum err web_reload(struct web *w, const struct web_secure *s, struct why *why)
{
	static const struct web_secure plain;
	struct hall *before = w->hall;
	enum err e;

	s = s != NULL ? s : &plain;
	e = halls_open(w, s, why);
	if (e != ERR_OK)
		return e;
	e = set_users(w, s);
	if (e != ERR_OK && w->hall != before)
		halls_return(w);
	return e != ERR_OK ? err_because(why, e, "cannot take over the users: %s", err_text(e)) : ERR_OK;
}

static enum err open_all(struct web *w, const struct web_conf *c, struct why *why)
{
	const size_t n = c->fd_n > 0 ? c->fd_n : c->listen_n;
	enum err e;

	w->listener = calloc(n + 1, sizeof(w->listener[0]));
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->listener == NULL || !counts_open(w))
		return err_because(why, ERR_MEMORY, "cannot prepare the listeners: out of memory");
	if (w->epoll_fd < 0 || !guests_open(w))
		return err_because(why, ERR_SYSTEM, "cannot prepare the listeners");
	e = open_listeners(w, c, why);
	return e == ERR_OK ? web_reload(w, c->secure, why) : e;
}

enum err web_new(const struct web_conf *c, const struct web_route *routes, size_t route_n, void *arg,
                 struct web **ret, struct why *why)
{
	struct web *w = calloc(1, sizeof(*w));
	enum err e;

	if (w == NULL) {
		drop_fds(NULL, c);
		return err_because(why, ERR_MEMORY, "cannot prepare the listeners: out of memory");
	}
	MHD_set_panic_func(on_panic, NULL);
	w->route = routes;
	w->route_n = route_n;
	w->arg = arg;
	w->max_connections = c->max_connections;
	w->max_per_address = c->max_per_address;
	w->idle_timeout_s = c->idle_timeout_s;
	w->epoll_fd = w->tick_fd = -1;
	e = open_all(w, c, why);
	if (e != ERR_OK)
		drop_fds(w, c);
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
	halls_close(w);
	porter_free(w->porter);
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
	int64_t wait_ms = halls_wait_ms(w);

	for (size_t i = 0; i < w->listener_n; i++)
		if (w->listener[i].fd >= 0 && !w->listener[i].watched)
			wait_ms = wait_ms < RETRY_MS ? wait_ms : RETRY_MS;
	return wait_ms;
}

/* Those who left make room before others come. Newcomers are served by the next turn, which is due at once.
 */
void web_turn(struct web *w)
{
	guests_turn(w);
	calls_turn(w);
	halls_turn(w);
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
