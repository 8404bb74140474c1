/*
 * statement.c: what a planned statement touches.
 */
#include "activity.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
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
