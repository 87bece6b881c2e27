#include "agent/process/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

/* False: it is not set, or no number. */
static bool number_of(const char *name, long *ret)
{
	const char *text = getenv(name);
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtol(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* How many are meant for this process; -1: the variables make no sense. */
static long handed_over(void)
{
	long pid, n;

	if (getenv("LISTEN_PID") == NULL || getenv("LISTEN_FDS") == NULL)
		return 0;
	if (!number_of("LISTEN_PID", &pid) || !number_of("LISTEN_FDS", &n))
		return -1;
	return pid == getpid() ? n : 0; /* another's variables, inherited through it */
}

static bool option(int fd, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, name, ret, &len) == 0;
}

static const char *fault_of(int fd)
{
	int type, family, listens;
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return "not open";
	if (!option(fd, SO_TYPE, &type) || !option(fd, SO_DOMAIN, &family) ||
	    !option(fd, SO_ACCEPTCONN, &listens))
		return "not a socket";
	if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6))
		return "not a TCP socket (ListenStream= with a port)";
	if (!listens)
		return "a connection and not a listening socket (Accept=no is needed)";
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return "not usable";
	return NULL;
}

static enum err take(long n, bool wanted, struct activation *ret, struct why *why)
{
	struct activation a = { .n = 0 };

	if (n < 0)
		return err_because(why, ERR_CONFIG, "LISTEN_PID or LISTEN_FDS in the environment is no number");
	if (n == 0 && wanted)
		return err_because(why, ERR_CONFIG,
		                   "flag '--web.systemd-socket': no socket was handed over; is the .socket unit "
		                   "started, and is this its service?");
	if (n > 0 && !wanted)
		return err_because(why, ERR_CONFIG,
		                   "systemd handed over %ld sockets, which '--web.systemd-socket' would use", n);
	if (n > ACTIVATION_MAX)
		return err_because(why, ERR_CONFIG, "systemd handed over %ld sockets; at most %d can be used", n,
		                   ACTIVATION_MAX);
	for (; a.n < (size_t)n; a.n++) {
		const int fd = FIRST_FD + (int)a.n;
		const char *fault = fault_of(fd);

		if (fault != NULL)
			return err_because(why, ERR_CONFIG, "descriptor %d, handed over by systemd, is %s", fd, fault);
		a.fd[a.n] = fd;
	}
	*ret = a;
	return ERR_OK;
}

enum err activation_take(bool wanted, struct activation *ret, struct why *why)
{
	const long n = handed_over();

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return take(n, wanted, ret, why);
}
