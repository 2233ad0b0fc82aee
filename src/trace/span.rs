//! One traced task: its span, from submission to end, and the record that is left of it.
//!
//! Owns: the clock. Called by: `trace` (the hooks), `buffer`, `writer`, `future::extra`.
//! Invariant: a span is reached by one thread at a time: the submitter, then whoever started or
//! cancelled the future. Threads: any.

use std::sync::Arc;

use crate::compose::join::Join;

/// A traced task that has not ended.
#[derive(Default)]
pub struct Span {
    /// Its number, from 1 on; unique in the process.
    pub id: u64,
    /// The task that submitted it; 0: none that is traced.
    pub parent: u64,
    /// When it was submitted, and started (0: not yet), in nanoseconds of [`now`].
    pub submitted: u64,
    /// See `submitted`.
    pub started: u64,
    /// The task below it on its thread's stack, while it runs.
    pub outer: u64,
    /// The session in which it was submitted.
    pub session: u32,
    /// Its callable, by its number in `Names`.
    pub name: u32,
    /// The thread that submitted it, by its number in the session.
    pub submitter: u32,
    /// What its future waits for, whose place it takes (`future::extra`).
    pub join: Option<Arc<Join>>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Value,
    /// It raised; the class of the exception, by its number in `Names`.
    Error(u32),
    /// It was cancelled before it started.
    Cancelled,
}

/// A task that has ended.
pub(super) struct Record {
    /// What it was.
    pub(super) span: Span,
    /// When it ended.
    pub(super) ended: u64,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// On which thread, by its number in the session.
    pub(super) thread: u32,
    /// The worker that this thread was, or stood in for; -1: none.
    pub(super) worker: i32,
}

/// Nanoseconds of the clock that Python's `time.monotonic_ns()` reads.
#[cfg(unix)]
#[inline]
pub(super) fn now() -> u64 {
    #[cfg(target_os = "macos")]
    const CLOCK: libc::clockid_t = libc::CLOCK_UPTIME_RAW;
    #[cfg(not(target_os = "macos"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours; the clock exists on every Unix.
    unsafe { libc::clock_gettime(CLOCK, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of a clock that never goes back, from some moment in the life of the process on.
#[cfg(not(unix))]
pub(super) fn now() -> u64 {
    static BEGAN: once_cell::sync::OnceCell<std::time::Instant> = once_cell::sync::OnceCell::new();
    1 + BEGAN.get_or_init(std::time::Instant::now).elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back_and_is_never_zero() {
        let (before, after) = (now(), now());
        assert!(0 < before && before <= after);
    }
}
