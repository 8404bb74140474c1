//! The state file of loss windows: on a disk that others may have, or have had, their hands on.
//!
//! * A state that is accepted can be written, and what is written is accepted and the same.
//! * A server goes on from it, opens and ends windows, tells all that is due in a bounded number of steps, and what it then
//!   writes is accepted, too.

use activity_deliver::windows::{
    Action, Count, MAX_STATE_BYTES, MAX_WINDOWS, Reason, Resumed, State, Windows, resume,
};

use crate::input::Input;

/// A window is told in the log, to the stream and to the sinks, its beginning and its end; with a write each. The same for
/// notices, and once more for windows that go on.
const MAX_STEPS: usize = 32 * MAX_WINDOWS;

pub(super) fn check(bytes: &[u8]) {
    let Ok(state) = State::from_bytes(bytes) else { return };
    assert!(bytes.len() <= MAX_STATE_BYTES);
    let written = write(&state);
    assert_eq!(State::from_bytes(&written).as_ref(), Ok(&state), "what was accepted is not accepted again");
    // Behind the JSON nothing can be; so what happens then is taken from its own bytes.
    let mut input = Input::new(bytes);
    goes_on(state.clone(), "11112222333344ff", &mut input.clone());
    let epoch = state.marker.epoch.clone();
    goes_on(state, &epoch, &mut input);
}

fn write(state: &State) -> Vec<u8> {
    let written = state.to_bytes().expect("JSON");
    assert!(written.len() <= MAX_STATE_BYTES, "{} bytes are more than a state may have", written.len());
    written
}

fn goes_on(stored: State, epoch: &str, input: &mut Input<'_>) {
    let is_same = stored.marker.epoch == epoch;
    let now = input.u64().cast_signed();
    let (state, resumed) = resume(Some(stored), epoch, now);
    assert_eq!(resumed == Resumed::SameEpoch, is_same);
    assert_eq!(state.marker.epoch, epoch);
    let mut windows = Windows::new("cluster-FUZZ", &state);
    for _ in 0..input.u8() % 16 {
        let (reason, at) = (input.pick(&Reason::ALL), input.u64().cast_signed());
        let lost = if input.flag() { Count::Known(input.u64()) } else { Count::Unknown };
        match input.u8() % 5 {
            0 => windows.open(reason, &input.text(64), at, now),
            1 => windows.affected(reason, lost, at, now),
            2 => windows.close(reason, at),
            3 => windows.instant(
                reason,
                &input.text(64),
                lost,
                (at, now),
                Some((input.u64(), input.u64())),
                now,
            ),
            _ => windows.tick(at),
        }
    }
    windows.finish_instants();
    tell_all(&mut windows);
    assert!(windows.iter().count() <= MAX_WINDOWS);
    // A state remembers more than its file until it is dropped: what the file says is what counts.
    let written = write(&windows.state(state.marker));
    let again = State::from_bytes(&written).expect("what was made of it is accepted");
    assert_eq!(write(&again), written);
}

fn tell_all(windows: &mut Windows) {
    for _ in 0..MAX_STEPS {
        match windows.next_action() {
            None => return assert!(!windows.has_due(), "something is due and nothing is to be done"),
            Some(Action::Persist { generation }) => windows.persisted(generation, true),
            Some(Action::Log { line, .. }) => assert!(!line.message.is_empty()),
            Some(Action::Publish { number, part, .. }) => windows.published(number, part, true),
            Some(Action::Notify(notice)) => windows.notified(&notice.id),
        }
    }
    panic!("more than {MAX_STEPS} steps");
}
