//! The server's own functions that are told when they are called.
//!
//! Thousands of pg_catalog functions run in every query and are not told. Those listed here reach beyond the database
//! (files, other sessions, the server's configuration, its log, backups and replication), so an auditor wants to see the call
//! itself. Some of them are told before they run as well ([`intent`]).
//! A function is known by its OID, which is the same in all versions, so neither a view nor another name hides it.

use super::intent;
use super::intent::FIRST_UNPINNED;

/// OID (catalog/pg_proc.dat), name and types of arguments; the comment of a group says why it is told. Those that are told before
/// they run as well are on the list of [`intent`].
const FUNCTIONS: &[(u32, &str)] = &[
    // Tell what files there are in a directory of the server's own, and what they say.
    (3353, "pg_ls_logdir()"),
    (3354, "pg_ls_waldir()"),
    (5029, "pg_ls_tmpdir()"),
    (5030, "pg_ls_tmpdir(oid)"),
    (5031, "pg_ls_archive_statusdir()"),
    (6270, "pg_ls_logicalsnapdir()"),
    (6271, "pg_ls_logicalmapdir()"),
    (6272, "pg_ls_replslotdir(text)"),
    (3800, "pg_current_logfile()"),
    (3801, "pg_current_logfile(text)"),
    (3401, "pg_hba_file_rules()"),
    (6250, "pg_ident_file_mappings()"),
    (3329, "pg_show_all_file_settings()"),
    // Writes into the server's log on behalf of another session.
    (4543, "pg_log_backend_memory_contexts(integer)"),
    // Settings of the session: SET in another form. The change of one of the list of settings is told before, whoever asks.
    (2078, "set_config(text, text, boolean)"),
    // Backups, WAL and replication: copies of everything leave by these.
    (2172, "pg_backup_start(text, boolean)"),
    (2739, "pg_backup_stop(boolean)"),
    (3098, "pg_create_restore_point(text)"),
    (2848, "pg_switch_wal()"),
    (3436, "pg_promote(boolean, integer)"),
    (3071, "pg_wal_replay_pause()"),
    (3072, "pg_wal_replay_resume()"),
    (3779, "pg_create_physical_replication_slot(name, boolean, boolean)"),
    (3786, "pg_create_logical_replication_slot(name, name, boolean, boolean)"),
    (4220, "pg_copy_physical_replication_slot(name, name, boolean)"),
    (4221, "pg_copy_physical_replication_slot(name, name)"),
    (4222, "pg_copy_logical_replication_slot(name, name, boolean, name)"),
    (4223, "pg_copy_logical_replication_slot(name, name, boolean)"),
    (4224, "pg_copy_logical_replication_slot(name, name)"),
    (3780, "pg_drop_replication_slot(name)"),
    (3878, "pg_replication_slot_advance(name, pg_lsn)"),
    (3782, "pg_logical_slot_get_changes(name, pg_lsn, integer, text[])"),
    (3783, "pg_logical_slot_get_binary_changes(name, pg_lsn, integer, text[])"),
    (3784, "pg_logical_slot_peek_changes(name, pg_lsn, integer, text[])"),
    (3785, "pg_logical_slot_peek_binary_changes(name, pg_lsn, integer, text[])"),
    (3577, "pg_logical_emit_message(boolean, text, text)"),
    (3578, "pg_logical_emit_message(boolean, text, bytea)"),
    (6003, "pg_replication_origin_create(text)"),
    (6004, "pg_replication_origin_drop(text)"),
    (6006, "pg_replication_origin_session_setup(text)"),
    (6012, "pg_replication_origin_advance(text, pg_lsn)"),
    // Statements as text: what they run is told, and this is how it came to run.
    (2923, "table_to_xml(regclass, boolean, boolean, text)"),
    (2924, "query_to_xml(text, boolean, boolean, text)"),
    (2925, "cursor_to_xml(refcursor, integer, boolean, boolean, text)"),
    (2927, "query_to_xmlschema(text, boolean, boolean, text)"),
    (2929, "table_to_xml_and_xmlschema(regclass, boolean, boolean, text)"),
    (2930, "query_to_xml_and_xmlschema(text, boolean, boolean, text)"),
    (2933, "schema_to_xml(name, boolean, boolean, text)"),
    (2935, "schema_to_xml_and_xmlschema(name, boolean, boolean, text)"),
    (2936, "database_to_xml(boolean, boolean, text)"),
    (2938, "database_to_xml_and_xmlschema(boolean, boolean, text)"),
    (3689, "ts_stat(text)"),
    (3690, "ts_stat(text, text)"),
    (3685, "ts_rewrite(tsquery, text)"),
    // Take away what tells of the past.
    (2274, "pg_stat_reset()"),
    (3775, "pg_stat_reset_shared(text)"),
];

const WORDS: usize = FIRST_UNPINNED.div_ceil(64) as usize;

/// One bit for each OID of the two lists.
static WATCHED: [u64; WORDS] = with(with([0; WORDS], FUNCTIONS), intent::FUNCTIONS);

const fn with(mut bits: [u64; WORDS], functions: &[(u32, &str)]) -> [u64; WORDS] {
    let mut place = 0;
    while place < functions.len() {
        let oid = functions[place].0;
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
