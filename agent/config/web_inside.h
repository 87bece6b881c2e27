/* What the files share that read the listener's own configuration file. */
#ifndef AGENT_CONFIG_WEB_INSIDE_H
#define AGENT_CONFIG_WEB_INSIDE_H

#include "agent/config/inside.h"
#include "agent/config/web.h"

/* ---- web_walk.c: the parsed tree. Adds faults. */
void web_walk(const config_t *tree, struct web_file *w, struct faults *f);

/* ---- web_pem.c */
/* The text of the file `name`, relative to the folder of f->path; NULL after a fault. `what` is how messages
 * call it. The name, as it can be opened, is added to w->path. */
const char *web_pem_read(struct web_file *w, const char *name, const char *what, int line, struct faults *f);
/* Certificates that are one, and a key that is the first one's. */
void web_pem_check(const struct web_file *w, const int line[3], struct faults *f);

/* ---- web_yaml.c */
/* True when the text is the YAML form; says how it is written here. */
bool web_yaml(struct faults *f, const char *text, size_t len);

#endif
