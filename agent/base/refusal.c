#include "agent/base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Landlock is asked by open(2) and not by access(2), so the two differ only behind a sandbox. */
const char *refusal_text(const char *path, int code)
{
	if (code == EACCES && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		return "the sandbox, which knows the folders of the start only, does not let it be read: restart";
	return strerror(code);
}
