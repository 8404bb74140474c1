//! Whether a text can hold a secret at all: the pass that every statement of every session takes.
//!
//! Two or three letters of each word (and `://`) are looked for in a block of the text at once, which compilers turn into vector
//! instructions; only in a block that has them are the words themselves compared. A search for single bytes would stop
//! every few words: SQL has no letter that is rare enough.

/// Words that a secret can follow, each with where the letters begin in it that [`has_letters`] looks for.
const WORDS: [(usize, &[u8]); 6] = [
    (3, b"password"),
    (3, b"passwd"),
    (0, b"://"),
    // OPTIONS ( … ), whose options are told apart by the scan.
    (0, b"options"),
    // Of connection strings: oauth_client_secret, scram_client_key.
    (5, b"client_secret"),
    (5, b"client_key"),
];
/// How many letters are looked for at most.
const LETTERS: usize = 3;
/// Places that are looked at together.
const BLOCK_BYTES: usize = 32;
/// A block with the letters that begin at its last place.
const WINDOW_BYTES: usize = BLOCK_BYTES + LETTERS - 1;

/// The shortest text with a secret is a URI's `://u:p@`. BEGIN and COMMIT are shorter.
const SHORTEST_BYTES: usize = 7;

/// Whether the text has a word that a secret can follow.
pub(super) fn secrets(text: &[u8]) -> bool {
    if text.len() < SHORTEST_BYTES {
        return false;
    }
    let mut from = 0;
    while let Some(window) = text.get(from..).and_then(<[u8]>::first_chunk::<WINDOW_BYTES>) {
        if has_letters(window) && has_word(text, from) {
            return true;
        }
        from += BLOCK_BYTES;
    }
    if let Some(last) = text.last_chunk::<WINDOW_BYTES>() {
        return has_letters(last) && has_word(text, text.len() - WINDOW_BYTES);
    }
    let mut window = [0; WINDOW_BYTES];
    if let Some(begin) = window.get_mut(..text.len()) {
        begin.copy_from_slice(text);
    }
    has_letters(&window) && has_word(text, 0)
}

#[inline]
fn are_letters(first: u8, second: u8, third: u8) -> bool {
    // Makes letters small, and of the other bytes leaves `:` and `/` what they are.
    let (first, second, third) = (first | 0x20, second | 0x20, third | 0x20);
    (first == b's') & (second == b'w')
        | (first == b':') & (second == b'/')
        | (first == b'o') & (second == b'p') & (third == b't')
        | (first == b't') & (second == b'_' | 0x20) & ((third == b's') | (third == b'k'))
}

#[inline]
fn has_letters(window: &[u8; WINDOW_BYTES]) -> bool {
    let seconds = window.iter().skip(1);
    let thirds = window.iter().skip(2);
    window.iter().zip(seconds).zip(thirds).fold(false, |found, ((a, b), c)| found | are_letters(*a, *b, *c))
}

/// Whether the letters of one of the words begin in the block from `from` on, in their word.
#[cold]
fn has_word(text: &[u8], from: usize) -> bool {
    let places = text.get(from..).unwrap_or(&[]).windows(LETTERS).take(BLOCK_BYTES);
    places.enumerate().any(|(i, letters)| {
        let &[a, b, c] = letters else { return false };
        are_letters(a, b, c)
            && WORDS.iter().any(|(offset, word)| {
                let start = (from + i).checked_sub(*offset);
                let found = start.and_then(|start| text.get(start..start + word.len()));
                found.is_some_and(|found| found.eq_ignore_ascii_case(word))
            })
    })
}
