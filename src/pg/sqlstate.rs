//! SQLSTATEs as the server packs them (elog.h, MAKE_SQLSTATE): six bits a character, `0` is zero.

/// syntax_error
pub(crate) const SYNTAX_ERROR: i32 = packed(*b"42601");

const fn packed(text: [u8; 5]) -> i32 {
    let mut code = 0;
    let mut place = 0;
    while place < text.len() {
        code |= (((text[place] - b'0') & 0x3f) as i32) << (6 * place);
        place += 1;
    }
    code
}

/// The five characters of a packed SQLSTATE.
pub(crate) fn text(packed: i32) -> String {
    (0..5).map(|place| char::from(b'0'.wrapping_add(((packed >> (6 * place)) & 0x3f) as u8))).collect()
}
