/* Orders very many numbers, or names by numbers made of them. */
#include <string.h>

#include "exporters/pages/status_inside.h"

enum { DIGIT = 8, DIGITS = 1 << DIGIT, AHEAD = 8 };

/* ---- numbers ---- */
static size_t digit(const struct order_key *k, int shift)
{
	return k->key >> shift & (DIGITS - 1);
}

/* Stable: the lowest digit first. Digits that are the same everywhere cost one look. */
static void sort_keys(struct order_key *at, struct order_key *room, size_t n)
{
	struct order_key *from = at, *to = room, *other;

	for (int shift = 0; shift < 64; shift += DIGIT) {
		size_t count[DIGITS] = { 0 }, place = 0;

		for (size_t i = 0; i < n; i++)
			count[digit(&from[i], shift)]++;
		if (count[digit(&from[0], shift)] == n)
			continue;
		for (size_t d = 0; d < DIGITS; d++) {
			const size_t here = count[d];

			count[d] = place;
			place += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[digit(&from[i], shift)]++] = from[i];
		other = from;
		from = to;
		to = other;
	}
	if (from != at)
		memcpy(at, from, n * sizeof(at[0]));
}

/* ---- names ---- */
static unsigned char folded(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t shared_with(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && folded(a[n]) == folded(b[n]))
		n++;
	return n;
}

static uint64_t eight_of(const char *name, bool reverse)
{
	uint64_t eight = 0;
	bool ended = false;

	for (size_t i = 0; i < sizeof(eight); i++) {
		ended = ended || name[i] == '\0';
		eight = eight << 8 | (ended ? 0 : folded(name[i]));
	}
	return reverse ? ~eight : eight;
}

/* Names that are the same so far and end here differ in nothing that follows. */
static bool goes_on(const struct order_key *k, bool reverse)
{
	return ((reverse ? ~k->key : k->key) & 0xff) != 0;
}

/* The names lie anywhere in memory; asking for those that come next hides the way there. */
static const char *name_of(const struct ordering *o, const struct order_key *at, size_t i, size_t n)
{
	if (i + AHEAD < n)
		__builtin_prefetch(o->name[at[i + AHEAD].i]);
	return o->name[at[i].i];
}

/* How much all names have in common behind `from`. */
static size_t shared_by_all(const struct ordering *o, const struct order_key *at, size_t n, size_t from)
{
	size_t shared = SIZE_MAX;

	for (size_t i = 1; i < n && shared > 0; i++) {
		const size_t same = shared_with(o->name[at[0].i] + from, name_of(o, at, i, n) + from);

		shared = same < shared ? same : shared;
	}
	return shared;
}

/* Orders at[0..n), whose names are the same before `from`, as far as the places from `first` to `end` need
 * it: by eight bytes, and who is the same then by eight more behind what these have in common. */
static void sort_names(const struct ordering *o, struct order_key *at, size_t n, size_t from, size_t first,
                       size_t end)
{
	size_t run;

	for (size_t i = 0; i < n; i++)
		at[i].key = eight_of(name_of(o, at, i, n) + from, o->reverse);
	sort_keys(at, o->room, n);
	from += sizeof(at[0].key);
	for (size_t i = 0; i < n && i < end; i += run) {
		for (run = 1; i + run < n && at[i + run].key == at[i].key; run++)
			;
		if (run > 1 && i + run > first && goes_on(&at[i], o->reverse))
			sort_names(o, at + i, run, from + shared_by_all(o, at + i, run, from), first > i ? first - i : 0,
			           end - i);
	}
}

void order_take_name(struct ordering *o, size_t n, size_t i, const char *name)
{
	const size_t same = n > 0 ? shared_with(o->name[o->at[0].i], name) : SIZE_MAX;

	o->name[i] = name;
	o->shared = n == 0 || same < o->shared ? same : o->shared;
}

void order_names(const struct ordering *o, size_t n, size_t first, size_t end)
{
	if (n > 0)
		sort_names(o, o->at, n, n > 1 ? o->shared : 0, first, end);
}

void order_numbers(const struct ordering *o, size_t n)
{
	if (n > 0)
		sort_keys(o->at, o->room, n);
}
