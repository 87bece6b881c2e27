#include "agent/secure.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"

enum { FAULTS_MAX = 256 << 10, LINE_ROOM = 512 };

/* The first line. */
static void give_reason(struct buf *faults, size_t from, struct why *why)
{
	const char *text = buf_text(faults);
	const char *at = faults->len > from ? text + from : "cannot read the web configuration";

	(void)err_because(why, ERR_CONFIG, "%.*s", (int)strcspn(at, "\n"), at);
}

enum err secure_load(const char *path, struct secure *ret, struct buf *faults, struct why *why)
{
	const size_t from = faults->len;
	struct secure s = { .file = NULL };
	enum err e = ERR_OK;

	if (path[0] != '\0')
		e = web_file_load(path, &s.file, faults);
	if (e != ERR_OK) {
		give_reason(faults, from, why);
		return e;
	}
	if (s.file != NULL) {
		s.user = calloc(s.file->user_n + 1, sizeof(s.user[0]));
		if (s.user == NULL) {
			secure_done(&s);
			return err_because(why, ERR_MEMORY, "cannot read '%.100s': out of memory", path);
		}
		for (size_t i = 0; i < s.file->user_n; i++)
			s.user[i] = (struct web_user){ s.file->user[i].name, s.file->user[i].password_hash };
		s.web = (struct web_secure){ .cert = s.file->cert,
			                         .key = s.file->key,
			                         .client_ca = s.file->client_ca,
			                         .tls13 = s.file->tls13,
			                         .user = s.user,
			                         .user_n = s.file->user_n };
	}
	*ret = s;
	return ERR_OK;
}

static void tell(struct buf *faults, enum log_level level)
{
	char line[LINE_ROOM];

	for (const char *at = buf_text(faults); *at != '\0';) {
		const size_t len = strcspn(at, "\n"), shown = len < sizeof(line) ? len : sizeof(line) - 1;

		memcpy(line, at, shown);
		line[shown] = '\0';
		LOG(level, "web_config", LOG_TEXT("what", line));
		at += len + (at[len] == '\n');
	}
}

enum err secure_load_and_tell(const char *path, struct secure *ret, struct why *why)
{
	struct buf faults;
	enum err e;

	buf_init(&faults, FAULTS_MAX);
	e = secure_load(path, ret, &faults, why);
	if (faults.len > 0)
		tell(&faults, e == ERR_OK ? SAY_WARN : SAY_ERROR);
	buf_done(&faults);
	return e;
}

enum err secure_check(const char *path, struct buf *faults)
{
	struct secure s = { .file = NULL };
	const enum err e = secure_load(path, &s, faults, NULL);

	secure_done(&s);
	return e;
}

void secure_done(struct secure *s)
{
	free(s->user);
	web_file_free(s->file);
	*s = (struct secure){ .file = NULL };
}
