/* Weighted lists, "a;x=y;q=0.5, b" (RFC 9110 12.4.2): what Accept and Accept-Encoding have in common. Pure;
 * spans are parts of what was given. */
#ifndef EXPORTERS_EXPOSITION_CLAUSE_H
#define EXPORTERS_EXPOSITION_CLAUSE_H

#include "agent/base/buf.h"

enum { WEIGHT_WHOLE = 1000000 };

struct clause {
	struct span name;       /* what stands in front of the parameters; may be anything, also empty */
	struct span parameters; /* q too; for clause_parameter */
	int weight;             /* 0 to WEIGHT_WHOLE, which is also that of a clause without a q */
};
/* Takes the next clause off the list; false when none is left. One whose weight is not a number from 0 to 1
 * is passed over. */
bool clause_next(struct span *list, struct clause *ret);
/* Takes the next parameter off; false when none is left. A value loses its quotes and is empty when there is
 * none. */
bool clause_parameter(struct span *parameters, struct span *ret_name, struct span *ret_value);

/* Cuts off what stands before the next `c` outside of quotes, without the blanks around it. A quote that is
 * never closed reaches to the end. */
struct span clause_cut(struct span *rest, char c);
struct span clause_trim(struct span s);
/* Case makes no difference. */
bool clause_is(struct span s, const char *word);

#endif
