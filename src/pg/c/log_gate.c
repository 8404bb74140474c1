/*
 * log_gate.c: errors reach emit_log_hook whatever log_min_messages says.
 *
 * errstart() decides, before any hook, whether a message goes to the server log; emit_log_hook is called only for
 * those that do (elog.c, EmitErrorReport). With log_min_messages at LOG, FATAL or PANIC, which a superuser may SET,
 * an ERROR would never be seen. So the setting is given a variable of ours: SHOW, SET and the configuration file work
 * on that, the server's own variable follows it but never rises above ERROR, and the hook withdraws from the log
 * what the setting would have kept out (activity_pg_hidden_by_gate).
 */
#include "activity.h"

#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

static int	wanted_level = WARNING;
static bool gate_open = false;
static GucEnumAssignHook previous_assign = NULL;

static void
assign_level(int level, void *extra)
{
	log_min_messages = (level == LOG || level > ERROR) ? ERROR : level;
	if (previous_assign)
		previous_assign(level, extra);
}

void
activity_pg_open_log_gate(void)
{
	struct config_generic **variables;
	int			count;

#if PG_VERSION_NUM >= 160000
	variables = get_guc_variables(&count);
#else
	variables = get_guc_variables();
	count = GetNumConfigOptions();
#endif
	for (int i = 0; i < count; i++)
	{
		struct config_enum *level;

		if (variables[i]->vartype != PGC_ENUM || strcmp(variables[i]->name, "log_min_messages") != 0)
			continue;
		level = (struct config_enum *) variables[i];
		if (level->variable != &log_min_messages)
			break;
		wanted_level = log_min_messages;
		previous_assign = level->assign_hook;
		level->assign_hook = assign_level;
		level->variable = &wanted_level;
		gate_open = true;
		assign_level(wanted_level, NULL);
		break;
	}
#if PG_VERSION_NUM >= 160000
	pfree(variables);
#endif
}

/*
 * The rule of is_log_level_output() in elog.c: LOG sorts between ERROR and FATAL there, so that log_min_messages = log
 * keeps errors out, and fatal or panic keep LOG messages out.
 */
bool
activity_pg_hidden_by_gate(int elevel)
{
	if (!gate_open)
		return false;
	if (wanted_level == LOG)
		return elevel == ERROR;
	if (wanted_level <= ERROR)
		return false;
	if (elevel == LOG || elevel == LOG_SERVER_ONLY)
		return true;
	return elevel >= ERROR && elevel < wanted_level;
}
