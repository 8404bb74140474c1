/*
 * hooks.c: every hook of the server that we take, and nothing else.
 *
 * Each function calls the previous owner of its hook exactly once (or the standard function where there was none),
 * and tells Rust before and after, on success and on failure alike. The frames that Rust keeps are therefore
 * always paired: PG_CATCH pops what was pushed and re-throws the untouched error.
 */
#include "activity.h"

#include "port.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "storage/ipc.h"
#include "utils/inval.h"
#include "utils/syscache.h"

static ExecutorStart_hook_type previous_executor_start = NULL;
static ExecutorRun_hook_type previous_executor_run = NULL;
static ExecutorFinish_hook_type previous_executor_finish = NULL;
static ExecutorEnd_hook_type previous_executor_end = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;
static ClientAuthentication_hook_type previous_client_authentication = NULL;
static emit_log_hook_type previous_emit_log = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;

/* A parallel worker repeats its leader's statement: the leader tells. */
static inline bool
capturing(void)
{
	return !IsParallelWorker() && activity_capture_enabled();
}

static void
executor_start(QueryDesc *query, int eflags)
{
	bool		watched = capturing();

	if (watched)
		activity_on_executor_start(query);
	PG_TRY();
	{
		if (previous_executor_start)
			previous_executor_start(query, eflags);
		else
			standard_ExecutorStart(query, eflags);
	}
	PG_CATCH();
	{
		if (watched)
			activity_on_executor_started(query, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
		activity_on_executor_started(query, false);
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

	if (watched)
		activity_on_run_begin(query);
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
			activity_on_run_end(query, count, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
		activity_on_run_end(query, count, false);
}

static void
executor_finish(QueryDesc *query)
{
	bool		watched = capturing();

	if (watched)
		activity_on_finish_begin(query);
	PG_TRY();
	{
		if (previous_executor_finish)
			previous_executor_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_CATCH();
	{
		if (watched)
			activity_on_finish_end(query, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (watched)
		activity_on_finish_end(query, false);
}

static void
executor_end(QueryDesc *query)
{
	if (capturing())
		activity_on_executor_end(query);
	if (previous_executor_end)
		previous_executor_end(query);
	else
		standard_ExecutorEnd(query);
}

static void
process_utility(PlannedStmt *pstmt, const char *source, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *qc)
{
	bool		watched = capturing();
	uint64		rows = 0;

	if (watched)
		activity_on_utility_begin(pstmt, source, context == PROCESS_UTILITY_SUBCOMMAND);
	PG_TRY();
	{
		if (previous_process_utility)
			previous_process_utility(pstmt, source, read_only_tree, context, params, environment, destination, qc);
		else
			standard_ProcessUtility(pstmt, source, read_only_tree, context, params, environment, destination, qc);
	}
	PG_CATCH();
	{
		if (watched)
			activity_on_utility_end(true, 0);
		PG_RE_THROW();
	}
	PG_END_TRY();
	/* pstmt may be gone now: ROLLBACK and CALL free what they were planned from. qc is the caller's. */
	if (watched)
	{
		if (qc != NULL)
			rows = qc->nprocessed;
		activity_on_utility_end(false, rows);
	}
}

static void
client_authentication(Port *port, int status)
{
	if (previous_client_authentication)
		previous_client_authentication(port, status);
	/* A refusal is told by emit_log, which also knows the message and the SQLSTATE. */
	if (status == STATUS_OK && activity_capture_enabled())
		activity_on_authenticated();
}

static void
emit_log(ErrorData *edata)
{
	if (edata->elevel >= ERROR && !IsParallelWorker() && activity_capture_enabled())
		activity_on_error(edata->elevel, edata->sqlerrcode, edata->message);
	if (activity_pg_hidden_by_gate(edata->elevel))
		edata->output_to_server = false;
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
	TAKE(ProcessUtility_hook, previous_process_utility, process_utility);
	TAKE(ClientAuthentication_hook, previous_client_authentication, client_authentication);
	TAKE(emit_log_hook, previous_emit_log, emit_log);
#undef TAKE
}

static void
session_end(int code, Datum arg)
{
	(void) arg;
	activity_on_session_end(code);
}

void
activity_pg_watch_session_end(void)
{
	before_shmem_exit(session_end, (Datum) 0);
}

static void
relation_invalidated(Datum arg, Oid relation)
{
	(void) arg;
	activity_on_relation_invalidated(relation);
}

static void
#if PG_VERSION_NUM >= 190000
namespace_invalidated(Datum arg, SysCacheIdentifier cache, uint32 hash)
#else
namespace_invalidated(Datum arg, int cache, uint32 hash)
#endif
{
	(void) arg;
	(void) cache;
	(void) hash;
	activity_on_relation_invalidated(InvalidOid);
}

void
activity_pg_watch_invalidations(void)
{
	CacheRegisterRelcacheCallback(relation_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, namespace_invalidated, (Datum) 0);
}

static void
query_vanished(void *arg)
{
	activity_on_query_vanished((uint64) (uintptr_t) arg);
}

/*
 * Tells Rust when the executor's memory of this query goes, also where ExecutorEnd is never called (an abort).
 * Memory context callbacks run in every way a context can end.
 */
void
activity_pg_watch_query(QueryDesc *query, uint64 key)
{
	MemoryContextCallback *callback = MemoryContextAlloc(query->estate->es_query_cxt, sizeof(MemoryContextCallback));

	callback->func = query_vanished;
	callback->arg = (void *) (uintptr_t) key;
	MemoryContextRegisterResetCallback(query->estate->es_query_cxt, callback);
}
