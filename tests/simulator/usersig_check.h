/* The service's side of a UserSig: takes the text apart and recomputes the signature from its fields.
 * Written from the published algorithm, apart from the room that makes signatures, so that the two
 * check each other. Never compares the text of two UserSigs: it depends on the zlib build. */
#ifndef SIMULATOR_USERSIG_CHECK_H
#define SIMULATOR_USERSIG_CHECK_H

#include <stdint.h>

struct usersig_wanted {
	const char *identifier;
	uint64_t sdkappid;
	const char *key; /* as the console shows it: its ASCII bytes are the HMAC key */
};

/* 0, or the ErrorCode of the service: 70001 expired, 70002 empty, 70003 not parsable, 70009 another
 * key, 70013 another identifier, 70014 another SDKAppID. Valid while unix_s <= TLS.time + TLS.expire. */
int usersig_check(const char *usersig, const struct usersig_wanted *wanted, int64_t unix_s);

#endif
