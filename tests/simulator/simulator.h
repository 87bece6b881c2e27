/* What the two servers share: the world and everything that happens to it, under one lock. */
#ifndef SIMULATOR_SIMULATOR_H
#define SIMULATOR_SIMULATOR_H

#include <pthread.h>
#include <stdint.h>

#include "tests/simulator/faults.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/world.h"

struct simulator {
	pthread_mutex_t lock; /* covers everything below it */
	struct world world;
	struct faults faults;
	struct journal *journal;
	int64_t clock_offset_s; /* added to the clock in the Date header and in signature checks */
	uint64_t connections_opened, connections_open;
	uint64_t changes_made, changes_failed; /* by faults of kind "change" */
	struct why change_error;               /* of the last one that failed */

	/* Set once before the servers start. */
	const char *directory; /* where ca.pem, the keys and ready.json stand */
	int64_t start_mono_ms;
	int stop_fd; /* an eventfd, readable from the moment everything has to end */
};

struct moment {
	int64_t mono_ms, unix_ms;
};

struct moment moment_read(void);
double simulator_world_s(const struct simulator *s, const struct moment *m); /* world time */

/* Writes <sdkappid>.key (mode 0600) beside its place and renames it. */
enum err simulator_write_key(const struct simulator *s, const struct app *a, struct why *why) MUST_USE;
/* Writes directory/name as a whole: readers see the old file or the new one. */
enum err simulator_write_file(const struct simulator *s, const char *name, const char *text, unsigned mode,
                              struct why *why) MUST_USE;
void simulator_remove_file(const struct simulator *s, const char *name);

#endif
