/* Several processes share the communities of one configuration: each community belongs to exactly one of
 * them, and each of them spends its part of every budget. They do not talk to each other; all that they agree
 * upon is how many they are.
 *
 * The owner is the shard with the highest weight, mix(key ^ mix(shard + 1)), where key is the first 64 bits
 * of SHA-256 over "SDKAPPID/ID" and mix the finalizer of splitmix64 (rendezvous hashing). It is the same in
 * every version and on every machine. One shard more takes its communities from all others alike, and
 * nothing else moves. */
#ifndef AGENT_SHARD_H
#define AGENT_SHARD_H

#include "agent/config/conf.h"

enum { SHARDS_MAX = 1024 };

/* What --shard and --total-shards say; NULL: not given, and then the whole is one shard. `number` may be the
 * name of a pod that ends in -NUMBER. Errors: ERR_CONFIG, and `why` names the flag. */
enum err shard_read(const char *number, const char *total, struct conf_shard *ret, struct why *why) MUST_USE;

/* Who owns the community of this roster_key. */
unsigned shard_owner(unsigned total, uint64_t key);
/* Whether a community is this process's. */
bool shard_has(const struct conf_shard *s, int64_t sdkappid, const char *community);
/* Its part of a budget in milli-calls a second, at least 1. A part above one call a second is a whole number
 * of them, so that the sliding seconds of all shards together never hold more than the budget. */
int64_t shard_share(const struct conf_shard *s, int64_t milli_per_s);
/* Where its lists of communities stand on the polling grid: never in the second of another one's, when all of
 * them start together. */
uint64_t shard_list_phase(const struct conf_shard *s);

/* Leaves in `c` what is this process's: its communities, and its part of each budget; of the whole it keeps
 * the hash and the figures. To be called once, when all flags were applied; does nothing when there is one
 * shard. Errors: ERR_MEMORY, and nothing changed. */
enum err shard_narrow(struct conf *c) MUST_USE;

#endif
