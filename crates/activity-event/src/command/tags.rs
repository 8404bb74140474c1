//! The commands that are not definitions: what they begin with, their tags, their classes.

use super::definitions::DDL;
use crate::Class;

/// Commands whose tag is what they begin with.
const PLAIN: &[(Class, &[&str])] = &[
    (Class::Read, &["COPY", "SELECT"]),
    (Class::Write, &["DELETE", "INSERT", "MERGE", "UPDATE"]),
    (Class::Function, &["DO"]),
    (
        Class::Role,
        &[
            "ALTER DEFAULT PRIVILEGES",
            "ALTER ROLE",
            "ALTER USER MAPPING",
            "CREATE ROLE",
            "CREATE USER MAPPING",
            "DROP ROLE",
            "DROP USER MAPPING",
            "GRANT",
            "REVOKE",
        ],
    ),
    (Class::Ddl, DDL),
    (
        Class::Misc,
        &[
            "ANALYZE",
            "BEGIN",
            "CALL",
            "CHECKPOINT",
            "CLUSTER",
            "COMMIT",
            "COMMIT PREPARED",
            "DEALLOCATE",
            "DEALLOCATE ALL",
            "DISCARD",
            "DISCARD ALL",
            "DISCARD PLANS",
            "DISCARD SEQUENCES",
            "DISCARD TEMP",
            "EXECUTE",
            "EXPLAIN",
            "FETCH",
            "LISTEN",
            "LOAD",
            "MOVE",
            "NOTIFY",
            "PREPARE",
            "PREPARE TRANSACTION",
            "REINDEX",
            "RELEASE",
            "RESET",
            "ROLLBACK",
            "ROLLBACK PREPARED",
            "SAVEPOINT",
            "SET",
            "SET CONSTRAINTS",
            "SHOW",
            "START TRANSACTION",
            "UNLISTEN",
            "VACUUM",
        ],
    ),
    // Of the replication protocol, which has no tags.
    (
        Class::Misc,
        &[
            "ALTER_REPLICATION_SLOT",
            "BASE_BACKUP",
            "CREATE_REPLICATION_SLOT",
            "DROP_REPLICATION_SLOT",
            "IDENTIFY_SYSTEM",
            "READ_REPLICATION_SLOT",
            "START_REPLICATION",
            "TIMELINE_HISTORY",
            "UPLOAD_MANIFEST",
        ],
    ),
];

/// Commands that begin with something else than their tag.
const OTHERS: &[(Class, &str, &str)] = &[
    (Class::Read, "DECLARE", "DECLARE CURSOR"),
    (Class::Read, "TABLE", "SELECT"),
    (Class::Read, "VALUES", "SELECT"),
    (Class::Read, "WITH", "SELECT"),
    (Class::Write, "TRUNCATE", "TRUNCATE TABLE"),
    (Class::Role, "ALTER GROUP", "ALTER ROLE"),
    (Class::Role, "ALTER USER", "ALTER ROLE"),
    (Class::Role, "CREATE GROUP", "CREATE ROLE"),
    (Class::Role, "CREATE USER", "CREATE ROLE"),
    (Class::Role, "DROP GROUP", "DROP ROLE"),
    (Class::Role, "DROP USER", "DROP ROLE"),
    (Class::Ddl, "ALTER PROCEDURAL LANGUAGE", "ALTER LANGUAGE"),
    (Class::Ddl, "DROP PROCEDURAL LANGUAGE", "DROP LANGUAGE"),
    (Class::Misc, "ABORT", "ROLLBACK"),
    (Class::Misc, "ANALYSE", "ANALYZE"),
    (Class::Misc, "CLOSE", "CLOSE CURSOR"),
    (Class::Misc, "CLOSE ALL", "CLOSE CURSOR ALL"),
    (Class::Misc, "DEALLOCATE PREPARE ALL", "DEALLOCATE ALL"),
    (Class::Misc, "DISCARD TEMPORARY", "DISCARD TEMP"),
    (Class::Misc, "END", "COMMIT"),
    (Class::Misc, "LOCK", "LOCK TABLE"),
];

/// A beginning, with the class and tag that it gives.
pub(super) struct Entry {
    pub(super) class: Class,
    pub(super) begins: &'static str,
    pub(super) tag: &'static str,
}

/// All of them.
pub(super) fn entries() -> impl Iterator<Item = Entry> {
    let plain = PLAIN.iter().flat_map(|(class, tags)| tags.iter().map(|tag| (*class, *tag, *tag)));
    plain.chain(OTHERS.iter().copied()).map(|(class, begins, tag)| Entry { class, begins, tag })
}
