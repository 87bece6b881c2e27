/* Replies of get_topic in, exposition lines out: topic_golden [--update] FOLDER. README.md tells the files of
 * a case. Exit 0 when every case gives what its .want says. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "exporters/metric/sample.h"
#include "exporters/topic/topic.h"
#include "tests/fuzz/line.h"

enum { NAME_MAX_LEN = 200, PATH_LEN = 4096, CASES_MAX = 500, REPLIES_MAX = 9 };
enum { TEXT_MAX = 16 << 20 };

struct settings {
	char community[128];
	bool observer;
	int64_t now_s, step_s, keep_s, silent_after_s;
	size_t fill; /* how many letters stand for "@FILL@" in a reply */
};

/* ---- files ---- */
/* The whole file behind what `ret` holds; false when there is none. */
static bool read_file(const char *folder, const char *name, const char *ending, struct buf *ret)
{
	char path[PATH_LEN];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
	f = fopen(path, "rb");
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

static void write_want(const char *folder, const char *name, const struct buf *text)
{
	char path[PATH_LEN];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.want", folder, name);
	f = fopen(path, "wb");
	MUST(f != NULL && fwrite(text->at, 1, text->len, f) == text->len && fclose(f) == 0);
}

/* ---- settings: lines of a word and a value ---- */
static bool set(struct settings *s, const char *key, const char *value)
{
	const struct {
		const char *key;
		int64_t *at;
	} number[] = {
		{ "now", &s->now_s },
		{ "step", &s->step_s },
		{ "keep", &s->keep_s },
		{ "silent_after", &s->silent_after_s },
	};

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		if (strcmp(key, number[i].key) == 0) {
			*number[i].at = strtoimax(value, NULL, 10);
			return true;
		}
	}
	if (strcmp(key, "observer") == 0)
		s->observer = strcmp(value, "on") == 0;
	else if (strcmp(key, "fill") == 0)
		s->fill = strtoumax(value, NULL, 10);
	else if (strcmp(key, "community") == 0)
		(void)snprintf(s->community, sizeof(s->community), "%s", value);
	else
		return false;
	return true;
}

static bool read_settings(const char *folder, const char *name, struct settings *ret)
{
	struct buf text;
	char *line, *rest;
	bool fine = true;

	*ret = (struct settings){
		.community = "@TGS#_a",
		.now_s = 1700000000,
		.step_s = 60,
		.keep_s = 300,
		.silent_after_s = 86400,
	};
	buf_init(&text, TEXT_MAX);
	if (read_file(folder, name, ".opts", &text)) {
		(void)buf_text(&text);
		rest = text.at;
		while ((line = strsep(&rest, "\n")) != NULL) {
			char *value = strchr(line, ' ');

			if (*line == '\0')
				continue;
			if (value != NULL)
				*value++ = '\0';
			if (value == NULL || !set(ret, line, value)) {
				(void)printf("%s: no such setting: '%s'\n", name, line);
				fine = false;
			}
		}
	}
	buf_done(&text);
	return fine;
}

/* ---- replies ---- */
static void fill(struct buf *reply, size_t n)
{
	static const char mark[] = "@FILL@";
	struct buf with;
	char *at = memmem(reply->at, reply->len, mark, sizeof(mark) - 1);

	if (at == NULL)
		return;
	buf_init(&with, TEXT_MAX);
	buf_add(&with, reply->at, (size_t)(at - reply->at));
	for (size_t i = 0; i < n; i++)
		buf_str(&with, "x");
	at += sizeof(mark) - 1;
	buf_add(&with, at, (size_t)(reply->at + reply->len - at));
	buf_done(reply);
	*reply = with;
}

/* Reply number `n` of a case: NAME.json or NAME.bin for a case of one, NAME.N.json or NAME.N.bin. */
static bool read_reply(const char *folder, const char *name, int n, struct buf *ret)
{
	char ending[32];

	if (n == 1 && (read_file(folder, name, ".json", ret) || read_file(folder, name, ".bin", ret)))
		return true;
	(void)snprintf(ending, sizeof(ending), ".%d.json", n);
	if (read_file(folder, name, ending, ret))
		return true;
	(void)snprintf(ending, sizeof(ending), ".%d.bin", n);
	return read_file(folder, name, ending, ret);
}

/* ---- what comes out ---- */
static void show_samples(const struct facts *f, const struct settings *s, struct buf *out)
{
	char text[1024];
	struct buf labels, id;
	struct topic_place at;
	const size_t start = out->len;

	buf_wrap(&labels, text, sizeof(text) / 2);
	buf_wrap(&id, text + sizeof(text) / 2, sizeof(text) / 2);
	label_add(&labels, "sdkappid", span_of("1"), 0);
	label_add(&labels, "community", span_of(s->community), 0);
	label_escape(&id, span_of(s->community), 0);
	at = (struct topic_place){ buf_view(&labels), buf_view(&id) };
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metric_info *info = metric_info((enum metric)m);

		if (info->from != METRIC_FACTS)
			continue;
		if (info->scope == METRIC_TOPIC)
			MUST(topic_samples(f, (enum metric)m, &at, 0, 0, out) == facts_topics(f));
		else
			topic_community_sample(f, (enum metric)m, &at, 0, out);
	}
	MUST(out->status == ERR_OK && lines_are_valid(out->at + start, out->len - start));
}

static void show(const struct topic_answer *a, const struct why *why, const struct settings *s,
                 struct buf *out)
{
	struct topic_mutes mutes;

	if (a->facts == NULL) {
		buf_fmt(out, "refused: %s, code %d: %s\n", err_label(a->outcome.err), a->outcome.code, why->text);
		return;
	}
	mutes = facts_mutes(a->facts);
	buf_fmt(out, "usable: repaired %u, doubtful %u, lowered %u\n", a->repaired, a->doubtful, a->lowered);
	buf_fmt(out, "known topics: muted %" PRIu64 ", open %" PRIu64 ", unknown %" PRIu64 "\n", mutes.muted,
	        mutes.open, mutes.unknown);
	for (size_t i = 0; i < a->error_n; i++)
		buf_fmt(out, "api_topic_errors: code %d, %u times\n", a->errors[i].code, a->errors[i].n);
	show_samples(a->facts, s, out);
}

/* Runs a case as the program would: a reply that is refused leaves the facts before it. */
static void run(const char *folder, const char *name, const struct settings *s, struct buf *out)
{
	struct topic_context c = {
		.community = s->community,
		.observer = s->observer,
		.silent_after_s = s->silent_after_s,
		.keep_ms = s->keep_s * 1000,
		.now = { .mono_ms = 1000000, .unix_s = s->now_s },
	};
	struct facts *facts = NULL;

	for (int n = 1; n <= REPLIES_MAX; n++) {
		struct topic_answer a;
		struct why why = { "" };
		struct buf reply;

		buf_init(&reply, TEXT_MAX);
		if (!read_reply(folder, name, n, &reply)) {
			buf_done(&reply);
			break;
		}
		fill(&reply, s->fill);
		topic_decode(reply.len > 0 ? reply.at : (char[]){ "" }, reply.len, &c, facts, &a, &why);
		buf_fmt(out, "# reply %d\n", n);
		show(&a, &why, s, out);
		buf_done(&reply);
		if (a.facts != NULL) {
			facts_drop(facts);
			facts = a.facts;
		}
		c.now.unix_s += s->step_s;
		c.now.mono_ms += s->step_s * 1000;
	}
	facts_drop(facts);
}

/* ---- comparing ---- */
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
		const bool ended = w >= want->len || h >= have->len;

		if (ended || w_len != h_len || memcmp(want->at + w, have->at + h, w_len) != 0) {
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

static bool check_case(const char *folder, const char *name, bool update)
{
	struct settings s;
	struct buf want, have;
	bool fine;

	buf_init(&want, TEXT_MAX);
	buf_init(&have, TEXT_MAX);
	fine = read_settings(folder, name, &s);
	run(folder, name, &s, &have);
	if (have.len == 0) {
		(void)printf("%s: a case without a reply\n", name);
		fine = false;
	} else if (update) {
		write_want(folder, name, &have);
	} else if (!read_file(folder, name, ".want", &want)) {
		(void)printf("%s: no %s.want\n", name, name);
		fine = false;
	} else {
		fine = compare(name, &want, &have) && fine;
	}
	buf_done(&want);
	buf_done(&have);
	return fine;
}

/* ---- cases ---- */
static bool cut_ending(char *name, const char *ending)
{
	const size_t len = strlen(name), n = strlen(ending);

	if (len <= n || strcmp(name + len - n, ending) != 0)
		return false;
	name[len - n] = '\0';
	return true;
}

/* The case a file belongs to: its name without .want, .opts, .json or .bin and without a reply's number. */
static bool find_case(const char *file, char name[NAME_MAX_LEN])
{
	size_t len;

	if (snprintf(name, NAME_MAX_LEN, "%s", file) >= NAME_MAX_LEN)
		return false;
	if (!cut_ending(name, ".json") && !cut_ending(name, ".bin") && !cut_ending(name, ".want") &&
	    !cut_ending(name, ".opts"))
		return false;
	len = strlen(name);
	if (len > 2 && name[len - 2] == '.' && name[len - 1] >= '1' && name[len - 1] <= '9')
		name[len - 2] = '\0';
	return true;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(left, right);
}

static size_t list_cases(const char *folder, char cases[][NAME_MAX_LEN])
{
	DIR *d = opendir(folder);
	const struct dirent *entry;
	size_t n = 0, kept = 0;

	if (d == NULL) {
		(void)fprintf(stderr, "cannot read '%s': %s\n", folder, strerror(errno));
		return 0;
	}
	while ((entry = readdir(d)) != NULL) {
		MUST(n < CASES_MAX);
		if (entry->d_name[0] != '.' && find_case(entry->d_name, cases[n]))
			n++;
	}
	(void)closedir(d);
	qsort(cases, n, NAME_MAX_LEN, by_name);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(cases[kept - 1], cases[i]) != 0)
			memmove(cases[kept++], cases[i], NAME_MAX_LEN);
	return kept;
}

int main(int argc, char **argv)
{
	static char cases[CASES_MAX][NAME_MAX_LEN];
	const bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
	size_t n, failed = 0;

	if (argc != 2 && !update) {
		(void)fprintf(stderr, "usage: topic_golden [--update] FOLDER\n");
		return 2;
	}
	n = list_cases(argv[argc - 1], cases);
	for (size_t i = 0; i < n; i++)
		failed += check_case(argv[argc - 1], cases[i], update) ? 0 : 1;
	(void)printf("%zu cases, %zu failed%s\n", n, failed, update ? ", .want files written" : "");
	return n > 0 && failed == 0 ? 0 : 1;
}
