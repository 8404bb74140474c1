/*
 * durable.c: where a session in sync mode waits until its events are durable, and what becomes of the statement.
 *
 * Outside of a transaction block the wait is before the commit, so that many statements that one message, or one Sync,
 * commits wait once, and nothing is visible to others before it is told. In a block, where the client gets its answers
 * before anything commits, it is at the end of each of its statements as well.
 *
 * The server does not tell a block that the client began from the implicit one of a message with several statements
 * (xact.c, IsTransactionBlock): so the commands that begin blocks are listened to. A block lasts as long as its
 * transaction, and that is told from others by its local number.
 */
#include "durable.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* The transaction of the block that the client began; InvalidLocalTransactionId where there is none. */
static LocalTransactionId block = InvalidLocalTransactionId;

/* COMMIT AND CHAIN or ROLLBACK AND CHAIN: the transaction that comes next is a block from its beginning. */
static enum
{
	CHAIN_NONE, CHAIN_COMMIT, CHAIN_ROLLBACK
}			chain = CHAIN_NONE;

LocalTransactionId
activity_pg_local_transaction(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/* A client's command is about to run: what it does to the block. Its tree may be gone when it is over. */
BlockCommand
block_command(PlannedStmt *pstmt)
{
	TransactionStmt *command;

	if (!IsA(pstmt->utilityStmt, TransactionStmt))
		return BLOCK_UNCHANGED;
	command = (TransactionStmt *) pstmt->utilityStmt;
	switch (command->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			return BLOCK_BEGINS;
		case TRANS_STMT_COMMIT:
			return command->chain ? BLOCK_COMMITS_AND_CHAINS : BLOCK_COMMITS;
		case TRANS_STMT_PREPARE:
			return BLOCK_COMMITS;
		case TRANS_STMT_ROLLBACK:
			return command->chain ? BLOCK_ROLLS_BACK_AND_CHAINS : BLOCK_ROLLS_BACK;
		default:
			return BLOCK_UNCHANGED;
	}
}

/* It has run. */
static void
note_block_command(BlockCommand command)
{
	switch (command)
	{
		case BLOCK_BEGINS:
			block = activity_pg_local_transaction();
			break;
		case BLOCK_COMMITS_AND_CHAINS:
			chain = CHAIN_COMMIT;
			break;
		case BLOCK_ROLLS_BACK_AND_CHAINS:
			chain = CHAIN_ROLLBACK;
			break;
		default:
			break;
	}
}

/* A transaction has come to its end. Whatever is chained to a commit that failed does not come. */
void
note_transaction_end(bool committed)
{
	if (!committed && chain == CHAIN_COMMIT)
		chain = CHAIN_NONE;
}

static bool
in_block(void)
{
	LocalTransactionId current = activity_pg_local_transaction();

	if (chain != CHAIN_NONE && current != block && current != InvalidLocalTransactionId)
	{
		chain = CHAIN_NONE;
		block = current;
	}
	return current != InvalidLocalTransactionId && current == block;
}

/*
 * Waits for what the session has published and not waited for. Raises an error where the statement must not go on:
 * the transaction is to be rolled back, or the session is to end. Where nothing is left to be rolled back it goes on.
 */
static void
await(AwaitPlace place, bool may_refuse)
{
	int			verdict;

	/* Interrupts are served between two parts of the wait: they may raise errors. */
	while ((verdict = activity_await(may_refuse, INTERRUPTS_CAN_BE_PROCESSED())) == AWAIT_INTERRUPTED)
		CHECK_FOR_INTERRUPTS();
	switch (verdict)
	{
		case AWAIT_GO_ON:
			break;
		case AWAIT_REFUSE:
			/* An error during the login's transaction could not be handled (postinit.c): it ends the session. */
			ereport(place == AWAIT_LOGIN ? FATAL : ERROR,
					(errcode(MAKE_SQLSTATE('A', 'S', '0', '0', '5')),
					 errmsg("activity_stream: the activity of this %s cannot be made durable",
							place == AWAIT_LOGIN ? "session" : "statement"),
					 errdetail("It is queued, but neither on the stream nor where activity_stream.durability allows it to "
							   "be within activity_stream.sync_timeout, and activity_stream.on_failure is fail_operation."),
					 errhint("See activity_stream.status for what keeps delivery back. Superusers in "
							 "activity_stream.break_glass_roles can work over the Unix socket meanwhile.")));
			break;
	}
}

/*
 * A statement whose events come faster than they are delivered waits for room, however deep inside the one that the client sent: what the
 * ring does not take is lost. Nothing is refused here, where a function could catch it: what was in vain is seen before the commit.
 */
static void
await_room(void)
{
	if (!INTERRUPTS_CAN_BE_PROCESSED())
		return;
	while (activity_await_room())
		CHECK_FOR_INTERRUPTS();
}

/* The end of a query or of what stands for one. */
void
await_end_of_query(void)
{
	int			what = activity_awaits(AWAIT_STATEMENT);

	if ((what & AWAITS_DURABLE) && (in_block() || !IsTransactionState()))
		await(AWAIT_STATEMENT, true);
	else if (what & AWAITS_ROOM)
		await_room();
}

/* The end of a utility command. */
void
await_end_of_command(BlockCommand command)
{
	bool		rolls_back = command == BLOCK_ROLLS_BACK || command == BLOCK_ROLLS_BACK_AND_CHAINS || !IsTransactionState();
	int			what;

	note_block_command(command);
	what = activity_awaits(AWAIT_STATEMENT);
	if ((what & AWAITS_DURABLE) && (rolls_back || in_block()))
		await(AWAIT_STATEMENT, !rolls_back);
	else if (what & AWAITS_ROOM)
		await_room();
}

/* Before the transaction commits, or is prepared. Nothing of it is visible to others yet. */
void
await_before_commit(void)
{
	if (activity_awaits(AWAIT_COMMIT))
		await(AWAIT_COMMIT, true);
}

/* The first transaction of the session, that of its login, is about to commit: nothing of the client's has run. */
void
await_login(void)
{
	if (activity_awaits(AWAIT_LOGIN))
		await(AWAIT_LOGIN, true);
}

/* Before a statement runs that was told beforehand. */
void
await_intent(void)
{
	if (activity_awaits(AWAIT_INTENT))
		await(AWAIT_INTENT, true);
}

/*
 * Milliseconds until statement_timeout, where the server does not watch it any more: it stops before the commit that
 * ends the statement (postgres.c, finish_xact_command). -1 where there is none.
 */
int64
activity_pg_statement_time_left_ms(void)
{
	TimestampTz end;
	TimestampTz now;

	if (StatementTimeout <= 0 || MyProcPort == NULL || get_timeout_active(STATEMENT_TIMEOUT))
		return -1;
	end = TimestampTzPlusMilliseconds(GetCurrentStatementStartTimestamp(), StatementTimeout);
	now = GetCurrentTimestamp();
	return end > now ? (end - now + 999) / 1000 : 0;
}

/*
 * Takes a request to cancel off, as a wait does that ends with it (syncrep.c, SyncRepWaitForLSN); whether there was one. What
 * a timeout asked for does not come again as somebody's request.
 */
bool
activity_pg_take_cancel(void)
{
	if (!QueryCancelPending)
		return false;
	QueryCancelPending = false;
	(void) get_timeout_indicator(STATEMENT_TIMEOUT, true);
	return true;
}
