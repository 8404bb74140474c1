//! A part of a file is missing, so that the length of a frame reaches over those behind it.

use super::*;

const BYTES: usize = 40;
/// One segment of four records; of the first one's body so many bytes are gone.
fn with_bytes_missing(missing: usize) -> SimDisk {
    let disk = filled(1..=4, BYTES);
    let name = &segments(&disk)[0];
    let mut content = disk.content(name);
    let frames = content.len() - 4 * (format::FRAME_HEADER_BYTES + "key-1".len() + BYTES);
    let body = frames + format::FRAME_HEADER_BYTES;
    content.drain(body..body + missing);
    disk.put(name, &content);
    disk
}

#[test]
fn frames_in_the_place_of_a_body_are_read() {
    for missing in 1..30 {
        let disk = with_bytes_missing(missing);
        let (mut spool, recovered) = open(&disk);
        assert_eq!((recovered.records, recovered.torn_bytes), (3, 0), "{missing}");
        let read = read_all(&mut spool, BYTES);
        assert_eq!(ordinals(&read), [2, 3, 4]);
        assert_eq!(read.lost.len(), 1, "{missing}");
        assert_eq!((read.lost[0].first_ordinal, read.lost[0].last_ordinal), (1, 1));
    }
}

#[test]
fn nothing_is_appended_to_a_segment_in_which_something_is_damaged() {
    for missing in 1..30 {
        let disk = with_bytes_missing(missing);
        let (mut spool, _) = open(&disk);
        // As many bytes as let the first frame's length reach to the end of the file again.
        assert_eq!(spool.append(&[record(5, BYTES)]).unwrap(), 5..=5);
        assert_eq!(segments(&disk).len(), 2);
        drop(spool);
        let (mut spool, recovered) = open(&disk);
        assert_eq!((recovered.records, recovered.torn_bytes), (4, 0), "{missing}");
        assert_eq!(ordinals(&read_all(&mut spool, BYTES)), [2, 3, 4, 5]);
    }
}

#[test]
fn what_was_released_hides_nothing_that_was_not() {
    let disk = with_bytes_missing(20);
    let (mut spool, _) = open(&disk);
    spool.release(2).unwrap();
    spool.append(&[record(5, BYTES)]).unwrap();
    spool.checkpoint().unwrap();
    drop(spool);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.records, recovered.released), (3, 2));
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![3, 4, 5], vec![]));
}
