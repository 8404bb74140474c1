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

#include <signal.h>

#include "executor/execdesc.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

/* Whether the text fits, and was copied. (strlcpy is the C library's or the server's, depending on how both were built.) */
static inline bool
activity_copy_text(char *buffer, int size, const char *text)
{
	size_t		bytes = strlen(text) + 1;

	if (size <= 0 || bytes > (size_t) size)
		return false;
	memcpy(buffer, text, bytes);
	return true;
}

/* What the object_access hook tells; the numbers are known to objects.rs. */
enum
{
	ACCESS_CREATE, ACCESS_ALTER, ACCESS_DROP, ACCESS_TRUNCATE, ACCESS_DROP_INTERNAL
};

/* The catalogs whose changes are told; the numbers are known to names.rs. */
enum
{
	CATALOG_SCHEMAS, CATALOG_FUNCTIONS, CATALOG_ROLES
};

/* Where a session in sync mode waits; the numbers are known to durable.rs. */
typedef enum AwaitPlace
{
	AWAIT_STATEMENT, AWAIT_COMMIT, AWAIT_LOGIN, AWAIT_INTENT
} AwaitPlace;

/* What there is to wait for at a place; the numbers are known to durable.rs. */
enum
{
	AWAITS_DURABLE = 1,			/* what was published */
	AWAITS_ROOM = 2				/* room in the ring, which is never refused */
};

/* What becomes of the statement then; the numbers are known to durable.rs. */
enum
{
	AWAIT_GO_ON, AWAIT_REFUSE, AWAIT_INTERRUPTED
};

/* ---- Rust, called from hooks.c. failure is the SQLSTATE of an error, or 0. ---- */
extern void activity_on_executor_start(QueryDesc *query);
extern void activity_on_executor_started(QueryDesc *query, int failure);
extern void activity_on_run_begin(QueryDesc *query);
extern void activity_on_run_end(QueryDesc *query, uint64 limit, int failure);
extern void activity_on_finish_begin(QueryDesc *query);
extern void activity_on_finish_end(QueryDesc *query, int failure);
extern void activity_on_executor_end(QueryDesc *query);
extern void activity_on_query_vanished(uint64 key);
extern bool activity_on_utility_begin(PlannedStmt *pstmt, const char *source, ParamListInfo params,
									  bool subcommand);	/* whether it wants the tree at the end */
extern void activity_on_utility_end(PlannedStmt *pstmt, int failure, uint64 rows);
extern void activity_on_raise(int sqlerrcode, const char *message, const char *internal_query);
extern bool activity_wants_relations(void);
extern void activity_on_relation(Oid relid, uint32 required_perms);
extern bool activity_function_watched(Oid function);
extern void activity_on_function(Oid function);
extern void activity_on_setting(const char *name);
extern void activity_on_object(int access, Oid class, Oid object, int sub);
extern void activity_on_error(int elevel, int sqlerrcode, const char *message);
extern void activity_on_replication_command(const char *command);
extern void activity_on_connected(void);
extern void activity_on_session_end(int code);
extern bool activity_minds_commit(void);	/* whether there may be anything to tell or to wait for */
extern void activity_on_commit(bool checks_follow);
extern int	activity_awaits(int place); /* what there is to wait for there: AWAITS_ flags */
extern int	activity_await(bool may_refuse, bool interruptible);	/* what becomes of the statement */
extern bool activity_await_room(void);	/* whether it is to be called again, after interrupts were served */
extern void activity_on_abort(void);
extern void activity_on_relation_invalidated(Oid relation);
extern void activity_on_catalog_invalidated(int catalog);
extern void activity_on_shmem_startup(void);
extern bool activity_capture_enabled(void);

/* ---- hooks.c ---- */
extern void activity_pg_install_hooks(void);

/* ---- callbacks.c ---- */
extern void activity_pg_watch_transactions(void);
extern void activity_pg_watch_session_end(void);
extern void activity_pg_watch_invalidations(void);	/* may raise an error */
extern void activity_pg_watch_query(QueryDesc *query, uint64 key);

/* ---- durable.c ---- */
extern int64 activity_pg_statement_time_left_ms(void);	/* -1 where the server watches it itself, or nobody does */
extern bool activity_pg_take_cancel(void);
extern LocalTransactionId activity_pg_local_transaction(void);	/* InvalidLocalTransactionId where there is none */

/* ---- frames.c ---- */

/* The text of the statement that is under way innermost; NULL where there is none. */
extern const char *activity_pg_innermost_text(int *location, int *length);

/* ---- log_gate.c ---- */
extern void activity_pg_open_log_gate(void);
extern bool activity_pg_hidden_by_gate(ErrorData *edata);
extern bool activity_pg_is_replication_command(ErrorData *edata);

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
extern bool activity_pg_superuser_by_socket(void);	/* may raise an error */

/* ---- statement.c ---- */
typedef struct ActivityRelation
{
	Oid			relid;
	uint32		required_perms;	/* AclMode bits */
	char		relkind;
	int			rellockmode;	/* 0 where the range table does not tell */
} ActivityRelation;

extern bool activity_pg_query_was_rewound(QueryDesc *query);
extern bool activity_pg_next_relation(PlannedStmt *stmt, int *place, ActivityRelation *out);
extern bool activity_pg_relation_name(Oid relid, char *relkind, bool *catalog, char *buffer, int size);	/* may raise an error */

/* What code a function is; the numbers are known to names.rs. */
enum
{
	LANGUAGE_TRUSTED, LANGUAGE_UNTRUSTED, LANGUAGE_INTERNAL, LANGUAGE_C
};

typedef struct ActivityFunction
{
	int			language;
	Oid			builtin;		/* internal: the server's own function that it is; InvalidOid where it is none */
	bool		of_extension;	/* internal and C: it belongs to an extension */
	char		library[NAMEDATALEN];	/* C: the library, without its folder; empty where that is not known */
} ActivityFunction;

extern bool activity_pg_function(Oid function, ActivityFunction *out, char *name, int size);	/* may raise an error */
extern void activity_pg_wrapper_library(Oid relid, char *buffer, int size);	/* may raise an error */

/* ---- commands.c ---- */
extern bool activity_pg_utility_is_commit(PlannedStmt *pstmt);
extern bool activity_pg_utility_commits_another(PlannedStmt *pstmt);
extern bool activity_pg_utility_cannot_roll_back(PlannedStmt *pstmt);

typedef struct ActivityCommand
{
	const char *tag;			/* such as CREATE TABLE; a constant of the server */
	int			class;			/* in the order of activity-event's Class */
} ActivityCommand;

extern void activity_pg_command(PlannedStmt *pstmt, ActivityCommand *out);	/* may raise an error */

/* ---- subjects.c ---- */
extern bool activity_pg_uses_server_file(PlannedStmt *pstmt);
extern bool activity_pg_language_is_untrusted(Oid language);	/* may raise an error */
extern bool activity_pg_brings_untrusted_code(PlannedStmt *pstmt);	/* may raise an error */
extern const char *activity_pg_setting(PlannedStmt *pstmt, int place);	/* NULL behind the last */
extern int	activity_pg_functions(PlannedStmt *pstmt, Oid *out, int capacity);	/* may raise an error */
extern int	activity_pg_foreign_tables(PlannedStmt *pstmt, Oid *out, int capacity);	/* may raise an error */

/* ---- settings.c ---- */
extern void activity_pg_watch_setting(const char *name);	/* may raise an error */
extern const char *activity_pg_setting_by_client(int place);	/* NULL behind the last */

/* ---- objects.c ---- */
typedef struct ActivityObject
{
	Oid			class;
	Oid			object;
	int			sub;
} ActivityObject;

extern bool activity_pg_names_objects(PlannedStmt *pstmt);
extern void activity_pg_make_visible(void);	/* may raise an error */
extern bool activity_pg_object_is_told(int access, const ActivityObject *object);	/* may raise an error */
extern bool activity_pg_describe_object(const ActivityObject *object, char *type, int type_size, char *name,
										int name_size);	/* may raise an error */
extern int	activity_pg_statement_objects(PlannedStmt *pstmt, ActivityObject *out, int capacity);	/* may raise an error */
extern const char *activity_pg_statement_object_type(PlannedStmt *pstmt);

/* ---- targets.c ---- */
extern Oid	activity_pg_find_relation(RangeVar *relation);	/* may raise an error */
extern bool activity_pg_statement_target(PlannedStmt *pstmt, const char **type, char *name, int name_size);	/* may raise an error */

/* ---- values.c ---- */
extern char *activity_pg_output(Oid type, Datum value); /* may raise an error */

/* ---- encoding.c ---- */
extern int	activity_pg_encoding(void);
extern void activity_pg_find_conversion(void);	/* may raise an error */
extern int	activity_pg_clip(const char *text, int length, int limit);
extern int	activity_pg_character_bytes(const char *text, int length);
extern int	activity_pg_convert(const char *source, int length, char *destination, int size, int *taken);

/* ---- process.c ---- */
extern Oid	activity_pg_user_id(void);	/* the role in force */
extern bool activity_pg_in_transaction(void);	/* one that works: catalogs can be read */
extern bool activity_pg_in_subtransaction(void);

typedef struct ActivityMoment
{
	const void *portal;			/* the portal that runs; NULL while a statement is planned or a transaction commits */
	int64		message_us;		/* when the client's message came */
	const char *text;			/* what it says; NULL outside of a message */
} ActivityMoment;

extern void activity_pg_moment(ActivityMoment *out);
extern const char *activity_pg_worker_name(void);
extern bool activity_pg_is_walsender(void);	/* NULL in a session of a client */
extern uint64 activity_pg_transaction_id(void);	/* with its epoch; 0 where none was assigned */
extern int	activity_pg_my_proc_number(void);	/* -1 before the process has one */
extern int	activity_pg_proc_count(void);
extern void activity_pg_set_latch(int proc_number);
extern void activity_pg_report(int elevel, const char *sqlstate, const char *message, const char *detail,
							   const char *hint);	/* raises an error at ERROR and above */

/* ---- sources.c ---- */
extern bool activity_pg_setting_source(const char *name, bool *built_in, const char **source,
									   const char **file, int *line);
extern void activity_pg_report_to_server(const char *sqlstate, const char *message, const char *detail, const char *hint);
extern bool activity_pg_is_for_server_alone(void);

/* ---- senders.c ---- */
typedef struct ActivitySignal
{
	int			signo;
	int			code;			/* si_code */
	int			pid;			/* of the sender; 0 where there is none */
	uint32		uid;
	uint32		times;
	char		program[16];	/* TASK_COMM_LEN of Linux */
} ActivitySignal;

extern void activity_pg_init_senders(void);
extern bool activity_pg_note_sender(int signo, const siginfo_t *info);
extern int	activity_pg_take_senders(ActivitySignal *out, int capacity, uint64 *unnoted);

/* ---- worker.c ---- */
extern bool activity_pg_worker_is_registered(const char *library, const char *function);
extern void activity_pg_worker_signals(void);
extern bool activity_pg_stop_requested(void);
extern bool activity_pg_stop_immediately(void);	/* the postmaster asked the worker to end */
extern void activity_pg_exit(int code);	/* does not return */

#endif
