/* What the running program gives up: privileges, files and system calls that it will not need. */
#ifndef AGENT_PROCESS_SANDBOX_H
#define AGENT_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"
#include "agent/config/conf.h"
#include "agent/config/web.h"

/* ABSENT: the kernel has no such thing. REFUSED: it has, and did not let us. */
enum sandbox_state { SANDBOX_OFF, SANDBOX_ABSENT, SANDBOX_REFUSED, SANDBOX_ON };

struct sandbox {
	enum sandbox_state privileges, files, calls; /* capabilities, Landlock, seccomp */
	int files_abi;                               /* of Landlock, 0 unless on */
	bool keeps_reading;                          /* one capability is left: see privileges_drop */
	int proc_fd;                                 /* -1: none; keeps /proc/self readable, never close it */
};

/* Files that will be read again, and folders below which everything may be read. Borrowed texts. */
struct sandbox_paths {
	const char **file, **folder;
	size_t file_n, folder_n;
};
/* Those of a configuration, and of its web.config_file (NULL: none). Errors: ERR_MEMORY. */
enum err sandbox_paths(const struct conf *c, const struct web_file *w, struct sandbox_paths *ret) MUST_USE;
void sandbox_paths_done(struct sandbox_paths *p);

/* Once and for ever, and for the threads that come later: the process must have one thread, or files count as
 * refused. Nothing is written, executed or listened on any more; no process is started; files are read below
 * the folders of `p` (of a file: the one it stands in), and the system's own. What cannot be given up is told
 * in `ret` and is no error. */
void sandbox_enter(const struct sandbox_paths *p, struct sandbox *ret);
/* Everything this kernel has is in force. */
bool sandbox_whole(const struct sandbox *s);
/* A few words for the log. */
const char *sandbox_word(enum sandbox_state s);

/* ---- its parts ---- */
/* Keeps CAP_DAC_READ_SEARCH when `p` has a file that could not be read again without: of another owner, read
 * by root. */
enum sandbox_state privileges_drop(const struct sandbox_paths *p, bool *ret_keeps_reading);
enum sandbox_state files_confine(const struct sandbox_paths *p, int *ret_abi, int *ret_proc_fd);
enum sandbox_state calls_confine(void);

#endif
