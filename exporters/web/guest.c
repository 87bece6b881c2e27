/* MHD's timeout is idle time: one byte a second holds a connection, and with it a place, for ever. Every
 * guest has therefore a time for the next head and a time for its answer. They are counted in ticks of a
 * timer, because a room reads no clock. */
#include <stdlib.h>
#include <string.h>
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

static void wake(struct guest *g)
{
	if (g->waiting == NULL)
		return;
	porter_leave(g->waiting);
	later_leave(g->waiting);
	MHD_resume_connection(g->waiting->c);
	g->waiting = NULL;
}

void guests_turn(struct web *w)
{
	uint64_t passed_s;

	if (read(w->tick_fd, &passed_s, sizeof(passed_s)) != (ssize_t)sizeof(passed_s))
		return;
	for (struct guest *g = w->guest; g != NULL; g = g->next) {
		g->age_s = passed_s < AGE_MAX_S ? g->age_s + (unsigned)passed_s : AGE_MAX_S;
		g->left_s = g->left_s > passed_s ? g->left_s - (unsigned)passed_s : 0;
		if (g->waiting != NULL && later_is_left(g->waiting))
			g->left_s = 0;
		if (g->left_s == 0) {
			(void)shutdown(g->fd, SHUT_RDWR); /* MHD sees the end and closes the descriptor itself, */
			wake(g);                          /* once it looks again */
		}
	}
}

void guests_wake(struct web *w, const struct hall *h)
{
	for (struct guest *g = w->guest; g != NULL; g = g->next)
		if (g->hall == h)
			wake(g);
}

static struct in6_addr plain_address(const struct sockaddr *from)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;

	if (from->sa_family == AF_INET6) {
		a = ((const struct sockaddr_in6 *)from)->sin6_addr;
	} else if (from->sa_family == AF_INET) {
		a.s6_addr[10] = a.s6_addr[11] = 0xff;
		memcpy(a.s6_addr + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	return a;
}

unsigned guests_from(const struct web *w, const struct sockaddr *from)
{
	const struct in6_addr a = plain_address(from);
	unsigned n = 0;

	for (const struct guest *g = w->guest; g != NULL; g = g->next)
		n += memcmp(&g->from, &a, sizeof(a)) == 0;
	return n;
}

static struct guest *guest_new(struct hall *h, struct MHD_Connection *c)
{
	const struct sockaddr *from = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
	struct guest *g = calloc(1, sizeof(*g));
	struct web *w = h->web;

	if (g == NULL)
		return NULL;
	g->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	g->from = plain_address(from);
	g->hall = h;
	h->guest_n++;
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
	if (g->late && g->left_s > LOBBY_S + 1)
		g->left_s = LOBBY_S + 1;
	return g;
}

static void guest_free(struct web *w, struct guest *g)
{
	if (g == NULL)
		return;
	w->guest_n--;
	g->hall->guest_n--;
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
	struct hall *h = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		guest_free(h->web, *socket_context);
		*socket_context = NULL;
		return;
	}
	*socket_context = guest_new(h, c);
	if (*socket_context == NULL || !hall_ask_certificate(h, c))
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
