/* The command line's side of the program: what was asked for, and the exit status.
 * 0 fine, 1 run-time failure, 2 usage or configuration error. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/base/log.h"
#include "agent/base/redact.h"
#include "agent/config/conf.h"
#include "agent/daemon.h"
#include "agent/flags.h"
#include "agent/once.h"
#include "agent/planner.h"
#include "agent/process/activation.h"
#include "agent/secure.h"
#include "agent/shard.h"
#include "agent/version.h"
#include "exporters/metric/catalog.h"

enum { EXIT_RUN = 1, EXIT_USAGE = 2, TEXT_MAX = 64 << 20 };

static const char default_config[] = "/etc/tencentchat_exporter/tencentchat_exporter.cfg";

static int put(FILE *to, struct buf *b, int status)
{
	if (to == stderr && b->len > 0)
		redact(b->at, b->len); /* it may quote what stands in a file */
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

/* The process itself: no core dump and no ptrace (libcurl keeps copies of signed URLs), as many descriptors
 * as it may have, numbers with a point, and a broken connection is an error code and not a signal. */
static void settle(void)
{
	static const char *const unwanted[] = {
		"SSLKEYLOGFILE", /* OpenSSL and GnuTLS would write the keys of every connection there */
		"http_proxy",    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
	};
	struct rlimit fds;
	const struct rlimit no_core = { 0, 0 };

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		(void)unsetenv(unwanted[i]);
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

static int check(struct conf *c, const char *path)
{
	struct buf b, faults;
	enum err e;
	int status;

	buf_init(&b, TEXT_MAX);
	buf_init(&faults, TEXT_MAX);
	conf_print(c, &b);
	e = shard_narrow(c); /* behind the whole configuration stands the plan of a part */
	if (e == ERR_OK)
		e = planner(c, path, &b, &faults);
	if (e != ERR_MEMORY && secure_check(c->web_config_file, &faults) != ERR_OK)
		e = ERR_CONFIG;
	status = put(stdout, &b, e == ERR_OK ? 0 : e == ERR_CONFIG ? EXIT_USAGE : EXIT_RUN);
	return faults.len > 0 ? put(stderr, &faults, status) : status;
}

static int run_once(const struct flags *f, struct conf *c)
{
	enum once_format format = ONCE_TEXT;

	if (f->output_format != NULL && !once_format_of(f->output_format, &format)) {
		fprintf(
			stderr,
			"tencentchat_exporter: flag '--output.format': '%.40s' is not one of text, openmetrics, json\n",
			f->output_format);
		return EXIT_USAGE;
	}
	daemon_log(c);
	return once(c, format, f->output_file) == ERR_OK ? 0 : EXIT_RUN;
}

static int serve(const struct flags *f, struct conf **c, const char *path)
{
	struct activation sockets;
	struct daemon_listen listen = {
		.path = path, .flags = f, .fd = sockets.fd, .sandbox = f->sandbox != FLAG_NO
	};
	struct why why = { 0 };
	enum err e;

	if (activation_take(f->systemd_socket, &sockets, &why) != ERR_OK) {
		fprintf(stderr, "tencentchat_exporter: %s\n", why.text);
		return EXIT_USAGE;
	}
	listen.fd_n = sockets.n;
	daemon_log(*c);
	e = daemon_run(c, &listen);
	if (e == ERR_CONFIG)
		return EXIT_USAGE;
	return e == ERR_OK ? 0 : EXIT_RUN;
}

/* What the flags ask for. */
static int act(const struct flags *f, struct conf **c, const char *path)
{
	if (f->config_check)
		return check(*c, path);
	if (shard_narrow(*c) != ERR_OK) {
		fprintf(stderr, "tencentchat_exporter: %s\n", err_text(ERR_MEMORY));
		return EXIT_RUN;
	}
	return f->once ? run_once(f, *c) : serve(f, c, path);
}

static int with_config(const struct flags *f)
{
	const char *path = f->config_file != NULL ? f->config_file : default_config;
	struct conf *c = NULL;
	struct why why = { 0 };
	struct buf faults;
	enum err e;
	int status;

	buf_init(&faults, TEXT_MAX);
	e = conf_load(path, &c, &faults);
	if (faults.len > 0 && put(stderr, &faults, 0) != 0)
		e = ERR_SYSTEM;
	buf_done(&faults);
	if (e != ERR_OK)
		return EXIT_USAGE;
	e = flags_apply(f, c, &why);
	if (e != ERR_OK)
		fprintf(stderr, "tencentchat_exporter: %s\n", why.text);
	status = e != ERR_OK ? EXIT_USAGE : act(f, &c, path);
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
	if (!f.once && (f.output_file != NULL || f.output_format != NULL)) {
		fputs("tencentchat_exporter: --output.file and --output.format belong to --once\n", stderr);
		return EXIT_USAGE;
	}
	return with_config(&f);
}
