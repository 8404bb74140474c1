//! Bind parameters as text.

use std::ffi::CStr;
use std::marker::PhantomData;

use activity_event::{ParamsBuf, redact};
use pgrx::{FromDatum, pg_sys};

use super::ffi::activity_pg_output;
use super::{guard, text};

/// Most text of all parameters of one statement together. A statement may bind 65535 of any length; one event has to fit
/// into one record.
pub(crate) const MAX_PARAMETERS_BYTES: usize = 128 * 1024;
/// What stands for a parameter that could not be printed or did not fit.
const LEFT_OUT: &str = "...";

/// The parameters of a statement: those that a client bound, or a procedural language's variables that it uses.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    list: &'a pg_sys::ParamListInfoData,
    call: PhantomData<&'a ()>,
}

impl<'a> Bound<'a> {
    /// # Safety
    /// `list` is NULL or the parameter list of the statement that `'a` stands for.
    pub(super) unsafe fn new(list: pg_sys::ParamListInfo) -> Option<Self> {
        // SAFETY: passed on to the caller.
        let list = unsafe { list.as_ref() }?;
        (list.numParams > 0).then_some(Self { list, call: PhantomData })
    }

    /// Adds the values, in order, NULLs left out, each cut to `max_bytes` and all to what fits. Secrets are redacted: those
    /// in a value, and the values of the parameters whose numbers (from 1) are `secret`.
    pub(crate) fn print(&self, max_bytes: usize, secret: &[usize], out: &mut ParamsBuf) {
        self.each(max_bytes, secret, out, |entry| printed(entry).unwrap_or_else(|| LEFT_OUT.to_owned()));
    }

    /// The same while an error is under way: only what can be printed without the server's help, and only what the
    /// client bound.
    pub(crate) fn print_plain(&self, max_bytes: usize, secret: &[usize], out: &mut ParamsBuf) {
        if self.list.paramFetch.is_none() {
            self.each(max_bytes, secret, out, |_| LEFT_OUT.to_owned());
        }
    }

    #[inline]
    fn each(
        &self,
        max_bytes: usize,
        secret: &[usize],
        out: &mut ParamsBuf,
        other: impl Fn(&pg_sys::ParamExternData) -> String,
    ) {
        let mut room = MAX_PARAMETERS_BYTES;
        let mut fetched = pg_sys::ParamExternData::default();
        let mut digits = itoa::Buffer::new();
        for number in 0..usize::try_from(self.list.numParams).unwrap_or(0) {
            let Some(entry) = self.entry(number, &mut fetched) else { continue };
            let most = room.min(max_bytes);
            // The types that nearly all clients bind are printed here: their output functions are known and cost a
            // catalog look-up and an allocation each.
            let added = if secret.contains(&(number + 1)) {
                add(redact::REDACTED, most, out)
            } else if let Some(integer) = integer(entry) {
                add(digits.format(integer), most, out)
            } else if entry.ptype == pg_sys::BOOLOID {
                add(if entry.value.value() as u8 == 0 { "f" } else { "t" }, most, out)
            } else {
                let text = plain_text(entry, max_bytes).unwrap_or_else(|| other(entry));
                add(&redact::literal(&text), most, out)
            };
            room = room.saturating_sub(added + 1);
            if room == 0 {
                break;
            }
        }
    }

    /// A parameter that has a value. One that has to be fetched is put into `fetched`.
    #[inline]
    fn entry<'f>(
        &self,
        number: usize,
        fetched: &'f mut pg_sys::ParamExternData,
    ) -> Option<&'f pg_sys::ParamExternData>
    where
        'a: 'f,
    {
        let entry = if self.list.paramFetch.is_some() {
            self.fetch(number, fetched)?
        } else {
            // SAFETY: params is an array of numParams entries behind the struct (params.h).
            unsafe { &*self.list.params.as_ptr().add(number) }
        };
        (!entry.isnull && entry.ptype != pg_sys::InvalidOid).then_some(entry)
    }

    #[cold]
    fn fetch<'f>(
        &self,
        number: usize,
        fetched: &'f mut pg_sys::ParamExternData,
    ) -> Option<&'f pg_sys::ParamExternData>
    where
        'a: 'f,
    {
        let fetch = self.list.paramFetch?;
        let list = std::ptr::from_ref(self.list).cast_mut();
        let id = i32::try_from(number).ok()? + 1;
        // SAFETY: as copyParamList (params.c) does; what comes back lives as long as the workspace or the list; an
        // error becomes a panic.
        Some(unsafe { &*guard::raising(|| fetch(list, id, true, fetched)) })
    }
}

/// Adds the value, cut to `max_bytes`; the bytes that were added.
#[inline]
fn add(value: &str, max_bytes: usize, out: &mut ParamsBuf) -> usize {
    let (cut, whole) = activity_event::text::cut(value, max_bytes);
    let cut = if whole.is_some() { redact::without_torn_uri(cut) } else { cut };
    out.push(cut);
    cut.len()
}

/// The value of an integer.
#[inline]
fn integer(entry: &pg_sys::ParamExternData) -> Option<i64> {
    let value = entry.value.value();
    match entry.ptype {
        pg_sys::INT4OID => Some(i64::from(value as i32)),
        pg_sys::INT8OID => Some(value as i64),
        pg_sys::INT2OID => Some(i64::from(value as i16)),
        _ => None,
    }
}

/// A text as it is, where it lies in memory in one piece.
fn plain_text(entry: &pg_sys::ParamExternData, max_bytes: usize) -> Option<String> {
    if !matches!(entry.ptype, pg_sys::TEXTOID | pg_sys::VARCHAROID) {
        return None;
    }
    // SAFETY: a text that is not NULL; one that is compressed or stored elsewhere is left to its output function, so
    // nothing is called that may raise an error.
    let bytes: &[u8] = unsafe {
        let pointer: *const pg_sys::varlena = entry.value.cast_mut_ptr();
        if pgrx::varatt_is_1b_e(pointer) || pgrx::varatt_is_4b_c(pointer) {
            return None;
        }
        FromDatum::from_datum(entry.value, false)?
    };
    // A cut text is redacted as far as it is kept. One more character tells that it was cut.
    Some(
        text::to_utf8(text::clip(bytes, max_bytes.saturating_add(text::LONGEST_CHARACTER_BYTES)))
            .into_owned(),
    )
}

/// The type's own output; `None` where it fails.
fn printed(entry: &pg_sys::ParamExternData) -> Option<String> {
    guard::contain(|| {
        // SAFETY: value and type belong together; an error becomes a panic that ends here.
        unsafe {
            let printed = guard::raising(|| activity_pg_output(entry.ptype, entry.value));
            if printed.is_null() {
                return None;
            }
            let value = text::to_utf8(CStr::from_ptr(printed).to_bytes()).into_owned();
            pg_sys::pfree(printed.cast());
            Some(value)
        }
    })
    .flatten()
}
