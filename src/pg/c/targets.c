/*
 * targets.c: what a command's text names first, for when it fails or changes nothing: then the object_access hook tells no
 * object, and after a failure nothing can be looked up.
 */
#include "activity.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * The relation that a name stands for now. Unlike RangeVarGetRelid() this raises no error for a name that the command itself
 * will refuse (of another database, of a schema that the user may not use).
 */
Oid
activity_pg_find_relation(RangeVar *relation)
{
	if (!IsTransactionState() || relation->catalogname != NULL)
		return InvalidOid;
	if (relation->schemaname == NULL)
		return RelnameGetRelid(relation->relname);
	return get_relname_relid(relation->relname, get_namespace_oid(relation->schemaname, true));
}

/* Where there is such a relation now, with its schema. */
static bool
relation_target(RangeVar *relation, char *name, int size)
{
	Oid			relid;
	char		kind;
	bool		catalog;

	if (relation == NULL)
		return false;
	relid = activity_pg_find_relation(relation);
	if (OidIsValid(relid) && activity_pg_relation_name(relid, &kind, &catalog, name, size))
		return true;
	if (relation->schemaname == NULL)
		return activity_copy_text(name, size, quote_identifier(relation->relname));
	return activity_copy_text(name, size, quote_qualified_identifier(relation->schemaname, relation->relname));
}

static bool
list_target(List *names, char *name, int size)
{
	if (names == NIL || !IsA(linitial(names), String))
		return false;
	return activity_copy_text(name, size, NameListToQuotedString(names));
}

static bool
plain_target(const char *plain, char *name, int size)
{
	return plain != NULL && activity_copy_text(name, size, quote_identifier(plain));
}

/*
 * The first object that the command names, taken before it runs: for when it fails, and nothing can be looked up. Only the kinds that are asked for most are told.
 */
bool
activity_pg_statement_target(PlannedStmt *pstmt, const char **type, char *name, int size)
{
	Node	   *node = pstmt->utilityStmt;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			*type = "TABLE";
			return relation_target(((CreateStmt *) node)->relation, name, size);
		case T_CreateForeignTableStmt:
			*type = "FOREIGN TABLE";
			return relation_target(((CreateStmt *) node)->relation, name, size);
		case T_CreateTableAsStmt:
			*type = ((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW ? "MATERIALIZED VIEW" : "TABLE";
			return relation_target(((CreateTableAsStmt *) node)->into->rel, name, size);
		case T_AlterTableStmt:
			*type = "TABLE";
			return relation_target(((AlterTableStmt *) node)->relation, name, size);
		case T_CopyStmt:
			*type = "TABLE";
			return relation_target(((CopyStmt *) node)->relation, name, size);
		case T_TruncateStmt:
			*type = "TABLE";
			return relation_target(linitial_node(RangeVar, ((TruncateStmt *) node)->relations), name, size);
		case T_IndexStmt:
			*type = "TABLE";
			return relation_target(((IndexStmt *) node)->relation, name, size);
		case T_ViewStmt:
			*type = "VIEW";
			return relation_target(((ViewStmt *) node)->view, name, size);
		case T_RefreshMatViewStmt:
			*type = "MATERIALIZED VIEW";
			return relation_target(((RefreshMatViewStmt *) node)->relation, name, size);
		case T_CreateSeqStmt:
			*type = "SEQUENCE";
			return relation_target(((CreateSeqStmt *) node)->sequence, name, size);
		case T_CreateTrigStmt:
			*type = "TABLE";
			return relation_target(((CreateTrigStmt *) node)->relation, name, size);
		case T_CreateFunctionStmt:
			*type = ((CreateFunctionStmt *) node)->is_procedure ? "PROCEDURE" : "FUNCTION";
			return list_target(((CreateFunctionStmt *) node)->funcname, name, size);
		case T_CreateSchemaStmt:
			*type = "SCHEMA";
			return plain_target(((CreateSchemaStmt *) node)->schemaname, name, size);
		case T_CreateExtensionStmt:
			*type = "EXTENSION";
			return plain_target(((CreateExtensionStmt *) node)->extname, name, size);
		case T_AlterExtensionStmt:
			*type = "EXTENSION";
			return plain_target(((AlterExtensionStmt *) node)->extname, name, size);
		case T_GrantStmt:
			*type = "PARAMETER";
			return ((GrantStmt *) node)->objtype == OBJECT_PARAMETER_ACL &&
				plain_target(strVal(linitial(((GrantStmt *) node)->objects)), name, size);
		case T_AlterOwnerStmt:
			if (((AlterOwnerStmt *) node)->objectType != OBJECT_PUBLICATION)
				return false;
			*type = "PUBLICATION";
			return plain_target(strVal(((AlterOwnerStmt *) node)->object), name, size);
		case T_CreateRoleStmt:
			*type = "ROLE";
			return plain_target(((CreateRoleStmt *) node)->role, name, size);
		case T_CreatedbStmt:
			*type = "DATABASE";
			return plain_target(((CreatedbStmt *) node)->dbname, name, size);
		case T_DropdbStmt:
			*type = "DATABASE";
			return plain_target(((DropdbStmt *) node)->dbname, name, size);
		case T_AlterSystemStmt:
			*type = "PARAMETER";
			return plain_target(((AlterSystemStmt *) node)->setstmt->name, name, size);
		case T_RenameStmt:
			*type = "TABLE";
			return relation_target(((RenameStmt *) node)->relation, name, size);
		case T_DropStmt:
			{
				DropStmt   *drop = (DropStmt *) node;

				switch (drop->removeType)
				{
					case OBJECT_TABLE:
						*type = "TABLE";
						break;
					case OBJECT_VIEW:
						*type = "VIEW";
						break;
					case OBJECT_MATVIEW:
						*type = "MATERIALIZED VIEW";
						break;
					case OBJECT_INDEX:
						*type = "INDEX";
						break;
					case OBJECT_SEQUENCE:
						*type = "SEQUENCE";
						break;
					case OBJECT_FOREIGN_TABLE:
						*type = "FOREIGN TABLE";
						break;
					case OBJECT_SCHEMA:
						*type = "SCHEMA";
						return plain_target(strVal(linitial(drop->objects)), name, size);
					default:
						return false;
				}
				return relation_target(makeRangeVarFromNameList((List *) linitial(drop->objects)), name, size);
			}
		default:
			return false;
	}
}
