#include "tests/simulator/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
	OPT_SCENARIO = 1,
	OPT_DIRECTORY,
	OPT_LISTEN,
	OPT_CONTROL,
	OPT_DURATION,
	OPT_CERTIFICATE,
	OPT_PLAIN,
	OPT_CHECK,
	OPT_HELP
};

static const struct option names[] = {
	{ "scenario", required_argument, NULL, OPT_SCENARIO },
	{ "directory", required_argument, NULL, OPT_DIRECTORY },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "certificate", required_argument, NULL, OPT_CERTIFICATE },
	{ "plain", no_argument, NULL, OPT_PLAIN },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

const char *options_usage(void)
{
	return "usage: chat_simulator --scenario=FILE --directory=DIR [flags]\n"
		   "\n"
		   "Stands in for the server API of Tencent Cloud Chat, on loopback only.\n"
		   "\n"
		   "  --scenario=FILE           the world to play (README.md describes the format)\n"
		   "  --directory=DIR           where ca.pem, SDKAPPID.key and, once all is ready, ready.json are "
		   "written\n"
		   "  --listen=127.0.0.1:0      address of the API; port 0 takes a free one\n"
		   "  --control=127.0.0.1:0     address of the control endpoint\n"
		   "  --duration=SECONDS        end after so long; 0 (the default): on SIGTERM or SIGINT\n"
		   "  --certificate=good        or expired, wrong-host, unknown-ca, old-tls; POST /certificate "
		   "changes it\n"
		   "  --plain                   the API over http, for benches\n"
		   "  --check                   read the scenario, say whether it is right, and end\n"
		   "  --help                    this text\n"
		   "\n"
		   "Ends with 0 when it was told to end, 1 when it failed, 2 for a mistake in the flags or the "
		   "scenario.\n";
}

static enum err read_certificate(const char *text, enum certs_kind *ret, struct why *why)
{
	enum certs_kind kind = certs_kind_of(text);

	if (kind == CERTS_KIND_COUNT)
		return err_because(why, ERR_CONFIG,
		                   "--certificate must be good, expired, wrong-host, unknown-ca or old-tls");
	*ret = kind;
	return ERR_OK;
}

static enum err read_duration(const char *text, int64_t *ret, struct why *why)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 || n > 31622400)
		return err_because(why, ERR_CONFIG, "--duration must be 0 to 31622400 seconds");
	*ret = n;
	return ERR_OK;
}

static enum err read_one(int id, struct options *o, struct why *why)
{
	switch (id) {
	case OPT_SCENARIO:
		o->scenario = optarg;
		return ERR_OK;
	case OPT_DIRECTORY:
		o->directory = optarg;
		return ERR_OK;
	case OPT_LISTEN:
		return listen_parse(optarg, &o->api, why);
	case OPT_CONTROL:
		return listen_parse(optarg, &o->control, why);
	case OPT_DURATION:
		return read_duration(optarg, &o->duration_s, why);
	case OPT_CERTIFICATE:
		return read_certificate(optarg, &o->certificate, why);
	case OPT_PLAIN:
		o->plain = true;
		return ERR_OK;
	case OPT_CHECK:
		o->check = true;
		return ERR_OK;
	case OPT_HELP:
		o->help = true;
		return ERR_OK;
	default:
		return err_because(why, ERR_CONFIG, "an unknown flag, or a flag without its value; see --help");
	}
}

enum err options_read(int argc, char **argv, struct options *ret, struct why *why)
{
	struct options o = { 0 };
	enum err e = listen_parse("127.0.0.1:0", &o.api, why);
	int id;

	o.control = o.api;
	opterr = 0;
	while (e == ERR_OK && (id = getopt_long(argc, argv, "", names, NULL)) != -1)
		e = read_one(id, &o, why);
	if (e == ERR_OK && optind < argc)
		e = err_because(why, ERR_CONFIG, "'%.100s' is no flag", argv[optind]);
	if (e == ERR_OK && !o.help && o.scenario == NULL)
		e = err_because(why, ERR_CONFIG, "--scenario is needed");
	if (e == ERR_OK && !o.help && !o.check && o.directory == NULL)
		e = err_because(why, ERR_CONFIG, "--directory is needed");
	if (e == ERR_OK)
		*ret = o;
	return e;
}
