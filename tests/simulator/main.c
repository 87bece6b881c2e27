/* A stand-in for the server API of Tencent Cloud Chat, on loopback only. See README.md. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulator/api_server.h"
#include "tests/simulator/control.h"
#include "tests/simulator/options.h"
#include "tests/simulator/scenario.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int complain(enum err e, const struct why *why)
{
	(void)fprintf(stderr, "chat_simulator: %s\n", why->text[0] != '\0' ? why->text : err_text(e));
	return e == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

/* One thread and one descriptor a connection: the soft limit of many systems is too low for a bench. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Before any thread starts, so that all of them inherit the mask and only wait_for_end sees the signals. */
static void prepare_signals(pid_t parent, sigset_t *ends)
{
	(void)sigemptyset(ends);
	(void)sigaddset(ends, SIGTERM);
	(void)sigaddset(ends, SIGINT);
	(void)sigprocmask(SIG_BLOCK, ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may be killed without a word; nobody would end us then. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		(void)raise(SIGTERM);
}

static void wait_for_end(const sigset_t *ends, int64_t duration_s)
{
	const struct moment from = moment_read();

	for (;;) {
		int64_t left_ms = from.mono_ms + duration_s * 1000 - moment_read().mono_ms;
		struct timespec wait = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000 };

		if (duration_s > 0 && left_ms <= 0)
			return;
		if (sigtimedwait(ends, NULL, duration_s > 0 ? &wait : NULL) > 0)
			return;
	}
}

static void put_path(struct json_out *o, const char *name, const char *directory, const char *file)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_fmt(&b, "%s/%s", directory, file);
	json_put_text(o, name, buf_text(&b));
	buf_done(&b);
}

static void put_url(struct json_out *o, const char *name, const char *scheme, const char *host, unsigned port)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "%s://%s:%u", scheme, host, port);
	json_put_text(o, name, url);
}

/* What a test needs to know, in one file that appears when everything is ready. */
static enum err write_ready(const struct simulator *s, const struct options *opt, unsigned api_port,
                            unsigned control_port, struct why *why)
{
	struct buf text;
	struct json_out o = { .buf = &text };
	enum err e;

	buf_init(&text, 1024 * 1024);
	json_open(&o, NULL, '{');
	put_url(&o, "api", opt->plain ? "http" : "https", opt->api.host, api_port);
	put_url(&o, "control", "http", opt->control.host, control_port);
	put_path(&o, "ca_file", s->directory, "ca.pem");
	json_put_int(&o, "pid", getpid());
	json_open(&o, "apps", '[');
	for (size_t i = 0; i < s->world.app_n; i++) {
		const struct app *a = &s->world.apps[i];
		char file[32];

		(void)snprintf(file, sizeof(file), "%" PRIu64 ".key", a->sdkappid);
		json_open(&o, NULL, '{');
		json_put_uint(&o, "sdkappid", a->sdkappid);
		json_put_text(&o, "identifier", a->identifiers[0]);
		put_path(&o, "secret_key_file", s->directory, file);
		json_close(&o, '}');
	}
	json_close(&o, ']');
	json_close(&o, '}');
	buf_str(&text, "\n");
	e = simulator_write_file(s, "ready.json", buf_text(&text), 0644, why);
	buf_done(&text);
	return e;
}

static enum err write_files(const struct simulator *s, const struct certs *certs, struct why *why)
{
	enum err e = ERR_OK;

	e = simulator_write_file(s, "ca.pem", certs->ca_pem, 0644, why);
	for (size_t i = 0; e == ERR_OK && i < s->world.app_n; i++)
		e = simulator_write_key(s, &s->world.apps[i], why);
	return e;
}

/* Makes the directory and turns its name into a whole path, so that ready.json holds true anywhere. A
 * ready.json of an earlier run would be believed: it goes first. */
static enum err open_directory(struct simulator *s, char whole[PATH_MAX], struct why *why)
{
	if ((mkdir(s->directory, 0700) != 0 && errno != EEXIST) || realpath(s->directory, whole) == NULL)
		return err_because(why, ERR_SYSTEM, "cannot use the directory '%.150s': %s", s->directory,
		                   strerror(errno));
	s->directory = whole;
	simulator_remove_file(s, "ready.json");
	return ERR_OK;
}

static enum err serve(struct simulator *s, const struct options *opt, const sigset_t *ends, struct why *why)
{
	struct certs certs = { 0 };
	struct api_server *api = NULL;
	struct control *control = NULL;
	char whole[PATH_MAX];
	enum err e = open_directory(s, whole, why);

	if (e == ERR_OK)
		e = certs_new(&certs, why);
	if (e == ERR_OK)
		e = write_files(s, &certs, why);
	if (e == ERR_OK)
		e = api_server_start(s, &opt->api, opt->plain ? NULL : &certs, opt->certificate, &api, why);
	if (e == ERR_OK)
		e = control_start(s, api, &opt->control, &control, why);
	if (e == ERR_OK)
		e = write_ready(s, opt, api_server_port(api), control_port(control), why);
	if (e == ERR_OK)
		wait_for_end(ends, opt->duration_s);
	if (s->directory == whole)
		simulator_remove_file(s, "ready.json");
	(void)eventfd_write(s->stop_fd, 1);
	control_stop(control);
	api_server_stop(api);
	certs_free(&certs);
	s->directory = opt->directory;
	return e;
}

static enum err run(const struct options *opt, pid_t parent, struct why *why)
{
	struct simulator s = { .lock = PTHREAD_MUTEX_INITIALIZER, .directory = opt->directory, .stop_fd = -1 };
	struct moment now = moment_read();
	sigset_t ends;
	enum err e;

	s.start_mono_ms = now.mono_ms;
	e = scenario_load(opt->scenario, (double)now.unix_ms / 1000, &s.world, why);
	if (e != ERR_OK || opt->check)
		goto out;
	prepare_signals(parent, &ends);
	raise_descriptor_limit();
	faults_init(&s.faults, s.world.seed);
	s.journal = journal_new();
	s.stop_fd = eventfd(0, EFD_CLOEXEC);
	e = s.journal != NULL && s.stop_fd >= 0 ? serve(&s, opt, &ends, why)
	                                        : err_because(why, ERR_SYSTEM, "out of memory or descriptors");
	if (s.stop_fd >= 0)
		(void)close(s.stop_fd);
	journal_free(s.journal);
	faults_done(&s.faults);
out:
	world_free(&s.world);
	return e;
}

int main(int argc, char **argv)
{
	const pid_t parent = getppid(); /* read first: it may be gone before the scenario is loaded */
	struct options opt;
	struct why why = { "" };
	enum err e = options_read(argc, argv, &opt, &why);

	if (e != ERR_OK)
		return complain(e, &why);
	if (opt.help) {
		(void)fputs(options_usage(), stdout);
		return EXIT_FINE;
	}
	e = run(&opt, parent, &why);
	if (e != ERR_OK)
		return complain(e, &why);
	if (opt.check)
		(void)printf("%s: the scenario is right\n", opt.scenario);
	return EXIT_FINE;
}
