//! Files of others: set aside or left alone, never delivered, never destroyed.

use super::*;

const FIRST: &str = "0000000000000001.segment";

#[test]
fn a_copy_of_the_directory_sets_the_records_aside() {
    let original = filled(1..=3, 50);
    let copy = original.copy();
    let (mut spool, recovered) = open(&copy);
    assert_eq!(recovered.foreign_owners, SetAside { segments: 1, epochs: vec![7] });
    assert_eq!((recovered.records, spool.is_empty(), spool.bytes()), (0, true, 0));
    assert_eq!(copy.content(&format!("{FIRST}.foreign")), original.content(FIRST));
    assert_eq!(spool.append(&[record(1, 60)]).unwrap(), 1..=1);
    assert_eq!(ordinals(&read_all(&mut spool, 60)), [1]);
    // The original does not care.
    assert_eq!(ordinals(&read_all(&mut open(&original).0, 50)), [1, 2, 3]);
}

#[test]
fn records_of_another_instance_are_set_aside_and_nothing_is_overwritten() {
    let disk = filled(1..=2, 50);
    disk.put(&format!("{FIRST}.foreign"), b"from before");
    let content = disk.content(FIRST);
    let other = Owner { instance_id: "db-OTHER".to_owned() };
    let (mut spool, recovered) = Spool::open(disk.clone(), &other, PLENTY).unwrap();
    assert_eq!(recovered.foreign_owners.segments, 1);
    assert_eq!((recovered.checkpoint, recovered.released), (CheckpointState::Damaged, 0));
    assert_eq!(recovered.foreign_files, [format!("{FIRST}.foreign")]);
    assert_eq!(spool.read(9, 9).unwrap(), Read::default());
    assert_eq!(disk.content(&format!("{FIRST}.foreign")), b"from before");
    assert_eq!(disk.content(&format!("{FIRST}.foreign-2")), content);
}

#[test]
fn the_checkpoint_of_another_owner_releases_nothing() {
    let (disk, other) = (filled(1..=3, 50), filled(1..=3, 50).copy());
    let (mut spool, _) = open(&other);
    spool.append(&records(1..=3, 50)).unwrap();
    spool.release(3).unwrap();
    disk.put("checkpoint", &other.content("checkpoint"));
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.checkpoint, recovered.released), (CheckpointState::Damaged, 0));
    assert_eq!(ordinals(&read_all(&mut spool, 50)), [1, 2, 3]);
}

#[test]
fn files_that_are_no_segments_are_left_alone() {
    let disk = filled(1..=2, 50);
    let others = ["1.segment", "000000000000000A.segment", "ffffffffffffffff.segment", "notes.txt"];
    others.iter().for_each(|name| disk.put(name, b"whatever"));
    let (mut spool, recovered) = open(&disk);
    let mut told = recovered.foreign_files;
    told.sort_unstable();
    let mut expected = others;
    expected.sort_unstable();
    assert_eq!(told, expected);
    spool.append(&[record(3, 50)]).unwrap();
    assert_eq!(ordinals(&read_all(&mut spool, 50)), [1, 2, 3]);
    spool.release(3).unwrap();
    others.iter().for_each(|name| assert_eq!(disk.content(name), b"whatever"));
}

#[test]
fn a_segment_of_a_later_version_is_left_alone_and_its_name_is_not_taken() {
    let disk = filled(1..=2, 50);
    let mut later = disk.content(FIRST);
    later[8] = 2;
    let frame = later.windows(4).position(|bytes| bytes == format::FRAME_MAGIC).unwrap();
    later.truncate(frame + 100);
    later[frame + 3] = b'2';
    let name = "0000000000000003.segment";
    disk.put(name, &later);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.unknown_versions, [name]);
    assert_eq!(spool.append(&[record(4, 50)]).unwrap(), 4..=4);
    let read = read_all(&mut spool, 50);
    assert_eq!((ordinals(&read), read.lost), (vec![1, 2, 4], vec![lost(3, 3, Some(10))]));
    spool.release(4).unwrap();
    assert_eq!((segments(&disk), disk.content(name)), (vec![name.to_owned()], later));
}

#[test]
fn a_file_with_a_segment_s_name_and_no_frame_is_set_aside() {
    let disk = filled(1..=2, 50);
    disk.put("0000000000000003.segment", &[b'x'; 1000]);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.set_aside_damaged, ["0000000000000003.segment.damaged"]);
    assert_eq!(spool.append(&[record(3, 50)]).unwrap(), 3..=3);
    assert_eq!(ordinals(&read_all(&mut spool, 50)), [1, 2, 3]);
}

#[test]
fn a_renamed_segment_is_what_its_frames_say() {
    let disk = filled(1..=3, 50);
    disk.put("0000000000000002.segment", &disk.content(FIRST));
    disk.take_away(FIRST);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.damaged_headers, ["0000000000000002.segment"]);
    assert_eq!((recovered.records, recovered.damaged), (3, vec![]));
    let read = read_all(&mut spool, 50);
    assert_eq!((ordinals(&read), read.lost), (vec![1, 2, 3], vec![]));
}

#[test]
fn an_instance_id_that_does_not_fit_is_refused() {
    let owner = |bytes| Owner { instance_id: "i".repeat(bytes) };
    let refused = Spool::open(SimDisk::new(1), &owner(limits::MAX_INSTANCE_ID_BYTES + 1), PLENTY).err();
    assert!(matches!(refused, Some(SpoolError::TooLarge { size: 129, max: 128, .. })));
    let (mut spool, _) = Spool::open(SimDisk::new(1), &owner(limits::MAX_INSTANCE_ID_BYTES), PLENTY).unwrap();
    assert_eq!(spool.append(&[record(1, 50)]).unwrap(), 1..=1);
}

#[test]
fn a_directory_with_too_many_files_is_refused() {
    let disk = SimDisk::new(1);
    (0..=limits::MAX_DIRECTORY_FILES).for_each(|number| disk.put(&number.to_string(), b""));
    let refused = Spool::open(disk, &owner(), PLENTY).err();
    assert!(matches!(refused, Some(SpoolError::TooLarge { what: "the number of files of the spool", .. })));
}
