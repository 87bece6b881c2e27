/* Addresses to listen on: loopback and nothing else. */
#ifndef SIMULATOR_LISTEN_H
#define SIMULATOR_LISTEN_H

#include <sys/socket.h>

#include "agent/base/err.h"

struct listen_address {
	struct sockaddr_storage address;
	char host[16]; /* "127.0.0.1" or "[::1]", as a URL spells it */
};

/* "127.0.0.1:PORT", also of another address of 127.0.0.0/8, or "[::1]:PORT"; port 0 takes a free one. */
enum err listen_parse(const char *text, struct listen_address *ret, struct why *why) MUST_USE;

#endif
