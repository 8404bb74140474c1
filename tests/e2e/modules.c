/*
 * modules.c: a provider of security labels that accepts every label, and a background worker that runs one statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/seclabel.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_MODULE_MAGIC;

void		_PG_init(void);
PGDLLEXPORT void run_statement(Datum argument);
PG_FUNCTION_INFO_V1(start_worker);


static void
accept_label(const ObjectAddress *object, const char *label)
{
}

void
_PG_init(void)
{
	register_label_provider("e2e", accept_label);
}

void
run_statement(Datum argument)
{
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection("postgres", NULL, 0);
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_execute(MyBgworkerEntry->bgw_extra, false, 0);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* start_worker(library, name, statement): returns its process id. */
Datum
start_worker(PG_FUNCTION_ARGS)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid = 0;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, text_to_cstring(PG_GETARG_TEXT_PP(0)), sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "run_statement", BGW_MAXLEN);
	strlcpy(worker.bgw_name, text_to_cstring(PG_GETARG_TEXT_PP(1)), BGW_MAXLEN);
	strlcpy(worker.bgw_type, "e2e worker", BGW_MAXLEN);
	strlcpy(worker.bgw_extra, text_to_cstring(PG_GETARG_TEXT_PP(2)), BGW_EXTRALEN);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		elog(ERROR, "no worker left");
	WaitForBackgroundWorkerStartup(handle, &pid);
	WaitForBackgroundWorkerShutdown(handle);
	PG_RETURN_INT32(pid);
}
