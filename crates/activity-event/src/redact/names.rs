//! Names whose value is a secret.

/// Ends of names of settings, columns, variables and arguments.
const PASSWORDS: [&[u8]; 2] = [b"password", b"passwd"];

/// Ends of keywords of connection strings.
const KEYWORDS: [&[u8]; 5] =
    [b"password", b"passwd", b"client_secret", b"scram_client_key", b"scram_server_key"];

/// Parts of the names of options of servers, user mappings and other foreign objects.
const OPTIONS: [&[u8]; 10] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"secret",
    b"token",
    b"private_key",
    b"access_key",
    b"api_key",
    b"scram_client_key",
    b"scram_server_key",
];

/// An option of postgres_fdw that says whether there must be a password: no secret, and of interest to an auditor.
const NO_SECRET: &[u8] = b"password_required";

/// The word of CREATE and ALTER ROLE, and the name of most options.
pub(super) fn is_password(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"password")
}

/// Whether what is assigned to the name, or compared with it, is a password.
pub(super) fn is_of_password(name: &[u8]) -> bool {
    PASSWORDS.iter().any(|end| ends_with(name, end))
}

/// Whether a connection string gives a secret behind this word. A word can have something before the keyword, as
/// `sslpassword` has.
pub(super) fn is_keyword(word: &[u8]) -> bool {
    KEYWORDS.iter().any(|end| ends_with(word, end))
}

/// Whether the option of a foreign object holds a secret.
pub(super) fn is_of_secret_option(name: &[u8]) -> bool {
    !name.eq_ignore_ascii_case(NO_SECRET)
        && OPTIONS.iter().any(|part| name.windows(part.len()).any(|found| found.eq_ignore_ascii_case(part)))
}

fn ends_with(name: &[u8], end: &[u8]) -> bool {
    name.len()
        .checked_sub(end.len())
        .and_then(|from| name.get(from..))
        .is_some_and(|n| n.eq_ignore_ascii_case(end))
}
