/* The command line's side of the program: what was asked for, and the exit status.
 * 0 fine, 1 run-time failure, 2 usage or configuration error. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/base/log.h"
#include "agent/config/conf.h"
#include "agent/daemon.h"
#include "agent/flags.h"
#include "agent/version.h"
#include "exporters/metric/catalog.h"

enum { EXIT_RUN = 1, EXIT_USAGE = 2, TEXT_MAX = 64 << 20 };

static const char default_config[] = "/etc/tencentchat_exporter/tencentchat_exporter.cfg";

static int put(FILE *to, struct buf *b, int status)
{
	if (b->status != ERR_OK || fwrite(b->at, 1, b->len, to) != b->len || fflush(to) != 0)
		status = EXIT_RUN;
	buf_done(b);
	return status;
}

static int explain(void (*write)(struct buf *))
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	write(&b);
	return put(stdout, &b, 0);
}

/* Logging of the file, overridden by the flags. */
static enum err open_log(const struct flags *f, const struct conf *c, struct why *why)
{
	const char *level = f->log_level != NULL ? f->log_level : c->log_level;
	const char *format = f->log_format != NULL ? f->log_format : c->log_format;
	enum log_level floor;
	enum log_form form;

	if (!log_level_of(level, &floor))
		return err_because(why, ERR_CONFIG, "log level '%.40s' is not one of debug, info, warn, error",
		                   level);
	if (!log_form_of(format, &form))
		return err_because(why, ERR_CONFIG, "log format '%.40s' is not one of logfmt, json", format);
	log_open(floor, form);
	return ERR_OK;
}

/* The process itself: no core dump and no ptrace (libcurl keeps copies of signed URLs), as many descriptors
 * as it may have, numbers with a point, and a broken connection is an error code and not a signal. */
static void settle(void)
{
	struct rlimit fds;
	const struct rlimit no_core = { 0, 0 };

	(void)setlocale(LC_ALL, "C");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &no_core);
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the leak checker has to trace its own process */
#endif
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
		fds.rlim_cur = fds.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &fds);
	}
}

static int check(const struct conf *c)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	conf_print(c, &b);
	return put(stdout, &b, 0);
}

static int serve(const struct flags *f, struct conf *c)
{
	const struct daemon_listen listen = { f->listen.at, f->listen.n };
	struct why why = { 0 };
	enum err e;

	if (open_log(f, c, &why) != ERR_OK) {
		fprintf(stderr, "tencentchat_exporter: %s\n", why.text);
		return EXIT_USAGE;
	}
	e = daemon_run(c, &listen);
	if (e == ERR_CONFIG)
		return EXIT_USAGE;
	return e == ERR_OK ? 0 : EXIT_RUN;
}

/* What flags say in the place of the file. */
static enum err override(const struct flags *f, struct conf *c)
{
	struct why why = { 0 };
	enum err e = ERR_OK;

	if (f->telemetry_path != NULL)
		c->telemetry_path = f->telemetry_path;
	if (f->max_requests != NULL)
		e = conf_set_whole(c, "web.max_requests", f->max_requests, &why);
	if (e != ERR_OK)
		fprintf(stderr, "tencentchat_exporter: flag '--web.max-requests': %s\n", why.text);
	return e;
}

static int with_config(const struct flags *f)
{
	struct conf *c = NULL;
	struct buf faults;
	enum err e;
	int status;

	buf_init(&faults, TEXT_MAX);
	e = conf_load(f->config_file != NULL ? f->config_file : default_config, &c, &faults);
	if (faults.len > 0 && put(stderr, &faults, 0) != 0)
		e = ERR_SYSTEM;
	buf_done(&faults);
	if (e != ERR_OK)
		return EXIT_USAGE;
	e = override(f, c);
	status = e != ERR_OK ? EXIT_USAGE : f->config_check ? check(c) : serve(f, c);
	conf_free(c);
	return status;
}

int main(int argc, char **argv)
{
	struct flags f;
	struct why why;

	settle();
	if (flags_read(argc, argv, &f, &why) != ERR_OK) {
		fprintf(stderr, "tencentchat_exporter: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (f.help)
		return explain(flags_explain);
	if (f.version)
		return explain(version_explain);
	if (f.metrics_list)
		return explain(metric_explain);
	if (f.config_list_options)
		return explain(conf_explain);
	return with_config(&f);
}
