//! `activity_stream.locked`: what none but root can write is what counts.
//!
//! The rule, and what it does not guarantee, is in [`activity_protected`]. It is asked in two places: of every setting of ours and of the
//! list that loads us when the server starts, which then does not; and of every value that a reload would change, in the worker, which
//! keeps the old one. Other processes use what the worker puts in force, so nothing more is needed.
//!
//! `locked` itself needs a restart to change. It may come from anywhere as long as it is on, which can only be stricter; but what
//! can be taken away locks nothing, so it belongs into a protected file, too.

use activity_protected::{Host, Rule};

use super::in_force::{Refused, Values};
use super::themes;
use crate::pg::guc::{self, Bool, Context, Define, Description};
use crate::pg::{log, startup};

static LOCKED: Bool = Bool::new(
    Description {
        name: c"activity_stream.locked",
        short: c"Lets settings of the stream count only where they come from a file that none but root can write.",
        long: c"The file and every directory on the way to it belong to root, and neither group nor others may write. \
                Anything else keeps the server from starting, and is refused on a reload.",
        context: Context::Postmaster,
    },
    false,
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[&LOCKED];

/// Settings that the stream cannot do without: their built-in values are the end of it.
const NAMED: [&str; 2] = ["activity_stream.mode", "shared_preload_libraries"];

/// What to do about a value that does not count.
pub(crate) const HINT: &str = "Set it in a file that belongs to root, as do all directories on the way to it, and that neither \
                               group nor others may write.";

/// Whether only protected values count.
pub(crate) fn locked() -> bool {
    LOCKED.get()
}

/// While the server starts: refuses to, where a value does not count. Single-user mode and pg_upgrade have no stream.
pub(super) fn check_at_start() {
    if !locked() || startup::without_workers() {
        return;
    }
    let file = guc::configuration_file();
    let rule = Rule::new(&file, &Host);
    if let Some(weakness) = rule.main_weakness() {
        log::refuse_configuration(
            "the configuration file is not protected, and activity_stream.locked is on",
            &format!("It is \"{}\"; {weakness}.", file.display()),
            "It must belong to root, as must all directories on the way to it, and neither group nor others may write.",
        );
    }
    let ours = themes().map(|setting| setting.about().name()).filter(|name| *name != LOCKED.about().name());
    for name in ours.chain(["shared_preload_libraries"]) {
        let (source, places) = (guc::source(name), guc::places_in_files(name));
        if let Err(refusal) = rule.at_start(&source, &places, NAMED.contains(&name), &Host) {
            log::refuse_configuration(
                &format!("parameter \"{name}\" is not protected, and activity_stream.locked is on"),
                &refusal.to_string(),
                HINT,
            );
        }
    }
}

/// What counts of a configuration that was read on a reload: where a value does not, the one before stays, which is in force or about to be.
pub(crate) fn counting(configured: Values, before: &Values) -> (Values, Vec<Refused>) {
    if !locked() {
        return (configured, Vec::new());
    }
    let rule = Rule::new(&guc::configuration_file(), &Host);
    configured.keep_where_refused(before, |name| {
        let source = guc::source(name);
        let counts = rule.on_reload(&source, &guc::places_in_files(name), &Host);
        counts.map_err(|refusal| {
            (source.file().map_or_else(String::new, |file| file.display().to_string()), refusal)
        })
    })
}
