/*
 * statement.c: what a planned statement touches, and what kind of command it is.
 */
#include "activity.h"

#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The relations whose permissions the executor checks, in range table order: those that the statement names, the
 * views among them and what the views read. Children that the planner added carry no permissions and are left out.
 * Returns how many there are, which may be more than capacity.
 */
int
activity_pg_relations(PlannedStmt *stmt, ActivityRelation *out, int capacity)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, stmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
		uint32		perms;

#if PG_VERSION_NUM >= 160000
		if (rte->perminfoindex == 0 || rte->perminfoindex > list_length(stmt->permInfos))
			continue;
		perms = list_nth_node(RTEPermissionInfo, stmt->permInfos, rte->perminfoindex - 1)->requiredPerms;
#else
		if (rte->rtekind != RTE_RELATION)
			continue;
		perms = rte->requiredPerms;
#endif
		if (perms == 0 || !OidIsValid(rte->relid))
			continue;
		if (count < capacity)
		{
			out[count].relid = rte->relid;
			out[count].required_perms = perms;
			out[count].rellockmode = rte->rellockmode;
		}
		count++;
	}
	return count;
}

/* Schema-qualified, quoted where SQL needs it. False where the relation is gone or the name does not fit. */
bool
activity_pg_relation_name(Oid relid, char *relkind, char *buffer, int size)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	char	   *schema;
	bool		fits = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	*relkind = form->relkind;
	schema = get_namespace_name(form->relnamespace);
	if (schema != NULL)
	{
		char	   *name = quote_qualified_identifier(schema, NameStr(form->relname));

		fits = strlcpy(buffer, name, size) < (size_t) size;
		pfree(name);
		pfree(schema);
	}
	ReleaseSysCache(tuple);
	return fits;
}

/* The order is that of activity-event's Class. */
enum
{
	CLASS_READ, CLASS_WRITE, CLASS_FUNCTION, CLASS_ROLE, CLASS_DDL, CLASS_MISC
};

/*
 * The class of a utility command: PostgreSQL's own level of the command for log_statement, refined by kind of node
 * where an auditor sees more than that (what touches roles and privileges is ROLE, DO is FUNCTION).
 */
int
activity_pg_utility_class(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;

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
