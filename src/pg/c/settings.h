/*
 * settings.h: what is refused about settings. May raise an error.
 */
#ifndef ACTIVITY_SETTINGS_H
#define ACTIVITY_SETTINGS_H

#include "activity.h"

extern void refuse_to_change_settings(PlannedStmt *pstmt);

#endif
