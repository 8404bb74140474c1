/*
 * frames.c: what is heard of the statements that are under way.
 */
#include "frames.h"

#include "utils/memutils.h"

Frame	   *activity_pg_innermost = NULL;

/*
 * An error that a procedural language catches never comes to emit_log_hook. But errfinish() asks everybody on the stack
 * of error contexts when it is raised, and so do we listen there. Called for warnings and notices, too, which are told
 * from errors by their code first: copying is what costs.
 */
void
activity_pg_error_raised(void *frame)
{
	int			category;
	MemoryContext raised_in;
	ErrorData  *edata;

	if (frame != activity_pg_innermost)
		return;
	category = ERRCODE_TO_CATEGORY(geterrcode());
	if (category == ERRCODE_SUCCESSFUL_COMPLETION || category == ERRCODE_WARNING || geterrcode() == ERRCODE_OUT_OF_MEMORY)
		return;
	raised_in = MemoryContextSwitchTo(TopMemoryContext);
	edata = CopyErrorData();
	MemoryContextSwitchTo(raised_in);
	if (edata->elevel == ERROR)
		activity_on_raise(edata->sqlerrcode, edata->message, edata->internalquery);
	FreeErrorData(edata);
}

const char *
activity_pg_innermost_text(int *location, int *length)
{
	if (activity_pg_innermost == NULL)
		return NULL;
	*location = activity_pg_innermost->location;
	*length = activity_pg_innermost->length;
	return activity_pg_innermost->source;
}
