/* MHD's timeout is idle time: one byte a second holds a connection, and with it a place, for ever. Every
 * guest has therefore a time for the next head and a time for its answer. They are counted in ticks of a
 * timer, because a room reads no clock. */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "exporters/web/inside.h"

enum { ANSWER_IDLES = 3 /* an answer may take so many idle timeouts */ };

static void set_ticking(const struct web *w, bool on)
{
	const struct timespec second = { .tv_sec = on ? 1 : 0 };
	const struct itimerspec t = { .it_interval = second, .it_value = second };

	(void)timerfd_settime(w->tick_fd, 0, &t, NULL);
}

bool guests_open(struct web *w)
{
	w->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return w->tick_fd >= 0 && web_watch(w, w->tick_fd);
}

void guests_close(struct web *w)
{
	if (w->tick_fd >= 0)
		close(w->tick_fd);
	w->tick_fd = -1;
}

void guests_turn(struct web *w)
{
	uint64_t passed_s;

	if (read(w->tick_fd, &passed_s, sizeof(passed_s)) != (ssize_t)sizeof(passed_s))
		return;
	for (struct guest *g = w->guest; g != NULL; g = g->next) {
		g->left_s = g->left_s > passed_s ? g->left_s - (unsigned)passed_s : 0;
		if (g->left_s == 0)
			(void)shutdown(g->fd, SHUT_RDWR); /* MHD sees the end and closes the descriptor itself */
	}
}

static struct guest *guest_new(struct web *w, int fd)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->fd = fd;
	g->late = w->guest_n >= w->max_connections;
	g->next = w->guest;
	g->link = &w->guest;
	if (g->next != NULL)
		g->next->link = &g->next;
	else
		set_ticking(w, true);
	w->guest = g;
	w->guest_n++;
	guest_expect_head(w, g);
	return g;
}

static void guest_free(struct web *w, struct guest *g)
{
	if (g == NULL)
		return;
	w->guest_n--;
	*g->link = g->next;
	if (g->next != NULL)
		g->next->link = g->link;
	if (w->guest == NULL)
		set_ticking(w, false);
	free(g);
}

void guest_come_and_go(void *arg, struct MHD_Connection *c, void **socket_context,
                       enum MHD_ConnectionNotificationCode what)
{
	struct web *w = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		guest_free(w, *socket_context);
		*socket_context = NULL;
		return;
	}
	*socket_context = guest_new(w, MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	if (*socket_context == NULL)
		connection_cut(c);
}

struct guest *guest_of(struct MHD_Connection *c)
{
	return MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* One more than asked for: the first tick comes anywhere within its second. */
void guest_expect_head(const struct web *w, struct guest *g)
{
	g->left_s = w->idle_timeout_s + 1;
}

void guest_expect_end(const struct web *w, struct guest *g, unsigned within_s)
{
	const unsigned usual_s = w->idle_timeout_s * ANSWER_IDLES;

	g->left_s = (within_s > 0 && within_s < usual_s ? within_s : usual_s) + 1;
}

void connection_cut(struct MHD_Connection *c)
{
	(void)shutdown(MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, SHUT_RDWR);
}

/* MHD closes the descriptor itself, later. Without this what is in the kernel would wait there for a reader
 * who takes nothing, long after the descriptor is gone. */
void guest_forget(const struct guest *g)
{
	const struct linger none = { .l_onoff = 1 };

	(void)setsockopt(g->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}
