use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::windows::resume;

/// A directory of a test's own that ends with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("activity-state-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> Store {
        Store::new(self.0.join("spool"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("spool").join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn state(epoch: &str) -> State {
    resume(None, epoch, 1).0
}

fn save(store: &mut Store, state: &State) {
    store.write(state.to_bytes().unwrap()).run().unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_was_written_is_read_and_only_the_owner_can() {
    let place = Place::new();
    let mut store = place.store();
    let loaded = store.load(&Owner::default());
    assert!(loaded.state.is_none() && loaded.problem.is_none(), "{loaded:?}");
    save(&mut store, &state("one"));
    save(&mut store, &state("two"));
    assert_eq!(place.store().load(&Owner::default()).state, Some(state("two")));
    assert_eq!((mode(&place.0.join("spool")), mode(&place.file(STATE))), (0o700, 0o600));
    let files: Vec<_> =
        fs::read_dir(place.0.join("spool")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, [STATE], "nothing else is left");
}

#[test]
fn a_write_that_was_interrupted_leaves_the_state_before() {
    let place = Place::new();
    let mut store = place.store();
    save(&mut store, &state("one"));
    fs::write(place.file(NEW), "{\"version\": 1, \"mar").unwrap();
    assert_eq!(store.load(&Owner::default()).state, Some(state("one")));
    save(&mut store, &state("two"));
    assert_eq!((store.load(&Owner::default()).state, mode(&place.file(STATE))), (Some(state("two")), 0o600));
}

#[test]
fn a_damaged_state_is_set_aside_and_told() {
    let place = Place::new();
    let mut store = place.store();
    save(&mut store, &state("one"));
    let too_large = vec![b' '; MAX_STATE_BYTES + 7];
    for damage in [b"\0\0\0".as_slice(), b"", br#"{"version": 9}"#, &too_large] {
        fs::write(place.file(STATE), damage).unwrap();
        let loaded = store.load(&Owner::default());
        let problem = loaded.problem.unwrap();
        assert!(
            loaded.state.is_none() && problem.contains("is set aside as state.json.damaged"),
            "{problem}"
        );
        assert_eq!(fs::read(place.file(DAMAGED)).unwrap(), damage);
        assert!(store.load(&Owner::default()).problem.is_none(), "it is told once");
    }
}

#[test]
fn what_is_no_file_is_set_aside_without_opening_it() {
    let place = Place::new();
    let mut store = place.store();
    save(&mut store, &state("one"));
    fs::remove_file(place.file(STATE)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.file(STATE)).unwrap();
    let problem = store.load(&Owner::default()).problem.unwrap();
    assert!(problem.contains("not a regular file"), "{problem}");
    save(&mut store, &state("two"));
    assert_eq!(store.load(&Owner::default()).state, Some(state("two")));
}

#[test]
fn a_late_write_does_not_undo_a_later_one() {
    let place = Place::new();
    let mut store = place.store();
    let late = store.write(state("one").to_bytes().unwrap());
    save(&mut store, &state("two"));
    late.run().unwrap();
    assert_eq!(store.load(&Owner::default()).state, Some(state("two")));
}

#[test]
fn a_failed_write_names_the_file_and_the_next_one_can_succeed() {
    let place = Place::new();
    let mut store = place.store();
    fs::write(place.0.join("spool"), "in the way").unwrap();
    let error = store.write(state("one").to_bytes().unwrap()).run().unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("could not create directory \"") && text.contains("spool"), "{text}");
    fs::remove_file(place.0.join("spool")).unwrap();
    save(&mut store, &state("one"));
    assert_eq!(store.load(&Owner::default()).state, Some(state("one")));
}

#[test]
fn the_state_of_another_server_or_of_a_copied_directory_is_set_aside_and_told_once() {
    let place = Place::new();
    let mut store = place.store();
    let owner = store.owner("db-A");
    let mut mine = state("one");
    mine.marker.owner = owner.clone();
    save(&mut store, &mine);
    assert_eq!(store.load(&owner).state, Some(mine.clone()));
    assert_eq!(store.owner("db-A"), owner, "the same at every start");

    let others = [
        Owner { instance_id: "db-B".to_owned(), ..owner.clone() },
        Owner { directory: owner.directory + 1, ..owner },
    ];
    for other in others {
        save(&mut store, &mine);
        let loaded = store.load(&other);
        assert!(loaded.state.is_none() && loaded.problem.is_none());
        assert!(loaded.foreign.unwrap().contains("state.json.foreign"));
        assert!(place.file(FOREIGN).exists() && !place.file(STATE).exists());
        assert!(store.load(&other).foreign.is_none());
    }
}
