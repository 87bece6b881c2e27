/* Memory that fails when a test wants it to. For programs linked with MEMORY_WRAPS (CMakeLists.txt): then
 * every allocation of ours goes through here, also under sanitizers. */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum memory_failing { MEMORY_ONCE, MEMORY_FROM_THEN_ON };

/* The nth allocation from now on (1: the next one) fails. */
void memory_fail(size_t nth, enum memory_failing how);
/* Memory is back. Whether any allocation failed meanwhile. */
bool memory_heal(void);

/* Blocks that were not freed yet. */
size_t memory_blocks(void);

#endif
