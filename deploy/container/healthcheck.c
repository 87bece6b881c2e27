/* healthcheck [PORT]: asks the exporter in its own container, on 127.0.0.1 and port 10058, for /-/healthy.
 *
 * Exit 0 when it answers 200, or 401: a listener with users does not know this program, but whoever refuses
 * is alive. Exit 1 for everything else. It speaks no TLS. The image has no shell and no curl, so that it is a
 * program of its own. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PORT = 10058,
	DEADLINE_S = 4, /* of everything; below the timeout of HEALTHCHECK */
};

static const char question[] = "GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n\r\n";

/* The status of an answer that begins with "HTTP/1.x NNN"; 0 when it is none. */
static int ask(in_port_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                      .sin_port = htons(port) };
	char answer[13] = "";
	size_t len = 0;
	ssize_t n = 1;
	int status = 0, fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		goto out;
	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(question) - 1)
		goto out;
	while (n > 0 && len < sizeof(answer) - 1) {
		n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	if (len == sizeof(answer) - 1 && strncmp(answer, "HTTP/1.", 7) == 0)
		status = (int)strtol(answer + 9, NULL, 10);
out:
	close(fd);
	return status;
}

int main(int argc, char **argv)
{
	char none[] = "";
	char *end = none;
	long port = PORT;
	int status;

	if (argc == 2)
		port = strtol(argv[1], &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: healthcheck [PORT]\n");
		return EXIT_FAILURE;
	}

	alarm(DEADLINE_S);
	status = ask((in_port_t)port);
	if (status == 200 || status == 401)
		return EXIT_SUCCESS;
	fprintf(stderr, "healthcheck: 127.0.0.1:%ld/-/healthy: %s %d\n", port, status ? "answered" : "no answer",
	        status);
	return EXIT_FAILURE;
}
