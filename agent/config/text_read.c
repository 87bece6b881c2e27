/* The bytes of the configuration file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/refusal.h"
#include "agent/config/inside.h"

enum { FILE_MAX = 16 << 20 };

static char *read_all(int fd, struct faults *f, size_t *ret_len)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (text == NULL) {
		fault_add(f, 0, "out of memory");
		return NULL;
	}
	while (n > 0 && len <= FILE_MAX) {
		n = read(fd, text + len, FILE_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		fault_add(f, 0, "cannot read the file: %s", strerror(errno));
	else if (len > FILE_MAX)
		fault_add(f, 0, "the file is larger than 16 MiB");
	if (n < 0 || len > FILE_MAX) {
		explicit_bzero(text, len);
		free(text);
		return NULL;
	}
	*ret_len = len;
	return text;
}

char *text_read(struct faults *f, size_t *ret_len)
{
	const int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not wait */
	struct stat st;
	char *text = NULL;

	if (fd < 0) {
		fault_add(f, 0, "cannot open the file: %s", refusal_text(f->path, errno));
		return NULL;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		fault_add(f, 0, "not a regular file");
	else
		text = read_all(fd, f, ret_len);
	close(fd);
	return text;
}
