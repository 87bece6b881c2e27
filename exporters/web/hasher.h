/* The one thread of the listener. bcrypt takes a tenth of a second and more, for which the loop must not
 * wait. The thread and the loop meet in this queue and nowhere else. */
#ifndef EXPORTERS_WEB_HASHER_H
#define EXPORTERS_WEB_HASHER_H

#include <stdbool.h>

#include "agent/base/err.h"
#include "exporters/web/basic.h"

enum { HASH_LEN = 60 }; /* "$2y$10$" and 53 characters */

struct hash_job {
	struct hash_job *next;             /* the queue's */
	char password[CREDENTIAL_MAX + 1]; /* wiped when it is hashed */
	char hash[HASH_LEN + 1];           /* what it is compared with */
	bool right;                        /* the thread's answer */
};

struct hasher;
enum err hasher_new(struct hasher **ret) MUST_USE;
/* Readable when hasher_take has something. */
int hasher_fd(const struct hasher *h);
/* Lends a job to the thread, which starts with the first of them. False: it does not start. */
bool hasher_put(struct hasher *h, struct hash_job *job);
/* A job that is done, in the order they came; NULL: none. */
struct hash_job *hasher_take(struct hasher *h);
/* Waits for the hash under way. Jobs that are not taken are freed, and all that hang on them must be theirs.
 */
void hasher_free(struct hasher *h);

#endif
