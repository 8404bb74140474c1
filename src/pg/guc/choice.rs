//! Choices.

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use pgrx::pg_sys;

use super::text::verdict;
use super::{Define, Description, Invalid, Value, configured_text};

/// One of a fixed set of words.
pub(crate) struct Choice<R: ChoiceRule + 'static> {
    value: UnsafeCell<c_int>,
    in_force: AtomicI32,
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
        let (value, in_force) = (UnsafeCell::new(boot), AtomicI32::new(boot));
        Self { value, in_force, boot, options, about, rule: PhantomData }
    }

    /// The number of the word in force.
    #[inline]
    pub(crate) fn get(&self) -> i32 {
        self.in_force.load(Ordering::Relaxed)
    }

    /// The number of the word that this process has read last.
    pub(crate) fn configured_number(&self) -> i32 {
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
        self.put_in_force(&self.configured());
    }

    fn about(&self) -> &Description {
        &self.about
    }

    fn configured(&self) -> Value {
        Value::Number(self.configured_number())
    }

    fn in_force(&self) -> Value {
        Value::Number(self.get())
    }

    fn put_in_force(&self, value: &Value) -> bool {
        let possible = self.words().into_iter().find(|(_, number)| *value == Value::Number(*number));
        possible.is_some_and(|(_, number)| {
            self.in_force.store(number, Ordering::Relaxed);
            true
        })
    }

    fn show(&self, value: &Value) -> String {
        let word = self.words().into_iter().find(|(_, number)| *value == Value::Number(*number));
        word.map(|(word, _)| word).unwrap_or_default()
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
