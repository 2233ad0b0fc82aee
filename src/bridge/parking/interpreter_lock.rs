//! Sleeping on a lock of the interpreter: where a thread may not wait in native code.
//!
//! GraalPy sometimes needs every attached or detached thread to come to a safepoint (when a part of
//! it is used for the first time, for one), and a thread inside a native wait never gets there: the
//! whole process hangs. A thread in `_thread.lock.acquire` does get there.
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
//! Errors: what a signal handler raises ends the sleep; `take_interrupt` has it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hpy_shim::{stored_release, Attached, Handle, PyResult, Stored};

use crate::bridge::names::{Name, Names};
use crate::sched::lot::Parker;

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

struct Lock {
    state: AtomicU8,
    acquire: Stored,
    release: Stored,
    /// A sleep was interrupted, and it is not known who holds the lock: it is not used again.
    is_spoilt: AtomicBool,
    names: &'static Names,
}

/// A lock to sleep on.
#[derive(Clone)]
pub struct OnLock(Arc<Lock>);

/// The locks that no thread sleeps on now. They are never freed: giving up a reference needs an
/// attached thread.
#[derive(Default)]
pub struct Locks(Mutex<Vec<OnLock>>);

thread_local! {
    /// What a signal handler raised while this thread slept.
    static INTERRUPT: Cell<isize> = const { Cell::new(0) };
}

impl Locks {
    /// Calls `sleep` with a lock to sleep on. Attached. Where none can be made (no memory), the
    /// thread looks again and again, and lets others in each time.
    pub fn with_one<R>(
        &self,
        py: Attached<'_>,
        names: &'static Names,
        sleep: impl FnOnce(&OnLock) -> R,
    ) -> R {
        let free = lock(&self.0).pop();
        let chosen = free.unwrap_or_else(|| OnLock::new(py, names));
        let result = sleep(&chosen);
        if !chosen.0.is_spoilt.load(Ordering::Relaxed) {
            lock(&self.0).push(chosen);
        }
        result
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
        let made = || -> PyResult<'_, [Handle<'_>; 2]> {
            let lock = names.get(py, Name::NewLock).call(&[])?;
            lock.attr(c"acquire")?.call(&[])?;
            Ok([lock.attr(c"acquire")?, lock.attr(c"release")?])
        };
        let [acquire, release] = made().unwrap_or_else(|raised| {
            raised.clear(py);
            // Any Python function will do: calling it lets other threads in.
            let breathe = names.get(py, Name::Breathe);
            [breathe.dup(), breathe.dup()]
        });
        OnLock(Arc::new(Lock {
            state: AtomicU8::new(EMPTY),
            acquire: Stored::new(acquire),
            release: Stored::new(release),
            is_spoilt: AtomicBool::new(false),
            names,
        }))
    }

    fn acquire(&self, py: Attached<'_>, deadline: Option<Instant>) -> Sleep {
        let (acquire, names) = (self.0.acquire.bind(py), self.0.names);
        let outcome = match deadline {
            None => acquire.call(&[]),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let blocking = names.get(py, Name::True);
                py.float(left.as_secs_f64()).and_then(|left| acquire.call(&[&blocking, &left]))
            }
        };
        match outcome {
            Ok(answer) if answer.is(&names.get(py, Name::False)) => Sleep::TimedOut,
            Ok(_) => Sleep::Woken,
            Err(raised) => {
                let interrupt = raised.take(py).into_word();
                let before = INTERRUPT.replace(interrupt);
                // SAFETY: kept here by an earlier sleep of this thread that nobody asked about.
                unsafe { stored_release(py, before) };
                Sleep::Interrupted
            }
        }
    }

    fn release(&self, py: Attached<'_>) {
        if let Err(raised) = self.0.release.bind(py).call(&[]) {
            // A signal handler raised, on the way in or out. Released twice is an error too, which
            // says that all is well.
            let interrupt = raised.take(py);
            if let Err(raised) = self.0.release.bind(py).call(&[]) {
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
            return true;
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

/// What a signal handler raised while this thread slept, as a Python error.
pub fn take_interrupt(py: Attached<'_>) -> PyResult<'_, ()> {
    match INTERRUPT.take() {
        0 => Ok(()),
        // SAFETY: an owned reference, given away by `acquire`.
        word => Err(py.raise_object(&unsafe { Handle::from_word(py, word) })),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
