/*
 * frames.h: the statements that are under way.
 */
#ifndef ACTIVITY_FRAMES_H
#define ACTIVITY_FRAMES_H

#include "activity.h"

#include "access/parallel.h"

/* A parallel worker repeats its leader's statement: the leader tells. */
static inline bool
capturing(void)
{
	return !IsParallelWorker() && activity_capture_enabled();
}

/*
 * The statements that are under way, innermost first. Each lives in the stack frame of the hook call that runs it, so
 * its text is there as long as it is listed.
 */
typedef struct Frame
{
	struct Frame *outer;
	const char *source;
	int			location;
	int			length;
	ErrorContextCallback context;
} Frame;

extern Frame *activity_pg_innermost;

extern void activity_pg_error_raised(void *frame);	/* an ErrorContextCallback */

static inline void
enter(Frame *frame, const char *source, PlannedStmt *stmt)
{
	frame->outer = activity_pg_innermost;
	frame->source = source;
	frame->location = stmt->stmt_location;
	frame->length = stmt->stmt_len;
	activity_pg_innermost = frame;
	frame->context.callback = activity_pg_error_raised;
	frame->context.arg = frame;
	frame->context.previous = error_context_stack;
	error_context_stack = &frame->context;
}

static inline void
leave(Frame *frame)
{
	error_context_stack = frame->context.previous;
	activity_pg_innermost = frame->outer;
}

#endif
