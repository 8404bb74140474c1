/*
 * statement.c: what a planned statement touches, and what kind of command it is.
 */
#include "activity.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * Whether the run that is over began anew: a scrollable cursor WITH HOLD whose transaction commits is run from its first
 * row, whatever was fetched before (portalcmds.c, PersistHoldablePortal).
 */
bool
activity_pg_query_was_rewound(QueryDesc *query)
{
	return ActivePortal != NULL && ActivePortal->holdStore != NULL &&
		(ActivePortal->cursorOptions & CURSOR_OPT_SCROLL) && query->dest != NULL &&
		query->dest->mydest == DestTuplestore;
}

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

		/* EXCLUDED of INSERT … ON CONFLICT: the new row, not the table. */
		if (rte->relkind == RELKIND_COMPOSITE_TYPE)
			continue;
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
			out[count].relkind = rte->relkind;
			out[count].rellockmode = rte->rellockmode;
		}
		count++;
	}
	return count;
}

/* Schema-qualified, quoted where SQL needs it. False where the schema is gone or the name does not fit. */
static bool
qualified_name(Oid namespace, const char *name, char *buffer, int size)
{
	char	   *schema = get_namespace_name(namespace);
	char	   *qualified;
	bool		fits;

	if (schema == NULL)
		return false;
	qualified = quote_qualified_identifier(schema, name);
	fits = activity_copy_text(buffer, size, qualified);
	pfree(qualified);
	pfree(schema);
	return fits;
}

/* False where the relation is gone. catalog: it is one of pg_catalog's. */
bool
activity_pg_relation_name(Oid relid, char *relkind, bool *catalog, char *buffer, int size)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		named;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	*relkind = form->relkind;
	*catalog = IsCatalogNamespace(form->relnamespace);
	named = qualified_name(form->relnamespace, NameStr(form->relname), buffer, size);
	ReleaseSysCache(tuple);
	return named;
}

/* Without argument types, as pgAudit names what is executed. False where the function is gone. */
bool
activity_pg_function_name(Oid function, bool *catalog, char *buffer, int size)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		named;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	*catalog = IsCatalogNamespace(form->pronamespace);
	named = qualified_name(form->pronamespace, NameStr(form->proname), buffer, size);
	ReleaseSysCache(tuple);
	return named;
}

/* Whether the function is C code of one of these libraries. */
static bool
is_of_library(Oid function, const char *const *libraries, int count)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		found = false;
	bool		null;
	Datum		library;

	if (!HeapTupleIsValid(tuple))
		return false;
	library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &null);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId && !null)
	{
		char	   *path = TextDatumGetCString(library);
		const char *name = strrchr(path, '/');

		name = name != NULL ? name + 1 : path;
		for (int i = 0; i < count && !found; i++)
			found = strncmp(name, libraries[i], strlen(libraries[i])) == 0;
		pfree(path);
	}
	ReleaseSysCache(tuple);
	return found;
}

/* Whether a query of the relation reads a file of the server or the output of a program: a table of file_fdw. */
bool
activity_pg_relation_leaves_server(Oid relid)
{
	static const char *const libraries[] = {"file_fdw"};
	ForeignTable *table = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(table->serverid);
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);

	return OidIsValid(wrapper->fdwhandler) && is_of_library(wrapper->fdwhandler, libraries, lengthof(libraries));
}

/*
 * Whether it is C code of a library by which a session reaches the server's files or other servers. A function is known
 * by its library and not by its name, which anybody may choose.
 */
bool
activity_pg_function_leaves_server(Oid function)
{
	static const char *const libraries[] = {"adminpack", "dblink"};

	return is_of_library(function, libraries, lengthof(libraries));
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
			return ((CopyStmt *) node)->filename != NULL;	/* a file of the server, or a program */
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

/* A language whose code may do what the server's OS user may do: C, internal, and what is not trusted. */
static bool
language_is_untrusted(const char *name)
{
	HeapTuple	tuple = SearchSysCache1(LANGNAME, PointerGetDatum(name));
	bool		untrusted;

	if (!HeapTupleIsValid(tuple))
		return false;
	untrusted = !((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;
	/* SQL is not marked as trusted but is; internal and C are not. */
	if (((Form_pg_language) GETSTRUCT(tuple))->oid == SQLlanguageId)
		untrusted = false;
	ReleaseSysCache(tuple);
	return untrusted;
}

static bool setting_loads_code(VariableSetStmt *set);

/* Of CREATE and ALTER FUNCTION and DO: an untrusted language, or a setting that makes sessions load code. */
static bool
options_leave_control(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "language") == 0 && language_is_untrusted(strVal(option->arg)))
			return true;
		if (strcmp(option->defname, "set") == 0 && setting_loads_code((VariableSetStmt *) option->arg))
			return true;
	}
	return false;
}

/* Settings that make sessions load code. */
static bool
setting_loads_code(VariableSetStmt *set)
{
	static const char *const names[] = {
		"dynamic_library_path", "extension_control_path", "local_preload_libraries", "session_preload_libraries",
		"shared_preload_libraries",
	};

	if (set == NULL || set->name == NULL)
		return false;
	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(set->name, names[i]) == 0)
			return true;
	return false;
}

/*
 * Whether the command can be used against the audit itself or leaves the database's control, so that it has to be told
 * before it runs: it changes the server's configuration, loads code, or reads and writes files and runs programs as the
 * server's OS user.
 */
static bool
utility_intent(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterSystemStmt:
		case T_LoadStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_CreatePLangStmt:
			return true;
		case T_CopyStmt:
			return ((CopyStmt *) node)->filename != NULL;	/* a file of the server, or a program */
		case T_CreateFunctionStmt:
			return options_leave_control(((CreateFunctionStmt *) node)->options);
		case T_AlterFunctionStmt:
			return options_leave_control(((AlterFunctionStmt *) node)->actions);
		case T_DoStmt:
			return options_leave_control(((DoStmt *) node)->args);
		case T_VariableSetStmt:
			return setting_loads_code((VariableSetStmt *) node);
		case T_AlterRoleSetStmt:
			return setting_loads_code(((AlterRoleSetStmt *) node)->setstmt);
		case T_AlterDatabaseSetStmt:
			return setting_loads_code(((AlterDatabaseSetStmt *) node)->setstmt);
		default:
			return false;
	}
}

/* All that is asked of every command, in one call: each from Rust costs a guard. */
void
activity_pg_command(PlannedStmt *pstmt, bool ask_intent, ActivityCommand *out)
{
	Node	   *node = pstmt->utilityStmt;

	out->tag = GetCommandTagName(CreateCommandTag(node));
	out->class = utility_class(node);
	out->intent = ask_intent && utility_intent(node);
}
