/* The apps of the roster: label text, budgets, signers. */
#ifndef AGENT_ROSTER_APP_H
#define AGENT_ROSTER_APP_H

#include "agent/roster.h"

/* Fills .app, .app_labels and .app_info; what fails is freed by roster_apps_free. Errors: ERR_MEMORY. */
enum err roster_apps(struct roster *r, uint64_t seed) MUST_USE;
void roster_apps_free(struct roster *r);

/* Stable over restarts, versions and machines, and spread evenly: both the load and the page's order rest on
 * it. */
uint64_t roster_key(int64_t sdkappid, const char *community);

#endif
