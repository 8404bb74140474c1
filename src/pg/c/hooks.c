/*
 * hooks.c: every hook of the server that we take, and nothing else.
 *
 * Each function calls the previous owner of its hook exactly once (or the standard function where there was none),
 * and tells Rust before and after, on success and on failure alike. The frames that Rust keeps are therefore
 * always paired: PG_CATCH pops what was pushed and re-throws the untouched error.
 */
#include "frames.h"

#include "durable.h"
#include "settings.h"

#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "storage/ipc.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"

static ExecutorStart_hook_type previous_executor_start = NULL;
static ExecutorRun_hook_type previous_executor_run = NULL;
static ExecutorFinish_hook_type previous_executor_finish = NULL;
static ExecutorEnd_hook_type previous_executor_end = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;
static ExecutorCheckPerms_hook_type previous_check_perms = NULL;
static object_access_hook_type previous_object_access = NULL;
static emit_log_hook_type previous_emit_log = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;

/* geterrcode(), which is 0 for an error without a code, as what is never 0. */
static inline int
failure_code(void)
{
	int			code = geterrcode();

	return code != 0 ? code : ERRCODE_INTERNAL_ERROR;
}

static void
executor_start(QueryDesc *query, int eflags)
{
	bool		watched = capturing();
	Frame		frame;

	if (watched)
	{
		activity_on_executor_start(query);
		enter(&frame, query->sourceText, query->plannedstmt);
	}
	PG_TRY();
	{
		if (watched)
			await_intent();
		if (previous_executor_start)
			previous_executor_start(query, eflags);
		else
			standard_ExecutorStart(query, eflags);
	}
	PG_CATCH();
	{
		if (watched)
		{
			leave(&frame);
			activity_on_executor_started(query, failure_code());
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
	{
		leave(&frame);
		activity_on_executor_started(query, 0);
	}
}

#if PG_VERSION_NUM >= 180000
#define RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define RUN_ARGUMENTS query, direction, count
#else
#define RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define RUN_ARGUMENTS query, direction, count, execute_once
#endif

static void
executor_run(RUN_PARAMETERS)
{
	bool		watched = capturing();
	Frame		frame;

	if (watched)
	{
		activity_on_run_begin(query);
		enter(&frame, query->sourceText, query->plannedstmt);
	}
	PG_TRY();
	{
		if (previous_executor_run)
			previous_executor_run(RUN_ARGUMENTS);
		else
			standard_ExecutorRun(RUN_ARGUMENTS);
	}
	PG_CATCH();
	{
		if (watched)
		{
			leave(&frame);
			activity_on_run_end(query, count, failure_code());
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
	{
		leave(&frame);
		activity_on_run_end(query, count, 0);
		await_end_of_query();
	}
}

static void
next_executor_finish(QueryDesc *query)
{
	if (previous_executor_finish)
		previous_executor_finish(query);
	else
		standard_ExecutorFinish(query);
}

static void
executor_finish(QueryDesc *query)
{
	Frame		frame;

	/* Nothing is left to do, and nothing can fail, for a query that changes no data. */
	if ((query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE) || !capturing())
	{
		next_executor_finish(query);
		return;
	}
	activity_on_finish_begin(query);
	enter(&frame, query->sourceText, query->plannedstmt);
	PG_TRY();
	{
		next_executor_finish(query);
	}
	PG_CATCH();
	{
		leave(&frame);
		activity_on_finish_end(query, failure_code());
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave(&frame);
	activity_on_finish_end(query, 0);
	await_end_of_query();
}

static void
executor_end(QueryDesc *query)
{
	/* One that nobody has heard of is not told; capture may have been turned off since it began. */
	activity_on_executor_end(query);
	if (previous_executor_end)
		previous_executor_end(query);
	else
		standard_ExecutorEnd(query);
}

/*
 * COPY of a table runs no query: what the executor is asked to check is the only sign of the table. Called for every
 * query too, whose relations come from its plan.
 */
#if PG_VERSION_NUM >= 160000
static bool
check_perms(List *range_table, List *perm_infos, bool raise)
{
	if (previous_check_perms && !previous_check_perms(range_table, perm_infos, raise))
		return false;
	if (activity_wants_relations() && capturing())
	{
		ListCell   *cell;

		foreach(cell, perm_infos)
		{
			RTEPermissionInfo *info = lfirst_node(RTEPermissionInfo, cell);

			activity_on_relation(info->relid, info->requiredPerms);
		}
		await_intent();
	}
	return true;
}
#else
static bool
check_perms(List *range_table, bool raise)
{
	if (previous_check_perms && !previous_check_perms(range_table, raise))
		return false;
	if (activity_wants_relations() && capturing())
	{
		ListCell   *cell;

		foreach(cell, range_table)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

			if (rte->rtekind == RTE_RELATION)
				activity_on_relation(rte->relid, rte->requiredPerms);
		}
		await_intent();
	}
	return true;
}
#endif

static void
process_utility(PlannedStmt *pstmt, const char *source, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *qc)
{
	bool		watched = capturing();
	bool		names_objects = false;
	BlockCommand block = block_command(pstmt);
	uint64		rows = 0;
	Frame		frame;

	if (watched)
	{
		names_objects = activity_on_utility_begin(pstmt, source, params, context == PROCESS_UTILITY_SUBCOMMAND);
		enter(&frame, source, pstmt);
	}
	PG_TRY();
	{
		if (watched)
			await_intent();
		refuse_to_change_settings(pstmt);
		if (previous_process_utility)
			previous_process_utility(pstmt, source, read_only_tree, context, params, environment, destination, qc);
		else
			standard_ProcessUtility(pstmt, source, read_only_tree, context, params, environment, destination, qc);
	}
	PG_CATCH();
	{
		if (watched)
		{
			leave(&frame);
			activity_on_utility_end(NULL, failure_code(), 0);
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
	{
		leave(&frame);
		if (qc != NULL)
			rows = qc->nprocessed;	/* qc is the caller's */
		/* ROLLBACK and CALL free what they were planned from; commands that name objects do not. */
		activity_on_utility_end(names_objects ? pstmt : NULL, 0, rows);
	}
	await_end_of_command(block);
}

/* True of a call by the client's fast-path message (fastpath.c), which has no text, and of little else. */
static inline bool
outside_of_statements(void)
{
	return activity_pg_innermost == NULL && debug_query_string == NULL && ActivePortal == NULL;
}

static inline bool
function_is_told(Oid function)
{
	return function >= FirstUnpinnedObjectId || activity_function_watched(function) || outside_of_statements();
}

/*
 * Which objects are made, altered, dropped, emptied, and which functions are about to run. Far more calls come here
 * than there are events (every operator of every query): what is not of interest leaves first.
 */
static void
object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *argument)
{
	if (previous_object_access)
		previous_object_access(access, class, object, sub, argument);
	if (access == OAT_NAMESPACE_SEARCH || (access == OAT_FUNCTION_EXECUTE && !function_is_told(object)) ||
		!activity_capture_enabled() || IsParallelWorker())
		return;
	switch (access)
	{
		case OAT_FUNCTION_EXECUTE:
			activity_on_function(object);
			await_intent();
			/* A call by the fast-path message has no end that is told. */
			if (outside_of_statements())
				await_end_of_query();
			break;
		case OAT_POST_CREATE:
			/* Internal are also the indexes that a new partition gets; heaps that a command works with are gone at its end. */
			if (argument == NULL || !((ObjectAccessPostCreate *) argument)->is_internal || class == RelationRelationId)
				activity_on_object(ACCESS_CREATE, class, object, sub);
			break;
		case OAT_POST_ALTER:
			if (argument == NULL || !((ObjectAccessPostAlter *) argument)->is_internal)
				activity_on_object(ACCESS_ALTER, class, object, sub);
			break;
		case OAT_DROP:
			{
				int			flags = argument != NULL ? ((ObjectAccessDrop *) argument)->dropflags : 0;
				bool		internal = flags & PERFORM_DELETION_INTERNAL;

				activity_on_object(internal ? ACCESS_DROP_INTERNAL : ACCESS_DROP, class, object, sub);
				break;
			}
		case OAT_TRUNCATE:
			activity_on_object(ACCESS_TRUNCATE, class, object, sub);
			break;
		default:
			break;
	}
}

static void
emit_log(ErrorData *edata)
{
	if (!IsParallelWorker() && activity_capture_enabled())
	{
		if (edata->elevel >= ERROR)
			activity_on_error(edata->elevel, edata->sqlerrcode, edata->message);
		else if (activity_pg_is_replication_command(edata))
			activity_on_replication_command(debug_query_string);
	}
	if (activity_pg_is_for_server_alone())
		edata->output_to_client = false;
	else if (activity_pg_hidden_by_gate(edata))
	{
		edata->output_to_server = false;
		/* Without us a replication command would have been DEBUG1, which clients do not ask for. */
		if (edata->elevel < ERROR)
			edata->output_to_client = false;
	}
	if (previous_emit_log)
		previous_emit_log(edata);
}

static void
shmem_startup(void)
{
	if (previous_shmem_startup)
		previous_shmem_startup();
	activity_on_shmem_startup();
}

void
activity_pg_install_hooks(void)
{
#define TAKE(hook, previous, ours) \
	do { previous = hook; hook = ours; } while (0)
	TAKE(shmem_startup_hook, previous_shmem_startup, shmem_startup);
	TAKE(ExecutorStart_hook, previous_executor_start, executor_start);
	TAKE(ExecutorRun_hook, previous_executor_run, executor_run);
	TAKE(ExecutorFinish_hook, previous_executor_finish, executor_finish);
	TAKE(ExecutorEnd_hook, previous_executor_end, executor_end);
	TAKE(ExecutorCheckPerms_hook, previous_check_perms, check_perms);
	TAKE(ProcessUtility_hook, previous_process_utility, process_utility);
	TAKE(object_access_hook, previous_object_access, object_access);
	TAKE(emit_log_hook, previous_emit_log, emit_log);
#undef TAKE
	activity_pg_watch_transactions();
}
