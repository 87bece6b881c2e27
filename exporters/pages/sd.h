/* Entries of Prometheus' HTTP service discovery, one target group for each community: what a job of probes
 * needs. */
#ifndef EXPORTERS_PAGES_SD_H
#define EXPORTERS_PAGES_SD_H

#include <stdint.h>

#include "agent/base/buf.h"

struct sd_community {
	const char *address; /* of this program, as the reader knows it: "host:port" */
	const char *app, *id;
	const char *name; /* NULL: it has none */
	uint64_t sdk_app_id;
};
/* An entry, its labels one by one, and its end. */
void sd_begin(struct buf *out, const struct sd_community *c);
void sd_label(struct buf *out, const char *key, const char *value);
void sd_end(struct buf *out);

/* Whether a Host field is a name or an address, with a port or without, and nothing else. */
bool sd_is_address(const char *host);

#endif
