/*
 * settings.c: the settings that SQL does not change.
 *
 * Who is recorded must not be the one who says what is recorded. No context of ours lets SET, set_config() or ALTER ROLE
 * through; ALTER SYSTEM writes a file that is read like the others, so it is refused here, for superusers too, whether anything is
 * captured or not. So it is for the lists of libraries: without its library the server starts without a stream, and what a session
 * loads can do anything.
 */
#include "settings.h"

#include "nodes/parsenodes.h"
#include "utils/guc.h"

static bool
is_out_of_reach(const char *name)
{
	static const char prefix[] = "activity_stream.";
	static const char *const names[] = {
		"local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
	};

	if (pg_strncasecmp(name, prefix, lengthof(prefix) - 1) == 0)
		return true;
	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * The first of those settings that ALTER SYSTEM's file has; NULL where it has none. What cannot be parsed is passed over: the
 * server reads nothing of such a file, and RESET ALL is the way to have it in order again.
 */
static const char *
first_in_automatic_file(void)
{
	ConfigVariable *head = NULL;
	ConfigVariable *tail = NULL;

	(void) ParseConfigFile(PG_AUTOCONF_FILENAME, false, NULL, 0, 0, DEBUG1, &head, &tail);
	for (ConfigVariable *item = head; item != NULL; item = item->next)
		if (item->name != NULL && is_out_of_reach(item->name))
			return item->name;	/* in the statement's memory */
	return NULL;
}

#define OUT_OF_REACH MAKE_SQLSTATE('A', 'S', '0', '0', '6')

/* Raises an error where a command of that kind would change one of those settings. */
void
refuse_to_change_settings(PlannedStmt *pstmt)
{
	VariableSetStmt *set;
	const char *name;

	if (!IsA(pstmt->utilityStmt, AlterSystemStmt))
		return;
	set = ((AlterSystemStmt *) pstmt->utilityStmt)->setstmt;
	if (set->kind == VAR_RESET_ALL)
	{
		name = first_in_automatic_file();
		if (name != NULL)
			ereport(ERROR,
					(errcode(OUT_OF_REACH),
					 errmsg("activity_stream: ALTER SYSTEM RESET ALL cannot take \"%s\" away", name),
					 errdetail("It is set in %s, and is not changed by SQL.", PG_AUTOCONF_FILENAME),
					 errhint("Reset other parameters by name.")));
		return;
	}
	name = set->name;
	if (name != NULL && is_out_of_reach(name))
		ereport(ERROR,
				(errcode(OUT_OF_REACH),
				 errmsg("activity_stream: parameter \"%s\" cannot be changed by ALTER SYSTEM", name),
				 errdetail("The settings of the stream, and the libraries that the server loads, are not changed by SQL."),
				 errhint("Set it in postgresql.conf, or in a file that is included there; where %s sets it, take it out of that "
						 "file. Then reload the configuration or restart the server.", PG_AUTOCONF_FILENAME)));
}
