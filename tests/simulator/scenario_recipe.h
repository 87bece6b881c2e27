/* The settings of a scenario that describe communities and topics, and how answers are spelled. */
#ifndef SIMULATOR_SCENARIO_RECIPE_H
#define SIMULATOR_SCENARIO_RECIPE_H

#include "tests/simulator/setting.h"
#include "tests/simulator/world.h"

/* The member `profile` or `answer` of a group; what it does not say stays as it was. */
void scenario_read_profile(struct setting *s, struct profile *p);
void scenario_read_style(struct setting *parent, struct style *style);
/* Everything of a community but its id and count; `r` holds what it inherits. */
void scenario_read_recipe(struct setting *s, struct recipe *r);

#endif
