//! Numbers and switches.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use pgrx::pg_sys;

use super::{Define, Description, Invalid, Value, configured_text};

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

/// A whole number.
pub(crate) struct Int {
    value: UnsafeCell<c_int>,
    in_force: AtomicI32,
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
        Self { value: UnsafeCell::new(boot), in_force: AtomicI32::new(boot), boot, min, max, unit, about }
    }

    /// The value in force, in the unit of the setting.
    #[inline]
    pub(crate) fn get(&self) -> i32 {
        self.in_force.load(Ordering::Relaxed)
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
        self.put_in_force(&self.configured());
    }

    fn about(&self) -> &Description {
        &self.about
    }

    fn configured(&self) -> Value {
        // SAFETY: main thread, see above.
        Value::Number(unsafe { *self.value.get() })
    }

    fn in_force(&self) -> Value {
        Value::Number(self.get())
    }

    fn put_in_force(&self, value: &Value) -> bool {
        let Value::Number(number) = value else { return false };
        let possible = (self.min..=self.max).contains(number);
        if possible {
            self.in_force.store(*number, Ordering::Relaxed);
        }
        possible
    }

    fn show(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => format!("{number}{}", self.unit_suffix()),
            Value::Text(text) => text.clone(),
        }
    }
}

/// On or off.
pub(crate) struct Bool {
    value: UnsafeCell<bool>,
    in_force: AtomicBool,
    boot: bool,
    about: Description,
}

// SAFETY: as for Int.
unsafe impl Sync for Bool {}

impl Bool {
    /// A switch.
    pub(crate) const fn new(about: Description, boot: bool) -> Self {
        Self { value: UnsafeCell::new(boot), in_force: AtomicBool::new(boot), boot, about }
    }

    /// The value in force.
    #[inline]
    pub(crate) fn get(&self) -> bool {
        self.in_force.load(Ordering::Relaxed)
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
        self.put_in_force(&self.configured());
    }

    fn about(&self) -> &Description {
        &self.about
    }

    fn configured(&self) -> Value {
        // SAFETY: main thread, see Int.
        Value::Number(i32::from(unsafe { *self.value.get() }))
    }

    fn in_force(&self) -> Value {
        Value::Number(i32::from(self.get()))
    }

    fn put_in_force(&self, value: &Value) -> bool {
        let Value::Number(number @ (0 | 1)) = value else { return false };
        self.in_force.store(*number == 1, Ordering::Relaxed);
        true
    }

    fn show(&self, value: &Value) -> String {
        (if *value == Value::Number(0) { "off" } else { "on" }).to_owned()
    }
}
