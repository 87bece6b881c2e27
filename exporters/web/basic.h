/* The Authorization field of a request, as RFC 7617 has it. Pure, for the fuzzer as well. */
#ifndef EXPORTERS_WEB_BASIC_H
#define EXPORTERS_WEB_BASIC_H

#include <stdbool.h>
#include <stddef.h>

enum { CREDENTIAL_MAX = 255 }; /* bytes of a name, and of a password */

/* Who a request says it is from. Wipe it when it is judged. */
struct credentials {
	char user[CREDENTIAL_MAX + 1], password[CREDENTIAL_MAX + 1]; /* UTF-8 without control characters */
	size_t user_len, password_len;
};

/* "Basic dXNlcjpwYXNz": the scheme in any case, one space or more, base64 with its padding and nothing
 * behind it but blanks. The name ends at the first colon. False, and nothing in *ret, when it is anything
 * else, or longer than CREDENTIAL_MAX. */
bool basic_parse(const char *field, size_t len, struct credentials *ret);
void credentials_wipe(struct credentials *c);

#endif
