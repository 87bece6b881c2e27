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
	STAGE_CHANGE, /* what happens to the world behind the answer's back */
	STAGES        /* must be last */
};

/* KIND(ID, NAME, STAGE, REFUSED): REFUSED faults hit calls that the gate refused as well. */

#define FAULT_KINDS(X)                 \
	X(DELAY, "delay", DELAY, 1)        \
	X(STATUS, "status", ANSWER, 1)     \
	X(BODY, "body", ANSWER, 1)         \
	X(OVERSIZE, "oversize", ANSWER, 1) \
	X(ERROR, "error", ANSWER, 0)       \
	X(SHAPE, "shape", ANSWER, 0)       \
	X(SLOW, "slow", WIRE, 1)           \
	X(RESET, "reset", WIRE, 1)         \
	X(CLOSE, "close", WIRE, 1)         \
	X(TRUNCATE, "truncate", WIRE, 1)   \
	X(HANG, "hang", WIRE, 1)           \
	X(CHANGE, "change", CHANGE, 1)

enum fault_kind {
#define KIND(ID, NAME, STAGE, REFUSED) FAULT_##ID,
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
	int64_t after;      /* calls it still leaves alone */
	int64_t count;      /* how often it still hits; -1: without end */
	double probability; /* 0 to 1 */
	uint64_t hits;
	/* What it does. */
	int64_t ms, bytes; /* delay; slow (a second), truncate, oversize */
	int status;
	char *location, *retry_after; /* header values of status */
	char *body;                   /* of status and body */
	size_t body_len;
	char *encoding; /* Content-Encoding of body: its bytes are sent as they are */
	int code;
	bool in_item, bare; /* error: in elements instead of at the top; elements without TopicInfo */
	int64_t items; /* at the top, this many elements stay; in elements, the first so many; -1: not said */
	char *topic;   /* error: in this element only */
	enum fault_shape shape;
	char *path; /* change: an order (orders.h) and what goes with it */
	struct json *order;
};

struct faults {
	struct fault **list; /* oldest first */
	size_t n, cap;
	uint64_t last_id, random;
};

enum { FAULTS_MAX = 1024 };

/* What is known of a call when the faults are drawn. */
struct faults_aim {
	uint64_t sdkappid;     /* 0: the call did not say */
	const char *community; /* NULL: the call did not say */
	enum command command;
	bool refused;
};

/* What hits one call: owned copies until faults_release. */
struct faults_hit {
	int64_t delay_ms;
	struct fault *answer, *wire, *change; /* NULL: none */
};

void faults_init(struct faults *f, uint64_t seed);
void faults_done(struct faults *f);

enum err faults_add(struct faults *f, const struct json *j, uint64_t *ret_id, struct why *why) MUST_USE;
/* id 0 removes all; false when there is no such id. */
bool faults_remove(struct faults *f, uint64_t id);
void faults_show(const struct faults *f, struct json_out *o);

/* Draws and counts. */
enum err faults_draw(struct faults *f, const struct faults_aim *aim, struct faults_hit *ret) MUST_USE;
void faults_release(struct faults_hit *h);
const char *faults_hit_name(const struct faults_hit *h); /* of the one that shows most; "" when nothing hit */

/* Reads the posted object; frees nothing on failure, that is fault_free's. */
enum err fault_read(const struct json *j, struct fault *f, struct why *why) MUST_USE;
void fault_free(struct fault *f);

#endif
