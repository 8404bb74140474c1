//! The event as a borrowed view.

use crate::Params;

/// Microseconds since the Unix epoch.
pub type Micros = i64;

/// What kind of activity an event tells. The numbers are those of the wire form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Class {
    /// Reads data.
    Read = 0,
    /// Changes data.
    Write = 1,
    /// Runs a function or an anonymous block.
    Function = 2,
    /// Roles and privileges.
    Role = 3,
    /// Other definitions.
    Ddl = 4,
    /// Everything else, logins and logouts among it.
    #[default]
    Misc = 5,
}

impl Class {
    /// `class` in an event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Function => "FUNCTION",
            Self::Role => "ROLE",
            Self::Ddl => "DDL",
            Self::Misc => "MISC",
        }
    }

    /// The class of a number of the wire form.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Read,
            1 => Self::Write,
            2 => Self::Function,
            3 => Self::Role,
            4 => Self::Ddl,
            5 => Self::Misc,
            _ => return None,
        })
    }
}

/// How the client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetProtocol {
    /// TCP, with or without TLS.
    Tcp,
    /// A Unix domain socket.
    Unix,
}

impl NetProtocol {
    /// `netProtocol` in an event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Unix => "UNIX",
        }
    }
}

/// What all events of a session have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session<'a> {
    /// `databaseName`
    pub database: &'a str,
    /// `dbUserName`: the role that logged in.
    pub user: &'a str,
    /// `remoteHost`: `[local]` for a Unix socket.
    pub remote_host: &'a str,
    /// `remotePort`: empty for a Unix socket.
    pub remote_port: &'a str,
    /// `clientApplication`
    pub application: Option<&'a str>,
    /// `serverHost`
    pub server_host: &'a str,
    /// `netProtocol`
    pub net_protocol: NetProtocol,
    /// When the session began, seconds since the Unix epoch; the first half of `sessionId`.
    pub start: i64,
    /// `pid`, and the second half of `sessionId`.
    pub pid: i32,
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// `startTime`
    pub start_time: Micros,
    /// `logTime`: the end of the execution.
    pub log_time: Micros,
    /// `statementId`
    pub statement_id: u64,
    /// `substatementId`
    pub substatement_id: u64,
    /// `class`
    pub class: Class,
    /// `command`: PostgreSQL's command tag.
    pub command: &'a str,
    /// `objectType`
    pub object_type: Option<&'a str>,
    /// `objectName`: schema-qualified, quoted where SQL needs it.
    pub object_name: Option<&'a str>,
    /// `rowCount`
    pub row_count: Option<u64>,
    /// `commandText`
    pub command_text: Option<&'a str>,
    /// `commandTextLength`: bytes of the whole text, only where it was cut.
    pub command_text_length: Option<u64>,
    /// `paramList`
    pub params: Params<'a>,
    /// `exitCode`
    pub exit_code: Option<&'a str>,
    /// `errorMessage`
    pub error_message: Option<&'a str>,
    /// `effectiveUserName`: the role in force.
    pub effective_user: Option<&'a str>,
    /// `transactionId`
    pub transaction_id: Option<u64>,
    /// `queryId`
    pub query_id: Option<i64>,
    /// The session that it happened in.
    pub session: Session<'a>,
}

impl Session<'_> {
    /// Nothing is said of the session.
    pub const UNSAID: Self = Self {
        database: "",
        user: "",
        remote_host: "",
        remote_port: "",
        application: None,
        server_host: "",
        net_protocol: NetProtocol::Unix,
        start: 0,
        pid: 0,
    };
}
