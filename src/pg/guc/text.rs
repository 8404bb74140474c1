//! Texts.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::ptr;

use pgrx::pg_sys;

use super::{Define, Description, Invalid, Value, configured_text};
use crate::pg::main_thread::MainThread;

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

/// A text, with a rule for what it may be.
pub(crate) struct Text<R: Rule + 'static = AnyText> {
    value: UnsafeCell<*mut c_char>,
    in_force: MainThread<String>,
    boot: &'static CStr,
    about: Description,
    rule: PhantomData<fn() -> R>,
}

// SAFETY: as for Int.
unsafe impl<R: Rule> Sync for Text<R> {}

impl<R: Rule> Text<R> {
    /// A text setting.
    pub(crate) const fn new(about: Description, boot: &'static CStr) -> Self {
        Self {
            value: UnsafeCell::new(ptr::null_mut()),
            in_force: MainThread::new(String::new()),
            boot,
            about,
            rule: PhantomData,
        }
    }

    /// The value in force; empty before the setting is defined.
    pub(crate) fn get(&self) -> String {
        self.in_force.with(|text| text.clone()).unwrap_or_default()
    }

    /// What this process has read last.
    pub(crate) fn configured_text(&self) -> String {
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
        self.put_in_force(&self.configured());
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
                None,
                None,
            );
        }
        self.put_in_force(&self.configured());
    }

    fn about(&self) -> &Description {
        &self.about
    }

    fn configured(&self) -> Value {
        Value::Text(self.configured_text())
    }

    fn in_force(&self) -> Value {
        Value::Text(self.get())
    }

    fn put_in_force(&self, value: &Value) -> bool {
        let Value::Text(new) = value else { return false };
        self.in_force.with(|text| text.clone_from(new)).is_some()
    }

    fn show(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
        }
    }
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

/// Puts the texts of a refusal where the server takes them from (guc.h, GUC_check_errdetail and -hint).
pub(super) fn verdict(result: &Result<(), Invalid>) -> bool {
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
