/*
 * What several keys and sections of a configuration say together: whether it
 * can be meant like that.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/conf.h"
#include "conf/ini.h"
#include "conf/problem.h"

/* Join the frontends of conf to their backends, settle what is "auto", and add
 * what is wrong to p. Each section of doc has its object in conf. */
void conf_check(
    struct conf *conf, const struct ini *doc, struct conf_problems *p);

#endif
