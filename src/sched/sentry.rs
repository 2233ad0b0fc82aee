//! The sentry: one thread that notices a pool in which everybody is blocked.
//!
//! Owns: the judgement "nothing moves". Called by: `Pool::run_thread` (its loop), `pool::push` and
//! `worker` (waking it). Waits that the core cannot see (locks, barriers, sockets, sleep) must not
//! starve queued work: when work is queued, no task has started or finished and no worker has used
//! the processor for `PERIOD`, the sentry opens an extra slot and a spare takes it.
//! Invariant: tasks that compute on a slot never make it open one. Where only one attached thread
//! runs at a time, one computing worker counts as a busy pool; elsewhere it takes as many as there
//! are slots. Threads: the sentry itself, detached but for the moment in which it calls a spare.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::host::{Host, ThreadRole, Wait};
use crate::sched::pool::Pool;
use crate::sched::thread_cpu::CpuClock;

/// How long nothing may move before a spare starts.
const PERIOD: Duration = Duration::from_millis(10);
/// CPU time within a period that counts as computing, on a host that is not slow. A task that polls
/// something every millisecond stays below, and is blocked; one that computes and gets less of a
/// loaded machine is runnable.
const COMPUTING: Duration = Duration::from_millis(1);
/// After how many periods of standstill a spare starts. One alone may be a worker that computes and
/// did not get the processor; once a spare has started, one more period is enough for the next.
const STANDSTILLS: u32 = 2;
/// When getting attached took longer than this, somebody else was using the interpreter, and a
/// worker may only have been waiting for it: look again.
const PROMPT: Duration = Duration::from_millis(1);
/// That many periods of standstill in a row convince even when attaching is slow.
const CONVINCED_AFTER: u32 = 4;

const NOT_STARTED: usize = 0;
const WATCHING: usize = 1;
const ASLEEP: usize = 2;

/// What moves when work is being done.
struct Movement {
    tasks: u64,
    clocks: Vec<(CpuClock, Option<Duration>)>,
}

impl<H: Host> Pool<H> {
    pub(super) fn sentry_key(&self) -> usize {
        &raw const self.sentry_state as usize
    }

    /// A worker has taken a task: if more wait, somebody must watch over them.
    #[inline]
    pub(super) fn watch_over_queue(&'static self) {
        if self.sentry_state.load(Ordering::Relaxed) != WATCHING && self.queues.has_injected() {
            self.alert_sentry();
        }
    }

    /// Wakes the sentry, or starts it. Attached.
    #[cold]
    pub(super) fn alert_sentry(&'static self) {
        // ORDER: SeqCst; pairs with the store of ASLEEP in `watch`: we see it asleep, or it sees
        // the work that was pushed before.
        match self.sentry_state.load(Ordering::SeqCst) {
            ASLEEP => {
                self.lot.wake_one(self.sentry_key());
            }
            NOT_STARTED if self.size.max_spares > 0 => {
                let first = self
                    .sentry_state
                    // ORDER: SeqCst as above; exactly one caller starts it.
                    .compare_exchange(NOT_STARTED, WATCHING, Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok();
                if first && !self.host.start_thread(ThreadRole::Sentry, 0) {
                    // ORDER: SeqCst as above; somebody may try again.
                    self.sentry_state.store(NOT_STARTED, Ordering::SeqCst);
                }
            }
            _ => {}
        }
    }

    /// Whether nobody watches: the sentry was not needed so far, or could not be started.
    pub(super) fn has_no_sentry(&self) -> bool {
        // ORDER: SeqCst; as in `alert_sentry`.
        self.sentry_state.load(Ordering::SeqCst) == NOT_STARTED
    }

    /// The sentry's loop. Attached on entry and return.
    pub(super) fn watch(&'static self) {
        while !self.is_closing() || self.queues.has_work() {
            let wait = Wait {
                key: self.sentry_key(),
                deadline: None,
                spin: Duration::ZERO,
                // ORDER: SeqCst; pairs with the load in `alert_sentry`.
                before_sleep: &mut || self.sentry_state.store(ASLEEP, Ordering::SeqCst),
                condition: &mut || self.is_closing() || self.queues.has_work(),
                glance: None,
            };
            self.host.wait_until(&self.lot, wait);
            // ORDER: SeqCst, as above.
            self.sentry_state.store(WATCHING, Ordering::SeqCst);
            self.watch_until_queue_is_empty();
        }
    }

    fn watch_until_queue_is_empty(&'static self) {
        let mut standstills = 0;
        let mut before = self.movement();
        let quiet_key = self.sentry_key() + 1;
        loop {
            let mut ended = Instant::now();
            self.host.poll_every(&self.lot, quiet_key, PERIOD, &mut || {
                if !self.queues.has_work() {
                    return true;
                }
                let now = self.movement();
                let stands_still = !self.is_busy(&before, &now);
                before = now;
                standstills = if stands_still { standstills + 1 } else { 0 };
                ended = Instant::now();
                standstills >= STANDSTILLS
            });
            if !self.queues.has_work() {
                return;
            }
            if ended.elapsed() < PROMPT || standstills >= CONVINCED_AFTER {
                self.open_extra_slot();
                before = self.movement();
                standstills = STANDSTILLS - 1;
            }
        }
    }

    fn movement(&self) -> Movement {
        let slots = self.queues.slots().iter();
        Movement {
            tasks: slots
                .clone()
                .map(|slot| {
                    slot.started.load(Ordering::Relaxed) + slot.finished.load(Ordering::Relaxed)
                })
                .sum::<u64>()
                + self.started_elsewhere.load(Ordering::Relaxed)
                + self.finished_elsewhere.load(Ordering::Relaxed),
            clocks: slots
                .map(|slot| CpuClock(slot.clock.load(Ordering::Relaxed)))
                .map(|clock| (clock, clock.now()))
                .collect(),
        }
    }

    /// Whether tasks moved, or enough workers computed.
    fn is_busy(&self, before: &Movement, now: &Movement) -> bool {
        let computes = COMPUTING * self.host.slowness();
        let computing = before
            .clocks
            .iter()
            .zip(&now.clocks)
            .filter(|((_, before), (clock, now))| match (before, now) {
                (Some(before), Some(now)) => {
                    now.saturating_sub(*before) >= computes || clock.is_runnable()
                }
                (None, Some(_)) => true,
                _ => false,
            })
            .count();
        let enough = if self.host.is_parallel() { self.size.os_threads } else { 1 };
        now.tasks != before.tasks || computing >= enough
    }
}
