/*
 * durable.h: the places where a session in sync mode waits. Each of them may raise an error: the statement is not to go on.
 */
#ifndef ACTIVITY_DURABLE_H
#define ACTIVITY_DURABLE_H

#include "activity.h"

/* What a command does to the transaction block. */
typedef enum BlockCommand
{
	BLOCK_UNCHANGED,
	BLOCK_BEGINS,
	BLOCK_COMMITS,
	BLOCK_COMMITS_AND_CHAINS,
	BLOCK_ROLLS_BACK,
	BLOCK_ROLLS_BACK_AND_CHAINS
} BlockCommand;

extern BlockCommand block_command(PlannedStmt *pstmt);
extern void note_transaction_end(bool committed);

extern void await_end_of_query(void);
extern void await_end_of_command(BlockCommand command);
extern void await_before_commit(void);
extern void await_login(void);
extern void await_intent(void);

#endif
