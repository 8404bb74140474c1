/*
 * activity.h: the seam between PostgreSQL's C and our Rust.
 *
 * Two directions, one rule each:
 *
 *   activity_on_*   written in Rust, called by the hooks in hooks.c. They never unwind, never longjmp and never
 *                   raise an error: a failure of bookkeeping is counted on the Rust side.
 *   activity_pg_*   written in C, called by Rust. They never raise an error unless their comment says so; those
 *                   that can are called through pgrx's guard.
 *
 * Why hooks are C at all: an error that passes through a Rust frame has to be turned into a panic and raised
 * anew, and what is raised anew has lost its context, cursor position and constraint name, which clients read.
 * PG_TRY with PG_RE_THROW hands the very same ErrorData on.
 */
#ifndef ACTIVITY_H
#define ACTIVITY_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

/* ---- Rust, called from hooks.c ---- */
extern void activity_on_executor_start(QueryDesc *query);
extern void activity_on_executor_started(QueryDesc *query, bool failed);
extern void activity_on_run_begin(QueryDesc *query);
extern void activity_on_run_end(QueryDesc *query, uint64 limit, bool failed);
extern void activity_on_finish_begin(QueryDesc *query);
extern void activity_on_finish_end(QueryDesc *query, bool failed);
extern void activity_on_executor_end(QueryDesc *query);
extern void activity_on_query_vanished(uint64 key);
extern void activity_on_utility_begin(PlannedStmt *pstmt, const char *source, bool subcommand);
extern void activity_on_utility_end(bool failed, uint64 rows);
extern void activity_on_error(int elevel, int sqlerrcode, const char *message);
extern void activity_on_authenticated(void);
extern void activity_on_session_end(int code);
extern void activity_on_relation_invalidated(Oid relation);
extern void activity_on_shmem_startup(void);
extern bool activity_capture_enabled(void);

/* ---- hooks.c ---- */
extern void activity_pg_install_hooks(void);
extern void activity_pg_watch_session_end(void);
extern void activity_pg_watch_invalidations(void);	/* may raise an error */
extern void activity_pg_watch_query(QueryDesc *query, uint64 key);	/* may raise an error */

/* ---- log_gate.c ---- */
extern void activity_pg_open_log_gate(void);
extern bool activity_pg_hidden_by_gate(int elevel);

/* ---- session.c ---- */
typedef struct ActivitySession
{
	bool		has_client;		/* a client is at the other end; else a background worker */
	bool		unix_socket;
	int			pid;
	int64		start_unix_us;	/* session start, microseconds since the Unix epoch */
	const char *user_name;		/* NULL where unknown; the strings live as long as the process */
	const char *database_name;
	const char *remote_host;
	const char *remote_port;
	const char *startup_application;
} ActivitySession;

extern void activity_pg_session(ActivitySession *out);
extern bool activity_pg_server_address(char *buffer, int size);

/* ---- statement.c ---- */
typedef struct ActivityRelation
{
	Oid			relid;
	uint32		required_perms;	/* AclMode bits */
	int			rellockmode;	/* 0 where the range table does not tell */
} ActivityRelation;

extern int	activity_pg_relations(PlannedStmt *stmt, ActivityRelation *out, int capacity);
extern bool activity_pg_relation_name(Oid relid, char *relkind, char *buffer, int size);	/* may raise an error */
extern int	activity_pg_utility_class(PlannedStmt *pstmt);	/* may raise an error */

/* ---- process.c ---- */
extern Oid	activity_pg_user_id(void);	/* the role in force */
extern bool activity_pg_in_transaction(void);	/* one that works: catalogs can be read */
extern uint64 activity_pg_transaction_id(void);	/* with its epoch; 0 where none was assigned */
extern int	activity_pg_my_proc_number(void);	/* -1 before the process has one */
extern int	activity_pg_proc_count(void);
extern void activity_pg_set_latch(int proc_number);
extern void activity_pg_report(int elevel, const char *sqlstate, const char *message, const char *detail,
							   const char *hint);	/* raises an error at ERROR and above */

/* ---- worker.c ---- */
extern void activity_pg_worker_signals(void);
extern bool activity_pg_stop_requested(void);	/* the postmaster asked the worker to end */
extern uint64 activity_pg_refused_signals(void);	/* SIGTERMs from others */
extern void activity_pg_exit(int code);	/* does not return */

#endif
