/*
 * commands.c: what kind of command a utility statement is, and what cannot be undone.
 */
#include "activity.h"

#include "commands/defrem.h"
#include "nodes/parsenodes.h"

/* The order is that of activity-event's Class. */
enum
{
	CLASS_READ, CLASS_WRITE, CLASS_FUNCTION, CLASS_ROLE, CLASS_DDL, CLASS_MISC
};

/*
 * The class of a utility command: PostgreSQL's own level of the command for log_statement, refined by kind of node
 * where an auditor sees more than that (what touches roles and privileges is ROLE, DO is FUNCTION).
 */
static int
utility_class(Node *node)
{
	switch (nodeTag(node))
	{
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
			return CLASS_ROLE;
		case T_RenameStmt:
			return ((RenameStmt *) node)->renameType == OBJECT_ROLE ? CLASS_ROLE : CLASS_DDL;
		case T_DoStmt:
			return CLASS_FUNCTION;
		case T_DeclareCursorStmt:
			return CLASS_READ;
		case T_CopyStmt:
			return ((CopyStmt *) node)->is_from ? CLASS_WRITE : CLASS_READ;
		case T_PrepareStmt:
			return GetCommandLogLevel(node) == LOGSTMT_MOD ? CLASS_WRITE : CLASS_READ;
		case T_CommentStmt:
		case T_SecLabelStmt:
			return CLASS_DDL;
		case T_ExecuteStmt:
		case T_ExplainStmt:
			return CLASS_MISC;
		default:
			break;
	}
	switch (GetCommandLogLevel(node))
	{
		case LOGSTMT_DDL:
			return CLASS_DDL;
		case LOGSTMT_MOD:
			return CLASS_WRITE;
		default:
			return CLASS_MISC;
	}
}

/* COMMIT or PREPARE TRANSACTION: what it does comes after ProcessUtility. */
bool
activity_pg_utility_is_commit(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;

	if (!IsA(node, TransactionStmt))
		return false;
	switch (((TransactionStmt *) node)->kind)
	{
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_PREPARE:
			return true;
		default:
			return false;
	}
}

/*
 * COMMIT PREPARED and ROLLBACK PREPARED end another transaction while they run: what it did is visible to others before
 * they are done.
 */
bool
activity_pg_utility_commits_another(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;

	if (!IsA(node, TransactionStmt))
		return false;
	switch (((TransactionStmt *) node)->kind)
	{
		case TRANS_STMT_COMMIT_PREPARED:
		case TRANS_STMT_ROLLBACK_PREPARED:
			return true;
		default:
			return false;
	}
}

static bool
reindexes_many(ReindexStmt *reindex)
{
	ListCell   *cell;

	if (reindex->kind != REINDEX_OBJECT_INDEX && reindex->kind != REINDEX_OBJECT_TABLE)
		return true;
	foreach(cell, reindex->params)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "concurrently") == 0)
			return defGetBoolean(option);
	}
	return false;
}

/*
 * Whether a failure after the command ran leaves something of it behind: it commits parts of its work by itself
 * (utility.c, the callers of PreventInTransactionBlock), or it reaches beyond the database.
 */
bool
activity_pg_utility_cannot_roll_back(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;

	switch (nodeTag(node))
	{
		case T_AlterDatabaseStmt:
		case T_AlterSubscriptionStmt:
		case T_AlterSystemStmt:
		case T_CheckPointStmt:
		case T_CreateSubscriptionStmt:
		case T_CreatedbStmt:
		case T_CreateTableSpaceStmt:
		case T_DropSubscriptionStmt:
		case T_DropTableSpaceStmt:
		case T_DropdbStmt:
		case T_LoadStmt:
			return true;
		case T_VacuumStmt:
			return ((VacuumStmt *) node)->is_vacuumcmd;
		case T_ClusterStmt:
			return ((ClusterStmt *) node)->relation == NULL;
		case T_IndexStmt:
			return ((IndexStmt *) node)->concurrent;
		case T_DropStmt:
			return ((DropStmt *) node)->concurrent;
		case T_ReindexStmt:
			return reindexes_many((ReindexStmt *) node);
		case T_CopyStmt:
			return activity_pg_uses_server_file(pstmt);
		case T_AlterTableStmt:
			{
				ListCell   *cell;

				/* DETACH PARTITION CONCURRENTLY commits in between. */
				foreach(cell, ((AlterTableStmt *) node)->cmds)
				{
					AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

					if (command->subtype == AT_DetachPartition && ((PartitionCmd *) command->def)->concurrent)
						return true;
				}
				return false;
			}
		default:
			return activity_pg_utility_commits_another(pstmt);
	}
}

/* All that is asked of every command, in one call: each from Rust costs a guard. */
void
activity_pg_command(PlannedStmt *pstmt, ActivityCommand *out)
{
	Node	   *node = pstmt->utilityStmt;

	out->tag = GetCommandTagName(CreateCommandTag(node));
	out->class = utility_class(node);
}
