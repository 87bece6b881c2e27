/* Answers of get_appid_group_list, as a hostile or broken service could send them, and the walk over them.
 *
 * The input is one or more answers with the byte 0x1e between them: the pages of one listing. */
#include <inttypes.h>
#include <string.h>

#include "exporters/groups/groups.h"
#include "tests/fuzz/line.h"

enum { SEPARATOR = 0x1e };

static const char *const star[] = { "@TGS#_*" };
static const struct groups_filter some = { star, 1, NULL, 0 }, others = { NULL, 0, star, 1 };

/* Decodes a copy exactly as large as the text, so that ASan sees a read past its end. */
static void decode(const char *json, size_t len, struct groups_page *ret)
{
	char *text = malloc(len > 0 ? len : 1);
	struct why why = { "" };

	MUST(text != NULL);
	if (len > 0)
		memcpy(text, json, len);
	groups_decode(text, len, ret, &why);
	MUST((ret->outcome.err == ERR_OK) == (ret->outcome.verdict == CHAT_FINE));
	MUST((ret->outcome.err == ERR_OK) == (why.text[0] == '\0'));
	MUST(ret->outcome.err != ERR_LOCAL_RESOURCE);
	MUST(text_is_valid(why.text, strlen(why.text)));
	MUST(ret->outcome.err == ERR_OK || (ret->n == 0 && ret->next == 0));
	free(text);
}

static void check_id(const char *id)
{
	const size_t len = strlen(id);

	MUST(len >= 1 && len <= GROUPS_ID_MAX && text_is_valid(id, len));
	for (size_t i = 0; i < len; i++)
		MUST((unsigned char)id[i] >= 0x20 && id[i] != 0x7f);
	MUST(groups_wanted(id, &some) != groups_wanted(id, &others));
	MUST(groups_wanted(id, &some) == (strncmp(id, "@TGS#_", 6) == 0));
}

/* Unless its digits were escaped, a Next that was read stands in the answer with exactly these digits. */
static void check_next(const char *json, size_t len, uint64_t next)
{
	char digits[24];
	const int n = snprintf(digits, sizeof(digits), "%" PRIu64, next);

	MUST(next == 0 || memchr(json, '\\', len) != NULL || memmem(json, len, digits, (size_t)n) != NULL);
}

static void check_page(const char *json, size_t len, const struct groups_page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		check_id(p->id[i]);
		MUST(i == 0 || strcmp(p->id[i - 1], p->id[i]) < 0);
	}
	MUST(p->n <= p->listed && (p->listed == 0 || p->n > 0));
	MUST(p->total >= -1);
	check_next(json, len, p->next);
}

static void check_twin(const struct groups_page *a, const struct groups_page *b)
{
	MUST(a->outcome.err == b->outcome.err && a->n == b->n && a->next == b->next && a->total == b->total);
	MUST(a->listed == b->listed && a->doubtful == b->doubtful && a->repaired == b->repaired);
	for (size_t i = 0; i < a->n; i++)
		MUST(strcmp(a->id[i], b->id[i]) == 0);
}

/* What the next question asks for was never answered before. */
static bool take(struct groups_walk *w, const struct groups_page *p)
{
	const struct groups_walk before = *w;
	struct why why = { "" };
	const enum groups_step step = groups_walk_page(w, p, &why);

	MUST((step == GROUPS_BROKEN) == (why.text[0] != '\0'));
	MUST(step != GROUPS_DONE || p->next == 0);
	if (step != GROUPS_MORE)
		return false;
	MUST(w->next == p->next && w->next != 0 && w->pages == before.pages + 1);
	for (uint32_t i = 0; i < before.pages; i++)
		MUST(before.seen[i] != w->next);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data, *end = text + len;
	struct groups_walk walk;
	bool more = true;

	groups_walk_begin(&walk);
	while (more && text <= end) {
		const char *stop = text < end ? memchr(text, SEPARATOR, (size_t)(end - text)) : NULL;
		struct groups_page once, twice;

		if (stop == NULL)
			stop = end;
		decode(text, (size_t)(stop - text), &once);
		decode(text, (size_t)(stop - text), &twice);
		check_twin(&once, &twice);
		if (once.outcome.err == ERR_OK) {
			check_page(text, (size_t)(stop - text), &once);
			more = take(&walk, &once);
		}
		groups_page_done(&once);
		groups_page_done(&twice);
		text = stop + 1;
	}
	return 0;
}
