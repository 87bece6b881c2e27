/* What the service manager hears, on time that the test sets, at a socket of its own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/process/notify.h"

#define CHECK assert_true

static char folder[] = "/tmp/notify_test.XXXXXX";

static int manager(char path[64])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(path, 64, "%s/socket", folder);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	(void)unlink(path);
	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* A message sent to a local socket is there when send returns. */
static void hears(int fd, const char *want)
{
	char text[512];
	const ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (want == NULL) {
		CHECK(n < 0 && errno == EAGAIN);
		return;
	}
	CHECK(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void set(const char *name, const char *value)
{
	CHECK((value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0);
}

static void open_with(struct notify *n, const char *address, const char *watchdog, const char *pid)
{
	set("NOTIFY_SOCKET", address);
	set("WATCHDOG_USEC", watchdog);
	set("WATCHDOG_PID", pid);
	notify_open(n);
	CHECK(getenv("NOTIFY_SOCKET") == NULL && getenv("WATCHDOG_USEC") == NULL);
	CHECK(getenv("WATCHDOG_PID") == NULL);
}

static void the_watchdog_is_fed_at_half_of_its_time_and_only_when_well(void **state)
{
	struct now now = { .mono_ms = 1000 };
	struct notify n;
	char path[64];
	const int fd = manager(path);

	(void)state;
	open_with(&n, path, "10000000", NULL);
	notify_watchdog(&n, true, &now);
	hears(fd, "WATCHDOG=1");
	CHECK(notify_wait_ms(&n, &now) == 5000);
	now.mono_ms += 4999;
	notify_watchdog(&n, true, &now);
	hears(fd, NULL);
	now.mono_ms += 1;
	notify_watchdog(&n, false, &now);
	hears(fd, NULL);
	CHECK(notify_wait_ms(&n, &now) > 0); /* a sick loop must not spin */
	now.mono_ms += 60000;
	notify_watchdog(&n, false, &now);
	hears(fd, NULL);
	notify_watchdog(&n, true, &now);
	hears(fd, "WATCHDOG=1");
	notify_close(&n);
	close(fd);
}

static void a_watchdog_of_another_process_or_of_no_number_is_none(void **state)
{
	static const char *const odd[] = { "", "0", "-5", "5x", "99999999999999999999" };
	const struct now now = { .mono_ms = 1000 };
	struct notify n;
	char path[64], pid[16];
	const int fd = manager(path);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		open_with(&n, path, odd[i], NULL);
		notify_watchdog(&n, true, &now);
		CHECK(notify_wait_ms(&n, &now) == INT64_MAX);
		notify_close(&n);
	}
	open_with(&n, path, "1000", NULL); /* a millisecond: nobody means it, and the loop must not spin */
	notify_watchdog(&n, true, &now);
	hears(fd, "WATCHDOG=1");
	CHECK(notify_wait_ms(&n, &now) == 1);
	notify_close(&n);
	open_with(&n, path, "10000000", "1");
	notify_watchdog(&n, true, &now);
	hears(fd, NULL);
	notify_close(&n);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	open_with(&n, path, "10000000", pid);
	notify_watchdog(&n, true, &now);
	hears(fd, "WATCHDOG=1");
	notify_close(&n);
	close(fd);
}

static void a_status_is_told_when_it_changed_and_not_too_often(void **state)
{
	struct now now = { .mono_ms = 1000 };
	struct notify n;
	char path[64], longest[2 * NOTIFY_STATUS_MAX];
	const int fd = manager(path);

	(void)state;
	open_with(&n, path, NULL, NULL);
	CHECK(notify_wants_status(&n, &now));
	CHECK(!notify_wants_status(&n, &now));
	notify_status(&n, "one");
	hears(fd, "STATUS=one");
	notify_status(&n, "one");
	hears(fd, NULL);
	now.mono_ms += 4999;
	CHECK(!notify_wants_status(&n, &now));
	now.mono_ms += 1;
	CHECK(notify_wants_status(&n, &now));
	notify_status(&n, "two");
	hears(fd, "STATUS=two");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	notify_status(&n, longest);
	CHECK(recv(fd, longest, sizeof(longest), 0) == NOTIFY_STATUS_MAX - 1 + (ssize_t)strlen("STATUS="));
	notify_close(&n);
	close(fd);
}

static void without_a_manager_nothing_happens(void **state)
{
	static const char *const nobody[] = {
		NULL,
		"",
		"@",
		"/",
		"relative",
		"vsock:2:1",
		"/tmp/a/path/that/is/longer/than/the/address/of/a/local/socket/may/ever/be/"
		"in/any/kernel/there/is/today"
	};
	const struct now now = { .mono_ms = 1000 };
	struct notify n;

	(void)state;
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		open_with(&n, nobody[i], "10000000", NULL);
		notify_ready(&n);
		notify_reloading(&n);
		notify_stopping(&n);
		notify_watchdog(&n, true, &now);
		notify_status(&n, "nothing");
		notify_close(&n);
	}
}

static void a_full_or_absent_manager_is_not_waited_for(void **state)
{
	struct notify n;
	char path[64];
	const int fd = manager(path);

	(void)state;
	open_with(&n, path, NULL, NULL);
	for (int i = 0; i < 10000; i++)
		notify_ready(&n);
	close(fd);
	notify_ready(&n);
	CHECK(unlink(path) == 0);
	notify_ready(&n);
	notify_close(&n);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	(void)unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_watchdog_is_fed_at_half_of_its_time_and_only_when_well),
		cmocka_unit_test(a_watchdog_of_another_process_or_of_no_number_is_none),
		cmocka_unit_test(a_status_is_told_when_it_changed_and_not_too_often),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(a_full_or_absent_manager_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
