/*
 * How much there may be of everything, by what the system grants.
 */
#ifndef RESOURCES_H
#define RESOURCES_H

#include "conf/conf.h"

/* workers = auto: what the scheduler and the control group let us use. */
unsigned resources_workers(void);

/* Lower maxconn to what the limit of open files allows. */
void resources_fit(struct conf *conf);

#endif
