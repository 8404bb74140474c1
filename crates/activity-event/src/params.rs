//! Bind parameters, packed: a length of four bytes and the text, one after the other.

/// A list of parameters as a view of its packed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params<'a>(pub(crate) &'a [u8]);

impl<'a> Params<'a> {
    /// No parameters.
    pub const EMPTY: Self = Self(&[]);

    /// The texts in order. A packed form that is damaged ends early; [`crate::Event::decode`] lets none through.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (text, after) = split(rest)?;
            rest = after;
            Some(text)
        })
    }

    /// Bytes of the packed form.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Whether the packed form is whole.
    pub(crate) fn is_whole(&self) -> bool {
        let mut rest = self.0;
        while !rest.is_empty() {
            let Some((_, after)) = split(rest) else { return false };
            rest = after;
        }
        true
    }
}

fn split(packed: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = packed.split_first_chunk::<4>()?;
    let (text, after) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some((std::str::from_utf8(text).ok()?, after))
}

/// Collects parameters; kept and reused by a session.
#[derive(Debug, Default, Clone)]
pub struct ParamsBuf(Vec<u8>);

impl ParamsBuf {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds one text. One of 4 GiB or more is left out.
    #[inline]
    pub fn push(&mut self, text: &str) {
        if let Ok(length) = u32::try_from(text.len()) {
            self.0.extend_from_slice(&length.to_le_bytes());
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    /// The list as an event holds it.
    #[must_use]
    pub fn as_params(&self) -> Params<'_> {
        Params(&self.0)
    }
}
