//! The server's own functions and catalogs that are told.
//!
//! Thousands of pg_catalog functions run in every query and are not told. Those listed here reach beyond the database
//! (files, other sessions, the server's configuration, its log, backups and replication), so an auditor wants to see the call
//! itself. Some can be used against the audit, or leave the database's control: they are told before they run as well.
//! A function is known by its OID, which is the same in all versions, so neither a view nor another name hides it.

/// Why a function is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// When it is called, as any function of a user's.
    Told,
    /// Before it runs, too.
    Intent,
}

use Watch::{Intent, Told};

/// Below this all functions are the server's own (access/transam.h, FirstUnpinnedObjectId).
const FIRST_UNPINNED: u32 = 12_000;

/// OID (catalog/pg_proc.dat), how it is told. A comment for each group says why.
const FUNCTIONS: &[(u32, Watch)] = &[
    // Read any file that the server may read: keys, configuration, other databases.
    (2624, Intent), // pg_read_file(text, bigint, bigint)
    (3293, Intent), // pg_read_file(text, bigint, bigint, boolean)
    (3826, Intent), // pg_read_file(text)
    (6208, Intent), // pg_read_file(text, boolean)
    (4100, Intent), // pg_read_file_old(text, bigint, bigint)
    (3827, Intent), // pg_read_binary_file(text, bigint, bigint)
    (3295, Intent), // pg_read_binary_file(text, bigint, bigint, boolean)
    (3828, Intent), // pg_read_binary_file(text)
    (6209, Intent), // pg_read_binary_file(text, boolean)
    // Tell what files there are.
    (2625, Told), // pg_ls_dir(text)
    (3297, Told), // pg_ls_dir(text, boolean, boolean)
    (2623, Told), // pg_stat_file(text)
    (3307, Told), // pg_stat_file(text, boolean)
    (3353, Told), // pg_ls_logdir()
    (3354, Told), // pg_ls_waldir()
    (5029, Told), // pg_ls_tmpdir()
    (5030, Told), // pg_ls_tmpdir(oid)
    (5031, Told), // pg_ls_archive_statusdir()
    (6270, Told), // pg_ls_logicalsnapdir()
    (6271, Told), // pg_ls_logicalmapdir()
    (6272, Told), // pg_ls_replslotdir(text)
    (3800, Told), // pg_current_logfile()
    (3801, Told), // pg_current_logfile(text)
    (3401, Told), // pg_hba_file_rules()
    (6250, Told), // pg_ident_file_mappings()
    (3329, Told), // pg_show_all_file_settings()
    // Large objects to and from files of the server.
    (764, Intent), // lo_import(text)
    (767, Intent), // lo_import(text, oid)
    (765, Intent), // lo_export(oid, text)
    // End or disturb other sessions and the worker.
    (2096, Intent), // pg_terminate_backend(integer, bigint)
    (2171, Intent), // pg_cancel_backend(integer)
    (4543, Told),   // pg_log_backend_memory_contexts(integer)
    // Change the server's configuration and log.
    (2621, Intent), // pg_reload_conf()
    (2622, Intent), // pg_rotate_logfile()
    (4099, Intent), // pg_rotate_logfile_old()
    // Settings of the session: SET in another form.
    (2078, Told), // set_config(text, text, boolean)
    // Backups, WAL and replication: copies of everything leave by these.
    (2172, Told), // pg_backup_start(text, boolean)
    (2739, Told), // pg_backup_stop(boolean)
    (3098, Told), // pg_create_restore_point(text)
    (2848, Told), // pg_switch_wal()
    (3436, Told), // pg_promote(boolean, integer)
    (3071, Told), // pg_wal_replay_pause()
    (3072, Told), // pg_wal_replay_resume()
    (3779, Told), // pg_create_physical_replication_slot(name, boolean, boolean)
    (3786, Told), // pg_create_logical_replication_slot(name, name, boolean, boolean)
    (4220, Told), // pg_copy_physical_replication_slot(name, name, boolean)
    (4221, Told), // pg_copy_physical_replication_slot(name, name)
    (4222, Told), // pg_copy_logical_replication_slot(name, name, boolean, name)
    (4223, Told), // pg_copy_logical_replication_slot(name, name, boolean)
    (4224, Told), // pg_copy_logical_replication_slot(name, name)
    (3780, Told), // pg_drop_replication_slot(name)
    (3878, Told), // pg_replication_slot_advance(name, pg_lsn)
    (3782, Told), // pg_logical_slot_get_changes(name, pg_lsn, integer, text[])
    (3783, Told), // pg_logical_slot_get_binary_changes(name, pg_lsn, integer, text[])
    (3784, Told), // pg_logical_slot_peek_changes(name, pg_lsn, integer, text[])
    (3785, Told), // pg_logical_slot_peek_binary_changes(name, pg_lsn, integer, text[])
    (3577, Told), // pg_logical_emit_message(boolean, text, text)
    (3578, Told), // pg_logical_emit_message(boolean, text, bytea)
    (6003, Told), // pg_replication_origin_create(text)
    (6004, Told), // pg_replication_origin_drop(text)
    (6006, Told), // pg_replication_origin_session_setup(text)
    (6012, Told), // pg_replication_origin_advance(text, pg_lsn)
    // Statements as text: what they run is told, and this is how it came to run.
    (2923, Told), // table_to_xml(regclass, boolean, boolean, text)
    (2924, Told), // query_to_xml(text, boolean, boolean, text)
    (2925, Told), // cursor_to_xml(refcursor, integer, boolean, boolean, text)
    (2927, Told), // query_to_xmlschema(text, boolean, boolean, text)
    (2929, Told), // table_to_xml_and_xmlschema(regclass, boolean, boolean, text)
    (2930, Told), // query_to_xml_and_xmlschema(text, boolean, boolean, text)
    (2933, Told), // schema_to_xml(name, boolean, boolean, text)
    (2935, Told), // schema_to_xml_and_xmlschema(name, boolean, boolean, text)
    (2936, Told), // database_to_xml(boolean, boolean, text)
    (2938, Told), // database_to_xml_and_xmlschema(boolean, boolean, text)
    (3689, Told), // ts_stat(text)
    (3690, Told), // ts_stat(text, text)
    (3685, Told), // ts_rewrite(tsquery, text)
    // Take away what tells of the past.
    (2274, Told), // pg_stat_reset()
    (3775, Told), // pg_stat_reset_shared(text)
];

/// Catalogs by which roles, their settings and functions can be changed without the commands for it.
const CATALOGS: &[u32] = &[
    1255, // pg_proc
    1260, // pg_authid
    1261, // pg_auth_members
    2964, // pg_db_role_setting
];

const WORDS: usize = FIRST_UNPINNED.div_ceil(64) as usize;

/// One bit for each OID of the list.
static WATCHED: [u64; WORDS] = bits();

const fn bits() -> [u64; WORDS] {
    let mut bits = [0; WORDS];
    let mut place = 0;
    while place < FUNCTIONS.len() {
        let oid = FUNCTIONS[place].0;
        bits[(oid / 64) as usize] |= 1 << (oid % 64);
        place += 1;
    }
    bits
}

/// Whether a function of the server's own is told. Asked for every operator of every plan.
#[inline]
pub(crate) fn is_watched(oid: u32) -> bool {
    WATCHED.get((oid / 64) as usize).is_some_and(|word| word >> (oid % 64) & 1 == 1)
}

/// Whether calls of the function are told: those of users' functions are, and those of the list.
pub(super) fn is_told(oid: u32) -> bool {
    oid >= FIRST_UNPINNED || is_watched(oid)
}

/// How the function is told, where it is listed.
pub(super) fn watch(oid: u32) -> Option<Watch> {
    FUNCTIONS.iter().find(|(listed, _)| *listed == oid).map(|(_, watch)| *watch)
}

/// Whether changing that relation by hand is told before it happens.
pub(super) fn is_watched_catalog(oid: u32) -> bool {
    CATALOGS.contains(&oid)
}
