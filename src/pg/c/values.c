/*
 * values.c: values of any type as text, without an error that gets away.
 *
 * An output function may fail. Of the server's own types none does for a value that exists; the rest is called in a
 * subtransaction, which is what makes it safe to go on after an error.
 */
#include "activity.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

/* How deep arrays and ranges may be nested in one another before their output is taken for one that may fail. */
#define MAX_TYPE_DEPTH 4

static bool
output_never_fails(Oid type, Oid output, int depth)
{
	bool		varlena;
	Oid			inner;

	if (output >= FirstUnpinnedObjectId || depth > MAX_TYPE_DEPTH)
		return false;
	switch (output)
	{
		case F_RECORD_OUT:
		case F_ENUM_OUT:
		case F_MULTIRANGE_OUT:
			return false;
		case F_ARRAY_OUT:
			inner = get_base_element_type(type);
			break;
		case F_RANGE_OUT:
			inner = get_range_subtype(getBaseType(type));
			break;
		default:
			return true;
	}
	if (!OidIsValid(inner))
		return false;
	getTypeOutputInfo(inner, &output, &varlena);
	return output_never_fails(inner, output, depth + 1);
}

static char *
output_protected(Oid output, Datum value)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile text = NULL;

	if (!IsTransactionState() || IsInParallelMode())
		return NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		text = OidOutputFunctionCall(output, value);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		text = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return text;
}

/* In the current memory context; NULL where the output function fails. Not for a moment when an error is under way. */
char *
activity_pg_output(Oid type, Datum value)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(type, &output, &varlena);
	/* The label of an enum value is looked up; it is there unless somebody deleted it by hand. */
	if (output == F_ENUM_OUT && SearchSysCacheExists1(ENUMOID, value))
		return OidOutputFunctionCall(output, value);
	if (output_never_fails(type, output, 0))
		return OidOutputFunctionCall(output, value);
	return output_protected(output, value);
}
