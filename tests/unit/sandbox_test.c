/* What the running program gives up: each attempt is made by a child that has entered the sandbox. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/refusal.h"
#include "agent/process/sandbox.h"

#define CHECK assert_true

enum { WORKED = 0, SETUP = 250, NOT_ON = 251 };

static pid_t parent;
static char folder[] = "/tmp/sandbox_test.XXXXXX", known[64], other[] = "/tmp/sandbox_other.XXXXXX",
			unknown[64];

static int code_of(long result)
{
	return result >= 0 ? WORKED : errno;
}

/* ---- attempts: 0 or errno ---- */
static int run_a_program(void)
{
	char name[] = "true";
	char *const arguments[] = { name, NULL }, *const environment[] = { NULL };

	return code_of(execve("/bin/true", arguments, environment));
}

static int start_a_process(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	return code_of(child);
}

static int enter_a_namespace(void)
{
	return code_of(unshare(CLONE_NEWUSER));
}

static int write_a_file(void)
{
	return code_of(open(known, O_WRONLY | O_CLOEXEC));
}

static int make_a_file(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/new", folder);
	return code_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_a_file(void)
{
	return code_of(unlink(known));
}

static int read_elsewhere(void)
{
	return code_of(open(unknown, O_RDONLY | O_CLOEXEC));
}

static int read_another_process(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)parent);
	return code_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int trace(void)
{
	return code_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int signal_another(void)
{
	return code_of(kill(parent, SIGWINCH));
}

static int listen_somewhere(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? SETUP : code_of(listen(fd, 1));
}

static int open_a_raw_socket(void)
{
	return code_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int run_written_memory(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? SETUP : code_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int map_writable_code(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	           ? errno
	           : WORKED;
}

static int become_dumpable(void)
{
	return code_of(syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
}

static int call_of_tomorrow(void)
{
	return code_of(syscall(4000));
}

static int read_what_is_known(void)
{
	return code_of(open(known, O_RDONLY | O_CLOEXEC));
}

static int read_its_neighbour(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/appeared", folder);
	return code_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int read_the_system(void)
{
	static const char *const at[] = { "/etc/passwd", "/proc/self/statm", "/proc/self/fd", "/dev/urandom" };

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (open(at[i], O_RDONLY | O_CLOEXEC) < 0)
			return errno;
	return WORKED;
}

static void *resolve(void *arg)
{
	struct addrinfo *list = NULL;

	*(int *)arg = getaddrinfo("localhost", "80", NULL, &list);
	if (list != NULL)
		freeaddrinfo(list);
	return NULL;
}

static int resolve_in_a_thread(void)
{
	pthread_t thread;
	int failed = -1;
	const int code = pthread_create(&thread, NULL, resolve, &failed);

	if (code != 0)
		return code;
	return pthread_join(thread, NULL) != 0 || failed != 0 ? SETUP : WORKED;
}

static int talk(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_in to = { .sin_family = AF_INET,
		                            .sin_port = htons(9),
		                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS ||
	    errno == ECONNREFUSED)
		return WORKED;
	return errno;
}

static int look_at_limits(void)
{
	struct rlimit r;

	return code_of(getrlimit(RLIMIT_NOFILE, &r));
}

static int tell_why(void)
{
	if (open(unknown, O_RDONLY | O_CLOEXEC) >= 0)
		return WORKED;
	return strstr(refusal_text(unknown, errno), "restart") != NULL ? EACCES : SETUP;
}

/* ---- the stage ---- */
static int in_the_sandbox(int (*attempt)(void), const char *config)
{
	const char *files[] = { config };
	const struct sandbox_paths paths = { .file = files, .file_n = 1 };
	const pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct sandbox s;

		sandbox_enter(&paths, &s);
		_exit(!sandbox_whole(&s) || s.files != SANDBOX_ON ? NOT_ON : attempt());
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool has_sandbox(void)
{
	return in_the_sandbox(look_at_limits, known) != NOT_ON;
}

static void file(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

static int set_up(void **state)
{
	char path[128];

	(void)state;
	parent = getpid();
	CHECK(mkdtemp(folder) != NULL && mkdtemp(other) != NULL);
	(void)snprintf(known, sizeof(known), "%s/known", folder);
	(void)snprintf(unknown, sizeof(unknown), "%s/unknown", other);
	(void)snprintf(path, sizeof(path), "%s/appeared", folder);
	file(known);
	file(unknown);
	file(path);
	return 0;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/appeared", folder);
	return unlink(path) + unlink(known) + unlink(unknown) + rmdir(folder) + rmdir(other);
}

struct trial {
	const char *name;
	int (*attempt)(void);
	int want;
};

static void hold(const struct trial *t, size_t n)
{
	if (!has_sandbox()) {
		print_message("skipped: a sanitizer, or a kernel without Landlock or seccomp\n");
		skip();
	}
	for (size_t i = 0; i < n; i++) {
		const int got = in_the_sandbox(t[i].attempt, known);

		if (got != t[i].want)
			fail_msg("%s: %d, wanted %d", t[i].name, got, t[i].want);
	}
}

#define TRIAL(NAME, WANT) \
	{                     \
#NAME, NAME, WANT \
	}

static void what_it_does_not_need_is_refused(void **state)
{
	static const struct trial trials[] = {
		TRIAL(run_a_program, EPERM),
		TRIAL(start_a_process, EPERM),
		TRIAL(enter_a_namespace, EPERM),
		TRIAL(write_a_file, EPERM),
		TRIAL(make_a_file, EPERM),
		TRIAL(remove_a_file, EPERM),
		TRIAL(read_elsewhere, EACCES),
		TRIAL(read_another_process, EACCES),
		TRIAL(trace, EPERM),
		TRIAL(signal_another, EPERM),
		TRIAL(listen_somewhere, EPERM),
		TRIAL(open_a_raw_socket, EPERM),
		TRIAL(run_written_memory, EPERM),
		TRIAL(map_writable_code, EPERM),
		TRIAL(become_dumpable, EPERM),
		TRIAL(call_of_tomorrow, ENOSYS),
		TRIAL(tell_why, EACCES),
	};

	(void)state;
	hold(trials, sizeof(trials) / sizeof(trials[0]));
}

static void what_it_needs_goes_on(void **state)
{
	static const struct trial trials[] = {
		TRIAL(read_what_is_known, WORKED),
		TRIAL(read_its_neighbour, WORKED),
		TRIAL(read_the_system, WORKED),
		TRIAL(resolve_in_a_thread, WORKED),
		TRIAL(talk, WORKED),
		TRIAL(look_at_limits, WORKED),
	};

	(void)state;
	hold(trials, sizeof(trials) / sizeof(trials[0]));
}

/* A pattern, whose folder is not there yet when it is in one. */
static void a_pattern_opens_the_folder_above_it(void **state)
{
	char pattern[128];

	(void)state;
	if (!has_sandbox())
		skip();
	(void)snprintf(pattern, sizeof(pattern), "%s/*.list", folder);
	CHECK(in_the_sandbox(read_what_is_known, pattern) == WORKED);
	CHECK(in_the_sandbox(read_elsewhere, pattern) == EACCES);
}

/* /x.cfg must not open everything. */
static void a_file_in_the_root_opens_nothing_else(void **state)
{
	(void)state;
	if (!has_sandbox())
		skip();
	CHECK(in_the_sandbox(read_elsewhere, "/none.cfg") == EACCES);
}

/* Landlock would not hold a thread that is there already. */
static void *wait_for_end(void *arg)
{
	char c;

	(void)!read(*(int *)arg, &c, 1);
	return NULL;
}

static void a_thread_from_before_is_told(void **state)
{
	const struct sandbox_paths none = { 0 };
	pid_t child;
	int status = 0;

	(void)state;
	if (!has_sandbox())
		skip();
	child = fork();
	if (child == 0) {
		struct sandbox s;
		pthread_t thread;
		int ends[2];

		if (pipe(ends) != 0 || pthread_create(&thread, NULL, wait_for_end, &ends[0]) != 0)
			_exit(SETUP);
		sandbox_enter(&none, &s);
		_exit(s.files == SANDBOX_REFUSED && !sandbox_whole(&s) ? WORKED : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == WORKED);
}

static bool has(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static void every_file_of_a_configuration_is_known(void **state)
{
	static const char *const entries[] = { "/l/*.list" }, *const lists[] = { "/l/a.list", "/l/b.list" };
	static const char *const want[] = { "/c/x.cfg",  "/w/web.cfg", "/t/cert",   "/k/app.key",
		                                "/a/ca.pem", "/l/*.list",  "/l/a.list", "/l/b.list" };
	const struct conf_app app[] = {
		{ .key = { KEY_FILE, "/k/app.key" },
		  .ca_file = "/a/ca.pem",
		  .list_entries = { entries, 1 },
		  .list_files = { lists, 2 } },
		{ .key = { KEY_INLINE, "not-a-path" }, .ca_file = "" },
	};
	const struct conf conf = { .path = "/c/x.cfg", .web_config_file = "/w/web.cfg", .app = app, .app_n = 2 };
	const struct web_file web = { .path = { "/t/cert" }, .path_n = 1 };
	struct sandbox_paths p;

	(void)state;
	CHECK(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1) == 0);
	CHECK(sandbox_paths(&conf, &web, &p) == ERR_OK);
	CHECK(p.file_n == sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		CHECK(has(p.file, p.file_n, want[i]));
	CHECK(p.folder_n == 1 && has(p.folder, 1, "/run/credentials/x"));
	sandbox_paths_done(&p);
	CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_does_not_need_is_refused),
		cmocka_unit_test(what_it_needs_goes_on),
		cmocka_unit_test(a_pattern_opens_the_folder_above_it),
		cmocka_unit_test(a_file_in_the_root_opens_nothing_else),
		cmocka_unit_test(a_thread_from_before_is_told),
		cmocka_unit_test(every_file_of_a_configuration_is_known),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
