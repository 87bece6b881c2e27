/* The command line. */
#ifndef SIMULATOR_OPTIONS_H
#define SIMULATOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulator/certs.h"
#include "tests/simulator/listen.h"

struct options {
	const char *scenario, *directory;
	struct listen_address api, control;
	int64_t duration_s; /* 0: until a signal */
	enum certs_kind certificate;
	bool plain, check, help;
};

enum err options_read(int argc, char **argv, struct options *ret, struct why *why) MUST_USE;
const char *options_usage(void);

#endif
