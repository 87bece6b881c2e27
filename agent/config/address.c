/* Addresses as texts: where the service is, and where this program serves. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/config/inside.h"

/* None of them stands in a host, and some would end it. */
static const char odd[] = " \"'<>?#@\\^`{}|";
static const char not_ascii[] = "it must be ASCII; write an international host name as xn--...";

static bool is_port(const char *text, size_t len, long least)
{
	return len >= 1 && len <= 5 && strspn(text, "0123456789") >= len && strtol(text, NULL, 10) <= 65535 &&
	       strtol(text, NULL, 10) >= least;
}

/* "HOST", "HOST:PORT", "[V6]", "[V6]:PORT" in `len` bytes. */
static bool is_host(const char *text, size_t len)
{
	const char *bracket = text[0] == '[' ? memchr(text, ']', len) : text;
	const char *from = bracket, *colon;
	size_t name;

	if (bracket == NULL)
		return false;
	colon = memchr(from, ':', len - (size_t)(from - text));
	name = colon != NULL ? (size_t)(colon - text) : len;
	if (text[0] == '[' && (bracket - text < 3 || text + name != bracket + 1))
		return false;
	return name > 0 && (colon == NULL || is_port(colon + 1, len - name - 1, 1));
}

/* "127.0.0.1", "[::1]" or "localhost", with or without a port. */
static bool is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 &&
		    (host[len] == '\0' || host[len] == ':' || host[len] == '/'))
			return true;
	}
	return false;
}

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

const char *url_fault(const char *url)
{
	const bool https = strncmp(url, "https://", 8) == 0, http = strncmp(url, "http://", 7) == 0;
	const char *host = url + (https ? 8 : 7);

	if (!https && !http)
		return "it must start with https://";
	if (strpbrk(url, odd) != NULL || !is_host(host, strcspn(host, "/")))
		return "it must be https://HOST or https://HOST:PORT, without user, query or fragment";
	if (!is_ascii(url))
		return not_ascii;
	if (http && !is_loopback(host))
		return "plain http would show the signature to the network; use https:// (http only for loopback)";
	return NULL;
}

const char *proxy_fault(const char *url)
{
	const char *host = url + 7;

	if (strchr(url, '@') != NULL)
		return "a proxy with user and password is not supported; let the proxy admit this host by its "
			   "address "
			   "and write http://HOST:PORT";
	if (strncmp(url, "http://", 7) != 0)
		return "only proxies that speak http are supported, for https calls too; write http://HOST:PORT";
	if (strpbrk(host, "/?#") != NULL)
		return "nothing may stand behind the port; write http://HOST:PORT";
	if (strpbrk(host, odd) != NULL || !is_host(host, strlen(host)))
		return "it must be http://HOST:PORT, with a port from 1 to 65535";
	if (!is_ascii(host))
		return not_ascii;
	if (strchr(host, ':') == NULL || host[strlen(host) - 1] == ']')
		return "the port is missing; write http://HOST:PORT, often 3128 or 8080";
	return NULL;
}

bool listen_ok(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t host;

	if (colon == NULL || !is_port(colon + 1, strlen(colon + 1), 0))
		return false;
	host = (size_t)(colon - text);
	if (text[0] == '[')
		return host > 2 && text[host - 1] == ']';
	return memchr(text, ':', host) == NULL; /* an IPv6 address without brackets is ambiguous */
}
