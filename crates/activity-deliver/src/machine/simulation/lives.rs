//! Deaths, restarts, and what befalls the disk.

use super::*;
use crate::spool::testing::Fault;

#[derive(Debug, Clone, Copy)]
pub(super) enum Death {
    /// The process is killed; the ring and what the disk was given stay.
    Process,
    /// The machine loses its power: the ring is gone, and of the disk what was not synced.
    Power,
    /// The server shuts down and starts again.
    Shutdown,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum DiskFault {
    Fails(Fault),
    Capacity(u64),
    Heals,
}

/// A shutdown does not wait longer for what cannot be sealed.
const SHUTDOWN: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn plan_lives(&mut self) {
        for _ in 0..self.random.below(6) {
            let death = match self.random.below(3) {
                0 => Death::Process,
                1 => Death::Power,
                _ => Death::Shutdown,
            };
            let at = self.random_time(PEACE - SHUTDOWN);
            self.at(at, Happening::Death(death));
        }
        for _ in 0..self.random.below(8) {
            let fault = match self.random.below(4) {
                0 => DiskFault::Capacity(self.random.below(20_000)),
                1 => DiskFault::Fails(Fault::NoSpace),
                _ => DiskFault::Fails(Fault::Io),
            };
            let at = self.random_time(PEACE);
            self.at(at, Happening::Disk(fault));
            let end = at + self.random_time(PEACE - at + MS);
            self.at(end, Happening::Disk(DiskFault::Heals));
        }
        self.at(PEACE, Happening::Disk(DiskFault::Heals));
        // A quota that holds everything, at last.
        let reloadable = Reloadable { spool_max_bytes: 1 << 30, ..self.reloadable };
        self.at(PEACE, Happening::Reconfigured(reloadable));
    }

    pub(super) fn disk_fault(&mut self, fault: DiskFault) {
        match fault {
            DiskFault::Fails(fault) => {
                let (after, operations) = (self.random.below(20), 1 + self.random.below(30));
                self.disk.fail(fault, after, operations);
            }
            DiskFault::Capacity(bytes) => self.disk.set_capacity(bytes),
            DiskFault::Heals => {
                self.disk.heal();
                self.disk.set_capacity(u64::MAX);
            }
        }
    }

    pub(super) fn die(&mut self, death: Death) {
        self.tally.deaths += 1;
        match death {
            Death::Process => {
                let acked_through = self.truth.process_died();
                self.live_again(acked_through);
            }
            Death::Power => {
                self.spool = None;
                self.disk.crash(&mut Random::new(self.random.next()));
                self.truth.server_died();
                self.live_again(0);
            }
            Death::Shutdown if self.stopping.is_none() => {
                self.drain_all();
                self.machine.hurry(self.now);
                // What is under way is sent to the spool as well, and no longer counted by the machine.
                self.max_in_flight += self.in_flight;
                self.stopping = Some(self.now + SHUTDOWN);
                self.at(self.now + SHUTDOWN, Happening::Drain);
            }
            Death::Shutdown => {}
        }
    }

    fn drain_all(&mut self) {
        while let Some(batch) = self.truth.next_batch(20) {
            self.machine.submit(batch);
        }
    }

    /// The server starts again when the last one is done, or out of time.
    pub(super) fn end_shutdown(&mut self) {
        self.truth.check_counts();
        if self.stopping.is_some_and(|end| self.truth.all_is_acked() || self.now >= end) {
            self.truth.server_died();
            self.live_again(0);
        }
    }

    fn live_again(&mut self, acked_through: u64) {
        self.tally.retries += self.machine.totals.retries;
        (self.stopping, self.deadline, self.spool) = (None, None, None);
        // The next process closes what the last one opened.
        self.unwritable = false;
        self.in_flight = 0;
        self.max_in_flight = self.reloadable.max_in_flight;
        self.seal_panics.clear();
        self.life += 1;
        let seed = self.random.next();
        self.machine = Machine::new(&self.reloadable, seed, self.truth.epoch(), true, acked_through);
        self.at(self.now, Happening::Drain);
    }
}
