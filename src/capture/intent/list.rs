//! The list: what is told before it runs, and why.
//!
//! It holds what can be used against the audit itself, and what leaves the database's control: code that runs as the
//! server's OS user, files of the server, programs, the configuration, other sessions and the worker. The comment of an
//! entry is its reason. `docs/format.md` has the same list for readers; a test compares the two.

/// Which commands of a tag are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// All of them.
    Always,
    /// Those that read or write a file of the server, or run a program.
    ServerFile,
    /// Those that bring code of a language that is not trusted.
    Code,
    /// Those that set one of [`SETTINGS`], or take it back.
    Setting,
    /// Those that name a function whose call is told before (`call` in [`super`]).
    Function,
    /// Those that read a foreign table of one of [`WRAPPERS`].
    ForeignTable,
}

use When::{Always, Code, ForeignTable, Function, ServerFile, Setting};

/// PostgreSQL's tag of the parsed command, however that was written or came to run; one of the conditions is enough.
pub(super) const COMMANDS: &[(&str, &[When])] = &[
    // Changes the server's configuration, ours included.
    ("ALTER SYSTEM", &[Always]),
    // Runs the start function of a library in the server's process.
    ("LOAD", &[Always]),
    // Run a script as superuser that may do all of this, and whose statements are not told one by one.
    ("CREATE EXTENSION", &[Always]),
    ("ALTER EXTENSION", &[Always]),
    // Says which C functions run the code of a language, and whether that is trusted.
    ("CREATE LANGUAGE", &[Always]),
    // Reaches files of the server and runs programs as its OS user.
    ("COPY", &[ServerFile]),
    // Bring code that may do what the OS user may do, or that has a session load such code when it is called.
    ("CREATE FUNCTION", &[Code, Setting]),
    ("CREATE PROCEDURE", &[Code, Setting]),
    // Runs such code.
    ("DO", &[Code]),
    // Give such code, or a function of this list, another name, owner, setting or volatility: with another one it can run
    // where no call is told (in an index), or seems to be something else.
    ("ALTER FUNCTION", &[Setting, Function]),
    ("ALTER PROCEDURE", &[Setting, Function]),
    ("ALTER ROUTINE", &[Setting, Function]),
    // Have the server itself call a function, and such calls are not told.
    ("CREATE TRIGGER", &[Function]),
    ("CREATE EVENT TRIGGER", &[Function]),
    ("CREATE OPERATOR CLASS", &[Function]),
    ("ALTER OPERATOR FAMILY", &[Function]),
    // Change what code sessions load, and what may be done to catalogs.
    ("SET", &[Setting]),
    ("RESET", &[Setting]),
    ("ALTER ROLE", &[Setting]),
    ("ALTER DATABASE", &[Setting]),
    // Take samples of foreign tables without a query.
    ("ANALYZE", &[ForeignTable]),
    ("VACUUM", &[ForeignTable]),
];

/// Settings whose change is told before, by the commands above and by every other way to change one in a session:
/// set_config(), an update of pg_settings, the SET clause of a function that is called, the options of a login.
pub(super) const SETTINGS: &[&str] = &[
    // Where a library is looked for that is named without a folder.
    "dynamic_library_path",
    // Where the scripts of extensions are looked for, which run as superuser.
    "extension_control_path",
    // Load libraries into each new session, of a role or database too.
    "local_preload_libraries",
    "session_preload_libraries",
    // Loads libraries into all processes, and us. No session can set it: whoever tries is told.
    "shared_preload_libraries",
    // Lets a superuser alter, drop and empty the catalogs themselves.
    "allow_system_table_mods",
];

/// Functions of the server's own: OID (catalog/pg_proc.dat), name and types of arguments. An OID is the same in all versions.
pub(super) const FUNCTIONS: &[(u32, &str)] = &[
    // Read any file that the server may read: keys, configuration, other databases.
    (2624, "pg_read_file(text, bigint, bigint)"),
    (3293, "pg_read_file(text, bigint, bigint, boolean)"),
    (3826, "pg_read_file(text)"),
    (6208, "pg_read_file(text, boolean)"),
    (4100, "pg_read_file_old(text, bigint, bigint)"),
    (3827, "pg_read_binary_file(text, bigint, bigint)"),
    (3295, "pg_read_binary_file(text, bigint, bigint, boolean)"),
    (3828, "pg_read_binary_file(text)"),
    (6209, "pg_read_binary_file(text, boolean)"),
    // Tell what files there are in any directory: the spool, the keys. (Those for one directory of the server's own are told
    // as calls only: monitoring asks them all the time.)
    (2625, "pg_ls_dir(text)"),
    (3297, "pg_ls_dir(text, boolean, boolean)"),
    (2623, "pg_stat_file(text)"),
    (3307, "pg_stat_file(text, boolean)"),
    // Large objects from and to files of the server.
    (764, "lo_import(text)"),
    (767, "lo_import(text, oid)"),
    (765, "lo_export(oid, text)"),
    // End or disturb other sessions, and the worker if they could. All calls: whom they hit is decided while they run.
    (2096, "pg_terminate_backend(integer, bigint)"),
    (2171, "pg_cancel_backend(integer)"),
    // Puts changes of the configuration files into effect.
    (2621, "pg_reload_conf()"),
    // Begin a new server log, of which there is one less to look at.
    (2622, "pg_rotate_logfile()"),
    (4099, "pg_rotate_logfile_old()"),
];

/// Libraries by whose functions a session reaches files of the server (adminpack) or other servers, this one under another
/// name among them (dblink). They are known by these and not by a name, which anybody may choose.
pub(super) const LIBRARIES: &[&str] = &["adminpack", "dblink"];

/// Libraries of wrappers whose foreign tables are files of the server or the output of programs.
pub(super) const WRAPPERS: &[&str] = &["file_fdw"];

/// Changing a table of pg_catalog by hand is told before, whichever it is: by hand a catalog can be made to say
/// anything, such as who is a superuser (pg_authid, pg_auth_members), what a session loads (pg_db_role_setting), which
/// code a function, a language, a type, an index or a trigger runs (pg_proc, pg_language, pg_type, pg_amproc,
/// pg_trigger), or what a view shows (pg_rewrite). These alone are left out, for they decide nothing.
pub(super) const PLAIN_CATALOGS: &[(u32, &str)] = &[
    // Comments.
    (2609, "pg_description"),
    (2396, "pg_shdescription"),
    // What the planner knows of the data; to delete it is a known remedy.
    (2619, "pg_statistic"),
    (3429, "pg_statistic_ext_data"),
    // Data of users.
    (2613, "pg_largeobject"),
];
