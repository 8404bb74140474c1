/*
 * callbacks.c: what the server calls back besides the hooks: transactions, caches, memory, the end of the process.
 */
#include "frames.h"

#include "durable.h"

#include "port.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/*
 * A transaction is about to commit, or to be prepared: deferred triggers have run by now, and it can hardly fail any more;
 * nothing is visible to others yet. Here an error still rolls it back. PREPARE TRANSACTION has checks of its own behind that.
 *
 * The first transaction of a session is that of its login (postinit.c, InitPostgres). When it commits, the client has
 * authenticated, and its role, database and settings have been found good.
 */
static void
transaction_event(XactEvent event, void *argument)
{
	(void) argument;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (IsInitProcessingMode())
			{
				if (MyProcPort != NULL && activity_capture_enabled())
				{
					activity_on_connected();
					await_login();
				}
			}
			else if (activity_minds_commit() && capturing())
			{
				activity_on_commit(event == XACT_EVENT_PRE_PREPARE);
				await_before_commit();
			}
			break;
		case XACT_EVENT_PREPARE:
			if (capturing())
				activity_on_commit(false);
			note_transaction_end(true);
			break;
		case XACT_EVENT_COMMIT:
			note_transaction_end(true);
			break;
		case XACT_EVENT_ABORT:
			activity_on_abort();
			note_transaction_end(false);
			break;
		default:
			break;
	}
}

void
activity_pg_watch_transactions(void)
{
	RegisterXactCallback(transaction_event, NULL);
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
catalog_invalidated(Datum arg, SysCacheIdentifier cache, uint32 hash)
#else
catalog_invalidated(Datum arg, int cache, uint32 hash)
#endif
{
	(void) cache;
	(void) hash;
	activity_on_catalog_invalidated(DatumGetInt32(arg));
}

void
activity_pg_watch_invalidations(void)
{
	CacheRegisterRelcacheCallback(relation_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_invalidated, Int32GetDatum(CATALOG_SCHEMAS));
	CacheRegisterSyscacheCallback(PROCOID, catalog_invalidated, Int32GetDatum(CATALOG_FUNCTIONS));
	CacheRegisterSyscacheCallback(AUTHOID, catalog_invalidated, Int32GetDatum(CATALOG_ROLES));
}

static void
query_vanished(void *arg)
{
	activity_on_query_vanished((uint64) (uintptr_t) arg);
}

/*
 * Tells Rust when the executor's memory of this query goes, also where ExecutorEnd is never called (an abort).
 * Memory context callbacks run in every way a context can end. Where memory is short it is not told. Raises nothing.
 */
void
activity_pg_watch_query(QueryDesc *query, uint64 key)
{
	MemoryContext memory = query->estate->es_query_cxt;
	MemoryContextCallback *callback = MemoryContextAllocExtended(memory, sizeof(MemoryContextCallback), MCXT_ALLOC_NO_OOM);

	if (callback == NULL)
		return;
	callback->func = query_vanished;
	callback->arg = (void *) (uintptr_t) key;
	MemoryContextRegisterResetCallback(memory, callback);
}
