/*
 * log_gate.c: errors reach emit_log_hook whatever log_min_messages says.
 *
 * errstart() decides, before any hook, whether a message goes to the server log; emit_log_hook is called only for
 * those that do (elog.c, EmitErrorReport). With log_min_messages at LOG, FATAL or PANIC, which a superuser may SET,
 * an ERROR would never be seen. So the setting is given a variable of ours: SHOW, SET and the configuration file work
 * on that, the server's own variable follows it but never rises above ERROR, and the hook withdraws from the log
 * what the setting would have kept out (activity_pg_hidden_by_gate).
 *
 * Replication commands run through no hook at all, but the walsender logs each of them where log_replication_commands
 * is on (walsender.c, exec_replication_command). So that setting is given a variable of ours too, and the server's own
 * stays on.
 */
#include "sources.h"

#include "replication/walsender.h"
#include "utils/elog.h"

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

static bool wanted_replication = false;
static bool replication_gate_open = false;

static void
open_level_gate(struct config_enum *level)
{
	if (level->variable != &log_min_messages)
		return;
	wanted_level = log_min_messages;
	previous_assign = level->assign_hook;
	level->assign_hook = assign_level;
	level->variable = &wanted_level;
	gate_open = true;
	assign_level(wanted_level, NULL);
}

static void
open_replication_gate(struct config_bool *commands)
{
	if (commands->variable != &log_replication_commands)
		return;
	wanted_replication = log_replication_commands;
	commands->variable = &wanted_replication;
	replication_gate_open = true;
	log_replication_commands = true;
}

void
activity_pg_open_log_gate(void)
{
	struct config_generic *level = find_setting("log_min_messages");
	struct config_generic *commands = find_setting("log_replication_commands");

	if (level != NULL && level->vartype == PGC_ENUM)
		open_level_gate((struct config_enum *) level);
	if (commands != NULL && commands->vartype == PGC_BOOL)
		open_replication_gate((struct config_bool *) commands);
}

/* message_id is the format before translation (elog.h). */
bool
activity_pg_is_replication_command(ErrorData *edata)
{
	return edata->elevel == LOG && am_walsender && edata->message_id != NULL &&
		strcmp(edata->message_id, "received replication command: %s") == 0;
}

/*
 * The rule of is_log_level_output() in elog.c: LOG sorts between ERROR and FATAL there, so that log_min_messages = log
 * keeps errors out, and fatal or panic keep LOG messages out.
 */
bool
activity_pg_hidden_by_gate(ErrorData *edata)
{
	int			elevel = edata->elevel;

	if (replication_gate_open && !wanted_replication && activity_pg_is_replication_command(edata))
		return true;
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
