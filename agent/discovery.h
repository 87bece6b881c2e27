/* Communities that nobody configured: an app's list of them is read like any other poll, and whoever is on it
 * and wanted joins the roster; whoever was discovered and is not on a whole list any more leaves it. */
#ifndef AGENT_DISCOVERY_H
#define AGENT_DISCOVERY_H

#include "agent/poll/poller.h"
#include "exporters/groups/groups.h"

struct daemon;

/* The list of one app. */
struct discovery {
	struct groups_walk walk;
	uint32_t listing; /* which one is being read; counts from 1 */
	size_t added;     /* by this one so far */
	bool failing;     /* the latest one did not work */
};

/* One for each app; those with discovery get a job. Errors: ERR_MEMORY. */
enum err discovery_open(struct daemon *d) MUST_USE;
struct poller_sink discovery_sink(struct daemon *d);

#endif
