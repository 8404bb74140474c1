//! Bind parameters as text.

use std::ffi::CStr;
use std::marker::PhantomData;

use activity_event::ParamsBuf;
use pgrx::{FromDatum, pg_sys};

use super::{guard, text};

/// Most text of all parameters of one statement together. A statement may bind 65535 of any length; one event has to fit
/// into one record.
pub(crate) const MAX_PARAMETERS_BYTES: usize = 128 * 1024;
/// What stands for a parameter that could not be printed or did not fit.
const LEFT_OUT: &str = "...";

/// The parameters that a client bound to a statement.
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
        // A list with a fetch hook is a procedural language's view of its variables, not what a client bound.
        (list.numParams > 0 && list.paramFetch.is_none()).then_some(Self { list, call: PhantomData })
    }

    /// Adds the values, in order, NULLs left out, cut to what fits.
    pub(crate) fn print(&self, out: &mut ParamsBuf) {
        let mut room = MAX_PARAMETERS_BYTES;
        let count = usize::try_from(self.list.numParams).unwrap_or(0);
        // SAFETY: params is an array of numParams entries behind the struct (params.h).
        let entries = unsafe { std::slice::from_raw_parts(self.list.params.as_ptr(), count) };
        for entry in entries.iter().filter(|e| !e.isnull && e.ptype != pg_sys::InvalidOid) {
            let used = print_one(entry, room, out);
            room = room.saturating_sub(used);
            if room == 0 {
                break;
            }
        }
    }
}

/// Adds one value; returns the bytes it took.
fn print_one(entry: &pg_sys::ParamExternData, room: usize, out: &mut ParamsBuf) -> usize {
    let mut add = |value: &str| {
        let (cut, _) = activity_event::text::cut(value, room);
        out.push(cut);
        cut.len() + 1
    };
    // The types that nearly all clients bind are printed here: their output functions are known and cost a
    // catalog look-up and an allocation each.
    match entry.ptype {
        pg_sys::INT4OID => add(&(entry.value.value() as i32).to_string()),
        pg_sys::INT8OID => add(&(entry.value.value() as i64).to_string()),
        pg_sys::INT2OID => add(&(entry.value.value() as i16).to_string()),
        pg_sys::BOOLOID => add(if entry.value.value() as u8 == 0 { "f" } else { "t" }),
        _ => add(&printed(entry).unwrap_or_else(|| LEFT_OUT.to_owned())),
    }
}

/// The type's own output; `None` where it fails.
fn printed(entry: &pg_sys::ParamExternData) -> Option<String> {
    guard::contain(|| {
        // SAFETY: value and type belong together; an error of the output function becomes a panic that ends here.
        unsafe {
            if matches!(entry.ptype, pg_sys::TEXTOID | pg_sys::VARCHAROID) {
                let bytes: Option<&[u8]> = FromDatum::from_datum(entry.value, false);
                return bytes.map(|b| text::to_utf8(b).into_owned()).unwrap_or_default();
            }
            let mut output = pg_sys::InvalidOid;
            let mut varlena = false;
            pg_sys::getTypeOutputInfo(entry.ptype, &mut output, &mut varlena);
            let printed = pg_sys::OidOutputFunctionCall(output, entry.value);
            let value = text::to_utf8(CStr::from_ptr(printed).to_bytes()).into_owned();
            pg_sys::pfree(printed.cast());
            value
        }
    })
}
