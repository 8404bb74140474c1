/*
 * objects.c: the objects of commands that define something, and their names.
 *
 * The object_access hook tells what a command makes, alters and drops, by address. Which of these an auditor wants to
 * read about, what they are called, and what a command names without that hook being called (COMMENT, GRANT, …) is
 * decided here. Names are PostgreSQL's own (objectaddress.c), so they are those of
 * pg_event_trigger_ddl_commands() and pg_event_trigger_dropped_objects().
 */
#include "activity.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_database.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_parameter_acl.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/proclang.h"
#include "commands/tablespace.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Whether the command's objects are to be named. Its tree is looked at after it ran, so only kinds are listed that do
 * not free it: those that define something, and TRUNCATE.
 */
bool
activity_pg_names_objects(PlannedStmt *pstmt)
{
	switch (nodeTag(pstmt->utilityStmt))
	{
		case T_TransactionStmt:
		case T_CallStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_DoStmt:
		case T_PrepareStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
			return false;
		case T_TruncateStmt:
			return true;
		default:
			return GetCommandLogLevel(pstmt->utilityStmt) == LOGSTMT_DDL;
	}
}

/*
 * What a command made can be looked up only in the next command (its rows have this one's number). The server takes the
 * same step after each command, and before event triggers.
 */
void
activity_pg_make_visible(void)
{
	CommandCounterIncrement();
}

/* Row types of tables, array types and multirange types come with something else, which is told. */
static bool
type_is_told(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	bool		told;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	told = !IsTrueArrayType(form) && form->typtype != TYPTYPE_MULTIRANGE;
	if (told && OidIsValid(form->typrelid))
		told = get_rel_relkind(form->typrelid) == RELKIND_COMPOSITE_TYPE;
	ReleaseSysCache(tuple);
	return told;
}

static bool
relation_is_told(int access, Oid relation)
{
	char		kind = get_rel_relkind(relation);

	if (kind == '\0' || kind == RELKIND_TOASTVALUE || IsToastNamespace(get_rel_namespace(relation)))
		return false;
	/* Internal operations drop the heaps and indexes that a command worked with, too; an identity's sequence is none. */
	if (access == ACCESS_DROP_INTERNAL && kind != RELKIND_SEQUENCE)
		return false;
	/* CREATE TYPE … AS (…) is told as the type. */
	return !(kind == RELKIND_COMPOSITE_TYPE && access == ACCESS_CREATE);
}

/* Classes that are not here belong to something that is. */
bool
activity_pg_object_is_told(int access, const ActivityObject *object)
{
	if (access == ACCESS_DROP_INTERNAL && object->class != RelationRelationId)
		return false;
	switch (object->class)
	{
		case RelationRelationId:
			return relation_is_told(access, object->object);
		case TypeRelationId:
			return type_is_told(object->object);
		case NamespaceRelationId:
			return !isAnyTempNamespace(object->object);	/* made with a session's first temporary table */
		case ConstraintRelationId:
			return access != ACCESS_CREATE;
		case AttrDefaultRelationId:
			return access == ACCESS_DROP;
		case AccessMethodRelationId:
		case AuthIdRelationId:
		case CastRelationId:
		case CollationRelationId:
		case ConversionRelationId:
		case DatabaseRelationId:
		case DefaultAclRelationId:
		case EventTriggerRelationId:
		case ExtensionRelationId:
		case ForeignDataWrapperRelationId:
		case ForeignServerRelationId:
		case LanguageRelationId:
		case LargeObjectRelationId:
		case OperatorClassRelationId:
		case OperatorFamilyRelationId:
		case OperatorRelationId:
		case ParameterAclRelationId:
		case PolicyRelationId:
		case ProcedureRelationId:
		case PublicationNamespaceRelationId:
		case PublicationRelRelationId:
		case PublicationRelationId:
		case RewriteRelationId:
		case StatisticExtRelationId:
		case SubscriptionRelationId:
		case TSConfigRelationId:
		case TSDictionaryRelationId:
		case TSParserRelationId:
		case TSTemplateRelationId:
		case TableSpaceRelationId:
		case TransformRelationId:
		case TriggerRelationId:
		case UserMappingRelationId:
			return true;
		default:
			return false;
	}
}

/* As much of a name as fits, whole characters: that of a function with many arguments has no bound. */
static void
copy_cut(char *buffer, int size, const char *name)
{
	int			bytes = strlen(name);

	if (bytes >= size)
		bytes = pg_mbcliplen(name, bytes, size - 1);
	memcpy(buffer, name, bytes);
	buffer[bytes] = '\0';
}

/* Type in capitals and identity; false where the object is gone. */
bool
activity_pg_describe_object(const ActivityObject *object, char *type, int type_size, char *name, int name_size)
{
	ObjectAddress address;
	char	   *description;
	char	   *identity;
	bool		fits = false;

	ObjectAddressSubSet(address, object->class, object->object, object->sub);
	description = getObjectTypeDescription(&address, true);
	identity = getObjectIdentity(&address, true);
	if (description != NULL && identity != NULL)
	{
		for (char *c = description; *c != '\0'; c++)
			*c = pg_ascii_toupper((unsigned char) *c);
		fits = activity_copy_text(type, type_size, description);
		copy_cut(name, name_size, identity);
	}
	if (description != NULL)
		pfree(description);
	if (identity != NULL)
		pfree(identity);
	return fits;
}

/* Collects addresses, as many as there is room for. */
typedef struct Found
{
	ActivityObject *out;
	int			capacity;
	int			count;
} Found;

static void
add(Found *found, Oid class, Oid object, int sub)
{
	if (!OidIsValid(object))
		return;
	if (found->count < found->capacity)
	{
		found->out[found->count].class = class;
		found->out[found->count].object = object;
		found->out[found->count].sub = sub;
	}
	found->count++;
}

static void
add_relation(Found *found, RangeVar *name)
{
	if (name != NULL)
		add(found, RelationRelationId, RangeVarGetRelid(name, NoLock, true), 0);
}

/* COMMENT and its like: the command holds a lock on the object until the end of the transaction. */
static void
add_address(Found *found, ObjectType type, RangeVar *of_relation, Node *name)
{
	Relation	relation = NULL;
	ObjectAddress address = get_object_address_rv(type, of_relation, (List *) name, &relation, AccessShareLock, true);

	if (relation != NULL)
		relation_close(relation, NoLock);
	add(found, address.classId, address.objectId, address.objectSubId);
}

/* Without locks: others may hold the object, and this must not wait for them. */
static void
add_granted(Found *found, ObjectType type, Node *name)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			add_relation(found, (RangeVar *) name);
			break;
		case OBJECT_DATABASE:
			add(found, DatabaseRelationId, get_database_oid(strVal(name), true), 0);
			break;
		case OBJECT_SCHEMA:
			add(found, NamespaceRelationId, get_namespace_oid(strVal(name), true), 0);
			break;
		case OBJECT_LANGUAGE:
			add(found, LanguageRelationId, get_language_oid(strVal(name), true), 0);
			break;
		case OBJECT_TABLESPACE:
			add(found, TableSpaceRelationId, get_tablespace_oid(strVal(name), true), 0);
			break;
		case OBJECT_FDW:
			add(found, ForeignDataWrapperRelationId, get_foreign_data_wrapper_oid(strVal(name), true), 0);
			break;
		case OBJECT_FOREIGN_SERVER:
			add(found, ForeignServerRelationId, get_foreign_server_oid(strVal(name), true), 0);
			break;
		case OBJECT_LARGEOBJECT:
			add(found, LargeObjectRelationId, oidparse(name), 0);
			break;
		case OBJECT_DOMAIN:
		case OBJECT_TYPE:
			add(found, TypeRelationId, LookupTypeNameOid(NULL, makeTypeNameFromNameList((List *) name), true), 0);
			break;
		case OBJECT_PARAMETER_ACL:
			add(found, ParameterAclRelationId, ParameterAclLookup(strVal(name), true), 0);
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			add(found, ProcedureRelationId, LookupFuncWithArgs(type, (ObjectWithArgs *) name, true), 0);
			break;
		default:
			break;
	}
}

static void
add_grant(Found *found, GrantStmt *grant)
{
	ListCell   *cell;

	if (grant->targtype == ACL_TARGET_DEFAULTS)
		return;
	foreach(cell, grant->objects)
		add_granted(found, grant->targtype == ACL_TARGET_ALL_IN_SCHEMA ? OBJECT_SCHEMA : grant->objtype, lfirst(cell));
}

/*
 * The objects that the command names, of those kinds of commands for which the object_access hook does not tell them.
 * Returns how many there are, which may be more than capacity.
 */
int
activity_pg_statement_objects(PlannedStmt *pstmt, ActivityObject *out, int capacity)
{
	Node	   *node = pstmt->utilityStmt;
	Found		found = {out, capacity, 0};
	ListCell   *cell;

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			add_relation(&found, ((AlterTableStmt *) node)->relation);
			break;
		case T_RefreshMatViewStmt:
			add_relation(&found, ((RefreshMatViewStmt *) node)->relation);
			break;
		case T_CommentStmt:
			add_address(&found, ((CommentStmt *) node)->objtype, NULL, ((CommentStmt *) node)->object);
			break;
		case T_SecLabelStmt:
			add_address(&found, ((SecLabelStmt *) node)->objtype, NULL, ((SecLabelStmt *) node)->object);
			break;
		case T_AlterObjectDependsStmt:
			add_address(&found, ((AlterObjectDependsStmt *) node)->objectType, ((AlterObjectDependsStmt *) node)->relation,
						((AlterObjectDependsStmt *) node)->object);
			break;
		case T_AlterEnumStmt:
			add_granted(&found, OBJECT_TYPE, (Node *) ((AlterEnumStmt *) node)->typeName);
			break;
		case T_AlterDomainStmt:
			add_granted(&found, OBJECT_TYPE, (Node *) ((AlterDomainStmt *) node)->typeName);
			break;
		case T_AlterOpFamilyStmt:
			{
				Oid			method = get_index_am_oid(((AlterOpFamilyStmt *) node)->amname, true);

				if (OidIsValid(method))
					add(&found, OperatorFamilyRelationId,
						get_opfamily_oid(method, ((AlterOpFamilyStmt *) node)->opfamilyname, true), 0);
				break;
			}
		case T_AlterTSConfigurationStmt:
			add(&found, TSConfigRelationId, get_ts_config_oid(((AlterTSConfigurationStmt *) node)->cfgname, true), 0);
			break;
		case T_GrantStmt:
			add_grant(&found, (GrantStmt *) node);
			break;
		case T_GrantRoleStmt:
			foreach(cell, ((GrantRoleStmt *) node)->granted_roles)
			{
				AccessPriv *role = lfirst_node(AccessPriv, cell);

				if (role->priv_name != NULL)
					add(&found, AuthIdRelationId, get_role_oid(role->priv_name, true), 0);
			}
			break;
		case T_AlterRoleStmt:
			add(&found, AuthIdRelationId, get_rolespec_oid(((AlterRoleStmt *) node)->role, true), 0);
			break;
		case T_AlterRoleSetStmt:
			if (((AlterRoleSetStmt *) node)->role != NULL)
				add(&found, AuthIdRelationId, get_rolespec_oid(((AlterRoleSetStmt *) node)->role, true), 0);
			else if (((AlterRoleSetStmt *) node)->database != NULL)
				add(&found, DatabaseRelationId, get_database_oid(((AlterRoleSetStmt *) node)->database, true), 0);
			break;
		case T_AlterDatabaseSetStmt:
			add(&found, DatabaseRelationId, get_database_oid(((AlterDatabaseSetStmt *) node)->dbname, true), 0);
			break;
		default:
			break;
	}
	return found.count;
}

/*
 * objectType where the command's own word for it counts and not that of each object: privileges are granted on a TABLE
 * whatever kind of relation it is. NULL where there is none.
 */
const char *
activity_pg_statement_object_type(PlannedStmt *pstmt)
{
	Node	   *node = pstmt->utilityStmt;
	bool		defaults = IsA(node, AlterDefaultPrivilegesStmt);
	GrantStmt  *grant;

	if (defaults)
		grant = ((AlterDefaultPrivilegesStmt *) node)->action;
	else if (IsA(node, GrantStmt))
		grant = (GrantStmt *) node;
	else
		return NULL;
	if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		return "SCHEMA";
	switch (grant->objtype)
	{
		case OBJECT_TABLE:
			return defaults ? "TABLES" : "TABLE";
		case OBJECT_SEQUENCE:
			return defaults ? "SEQUENCES" : "SEQUENCE";
		case OBJECT_FUNCTION:
			return defaults ? "FUNCTIONS" : "FUNCTION";
		case OBJECT_PROCEDURE:
			return defaults ? "PROCEDURES" : "PROCEDURE";
		case OBJECT_ROUTINE:
			return defaults ? "ROUTINES" : "ROUTINE";
		case OBJECT_SCHEMA:
			return defaults ? "SCHEMAS" : "SCHEMA";
		case OBJECT_TYPE:
			return defaults ? "TYPES" : "TYPE";
		case OBJECT_PARAMETER_ACL:
			return "PARAMETER";
		case OBJECT_FDW:
			return "FOREIGN DATA WRAPPER";
		case OBJECT_FOREIGN_SERVER:
			return "FOREIGN SERVER";
		default:
			return NULL;
	}
}
