/*
 * sources.h: the server's settings, by name.
 */
#ifndef ACTIVITY_SOURCES_H
#define ACTIVITY_SOURCES_H

#include "activity.h"

#include "utils/guc.h"
#include "utils/guc_tables.h"

extern struct config_generic *find_setting(const char *name);

#endif
