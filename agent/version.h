/* Versions of the program and of what it is linked with. */
#ifndef AGENT_VERSION_H
#define AGENT_VERSION_H

#include "agent/base/buf.h"

const char *version_program(void);        /* "0.1.0" */
void version_explain(struct buf *out);    /* what --version prints */
void version_labels(struct buf *out);     /* label text of exporter_build_info */
void version_user_agent(struct buf *out); /* "tencentchat_exporter/0.1.0" */

#endif
