/*
 * statement.c: what a planned statement touches.
 */
#include "activity.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "foreign/foreign.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrtab.h"
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
 * The next relation whose permissions the executor checks, in range table order: those that the statement names, the
 * views among them and what the views read. Children that the planner added carry no permissions and are left out, but
 * foreign tables, which may lead out of the server. *place is where to look from; it begins with 0. False where there is none.
 */
bool
activity_pg_next_relation(PlannedStmt *stmt, int *place, ActivityRelation *out)
{
	while (*place < list_length(stmt->rtable))
	{
		RangeTblEntry *rte = list_nth_node(RangeTblEntry, stmt->rtable, (*place)++);
		uint32		perms;

		/* EXCLUDED of INSERT … ON CONFLICT: the new row, not the table. */
		if (rte->relkind == RELKIND_COMPOSITE_TYPE)
			continue;
#if PG_VERSION_NUM >= 160000
		if (rte->perminfoindex == 0 || rte->perminfoindex > list_length(stmt->permInfos))
			perms = 0;
		else
			perms = list_nth_node(RTEPermissionInfo, stmt->permInfos, rte->perminfoindex - 1)->requiredPerms;
#else
		if (rte->rtekind != RTE_RELATION)
			continue;
		perms = rte->requiredPerms;
#endif
		if ((perms == 0 && rte->relkind != RELKIND_FOREIGN_TABLE) || !OidIsValid(rte->relid))
			continue;
		out->relid = rte->relid;
		out->required_perms = perms;
		out->relkind = rte->relkind;
		out->rellockmode = rte->rellockmode;
		return true;
	}
	return false;
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

/* The last part of a library's path. False where it does not fit. */
static bool
library_name(Datum probin, char *buffer, int size)
{
	char	   *path = TextDatumGetCString(probin);
	const char *slash = strrchr(path, '/');
	bool		fits = activity_copy_text(buffer, size, slash != NULL ? slash + 1 : path);

	pfree(path);
	return fits;
}

/* What code the function is. */
static void
function_code(HeapTuple tuple, ActivityFunction *out)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		null;
	Datum		value;

	if (form->prolang == INTERNALlanguageId)
	{
		out->language = LANGUAGE_INTERNAL;
		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null);
		if (!null)
		{
			char	   *source = TextDatumGetCString(value);

			out->builtin = fmgr_internal_function(source);
			pfree(source);
		}
	}
	else if (form->prolang == ClanguageId)
	{
		out->language = LANGUAGE_C;
		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &null);
		if (null || !library_name(value, out->library, sizeof(out->library)))
			out->library[0] = '\0';
	}
	else
		out->language = activity_pg_language_is_untrusted(form->prolang) ? LANGUAGE_UNTRUSTED : LANGUAGE_TRUSTED;
}

/*
 * What the function is called, without argument types, as pgAudit names what is executed, and what code it is. False where it is
 * gone.
 */
bool
activity_pg_function(Oid function, ActivityFunction *out, char *buffer, int size)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		named;

	if (!HeapTupleIsValid(tuple))
		return false;
	memset(out, 0, sizeof(*out));
	form = (Form_pg_proc) GETSTRUCT(tuple);
	named = qualified_name(form->pronamespace, NameStr(form->proname), buffer, size);
	function_code(tuple, out);
	ReleaseSysCache(tuple);
	/* Asked only of what is not the server's own, and where it may matter: it reads pg_depend. */
	if (function >= FirstNormalObjectId && (out->language == LANGUAGE_INTERNAL || out->language == LANGUAGE_C))
		out->of_extension = OidIsValid(getExtensionOfObject(ProcedureRelationId, function));
	return named;
}

/* The library of a foreign table's wrapper; empty where that has none. Raises an error where the table is none. */
void
activity_pg_wrapper_library(Oid relid, char *buffer, int size)
{
	ForeignTable *table = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(table->serverid);
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(wrapper->fdwhandler));
	Datum		library;
	bool		null = true;

	buffer[0] = '\0';
	if (!HeapTupleIsValid(tuple))
		return;
	library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &null);
	if (!null && !library_name(library, buffer, size))
		buffer[0] = '\0';
	ReleaseSysCache(tuple);
}
