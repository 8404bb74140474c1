//! Cutting text.

/// At most `max_bytes` of the text, cut at a character boundary, and the length of the whole in bytes where it was cut.
#[inline]
#[must_use]
pub fn cut(text: &str, max_bytes: usize) -> (&str, Option<u64>) {
    if text.len() <= max_bytes {
        return (text, None);
    }
    let end = text.floor_char_boundary(max_bytes);
    (text.get(..end).unwrap_or(""), Some(text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_that_fits_is_whole() {
        assert_eq!(cut("", 0), ("", None));
        assert_eq!(cut("abc", 3), ("abc", None));
    }

    #[test]
    fn a_cut_never_splits_a_character_and_tells_the_whole_length() {
        assert_eq!(cut("abc", 2), ("ab", Some(3)));
        assert_eq!(cut("aé", 2), ("a", Some(3)));
        assert_eq!(cut("日本", 5), ("日", Some(6)));
        assert_eq!(cut("日本", 2), ("", Some(6)));
    }
}
