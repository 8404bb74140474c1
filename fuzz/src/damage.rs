//! What happens to bytes on their way: flipped, cut, moved, repeated, replaced.

use crate::input::Input;

/// Most changes that one input asks for.
const MAX_CHANGES: usize = 8;

/// Changes `bytes` as the input says.
pub(crate) fn damage(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    for _ in 0..MAX_CHANGES {
        if input.is_empty() {
            return;
        }
        change(bytes, input);
    }
}

fn change(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let kind = input.u8() % 6;
    let at = input.below(bytes.len() + 1);
    let count = usize::from(input.u8()).min(bytes.len() - at);
    match kind {
        0 | 1 => {
            let bits = input.u8();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bits;
            }
        }
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + count)),
        4 => {
            let again = bytes[at..at + count].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let new = input.bytes(count.max(1)).to_vec();
            let end = (at + new.len()).min(bytes.len());
            bytes.splice(at..end, new);
        }
    }
}
