/*
 * subjects.c: what a command's text reaches for: files, code, settings, functions, foreign tables.
 */
#include "activity.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A list of OIDs for the caller, which may hold fewer than there are. */
typedef struct Found
{
	Oid		   *out;
	int			capacity;
	int			count;
} Found;

static void
add(Found *found, Oid oid)
{
	if (!OidIsValid(oid))
		return;
	if (found->count < found->capacity)
		found->out[found->count] = oid;
	found->count++;
}

/* COPY to or from a file of the server, or a program. */
bool
activity_pg_uses_server_file(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;

	return IsA(node, CopyStmt) && ((CopyStmt *) node)->filename != NULL;
}

/* A language whose code may do what the server's OS user may do: C, internal, and what is not trusted. */
bool
activity_pg_language_is_untrusted(Oid language)
{
	HeapTuple	tuple;
	bool		untrusted;

	if (language == SQLlanguageId)
		return false;
	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	if (!HeapTupleIsValid(tuple))
		return false;
	untrusted = !((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;
	ReleaseSysCache(tuple);
	return untrusted;
}

/* The options of CREATE and ALTER FUNCTION and DO. */
static List *
function_options(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateFunctionStmt:
			return ((CreateFunctionStmt *) node)->options;
		case T_AlterFunctionStmt:
			return ((AlterFunctionStmt *) node)->actions;
		case T_DoStmt:
			return ((DoStmt *) node)->args;
		default:
			return NIL;
	}
}

/* CREATE FUNCTION and DO; the latter speaks PL/pgSQL where it does not say what, and that can be made untrusted by hand. */
bool
activity_pg_brings_untrusted_code(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;
	const char *language = IsA(node, DoStmt) ? "plpgsql" : NULL;
	ListCell   *cell;

	foreach(cell, function_options(node))
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "language") == 0)
			language = strVal(option->arg);
	}
	return language != NULL && activity_pg_language_is_untrusted(get_language_oid(language, true));
}

static const char *
set_name(VariableSetStmt *set, int *place)
{
	return set != NULL && set->name != NULL && (*place)-- == 0 ? set->name : NULL;
}

/* The settings that it sets or takes back, from place 0 on; NULL behind the last. */
const char *
activity_pg_setting(PlannedStmt *pstmt, int place)
{
	Node	   *node = pstmt->utilityStmt;
	ListCell   *cell;

	switch (nodeTag(node))
	{
		case T_VariableSetStmt:
			return set_name((VariableSetStmt *) node, &place);
		case T_AlterRoleSetStmt:
			return set_name(((AlterRoleSetStmt *) node)->setstmt, &place);
		case T_AlterDatabaseSetStmt:
			return set_name(((AlterDatabaseSetStmt *) node)->setstmt, &place);
		default:
			break;
	}
	foreach(cell, function_options(node))
	{
		DefElem    *option = lfirst_node(DefElem, cell);
		const char *name = NULL;

		if (strcmp(option->defname, "set") == 0)
			name = set_name((VariableSetStmt *) option->arg, &place);
		if (name != NULL)
			return name;
	}
	return NULL;
}

/*
 * A function, procedure or aggregate by its name, where there is just one; all that the command would complain about is the
 * command's to say.
 */
static Oid
routine(ObjectWithArgs *object)
{
	FuncCandidateList candidates;

	if (!object->args_unspecified)
		return LookupFuncWithArgs(OBJECT_ROUTINE, object, true);
	candidates = FuncnameGetCandidates(object->objname, -1, NIL, false, false, false, true);
	return candidates != NULL && candidates->next == NULL ? candidates->oid : InvalidOid;
}

/* Of ALTER FUNCTION and its kin; an aggregate is none that is looked for. */
static void
add_altered(Found *found, ObjectType type, Node *object)
{
	if (type == OBJECT_FUNCTION || type == OBJECT_PROCEDURE || type == OBJECT_ROUTINE)
		add(found, routine(castNode(ObjectWithArgs, object)));
}

static void
add_support_functions(Found *found, List *items)
{
	ListCell   *cell;

	foreach(cell, items)
	{
		CreateOpClassItem *item = lfirst_node(CreateOpClassItem, cell);

		if (item->itemtype == OPCLASS_ITEM_FUNCTION && item->name != NULL)
			add(found, routine(item->name));
	}
}

/* The functions that it alters or has the server call. Returns how many there are, which may be more than capacity. */
int
activity_pg_functions(PlannedStmt *pstmt, Oid *out, int capacity)
{
	Node	   *node = pstmt->utilityStmt;
	Found		found = {out, capacity, 0};

	switch (nodeTag(node))
	{
		case T_AlterFunctionStmt:
			add_altered(&found, ((AlterFunctionStmt *) node)->objtype, (Node *) ((AlterFunctionStmt *) node)->func);
			break;
		case T_RenameStmt:
			add_altered(&found, ((RenameStmt *) node)->renameType, ((RenameStmt *) node)->object);
			break;
		case T_AlterOwnerStmt:
			add_altered(&found, ((AlterOwnerStmt *) node)->objectType, ((AlterOwnerStmt *) node)->object);
			break;
		case T_AlterObjectSchemaStmt:
			add_altered(&found, ((AlterObjectSchemaStmt *) node)->objectType, ((AlterObjectSchemaStmt *) node)->object);
			break;
		case T_CreateTrigStmt:
			add(&found, LookupFuncName(((CreateTrigStmt *) node)->funcname, 0, NULL, true));
			break;
		case T_CreateEventTrigStmt:
			add(&found, LookupFuncName(((CreateEventTrigStmt *) node)->funcname, 0, NULL, true));
			break;
		case T_CreateOpClassStmt:
			add_support_functions(&found, ((CreateOpClassStmt *) node)->items);
			break;
		case T_AlterOpFamilyStmt:
			add_support_functions(&found, ((AlterOpFamilyStmt *) node)->items);
			break;
		default:
			break;
	}
	return found.count;
}

/* A table that is analyzed, and its partitions or children; locks are the command's own affair. */
static void
add_foreign_tables(Found *found, Oid table)
{
	ListCell   *cell;

	if (!OidIsValid(table))
		return;
	foreach(cell, find_all_inheritors(table, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			add(found, lfirst_oid(cell));
}

/* Where the command names no tables it takes no foreign table by itself (vacuum.c, get_all_vacuum_rels), but as a child. */
static void
add_foreign_children(Found *found)
{
	Relation	catalog = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			table = ((Form_pg_foreign_table) GETSTRUCT(tuple))->ftrelid;

		if (has_superclass(table))
			add(found, table);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* ANALYZE, and VACUUM that does so, too. */
static bool
takes_samples(VacuumStmt *vacuum)
{
	ListCell   *cell;

	if (!vacuum->is_vacuumcmd)
		return true;
	foreach(cell, vacuum->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "analyze") == 0)
			return true;
	return false;
}

/* Those that the command takes samples of. Returns how many there are, which may be more than capacity. */
int
activity_pg_foreign_tables(PlannedStmt *pstmt, Oid *out, int capacity)
{
	Found		found = {out, capacity, 0};
	VacuumStmt *vacuum = (VacuumStmt *) pstmt->utilityStmt;
	ListCell   *cell;

	if (!IsA(vacuum, VacuumStmt) || !takes_samples(vacuum))
		return 0;
	foreach(cell, vacuum->rels)
	{
		VacuumRelation *relation = lfirst_node(VacuumRelation, cell);

		add_foreign_tables(&found, relation->relation != NULL ? activity_pg_find_relation(relation->relation) :
						   relation->oid);
	}
	if (vacuum->rels == NIL)
		add_foreign_children(&found);
	return found.count;
}
