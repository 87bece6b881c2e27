/* Feeds files, and the files of folders, to a fuzz target: a corpus as a regression test, in any build and
 * with any compiler. Exit 1 when an argument cannot be read or there was nothing to feed. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/line.h"

enum { INPUT_MAX = 64 << 20 };

static bool complain(const char *path)
{
	(void)fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
	return false;
}

/* In memory of exactly the right size, so that ASan sees a read past the end. */
static bool feed_file(const char *path, size_t len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(len > 0 ? len : 1);
	bool fine = f != NULL && data != NULL && fread(data, 1, len, f) == len;

	if (fine)
		(void)LLVMFuzzerTestOneInput(data, len);
	else
		(void)complain(path);
	free(data);
	if (f != NULL)
		(void)fclose(f);
	return fine;
}

static bool feed(const char *path, size_t *fed);

static bool feed_folder(const char *path, size_t *fed)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool fine = true;

	if (folder == NULL)
		return complain(path);
	while ((entry = readdir(folder)) != NULL) {
		char inner[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		fine = feed(inner, fed) && fine;
	}
	(void)closedir(folder);
	return fine;
}

static bool feed(const char *path, size_t *fed)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return complain(path);
	if (S_ISDIR(st.st_mode))
		return feed_folder(path, fed);
	if (st.st_size > INPUT_MAX) {
		errno = EFBIG;
		return complain(path);
	}
	++*fed;
	return feed_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	size_t fed = 0;
	bool fine = true;

	for (int i = 1; i < argc; i++)
		fine = feed(argv[i], &fed) && fine;
	(void)printf("%zu inputs, every promise held\n", fed);
	return fine && fed > 0 ? 0 : 1;
}
