//! The synchronisation primitives of the core: std's, or loom's when the models run.
//!
//! Called by: every file with a lock-free protocol. Under `--cfg loom` the same code is explored by
//! the model checker instead of run; see `tests` in `sched::sleep`, `sched::lot`, `future::state`.

#[cfg(loom)]
pub(crate) use loom::sync::{
    atomic::{fence, AtomicBool, AtomicUsize, Ordering},
    Arc, Mutex,
};
#[cfg(loom)]
pub(crate) use loom::thread::yield_now;
#[cfg(not(loom))]
pub(crate) use std::sync::{
    atomic::{fence, AtomicBool, AtomicUsize, Ordering},
    Arc, Mutex,
};
#[cfg(not(loom))]
pub(crate) use std::thread::yield_now;

/// Locks, whatever happened to a thread that held the lock before: no invariant of ours spans a
/// panic, since ours abort.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> impl std::ops::DerefMut<Target = T> + '_ {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
