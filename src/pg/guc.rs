//! Settings of the server (GUCs): typed, declared as statics, read without a call into the server.
//!
//! None of ours may be set by SQL, so only two contexts exist here. A wrong value is handled in three places:
//!
//! * **At start** the server would only warn about a wrong value of an extension's setting and go on with the
//!   default (guc.c, define_custom_variable). An audit that silently runs with other settings than the
//!   configured ones is worse than none, so [`Define::define`] checks the configured text first and refuses to start.
//! * **On reload** the server keeps the old value and logs why; the rules' DETAIL and HINT go into that message.
//! * **By SQL** the server refuses, since the context is postmaster or sighup.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::pg_sys;

use super::guard::raising;

/// When a setting may change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// At server start only.
    Postmaster,
    /// By the configuration file and a reload.
    Reload,
}

/// The unit a bare number has, and in which the value is kept.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// A plain count.
    None,
    /// Bytes.
    Byte,
    /// Kilobytes.
    Kilobyte,
    /// Megabytes.
    Megabyte,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
}

impl Unit {
    fn flag(self) -> c_int {
        let flag = match self {
            Unit::None => 0,
            Unit::Byte => pg_sys::GUC_UNIT_BYTE,
            Unit::Kilobyte => pg_sys::GUC_UNIT_KB,
            Unit::Megabyte => pg_sys::GUC_UNIT_MB,
            Unit::Millisecond => pg_sys::GUC_UNIT_MS,
            Unit::Second => pg_sys::GUC_UNIT_S,
        };
        flag as c_int
    }
}

/// Why a value is refused: the DETAIL and the HINT of the message.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// What is wrong with the value.
    pub(crate) detail: String,
    /// What to write instead.
    pub(crate) hint: String,
}

impl Invalid {
    /// Both texts.
    pub(crate) fn new(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { detail: detail.into(), hint: hint.into() }
    }
}

/// A rule for the text of a setting.
pub(crate) trait Rule {
    /// Whether `value` may be taken over.
    fn check(value: &str) -> Result<(), Invalid>;
}

/// Any text.
pub(crate) struct AnyText;

impl Rule for AnyText {
    fn check(_: &str) -> Result<(), Invalid> {
        Ok(())
    }
}

/// What all settings have.
pub(crate) struct Description {
    /// The full name, `activity_stream.…`.
    pub(crate) name: &'static CStr,
    /// One line, as in pg_settings.short_desc.
    pub(crate) short: &'static CStr,
    /// More of it.
    pub(crate) long: &'static CStr,
    /// When it may change.
    pub(crate) context: Context,
}

impl Description {
    fn context(&self) -> pg_sys::GucContext::Type {
        match self.context {
            Context::Postmaster => pg_sys::GucContext::PGC_POSTMASTER,
            Context::Reload => pg_sys::GucContext::PGC_SIGHUP,
        }
    }

    /// The name as text.
    pub(crate) fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or("activity_stream")
    }

    /// Refuses to go on: FATAL in the postmaster, which is starting.
    fn refuse(&self, value: &str, invalid: &Invalid) {
        super::log::refuse_configuration(
            &format!("invalid value for parameter \"{}\": \"{value}\"", self.name()),
            &invalid.detail,
            &invalid.hint,
        );
    }
}

/// The text that the configuration gives a setting which is not defined yet.
fn configured_text(name: &CStr) -> Option<String> {
    // SAFETY: the name is terminated; the result is the server's own string or NULL, and is copied at once.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

/// A setting that can be given to the server.
pub(crate) trait Define: Sync {
    /// Checks what is configured, then defines the setting. Raises an error on a wrong value.
    fn define(&'static self);
}

/// A whole number.
pub(crate) struct Int {
    value: UnsafeCell<c_int>,
    boot: c_int,
    min: c_int,
    max: c_int,
    unit: Unit,
    about: Description,
}

// SAFETY: the server writes the value on the main thread only, and only the main thread reads it.
unsafe impl Sync for Int {}

impl Int {
    /// A setting between `min` and `max`, in `unit`.
    pub(crate) const fn new(about: Description, unit: Unit, boot: c_int, min: c_int, max: c_int) -> Self {
        Self { value: UnsafeCell::new(boot), boot, min, max, unit, about }
    }

    /// The value in force, in the unit of the setting.
    #[inline]
    pub(crate) fn get(&self) -> i32 {
        // SAFETY: main thread, see above.
        unsafe { *self.value.get() }
    }

    fn check_text(&self, text: &str) -> Result<(), Invalid> {
        let range = || {
            format!("The value must be a whole number from {} to {}{}.", self.min, self.max, self.unit_name())
        };
        let hint =
            || format!("Write for example {} = {}{}.", self.about.name(), self.boot, self.unit_suffix());
        let Ok(c_text) = CString::new(text) else {
            return Err(Invalid::new(range(), hint()));
        };
        let mut value = 0;
        let mut why: *const c_char = ptr::null();
        // SAFETY: terminated text in, two locals out; parse_int keeps nothing.
        let parsed = unsafe { pg_sys::parse_int(c_text.as_ptr(), &mut value, self.unit.flag(), &mut why) };
        if !parsed && !why.is_null() {
            // SAFETY: a constant text of the server.
            let why = unsafe { CStr::from_ptr(why) }.to_string_lossy().into_owned();
            return Err(Invalid::new(range(), why));
        }
        if !parsed || value < self.min || value > self.max {
            return Err(Invalid::new(range(), hint()));
        }
        Ok(())
    }

    fn unit_suffix(&self) -> &'static str {
        match self.unit {
            Unit::None => "",
            Unit::Byte => "B",
            Unit::Kilobyte => "kB",
            Unit::Megabyte => "MB",
            Unit::Millisecond => "ms",
            Unit::Second => "s",
        }
    }

    fn unit_name(&self) -> &'static str {
        match self.unit {
            Unit::None => "",
            Unit::Byte => " bytes",
            Unit::Kilobyte => " kB",
            Unit::Megabyte => " MB",
            Unit::Millisecond => " ms",
            Unit::Second => " s",
        }
    }
}

impl Define for Int {
    fn define(&'static self) {
        if let Some(text) = configured_text(self.about.name)
            && let Err(invalid) = self.check_text(&text)
        {
            self.about.refuse(&text, &invalid);
        }
        // SAFETY: all strings and the variable are static.
        unsafe {
            pg_sys::DefineCustomIntVariable(
                self.about.name.as_ptr(),
                self.about.short.as_ptr(),
                self.about.long.as_ptr(),
                self.value.get(),
                self.boot,
                self.min,
                self.max,
                self.about.context(),
                self.unit.flag(),
                None,
                None,
                None,
            );
        }
    }
}

/// On or off.
pub(crate) struct Bool {
    value: UnsafeCell<bool>,
    boot: bool,
    about: Description,
}

// SAFETY: as for Int.
unsafe impl Sync for Bool {}

impl Bool {
    /// A switch.
    pub(crate) const fn new(about: Description, boot: bool) -> Self {
        Self { value: UnsafeCell::new(boot), boot, about }
    }

    /// The value in force.
    #[inline]
    pub(crate) fn get(&self) -> bool {
        // SAFETY: main thread, see Int.
        unsafe { *self.value.get() }
    }
}

impl Define for Bool {
    fn define(&'static self) {
        if let Some(text) = configured_text(self.about.name) {
            let mut value = false;
            let ok = CString::new(text.as_str())
                // SAFETY: terminated text in, a local out.
                .is_ok_and(|c| unsafe { pg_sys::parse_bool(c.as_ptr(), &mut value) });
            if !ok {
                let hint = format!("Write {} = on or off.", self.about.name());
                self.about.refuse(&text, &Invalid::new("The value must be a Boolean.", hint));
            }
        }
        // SAFETY: all strings and the variable are static.
        unsafe {
            pg_sys::DefineCustomBoolVariable(
                self.about.name.as_ptr(),
                self.about.short.as_ptr(),
                self.about.long.as_ptr(),
                self.value.get(),
                self.boot,
                self.about.context(),
                0,
                None,
                None,
                None,
            );
        }
    }
}

/// A text, with a rule for what it may be.
pub(crate) struct Text<R: Rule + 'static = AnyText> {
    value: UnsafeCell<*mut c_char>,
    boot: &'static CStr,
    about: Description,
    rule: PhantomData<fn() -> R>,
}

// SAFETY: as for Int.
unsafe impl<R: Rule> Sync for Text<R> {}

impl<R: Rule> Text<R> {
    /// A text setting.
    pub(crate) const fn new(about: Description, boot: &'static CStr) -> Self {
        Self { value: UnsafeCell::new(ptr::null_mut()), boot, about, rule: PhantomData }
    }

    /// The value in force; empty before the setting is defined.
    pub(crate) fn get(&self) -> String {
        // SAFETY: main thread; the server keeps the string until the setting changes, and it is copied here.
        unsafe {
            let value = *self.value.get();
            if value.is_null() { String::new() } else { CStr::from_ptr(value).to_string_lossy().into_owned() }
        }
    }

    /// The value, or `None` where it is empty.
    pub(crate) fn get_nonempty(&self) -> Option<String> {
        Some(self.get()).filter(|s| !s.is_empty())
    }

    /// Gives a setting that was left empty the value that is derived for it, so that SHOW tells what is in force.
    pub(crate) fn set_default(&'static self, value: &str) {
        let Ok(value) = CString::new(value) else { return };
        // SAFETY: both strings are terminated; the server copies them.
        unsafe {
            pg_sys::SetConfigOption(
                self.about.name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_POSTMASTER,
                pg_sys::GucSource::PGC_S_DYNAMIC_DEFAULT,
            );
        }
    }
}

impl<R: Rule> Define for Text<R> {
    fn define(&'static self) {
        if let Some(text) = configured_text(self.about.name)
            && let Err(invalid) = R::check(&text)
        {
            self.about.refuse(&text, &invalid);
        }
        // SAFETY: all strings and the variable are static; the hook is a plain function.
        unsafe {
            pg_sys::DefineCustomStringVariable(
                self.about.name.as_ptr(),
                self.about.short.as_ptr(),
                self.about.long.as_ptr(),
                self.value.get(),
                self.boot.as_ptr(),
                self.about.context(),
                0,
                Some(check_text::<R>),
                Some(assign_text),
                None,
            );
        }
    }
}

/// Counts the changes of all text settings.
static TEXT_GENERATION: AtomicU64 = AtomicU64::new(0);

/// Differs from before where a text setting changed: for those who keep what they made of one.
#[inline]
pub(crate) fn text_generation() -> u64 {
    TEXT_GENERATION.load(Ordering::Relaxed)
}

extern "C-unwind" fn assign_text(_new_value: *const c_char, _extra: *mut c_void) {
    TEXT_GENERATION.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C-unwind" fn check_text<R: Rule>(
    new_value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server hands a pointer to a terminated string or NULL.
    let text = unsafe {
        if (*new_value).is_null() {
            String::new()
        } else {
            CStr::from_ptr(*new_value).to_string_lossy().into_owned()
        }
    };
    verdict(&R::check(&text))
}

/// One of a fixed set of words.
pub(crate) struct Choice<R: ChoiceRule + 'static> {
    value: UnsafeCell<c_int>,
    boot: c_int,
    options: &'static [ChoiceEntry],
    about: Description,
    rule: PhantomData<fn() -> R>,
}

/// A word and its number; the list ends with [`ChoiceEntry::END`].
#[repr(transparent)]
pub(crate) struct ChoiceEntry(pg_sys::config_enum_entry);

// SAFETY: only constant strings are pointed to.
unsafe impl Sync for ChoiceEntry {}

impl ChoiceEntry {
    /// The entry that ends a list.
    pub(crate) const END: Self = Self(pg_sys::config_enum_entry { name: ptr::null(), val: 0, hidden: false });

    /// A word.
    pub(crate) const fn new(name: &'static CStr, value: c_int) -> Self {
        Self(pg_sys::config_enum_entry { name: name.as_ptr(), val: value, hidden: false })
    }
}

/// A rule for a choice.
pub(crate) trait ChoiceRule {
    /// Whether the choice may be taken over now.
    fn check(value: i32) -> Result<(), Invalid>;
}

/// Every word of the list is fine.
pub(crate) struct AnyChoice;

impl ChoiceRule for AnyChoice {
    fn check(_: i32) -> Result<(), Invalid> {
        Ok(())
    }
}

// SAFETY: as for Int.
unsafe impl<R: ChoiceRule> Sync for Choice<R> {}

impl<R: ChoiceRule> Choice<R> {
    /// A setting with the words `options`.
    pub(crate) const fn new(about: Description, boot: c_int, options: &'static [ChoiceEntry]) -> Self {
        Self { value: UnsafeCell::new(boot), boot, options, about, rule: PhantomData }
    }

    /// The number of the word in force.
    #[inline]
    pub(crate) fn get(&self) -> i32 {
        // SAFETY: main thread, see Int.
        unsafe { *self.value.get() }
    }

    fn words(&self) -> Vec<(String, c_int)> {
        self.options
            .iter()
            .take_while(|e| !e.0.name.is_null())
            // SAFETY: constant strings.
            .map(|e| (unsafe { CStr::from_ptr(e.0.name) }.to_string_lossy().into_owned(), e.0.val))
            .collect()
    }

    /// The number of `text`, as the server finds it: letter case does not count.
    pub(crate) fn parse(&self, text: &str) -> Option<i32> {
        self.words().iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
    }
}

impl<R: ChoiceRule> Define for Choice<R> {
    fn define(&'static self) {
        if let Some(text) = configured_text(self.about.name)
            && self.parse(&text).is_none()
        {
            let words: Vec<String> = self.words().into_iter().map(|(word, _)| word).collect();
            let detail = format!("Available values: {}.", words.join(", "));
            let hint =
                format!("Write for example {} = {}.", self.about.name(), words.last().map_or("", |w| w));
            self.about.refuse(&text, &Invalid::new(detail, hint));
        }
        // SAFETY: all strings, the list and the variable are static; the hook is a plain function.
        unsafe {
            pg_sys::DefineCustomEnumVariable(
                self.about.name.as_ptr(),
                self.about.short.as_ptr(),
                self.about.long.as_ptr(),
                self.value.get(),
                self.boot,
                self.options.as_ptr().cast(),
                self.about.context(),
                0,
                Some(check_choice::<R>),
                None,
                None,
            );
        }
    }
}

unsafe extern "C-unwind" fn check_choice<R: ChoiceRule>(
    new_value: *mut c_int,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server hands a pointer to the value.
    verdict(&R::check(unsafe { *new_value }))
}

/// Puts the texts of a refusal where the server takes them from (guc.h, GUC_check_errdetail and -hint).
fn verdict(result: &Result<(), Invalid>) -> bool {
    let Err(invalid) = result else { return true };
    // SAFETY: main thread. The strings go to ErrorContext, as format_elog_string() does; the server reads them
    // before it resets that context.
    unsafe {
        pg_sys::GUC_check_errdetail_string = error_text(&invalid.detail);
        pg_sys::GUC_check_errhint_string = error_text(&invalid.hint);
    }
    false
}

/// A copy of `text` in the server's ErrorContext.
///
/// # Safety
/// Main thread only.
unsafe fn error_text(text: &str) -> *mut c_char {
    let text = CString::new(text.replace('\0', "")).unwrap_or_default();
    // SAFETY: terminated text; passed on to the caller.
    unsafe { pg_sys::MemoryContextStrdup(pg_sys::ErrorContext, text.as_ptr()) }
}

/// Keeps the prefix for us: a misspelt `activity_stream.…` is warned about.
pub(crate) fn reserve_prefix() {
    // SAFETY: a constant name.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"activity_stream".as_ptr()) };
}

/// What the configuration files say of a setting at this moment, last entry first; `None` where they do not name it.
///
/// Settings of a reload are checked one by one in the order of the file, so a rule that joins two of them has to
/// look at what the other is about to become.
pub(crate) fn value_in_files(name: &str) -> Option<String> {
    // SAFETY: main thread; both are set before any extension is loaded.
    let (main_file, data_directory) = unsafe { (pg_sys::ConfigFileName, pg_sys::DataDir) };
    if main_file.is_null() || data_directory.is_null() {
        return None;
    }
    // SAFETY: terminated strings of the server.
    let (main_file, data_directory) = unsafe { (CStr::from_ptr(main_file), CStr::from_ptr(data_directory)) };
    let automatic =
        CString::new([data_directory.to_bytes(), b"/", pg_sys::PG_AUTOCONF_FILENAME.to_bytes()].concat())
            .unwrap_or_default();
    let in_main = value_in_file(main_file, true, name);
    value_in_file(&automatic, false, name).or(in_main)
}

fn value_in_file(file: &CStr, strict: bool, name: &str) -> Option<String> {
    let mut head: *mut pg_sys::ConfigVariable = ptr::null_mut();
    let mut tail: *mut pg_sys::ConfigVariable = ptr::null_mut();
    // SAFETY: terminated path, two locals; the list that comes back is ours to free.
    unsafe {
        let read = raising(|| {
            pg_sys::ParseConfigFile(
                file.as_ptr(),
                strict,
                ptr::null(),
                0,
                0,
                pg_sys::DEBUG1 as c_int,
                &mut head,
                &mut tail,
            )
        });
        let mut found = None;
        let mut item = head;
        while read && !item.is_null() {
            let entry = &*item;
            if !entry.name.is_null()
                && !entry.value.is_null()
                && CStr::from_ptr(entry.name).to_bytes().eq_ignore_ascii_case(name.as_bytes())
            {
                found = Some(CStr::from_ptr(entry.value).to_string_lossy().into_owned());
            }
            item = entry.next;
        }
        pg_sys::FreeConfigVariables(head);
        found
    }
}
