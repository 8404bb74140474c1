/*
 * process.c: processes, their latches, and messages to the server log.
 */
#include "activity.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "replication/walsender.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

Oid
activity_pg_user_id(void)
{
	Oid			user;
	int			context;

	/* GetUserId() asserts that there is a user; at login there may be none yet. */
	GetUserIdAndSecContext(&user, &context);
	return user;
}

/*
 * Asked for every statement, and neither can raise an error: without the guard that calls from Rust go through. A walsender
 * of physical replication has transactions and no database; to look up anything there is FATAL.
 */
bool
activity_pg_in_transaction(void)
{
	return IsTransactionState() && OidIsValid(MyDatabaseId);
}

bool
activity_pg_in_subtransaction(void)
{
	return IsSubTransaction();
}

uint64
activity_pg_transaction_id(void)
{
	return U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
}

void
activity_pg_moment(ActivityMoment *out)
{
	out->portal = ActivePortal;
	out->message_us = GetCurrentStatementStartTimestamp();
	out->text = debug_query_string;
}

/* Set when the startup packet asks for replication, before the login's transaction. */
bool
activity_pg_is_walsender(void)
{
	return am_walsender;
}

const char *
activity_pg_worker_name(void)
{
	return MyBgworkerEntry != NULL ? MyBgworkerEntry->bgw_name : NULL;
}

/* The index of this process in ProcGlobal->allProcs. */
int
activity_pg_my_proc_number(void)
{
	if (MyProc == NULL)
		return -1;
	return (int) (MyProc - ProcGlobal->allProcs);
}

int
activity_pg_proc_count(void)
{
	return ProcGlobal == NULL ? 0 : (int) ProcGlobal->allProcCount;
}

/*
 * Sets the latch of another process, or of whatever process has its place by now: a latch set needlessly does no
 * harm (latch.h). Allocates nothing and raises nothing.
 */
void
activity_pg_set_latch(int proc_number)
{
	if (ProcGlobal == NULL || proc_number < 0 || (uint32) proc_number >= ProcGlobal->allProcCount)
		return;
	SetLatch(&ProcGlobal->allProcs[proc_number].procLatch);
}

/* The texts are literal, not formats. detail and hint may be NULL. */
void
activity_pg_report(int elevel, const char *sqlstate, const char *message, const char *detail, const char *hint)
{
	ereport(elevel,
			(errcode(MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4])),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0,
			 errhidestmt(elevel < ERROR),
			 errhidecontext(elevel < ERROR)));
}

static bool for_server_alone = false;

bool
activity_pg_is_for_server_alone(void)
{
	return for_server_alone;
}

/*
 * A WARNING that the session neither sees nor keeps from the server log by its log_min_messages. The variable is the server's own, see
 * log_gate.c.
 */
void
activity_pg_report_to_server(const char *sqlstate, const char *message, const char *detail, const char *hint)
{
	int			level = log_min_messages;

	PG_TRY();
	{
		for_server_alone = true;
		log_min_messages = Min(level, WARNING);
		activity_pg_report(WARNING, sqlstate, message, detail, hint);
	}
	PG_FINALLY();
	{
		for_server_alone = false;
		log_min_messages = level;
	}
	PG_END_TRY();
}
