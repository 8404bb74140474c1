//! Messages that were cut, changed, spliced or made up: an error each time, never a plaintext, never a panic.

use activity_seal::esdk::{EsdkError, Header, Suite, WrappingKey, decrypt, encrypt};
use activity_seal::random::SystemRandom;
use activity_seal::{DataKey, Envelope, Limits, open, seal_with};
use proptest::prelude::*;

const SUITES: [Suite; 2] = [Suite::HkdfSha256, Suite::CommittingHkdfSha512];

fn key() -> WrappingKey {
    WrappingKey::new(&[3; 32])
}

fn message(suite: Suite, plaintext_bytes: usize) -> Vec<u8> {
    encrypt(&vec![0x61; plaintext_bytes], &key(), suite, &mut SystemRandom).unwrap()
}

fn header_bytes(message: &[u8]) -> usize {
    message.len() - Header::parse(message).unwrap().body.len()
}

#[test]
fn every_length_of_plaintext_around_frame_ends_comes_back() {
    for suite in SUITES {
        for bytes in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 50_000] {
            let plaintext = decrypt(&message(suite, bytes), &key(), bytes).unwrap();
            assert_eq!(plaintext, vec![0x61; bytes], "{suite:?}, {bytes} bytes");
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    for suite in SUITES {
        let whole = message(suite, 4200);
        for length in 0..whole.len() {
            assert!(decrypt(&whole[..length], &key(), 4200).is_err(), "{suite:?} cut to {length}");
        }
    }
}

#[test]
fn a_message_with_any_one_bit_changed_is_refused() {
    for suite in SUITES {
        let whole = message(suite, 4200);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(decrypt(&changed, &key(), usize::MAX).is_err(), "{suite:?} changed at {at}");
        }
    }
}

#[test]
fn every_other_value_of_every_header_byte_is_refused() {
    for suite in SUITES {
        let whole = message(suite, 10);
        for at in 0..header_bytes(&whole) {
            for change in 1..=255 {
                let mut changed = whole.clone();
                changed[at] ^= change;
                assert!(decrypt(&changed, &key(), 10).is_err(), "{suite:?} changed at {at} by {change:#x}");
            }
        }
    }
}

#[test]
fn bytes_after_the_last_frame_are_refused() {
    for suite in SUITES {
        let mut longer = message(suite, 10);
        longer.push(0);
        assert_eq!(
            decrypt(&longer, &key(), 10),
            Err(EsdkError::Malformed("bytes after the last frame")),
            "{suite:?}"
        );
        let twice = message(suite, 10).repeat(2);
        assert!(decrypt(&twice, &key(), 20).is_err());
    }
}

#[test]
fn frames_left_out_repeated_or_exchanged_are_refused() {
    let frame_bytes = 4 + 12 + 4096 + 16;
    for suite in SUITES {
        let whole = message(suite, 3 * 4096);
        let header = header_bytes(&whole);
        let frames: Vec<&[u8]> = whole[header..].chunks(frame_bytes).collect();
        let last = &whole[header + 2 * frame_bytes..];
        let build = |parts: &[&[u8]]| [&whole[..header], &parts.concat()].concat();
        for parts in [
            vec![frames[0], last],
            vec![frames[1], frames[0], last],
            vec![frames[0], frames[0], last],
            vec![frames[0], frames[1]],
            vec![last],
            vec![],
        ] {
            assert!(decrypt(&build(&parts), &key(), usize::MAX).is_err(), "{suite:?}");
        }
        assert!(decrypt(&build(&[frames[0], frames[1], last]), &key(), usize::MAX).is_ok());
    }
}

#[test]
fn frames_of_another_message_under_the_same_data_key_are_refused() {
    for suite in SUITES {
        let (one, other) = (message(suite, 4200), message(suite, 4200));
        let header = header_bytes(&one);
        let spliced = [&one[..header], &other[header..]].concat();
        assert_eq!(decrypt(&spliced, &key(), 4200), Err(EsdkError::NotAuthentic));
    }
}

#[test]
fn another_data_key_opens_nothing() {
    for suite in SUITES {
        let result = decrypt(&message(suite, 100), &WrappingKey::new(&[4; 32]), 100);
        assert_eq!(result, Err(EsdkError::NotAuthentic));
    }
}

#[test]
fn a_plaintext_over_the_limit_is_refused_and_at_the_limit_returned() {
    for suite in SUITES {
        let whole = message(suite, 9000);
        assert_eq!(decrypt(&whole, &key(), 8999), Err(EsdkError::TooLarge { limit_bytes: 8999 }));
        assert_eq!(decrypt(&whole, &key(), 0), Err(EsdkError::TooLarge { limit_bytes: 0 }));
        assert_eq!(decrypt(&whole, &key(), 9000).map(|plaintext| plaintext.len()), Ok(9000));
    }
}

#[test]
fn what_the_format_allows_and_streams_do_not_use_is_named_unsupported() {
    let whole = message(Suite::HkdfSha256, 10);
    for (at, value, what) in [
        (2, 0x03, "algorithm suite"),
        (21, 1, "encryption context"),
        (23, 2, "number of encrypted data keys"),
        (26, b'X', "key provider"),
        (30, b'd', "key name"),
        (40, 96, "key wrapping"),
        (58, 64, "length of the encrypted data key"),
        (107, 1, "content type"),
    ] {
        let mut changed = whole.clone();
        changed[at] = value;
        let expected = Err(EsdkError::Unsupported(what));
        if what == "encryption context" {
            // One byte of context shifts what follows; the length alone decides.
            changed.insert(22, 0);
        }
        assert_eq!(decrypt(&changed, &key(), 10), expected, "byte {at}");
    }
}

#[test]
fn what_the_format_does_not_allow_is_found_in_the_header_alone() {
    let whole = message(Suite::HkdfSha256, 10);
    for (range, value, what) in [
        (1..2, 0, "message type"),
        (108..112, 1, "reserved bytes or IV length"),
        (112..113, 16, "reserved bytes or IV length"),
        (113..117, 0, "frame length"),
        (117..129, 1, "header IV"),
    ] {
        let mut changed = whole.clone();
        changed[range].fill(value);
        assert_eq!(Header::parse(&changed).unwrap_err(), EsdkError::Malformed(what));
    }
}

#[test]
fn an_opened_record_is_bounded_in_each_of_its_sizes() {
    let data_key = DataKey::new(&[3; 32], vec![1; 184]).unwrap();
    let inner = vec![b' '; 100_000];
    let sealed = seal_with(&inner, &data_key, Suite::default(), &mut SystemRandom).unwrap();
    let limits = |max_envelope_bytes, max_inner_bytes| Limits { max_envelope_bytes, max_inner_bytes };
    assert!(open(&sealed, &[3; 32], &limits(sealed.len(), inner.len())).is_ok());
    assert!(open(&sealed, &[3; 32], &limits(sealed.len() - 1, inner.len())).is_err());
    assert!(open(&sealed, &[3; 32], &limits(sealed.len(), inner.len() - 1)).is_err());
}

#[test]
fn a_key_of_impossible_length_is_refused_before_it_is_decoded() {
    let message = message(Suite::default(), 10);
    let too_long = Envelope { message: message.clone(), key: vec![0; 6145] };
    let longest = Envelope { message: message.clone(), key: vec![0; 6144] };
    let none = Envelope { message, key: vec![] };
    assert!(Envelope::from_json(&too_long.to_json(), &Limits::default()).is_err());
    assert_eq!(Envelope::from_json(&longest.to_json(), &Limits::default()), Ok(longest));
    assert!(Envelope::from_json(&none.to_json(), &Limits::default()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decrypt(&bytes, &key(), usize::MAX).is_err());
        prop_assert!(open(&bytes, &[3; 32], &Limits::default()).is_err());
    }

    #[test]
    fn any_bytes_after_an_authentic_header_are_refused(
        body in proptest::collection::vec(any::<u8>(), 0..500),
        length in any::<u32>(),
        last in any::<bool>(),
    ) {
        for suite in SUITES {
            let whole = message(suite, 10);
            let mut made_up = whole[..header_bytes(&whole)].to_vec();
            if last {
                made_up.extend_from_slice(&[0xff; 4]);
            }
            made_up.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            made_up.extend_from_slice(&(length % 600).to_be_bytes());
            made_up.extend_from_slice(&body);
            prop_assert!(decrypt(&made_up, &key(), usize::MAX).is_err());
        }
    }

    #[test]
    fn any_plaintext_comes_back_in_both_suites(plaintext in proptest::collection::vec(any::<u8>(), 0..10_000)) {
        for suite in SUITES {
            let made = encrypt(&plaintext, &key(), suite, &mut SystemRandom).unwrap();
            prop_assert_eq!(decrypt(&made, &key(), plaintext.len()), Ok(plaintext.clone()));
        }
    }
}
