#include "agent/process/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/buf.h"

enum { STATUS_EVERY_MS = 5000, MESSAGE_MAX = 256 };

/* A path, or "@name" for an abstract one. */
static bool read_address(const char *text, struct notify *n)
{
	const size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, text, len + 1);
	if (text[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
	return true;
}

static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long long value;

	if (text == NULL)
		return 0;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && value > 0 ? value : 0;
}

/* Connected before the sandbox, because afterwards no abstract socket may be. */
static void open_socket(const char *address, struct notify *n)
{
	if (!read_address(address, n))
		return;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd >= 0)
		(void)connect(n->fd, (const struct sockaddr *)&n->to, n->to_len);
}

void notify_open(struct notify *n)
{
	const char *address = getenv("NOTIFY_SOCKET");
	const int64_t pid = number_of("WATCHDOG_PID");

	*n = (struct notify){ .fd = -1 };
	if (address != NULL)
		open_socket(address, n);
	if (getenv("WATCHDOG_PID") == NULL || pid == getpid())
		n->watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

/* A manager that was started anew has another socket of the same name. */
static void say(const struct notify *n, const char *text)
{
	const size_t len = strlen(text);

	if (n->fd < 0 || send(n->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	if (errno != EAGAIN && connect(n->fd, (const struct sockaddr *)&n->to, n->to_len) == 0)
		(void)send(n->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void notify_ready(const struct notify *n)
{
	say(n, "READY=1");
}

void notify_reloading(const struct notify *n)
{
	char text[MESSAGE_MAX];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now_monotonic_us());
	say(n, text);
}

void notify_stopping(const struct notify *n)
{
	say(n, "STOPPING=1");
}

/* Never 0: the loop would spin. */
static int64_t feed_every_ms(const struct notify *n)
{
	return n->watchdog_ms > 1 ? n->watchdog_ms / 2 : 1;
}

void notify_watchdog(struct notify *n, bool well, const struct now *now)
{
	if (n->fd < 0 || n->watchdog_ms == 0 || !well || now->mono_ms < n->feed_ms)
		return;
	n->feed_ms = now->mono_ms + feed_every_ms(n);
	say(n, "WATCHDOG=1");
}

bool notify_wants_status(struct notify *n, const struct now *now)
{
	if (n->fd < 0 || now->mono_ms < n->tell_ms)
		return false;
	n->tell_ms = now->mono_ms + STATUS_EVERY_MS;
	return true;
}

void notify_status(struct notify *n, const char *status)
{
	char text[MESSAGE_MAX];

	if (strcmp(status, n->told) == 0)
		return;
	(void)snprintf(n->told, sizeof(n->told), "%s", status);
	(void)snprintf(text, sizeof(text), "STATUS=%s", n->told);
	say(n, text);
}

int64_t notify_wait_ms(const struct notify *n, const struct now *now)
{
	if (n->fd < 0 || n->watchdog_ms == 0)
		return INT64_MAX;
	return now->mono_ms < n->feed_ms ? n->feed_ms - now->mono_ms : feed_every_ms(n);
}
