/* Faults put in by hand: which one hits a call. Setting one up and showing them is JSON (README.md). */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"
#include "tests/simulator/json.h"
#include "tests/simulator/world.h"

/* A call meets at most one fault of each stage, the oldest that matches; delays add up. */
enum fault_stage {
	STAGE_DELAY,
	STAGE_ANSWER, /* what is answered */
	STAGE_WIRE,   /* how it is sent, or not */
	STAGES        /* must be last */
};

#define FAULT_KINDS(X)              \
	X(DELAY, "delay", DELAY)        \
	X(STATUS, "status", ANSWER)     \
	X(BODY, "body", ANSWER)         \
	X(OVERSIZE, "oversize", ANSWER) \
	X(ERROR, "error", ANSWER)       \
	X(SHAPE, "shape", ANSWER)       \
	X(SLOW, "slow", WIRE)           \
	X(RESET, "reset", WIRE)         \
	X(CLOSE, "close", WIRE)         \
	X(TRUNCATE, "truncate", WIRE)   \
	X(HANG, "hang", WIRE)

enum fault_kind {
#define KIND(ID, NAME, STAGE) FAULT_##ID,
	FAULT_KINDS(KIND)
#undef KIND
		FAULT_KIND_COUNT /* must be last */
};

enum fault_shape {
	SHAPE_ARRAY_IS_OBJECT,
	SHAPE_MISSING_ARRAY,
	SHAPE_STRING_NUMBERS,
	SHAPE_NULL_ITEMS,
	SHAPES
};

struct fault {
	uint64_t id;
	enum fault_kind kind;
	/* Whom it hits: 0, NULL and COMMANDS mean everybody. */
	uint64_t sdkappid;
	char *community;
	enum command command;
	int64_t count;      /* how often it still hits; -1: without end */
	double probability; /* 0 to 1 */
	uint64_t hits;
	/* What it does. */
	int64_t ms, bytes; /* delay; slow (a second), truncate, oversize */
	int status, retry_after_s;
	char *location;
	char *body; /* of status and body */
	size_t body_len;
	int code;
	bool in_item, bare; /* error: in elements instead of at the top; elements without TopicInfo */
	int64_t
		items; /* error: at the top, this many elements stay; in elements, the first so many; -1: not said */
	char *topic; /* error: in this element only */
	enum fault_shape shape;
};

struct faults {
	struct fault **list; /* oldest first */
	size_t n, cap;
	uint64_t last_id, random;
};

enum { FAULTS_MAX = 1024 };

/* What hits one call: copies of the numbers, texts borrowed until faults_release. */
struct faults_hit {
	int64_t delay_ms;
	struct fault *answer, *wire; /* owned copies, NULL: none */
};

void faults_init(struct faults *f, uint64_t seed);
void faults_done(struct faults *f);

enum err faults_add(struct faults *f, const struct json *j, uint64_t *ret_id, struct why *why) MUST_USE;
/* id 0 removes all; false when there is no such id. */
bool faults_remove(struct faults *f, uint64_t id);
void faults_show(const struct faults *f, struct json_out *o);

/* Draws and counts. `sdkappid` 0 and `community` NULL: the call did not say. */
enum err faults_draw(struct faults *f, uint64_t sdkappid, const char *community, enum command command,
                     struct faults_hit *ret) MUST_USE;
void faults_release(struct faults_hit *h);
const char *fault_name(const struct fault *f); /* "" for NULL */

#endif
