//! The parking lot: threads that sleep until something at an address changes.
//!
//! Owns: the lists of sleeping threads, by key (an address used only as a name).
//! Called by: hosts (`Host::wait_until`), and whoever changes what a sleeper waits for.
//! Invariant (no lost wake-up): a sleeper is in its list *before* it looks at its condition for the
//! last time, and a waker makes the condition true *before* it looks into the list; the list's
//! mutex orders the two, so one of them sees the other. A wake-up that reaches a thread which is
//! leaving anyway is passed on. Models: `loom_no_wake_up_is_lost`,
//! `loom_a_wake_up_that_was_not_needed_is_passed_on`, and those of `sleep`.
//! Threads: any; the mutex is never held while parking, unparking or evaluating a condition.

use std::time::Instant;

use crate::sync::{lock, Arc, AtomicBool, Mutex, Ordering};

/// How a thread sleeps. `park` may return early for no reason; `unpark` before `park` is
/// remembered.
pub trait Parker: Clone + Send + Sync {
    /// Sleeps until unparked or until the deadline. False when something came up that ends the
    /// wait as a deadline would; the host knows what.
    fn park(&self, deadline: Option<Instant>) -> bool;
    /// Wakes the thread that this parker belongs to.
    fn unpark(&self);
}

struct Sleeper<P> {
    parker: P,
    woken: AtomicBool,
}

struct Entry<P> {
    key: usize,
    sleeper: Arc<Sleeper<P>>,
}

#[cfg(not(loom))]
const BUCKETS: usize = 64;
#[cfg(loom)]
const BUCKETS: usize = 1;

/// Threads that sleep, by key.
pub struct Lot<P> {
    buckets: Box<[Mutex<Vec<Entry<P>>>]>,
}

impl<P: Parker> Default for Lot<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Parker> Lot<P> {
    /// An empty lot.
    pub fn new() -> Self {
        Lot { buckets: (0..BUCKETS).map(|_| Mutex::new(Vec::new())).collect() }
    }

    fn bucket(&self, key: usize) -> &Mutex<Vec<Entry<P>>> {
        let hash = (key >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize);
        &self.buckets[(hash >> (usize::BITS - 16)) % BUCKETS]
    }

    /// Sleeps on `key` until `condition` holds (true); false when the deadline passes before, or
    /// the parker gives up.
    pub fn wait(
        &self,
        key: usize,
        parker: &P,
        deadline: Option<Instant>,
        condition: &mut dyn FnMut() -> bool,
    ) -> bool {
        loop {
            let sleeper =
                Arc::new(Sleeper { parker: parker.clone(), woken: AtomicBool::new(false) });
            lock(self.bucket(key)).push(Entry { key, sleeper: sleeper.clone() });
            if condition() {
                if !self.leave(key, &sleeper) {
                    self.pass_on(key);
                }
                return true;
            }
            let mut goes_on = true;
            // ORDER: Acquire; pairs with the Release in `wake`: what the waker did is seen here.
            while goes_on && !sleeper.woken.load(Ordering::Acquire) {
                goes_on = deadline.is_none_or(|deadline| Instant::now() < deadline)
                    && sleeper.parker.park(deadline);
            }
            if !goes_on {
                let was_listed = self.leave(key, &sleeper);
                let holds = condition();
                if !was_listed && !holds {
                    self.pass_on(key);
                }
                return holds;
            }
            if condition() {
                return true;
            }
        }
    }

    /// Leaves the list. False when a waker has taken this thread out already.
    fn leave(&self, key: usize, sleeper: &Arc<Sleeper<P>>) -> bool {
        let mut entries = lock(self.bucket(key));
        let before = entries.len();
        entries.retain(|entry| !Arc::ptr_eq(&entry.sleeper, sleeper));
        entries.len() < before
    }

    /// A wake-up came for a thread that did not need it (any more): it was meant for a change that
    /// this thread has not used, so somebody else gets it.
    fn pass_on(&self, key: usize) {
        self.wake_one(key);
    }

    fn wake(sleeper: &Sleeper<P>) {
        // ORDER: Release; pairs with the Acquire in `wait`.
        sleeper.woken.store(true, Ordering::Release);
        sleeper.parker.unpark();
    }

    /// Wakes the thread that has slept longest on `key`. False if none does.
    pub fn wake_one(&self, key: usize) -> bool {
        let taken = {
            let mut entries = lock(self.bucket(key));
            let position = entries.iter().position(|entry| entry.key == key);
            position.map(|position| entries.remove(position))
        };
        match taken {
            Some(entry) => {
                Self::wake(&entry.sleeper);
                true
            }
            None => false,
        }
    }

    /// Wakes every thread that sleeps on `key`.
    pub fn wake_all(&self, key: usize) {
        let mut taken = Vec::new();
        lock(self.bucket(key)).retain(|entry| {
            let keep = entry.key != key;
            if !keep {
                taken.push(entry.sleeper.clone());
            }
            keep
        });
        for sleeper in taken {
            Self::wake(&sleeper);
        }
    }
}

#[cfg(all(test, loom))]
pub(crate) mod loom_parker {
    use super::*;

    /// A loom thread; parks without a deadline, as the models have no clock.
    #[derive(Clone)]
    pub(crate) struct LoomParker(pub(crate) loom::thread::Thread);

    impl Parker for LoomParker {
        fn park(&self, _deadline: Option<Instant>) -> bool {
            loom::thread::park();
            true
        }
        fn unpark(&self) {
            self.0.unpark();
        }
    }

    pub(crate) fn here() -> LoomParker {
        LoomParker(loom::thread::current())
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::loom_parker::here;
    use super::*;

    #[test]
    fn loom_no_wake_up_is_lost() {
        loom::model(|| {
            let lot = Arc::new(Lot::new());
            let ready = Arc::new(AtomicBool::new(false));
            let waker = {
                let (lot, ready) = (lot.clone(), ready.clone());
                loom::thread::spawn(move || {
                    ready.store(true, Ordering::Relaxed);
                    lot.wake_all(16);
                })
            };
            assert!(lot.wait(16, &here(), None, &mut || ready.load(Ordering::Relaxed)));
            waker.join().unwrap();
        });
    }

    #[test]
    fn loom_a_wake_up_that_was_not_needed_is_passed_on() {
        // Without a bound three threads and their conditions take many minutes.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let lot = Arc::new(Lot::new());
            let tokens = Arc::new(Mutex::new(0));
            let sleepers: Vec<_> = (0..2)
                .map(|_| {
                    let (lot, tokens) = (lot.clone(), tokens.clone());
                    loom::thread::spawn(move || {
                        lot.wait(16, &here(), None, &mut || {
                            let mut tokens = lock(&tokens);
                            let is_there = *tokens > 0;
                            *tokens -= usize::from(is_there);
                            is_there
                        })
                    })
                })
                .collect();
            for _ in 0..2 {
                *lock(&tokens) += 1;
                lot.wake_one(16);
            }
            assert!(sleepers.into_iter().all(|sleeper| sleeper.join().unwrap()));
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Clone)]
    struct StdParker(std::thread::Thread);

    impl Parker for StdParker {
        fn park(&self, deadline: Option<Instant>) -> bool {
            match deadline {
                Some(deadline) => {
                    std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()))
                }
                None => std::thread::park(),
            }
            true
        }
        fn unpark(&self) {
            self.0.unpark();
        }
    }

    #[test]
    fn smoke_a_deadline_ends_the_wait() {
        let lot = Lot::new();
        let deadline = Instant::now() + Duration::from_millis(5);
        let parker = StdParker(std::thread::current());
        assert!(!lot.wait(1, &parker, Some(deadline), &mut || false));
        assert!(!lot.wake_one(1), "a thread that left is still listed");
    }

    #[test]
    fn stampede_wake_all_wakes_everybody() {
        let lot = Lot::new();
        let open = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let parker = StdParker(std::thread::current());
                    assert!(lot.wait(7, &parker, None, &mut || open.load(Ordering::Relaxed)));
                });
            }
            open.store(true, Ordering::Relaxed);
            lot.wake_all(7);
        });
    }
}
