/* Both manual pages. */
#include <string.h>

#include "agent/config/conf.h"
#include "deploy/manual/docs.h"
#include "deploy/manual/roff.h"

enum { TEXT_MAX = 1 << 20, CELLS = 4 };

/* ---- tencentchat_exporter(8) ---- */
static void put_flag(struct buf *out, const struct docs_flag *f)
{
	buf_str(out, ".TP\n\\fB\\-\\-");
	if (f->kind == DOCS_CHOICE)
		buf_str(out, "[no\\-]");
	roff_plain(out, f->name, strlen(f->name), true);
	buf_str(out, "\\fR");
	if (docs_takes_value(f)) {
		buf_str(out, "=\\fI");
		roff_plain(out, f->argument, strlen(f->argument), true);
		buf_str(out, "\\fR");
	}
	buf_str(out, "\n");
	roff_line(out, f->help);
}

static const char *const about[] = {
	"\\fBtencentchat_exporter\\fR polls the communities of Tencent Cloud Chat apps (\\fBget_topic\\fR) "
	"within a budget",
	"of calls a second and serves what it learnt to Prometheus: topics, messages, mute states, and how the "
	"polling itself fares.",
	"What is not known is absent from the page, never zero and never old.",
	".PP",
	"The configuration is described in",
	".BR tencentchat_exporter.cfg (5).",
	"A flag wins over the file. Flags are long and take their value after \\fB=\\fR or as the next word.",
};

static void put_lines(struct buf *out, const char *const *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, "%s\n", line[i]);
}

static void program(struct buf *out)
{
	roff_head(out, "TENCENTCHAT_EXPORTER", "8", "Prometheus exporter for communities of Tencent Cloud Chat");
	buf_str(
		out,
		".SH SYNOPSIS\n.B tencentchat_exporter\n[\\fB\\-\\-config.file\\fR=\\fIFILE\\fR]\n[\\fIflags\\fR]\n");
	buf_str(out, ".SH DESCRIPTION\n");
	put_lines(out, about, sizeof(about) / sizeof(about[0]));
	buf_str(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < docs_flag_n; i++)
		put_flag(out, &docs_flags[i]);
	buf_str(out, ".SH PAGES\n");
	roff_item(out, "/metrics", "the metrics; `?level=app`, `?app=NAME` and `?name[]=METRIC` narrow them");
	roff_item(out, "/-/healthy",
	          "200, or 503 when polls are due and none was started or finished for a minute");
	roff_item(out, "/-/ready", "503 until every app finished its first sweep, then 200");
	roff_item(out, "/-/reload",
	          "POST or PUT: reads the configuration again; 403 unless lifecycle is enabled");
	roff_item(out, "/", "name, version, and links to the others");
	buf_str(out, ".SH SIGNALS\n");
	roff_item(out, "SIGTERM, SIGINT", "end the program; pages under way are finished within two seconds");
	roff_item(out, "SIGHUP", "reads the configuration again; one with a fault changes nothing");
	buf_str(out, ".SH EXIT STATUS\n");
	roff_item(out, "0", "an orderly end");
	roff_item(out, "1", "a failure while running; with `--once`: a community failed");
	roff_item(
		out, "2",
		"a flag or the configuration is wrong; each fault is told on standard error as file, line, what is "
		"wrong and what is allowed");
	buf_str(out, ".SH FILES\n");
	roff_item(out, "/etc/tencentchat_exporter/tencentchat_exporter.cfg", "the configuration");
	buf_str(
		out,
		".SH EXAMPLES\nCheck a configuration, and what it will cost:\n.PP\n.RS 4\n.B tencentchat_exporter "
		"\\-\\-config.file=my.cfg \\-\\-config.check\n.RE\n.PP\nWrite a file for the textfile "
		"collector:\n.PP\n.RS 4\n"
		".B tencentchat_exporter \\-\\-config.file=my.cfg \\-\\-once \\-\\-output.file=chat.prom\n.RE\n");
	buf_str(out, ".SH SEE ALSO\n.BR tencentchat_exporter.cfg (5),\n.BR prometheus (1)\n");
}

/* ---- tencentchat_exporter.cfg(5) ---- */
struct cell {
	const char *at;
	size_t len;
};

/* "| a | b |", whose cells hold no bar. False: no such line. */
static bool read_row(const char *line, size_t len, struct cell ret[CELLS])
{
	const char *end = line + len;

	for (int i = 0; i < CELLS; i++) {
		const char *bar;

		if (end - line < 3 || memcmp(line, "| ", 2) != 0)
			return false;
		line += 2;
		bar = memmem(line, (size_t)(end - line), " |", 2);
		if (bar == NULL)
			return false;
		ret[i] = (struct cell){ line, (size_t)(bar - line) };
		line = bar + 1;
	}
	return true;
}

static bool begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void put_option(struct buf *out, const struct cell cell[CELLS])
{
	buf_str(out, ".TP\n");
	roff_text(out, cell[0].at, cell[0].len);
	buf_str(out, "\n");
	roff_text(out, cell[3].at, cell[3].len);
	buf_str(out, ".\n.br\n");
	roff_text(out, cell[2].at, cell[2].len);
	if (cell[1].len > 0 && cell[1].at[0] == '`')
		buf_str(out, "; default ");
	else if (cell[1].len > 0)
		buf_str(out, "; default: ");
	roff_text(out, cell[1].at, cell[1].len);
	buf_str(out, "\n");
}

/* A line of the option table as Markdown; heads of tables say nothing here. */
static void put_markdown(struct buf *out, const char *line, size_t len)
{
	struct cell cell[CELLS];

	if (begins(line, len, "### ")) {
		buf_str(out, ".SS ");
		roff_plain(out, line + strlen("### "), len - strlen("### "), false);
		buf_str(out, "\n");
	} else if (begins(line, len, "| key ") || begins(line, len, "| ---")) {
		return;
	} else if (read_row(line, len, cell)) {
		put_option(out, cell);
	} else if (len > 0) {
		buf_str(out, ".PP\n");
		roff_text(out, line, len);
		buf_str(out, "\n");
	}
}

static const char *const syntax[] = {
	"The file that \\fB\\-\\-config.file\\fR of",
	".BR tencentchat_exporter (8)",
	"names, in the syntax of libconfig: \\fIname\\fR = \\fIvalue\\fR; groups in { }, lists in ( ) or [ ], "
	"texts in double",
	"quotes, comments after # or // or in /* */. Durations are those of Prometheus, in quotes: \"90s\", "
	"\"5m\", \"1h30m\".",
	"Paths are relative to the file. There is no @include.",
	".PP",
	"Keys with a dot stand in a group: \\fBpoll.interval\\fR is written poll: { interval = \"60s\"; };",
	".PP",
	"\\fBinterval\\fR, \\fBstale_after\\fR, \\fBsilent_after\\fR, \\fBfrom_account\\fR and \\fBadaptive\\fR "
	"stand in \\fBpoll\\fR,",
	"\\fBlevel\\fR in \\fBmetrics\\fR, and all of them in an app or in a community; the nearest wins.",
};

static const char *const example[] = {
	".nf",
	"apps = (",
	"  {",
	"    sdkappid        = 1400000001;",
	"    identifier      = \"administrator\";",
	"    secret_key_file = \"prod.key\";",
	"    region          = \"singapore\";",
	"    communities     = ( \"@TGS#_@TGS#cQVLVHIM62CJ\", { id = \"@TGS#_shop\"; name = \"shop\"; } );",
	"  }",
	");",
	".fi",
};

static void config(struct buf *out)
{
	struct buf markdown;

	buf_init(&markdown, TEXT_MAX);
	conf_explain(&markdown);
	roff_head(out, "TENCENTCHAT_EXPORTER.CFG", "5", "configuration of tencentchat_exporter");
	buf_str(out, ".SH DESCRIPTION\n");
	put_lines(out, syntax, sizeof(syntax) / sizeof(syntax[0]));
	buf_str(out, ".SH OPTIONS\n");
	for (const char *at = buf_text(&markdown); *at != '\0';) {
		const size_t len = strcspn(at, "\n");

		put_markdown(out, at, len);
		at += len + (at[len] == '\n');
	}
	buf_str(out, ".SH EXAMPLES\n");
	put_lines(out, example, sizeof(example) / sizeof(example[0]));
	buf_str(out, ".SH SEE ALSO\n.BR tencentchat_exporter (8)\n");
	if (markdown.status != ERR_OK)
		out->status = ERR_MEMORY;
	buf_done(&markdown);
}

void man_program(struct buf *out)
{
	roff_page(out, program);
}

void man_config(struct buf *out)
{
	roff_page(out, config);
}
