/* Bodies that go compressed to whoever takes them so. */
#ifndef EXPORTERS_PAGES_PACK_H
#define EXPORTERS_PAGES_PACK_H

#include "exporters/web/web.h"

/* Whether a field that is a list has `word` as one of its elements, with a weight above 0. */
bool pack_lists(const struct web_request *q, const char *field, const char *word);
/* Compresses the body when the client takes gzip and it is worth while, and says so in the reply. Without
 * memory it stays as it is. `vary` of the reply must name Accept-Encoding. */
void pack_body(const struct web_request *q, struct web_reply *reply);

#endif
