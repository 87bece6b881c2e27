/* What the files of the roster share. */
#ifndef AGENT_ROSTER_APP_H
#define AGENT_ROSTER_APP_H

#include "agent/roster.h"

/* Stable over restarts, versions and machines, and spread evenly: both the load and the page's order rest on
 * it. */
uint64_t roster_key(int64_t sdkappid, const char *community);

#endif
