/* Configuration files in, messages or the configuration in force out: config_golden [--update] FOLDER.
 * README.md tells the files of a case. Exit 0 when every case gives what its .want says. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/conf.h"
#include "tests/fuzz/line.h"

enum { CASE_ROOM = 128, CASES_MAX = 500, TEXT_MAX = 64 << 20 };

/* Stands in keys of many cases and must never be seen again; no longer piece of a key is without it. */
static const char *const canaries[] = { "CANAR", "canar", "c0ffeec0ffee" };

/* ---- files ---- */
static bool read_file(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return false;
	do {
		char *at = buf_room(ret, 65536);

		MUST(at != NULL);
		n = fread(at, 1, 65536, f);
		ret->len += n;
	} while (n > 0);
	(void)fclose(f);
	return true;
}

static void write_file(const char *path, const char *at, size_t len, mode_t mode)
{
	FILE *f = fopen(path, "wb");

	MUST(f != NULL && fwrite(at, 1, len, f) == len && fclose(f) == 0);
	MUST(chmod(path, mode) == 0);
}

/* The folder that the paths in the cases mean, with a key file and a list of communities of each kind. */
#define TEXT(AT) AT, sizeof(AT) - 1
static const struct {
	const char *name, *text;
	size_t len;
	mode_t mode;
} keys[] = {
	{ "prod.key", TEXT("0123456789abcdef0123456789abcdef\n"), 0600 },
	{ "crlf.key", TEXT("0123456789abcdef0123456789abcdef\r\n"), 0600 },
	{ "loose.key", TEXT("0123456789abcdef0123456789abcdef\n"), 0644 },
	{ "empty.key", TEXT(""), 0600 },
	{ "newline.key", TEXT("\n"), 0600 },
	{ "space.key", TEXT("CANARYCANARY CANARYCANARY\n"), 0600 },
	{ "lines.key", TEXT("CANARYCANARY\nCANARYCANARY\n"), 0600 },
	{ "trust.pem", TEXT("-----BEGIN CERTIFICATE-----\n"), 0644 },
	{ "good_1.list", TEXT("# shops\n@TGS#_one\n\n  \n@TGS#_#two\n"), 0644 },
	{ "good_2.list", TEXT("\xef\xbb\xbf@TGS#_three\r\n@TGS#_four"), 0644 },
	{ "none.list", TEXT("# nobody yet\n"), 0644 },
	{ "again.list", TEXT("@TGS#_five\n@TGS#_one\n@TGS#_five\n"), 0644 },
	{ "pasted.list", TEXT("\"@TGS#_six\",\n@TGS#_seven,\n\"@TGS#_eight\"\n"), 0644 },
	{ "binary.list", TEXT("\x7f\x45\x4c\x46\x01\0\xff\xff\n\xfe\xfe\n"), 0644 },
	{ "two\nlines.list", TEXT(" @TGS#_a\n"), 0644 },
	{ "odd.list", TEXT(" @TGS#_a\n@TGS#_b \n@TGS#_\xff\n@TGS#_\x01\n"), 0644 },
};
#undef TEXT

static void stage_make(char stage[static sizeof("/tmp/config_golden.XXXXXX")])
{
	MUST(mkdtemp(stage) != NULL && chdir(stage) == 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		write_file(keys[i].name, keys[i].text, keys[i].len, keys[i].mode);
	MUST(mkdir("folder.key", 0700) == 0 && mkfifo("fifo.key", 0600) == 0);
	MUST(symlink("loop.key", "loop.key") == 0);
	MUST(setenv("CREDENTIALS_DIRECTORY", ".", 1) == 0);
	MUST(setenv("GOLDEN_KEY", "0123456789abcdef", 1) == 0 && setenv("GOLDEN_EMPTY", "", 1) == 0);
	MUST(setenv("GOLDEN_SPACE", "CANARYCANARY CANARYCANARY", 1) == 0 && unsetenv("GOLDEN_NONE") == 0);
}

static void stage_remove(const char *stage)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)unlink(keys[i].name);
	(void)unlink("fifo.key");
	(void)unlink("loop.key");
	(void)rmdir("folder.key");
	MUST(chdir("/") == 0 && rmdir(stage) == 0);
}

/* ---- one case ---- */
static bool has_canary(const struct buf *text)
{
	for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++)
		if (text->len > 0 && memmem(text->at, text->len, canaries[i], strlen(canaries[i])) != NULL)
			return true;
	return false;
}

static bool fail(const char *name, const char *what)
{
	(void)printf("%s: %s\n", name, what);
	return false;
}

/* What was printed, read and printed again. */
static bool print_is_stable(const char *name, const struct buf *first)
{
	struct conf *c = NULL;
	struct buf again, faults;
	bool fine;

	buf_init(&again, TEXT_MAX);
	buf_init(&faults, TEXT_MAX);
	if (conf_read(name, first->at, first->len, &c, &faults) != ERR_OK) {
		(void)fail(name, "its own print is refused:");
		(void)printf("%s", buf_text(&faults));
		fine = false;
	} else {
		conf_print(c, &again);
		fine = again.len == first->len && memcmp(again.at, first->at, first->len) == 0;
		fine = fine || fail(name, "its own print reads as something else");
	}
	conf_free(c);
	buf_done(&faults);
	buf_done(&again);
	return fine;
}

/* Messages, and for an accepted file what is in force, into `have`. */
static bool run(const char *name, bool good, const struct buf *text, struct buf *have)
{
	struct conf *c = NULL;
	struct buf print;
	bool fine = true;
	enum err e;

	buf_init(&print, TEXT_MAX);
	e = conf_read(name, text->len > 0 ? text->at : "", text->len, &c, have);
	if ((e == ERR_OK) != good)
		fine = fail(name, good ? "refused" : "accepted");
	else if (!good && (e != ERR_CONFIG || have->len == 0))
		fine = fail(name, "refused without a word");
	if (e == ERR_OK) {
		conf_print(c, &print);
		MUST(print.status == ERR_OK);
		buf_add(have, print.at, print.len);
		fine = print_is_stable(name, &print) && fine;
	}
	MUST(have->status == ERR_OK);
	conf_free(c);
	buf_done(&print);
	return fine;
}

static size_t line_len(const char *at, size_t len)
{
	const char *newline = len > 0 ? memchr(at, '\n', len) : NULL;

	return newline != NULL ? (size_t)(newline - at) : len;
}

static bool compare(const char *name, const struct buf *want, const struct buf *have)
{
	size_t w = 0, h = 0;

	for (int line = 1; w < want->len || h < have->len; line++) {
		const size_t w_len = line_len(want->at + w, want->len - w);
		const size_t h_len = line_len(have->at + h, have->len - h);

		if (w >= want->len || h >= have->len || w_len != h_len ||
		    memcmp(want->at + w, have->at + h, w_len) != 0) {
			(void)printf("%s: line %d differs\n  want: %.*s\n  have: %.*s\n", name, line,
			             w < want->len ? (int)w_len : 5, w < want->len ? want->at + w : "(end)",
			             h < have->len ? (int)h_len : 5, h < have->len ? have->at + h : "(end)");
			return false;
		}
		w += w_len + 1;
		h += h_len + 1;
	}
	return true;
}

/* "FOLDER/NAME" and `ending` in place of ".cfg". */
static const char *path_of(struct buf *ret, const char *folder, const char *name, const char *ending)
{
	buf_init(ret, TEXT_MAX);
	buf_fmt(ret, "%s/", folder);
	buf_add(ret, name, strlen(name) - strlen(".cfg"));
	buf_str(ret, ending);
	return buf_text(ret);
}

/* `folder` is absolute; `name` is "NAME.cfg", which is also what messages call the file. */
static bool check_case(const char *folder, const char *name, bool good, bool update)
{
	struct buf path, want_path, text, want, have;
	const char *want_at = path_of(&want_path, folder, name, ".want");
	bool fine;

	buf_init(&text, TEXT_MAX);
	buf_init(&want, TEXT_MAX);
	buf_init(&have, TEXT_MAX);
	MUST(read_file(path_of(&path, folder, name, ".cfg"), &text));
	fine = run(name, good, &text, &have);
	if (has_canary(&have))
		fine = fail(name, "a message shows what may be the key");
	else if (update)
		write_file(want_at, have.at, have.len, 0644);
	if (!read_file(want_at, &want))
		fine = fail(name, "there is no .want of this name");
	else
		fine = compare(name, &want, &have) && !has_canary(&want) && fine;
	buf_done(&have);
	buf_done(&want);
	buf_done(&text);
	buf_done(&want_path);
	buf_done(&path);
	return fine;
}

/* ---- all cases ---- */
static int by_name(const void *left, const void *right)
{
	return strcmp(left, right);
}

static bool ends_with(const char *name, const char *ending)
{
	const size_t len = strlen(name), n = strlen(ending);

	return len > n && strcmp(name + len - n, ending) == 0;
}

static size_t list_cases(const char *folder, char cases[][CASE_ROOM])
{
	DIR *d = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;

	if (d == NULL) {
		(void)fprintf(stderr, "cannot read '%s': %s\n", folder, strerror(errno));
		return 0;
	}
	while ((entry = readdir(d)) != NULL) {
		MUST(n < CASES_MAX && strlen(entry->d_name) < CASE_ROOM);
		if (ends_with(entry->d_name, ".cfg"))
			memcpy(cases[n++], entry->d_name, strlen(entry->d_name) + 1);
	}
	(void)closedir(d);
	qsort(cases, n, CASE_ROOM, by_name);
	return n;
}

/* Fails when there is no case: a folder that moved must not pass. */
static bool check_folder(const char *root, const char *kind, bool update)
{
	static char cases[CASES_MAX][CASE_ROOM];
	size_t n, failed = 0;
	char folder[8192];

	(void)snprintf(folder, sizeof(folder), "%s/%s", root, kind);
	memset(cases, 0, sizeof(cases));
	n = list_cases(folder, cases);
	for (size_t i = 0; i < n; i++)
		failed += check_case(folder, cases[i], strcmp(kind, "good") == 0, update) ? 0 : 1;
	(void)printf("%s: %zu cases, %zu failed%s\n", kind, n, failed, update ? ", .want files written" : "");
	return n > 0 && failed == 0;
}

int main(int argc, char **argv)
{
	const bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
	char stage[] = "/tmp/config_golden.XXXXXX", root[4096];
	bool fine;

	if (argc != 2 && !update) {
		(void)fprintf(stderr, "usage: config_golden [--update] FOLDER\n");
		return 2;
	}
	if (realpath(argv[argc - 1], root) == NULL) {
		(void)fprintf(stderr, "cannot find '%s': %s\n", argv[argc - 1], strerror(errno));
		return 2;
	}
	stage_make(stage);
	fine = check_folder(root, "bad", update);
	fine = check_folder(root, "good", update) && fine;
	stage_remove(stage);
	return fine ? 0 : 1;
}
