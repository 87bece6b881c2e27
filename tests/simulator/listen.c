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

/* The address before the last colon, as text. */
static bool host_of(const char *text, char *ret, size_t room)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || (size_t)(colon - text) >= room)
		return false;
	memcpy(ret, text, (size_t)(colon - text));
	ret[colon - text] = '\0';
	return true;
}

static bool address_of(const char *text, struct listen_address *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address;

	if (!host_of(text, a->host, sizeof(a->host)))
		return false;
	text += strlen(a->host) + 1;
	if (strcmp(a->host, "[::1]") == 0) {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		return port_of(text, &v6->sin6_port);
	}
	v4->sin_family = AF_INET;
	return inet_pton(AF_INET, a->host, &v4->sin_addr) == 1 &&
	       ntohl(v4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET && port_of(text, &v4->sin_port);
}

enum err listen_parse(const char *text, struct listen_address *ret, struct why *why)
{
	struct listen_address parsed = { .host = "" };

	if (!address_of(text, &parsed))
		return err_because(why, ERR_CONFIG,
		                   "'%.60s' is no loopback address; allowed are 127.0.0.1:PORT and [::1]:PORT", text);
	*ret = parsed;
	return ERR_OK;
}
