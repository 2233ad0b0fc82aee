//! Sleeping on a lock of the interpreter: where a thread may not wait in native code.
//!
//! GraalPy sometimes needs every attached or detached thread to come to a safepoint (when a part of
//! it is used for the first time, for one), and a thread inside a native wait never gets there: the
//! whole process hangs. A thread in `_thread.lock.acquire` does get there. The locks, and why
//! they are used by subscription, are in `hpyx/_parking.py`.
//!
//! Owns: the locks, each made once and reused, as many as threads have ever slept at the same time.
//! Called by: `parking`, `host`. Invariant: a lock is held (by nobody in particular) but for the
//! moment between a wake-up and the end of the sleep that it ends; it is released once per sleep:
//!
//! ```text
//!   EMPTY --- park ---> PARKED --- unpark: releases the lock ---> NOTIFIED
//!     ^ ^------ the sleep ends without --'                          ^  |
//!     |----------------- unpark ------------------------------------'  |
//!     `--------- the sleep ends, with the lock held again -------------'
//! ```
//!
//! Threads: who sleeps is attached, and the lock lets go of the interpreter. Who wakes is attached:
//! nothing is done detached on this kind of interpreter, conditions of waits included.
//! Exit: GraalPy ends daemon threads by an exception, and a frame of native code on the way would
//! crash the JVM. So in the end all sleepers are sent away, and no thread but the main one may
//! sleep here from then on; `hpyx/_exit.py` has the other half.
//! Errors: what a signal handler raises ends the sleep, and so does being sent away;
//! `bridge::interrupt` has it.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hpy_shim::{Attached, Stored};

use crate::bridge::interrupt;
use crate::bridge::names::{Name, Names};
use crate::sched::lot::Parker;

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

struct Lock {
    state: AtomicU8,
    lock: Stored,
    /// A sleep was interrupted, and it is not known who holds the lock: it is not used again.
    is_spoilt: AtomicBool,
    is_sent_away: AtomicBool,
    names: &'static Names,
}

/// A lock to sleep on.
#[derive(Clone)]
pub struct OnLock(Arc<Lock>);

/// The locks of one interpreter. They are never freed: giving up a reference needs an attached
/// thread.
#[derive(Default)]
pub struct Locks {
    free: Mutex<Vec<OnLock>>,
    sleepers: Mutex<Sleepers>,
}

/// Who sleeps now.
#[derive(Default)]
struct Sleepers {
    locks: Vec<OnLock>,
    are_sent_away: bool,
}

impl Locks {
    /// Calls `sleep` with a lock to sleep on. Attached. Where none can be made (no memory), the
    /// thread looks again and again, and lets others in each time. None: too late to sleep here.
    pub fn with_one<R>(
        &self,
        py: Attached<'_>,
        names: &'static Names,
        sleep: impl FnOnce(&OnLock) -> R,
    ) -> Option<R> {
        let free = lock(&self.free).pop();
        let chosen = free.unwrap_or_else(|| OnLock::new(py, names));
        if !self.enter(py, &chosen) {
            chosen.keep_end_of_process(py);
            return None;
        }
        let result = sleep(&chosen);
        lock(&self.sleepers).locks.retain(|other| !Arc::ptr_eq(&other.0, &chosen.0));
        if !chosen.0.is_spoilt.load(Ordering::Relaxed) {
            lock(&self.free).push(chosen);
        }
        Some(result)
    }

    /// Whether the thread may sleep on `chosen`; then it counts as a sleeper.
    fn enter(&self, py: Attached<'_>, chosen: &OnLock) -> bool {
        let mut sleepers = lock(&self.sleepers);
        if sleepers.are_sent_away {
            drop(sleepers);
            let is_main = chosen.0.names.get(py, Name::IsMainThread).call(&[]);
            if !is_main.and_then(|answer| answer.is_true()).unwrap_or_else(|raised| {
                raised.clear(py);
                false
            }) {
                return false;
            }
            sleepers = lock(&self.sleepers);
        }
        sleepers.locks.push(chosen.clone());
        true
    }

    /// Ends every sleep, and tells how many there are still. Called by the main thread, attached,
    /// until there is none.
    pub fn send_away(&self) -> usize {
        let sleeping = {
            let mut sleepers = lock(&self.sleepers);
            sleepers.are_sent_away = true;
            sleepers.locks.clone()
        };
        for sleeper in &sleeping {
            sleeper.0.is_sent_away.store(true, Ordering::Relaxed);
            sleeper.unpark();
        }
        sleeping.len()
    }
}

/// How a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    Woken,
    TimedOut,
    Interrupted,
}

impl OnLock {
    /// A lock that is held.
    fn new(py: Attached<'_>, names: &'static Names) -> Self {
        let made = names.get(py, Name::NewLock).call(&[]);
        let lock = made.unwrap_or_else(|raised| {
            raised.clear(py);
            names.get(py, Name::NoLock).dup()
        });
        OnLock(Arc::new(Lock {
            state: AtomicU8::new(EMPTY),
            lock: Stored::new(lock),
            is_spoilt: AtomicBool::new(false),
            is_sent_away: AtomicBool::new(false),
            names,
        }))
    }

    fn acquire(&self, py: Attached<'_>, deadline: Option<Instant>) -> Sleep {
        let (lock, names) = (self.0.lock.bind(py), self.0.names);
        let outcome = match deadline {
            None => lock.item(&names.get(py, Name::True)),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now()).as_nanos();
                py.unsigned(u64::try_from(left).unwrap_or(u64::MAX))
                    .and_then(|left| lock.item(&left))
            }
        };
        match outcome {
            Ok(answer) if answer.is(&names.get(py, Name::False)) => Sleep::TimedOut,
            Ok(_) => Sleep::Woken,
            Err(raised) => {
                interrupt::keep(py, raised.take(py));
                Sleep::Interrupted
            }
        }
    }

    #[cold]
    fn keep_end_of_process(&self, py: Attached<'_>) {
        let made = self.0.names.get(py, Name::ProcessEnds).call(&[]);
        interrupt::keep(py, made.unwrap_or_else(|raised| raised.take(py)));
    }

    fn release(&self, py: Attached<'_>) {
        let (lock, wake) = (self.0.lock.bind(py), self.0.names.get(py, Name::False));
        if let Err(raised) = lock.item(&wake) {
            // A signal handler raised, on the way in or out. Released twice is an error too, which
            // says that all is well.
            let interrupt = raised.take(py);
            if let Err(raised) = lock.item(&wake) {
                raised.clear(py);
            }
            let again = self.0.names.get(py, Name::InterruptAgain);
            if let Err(raised) = again.call(&[&interrupt]) {
                raised.write_unraisable(py, &again);
            }
        }
    }
}

impl Parker for OnLock {
    fn park(&self, deadline: Option<Instant>) -> bool {
        // SAFETY: see the module: who sleeps is attached.
        let py = unsafe { Attached::assume() };
        let state = &self.0.state;
        // ORDER: Acquire; pairs with the Release in `unpark`: what the waker did is seen here.
        if state.compare_exchange(EMPTY, PARKED, Ordering::Acquire, Ordering::Acquire).is_err() {
            // ORDER: Acquire, as above.
            state.swap(EMPTY, Ordering::Acquire);
            let goes_on = !self.0.is_sent_away.load(Ordering::Relaxed);
            if !goes_on {
                self.keep_end_of_process(py);
            }
            return goes_on;
        }
        let mut sleep = self.acquire(py, deadline);
        // ORDER: Acquire, as above.
        if state.compare_exchange(PARKED, EMPTY, Ordering::Acquire, Ordering::Acquire).is_err() {
            if sleep == Sleep::TimedOut {
                // Woken at the last moment: the lock was released, or will be in the next one.
                sleep = self.acquire(py, None);
            }
            if sleep == Sleep::Interrupted {
                self.0.is_spoilt.store(true, Ordering::Relaxed);
            }
            // ORDER: Acquire, as above.
            state.swap(EMPTY, Ordering::Acquire);
        }
        if self.0.is_sent_away.load(Ordering::Relaxed) && sleep != Sleep::Interrupted {
            self.keep_end_of_process(py);
            return false;
        }
        sleep != Sleep::Interrupted
    }

    fn unpark(&self) {
        // ORDER: Release; pairs with the Acquire in `park`.
        if self.0.state.swap(NOTIFIED, Ordering::Release) != PARKED {
            return;
        }
        // SAFETY: see the module: who wakes is attached.
        self.release(unsafe { Attached::assume() });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
