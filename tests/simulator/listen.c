#include "tests/simulator/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool port_of(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || n > UINT16_MAX)
		return false;
	*ret = htons((uint16_t)n);
	return true;
}

enum err listen_parse(const char *text, struct listen_address *ret, struct why *why)
{
	struct listen_address parsed = { .host = "127.0.0.1" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&parsed.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&parsed.address;

	if (strncmp(text, "127.0.0.1:", 10) == 0) {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (port_of(text + 10, &v4->sin_port)) {
			*ret = parsed;
			return ERR_OK;
		}
	} else if (strncmp(text, "[::1]:", 6) == 0) {
		parsed.host = "[::1]";
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		if (port_of(text + 6, &v6->sin6_port)) {
			*ret = parsed;
			return ERR_OK;
		}
	}
	return err_because(why, ERR_CONFIG,
	                   "'%.60s' is no loopback address; allowed are 127.0.0.1:PORT and [::1]:PORT", text);
}
