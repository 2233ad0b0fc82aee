//! One traced task: its span, from submission to end, and the record that is left of it.
//!
//! Owns: the clock. Called by: `trace` (the hooks), `buffer`, `writer`, `future::body`.
//! Invariant: a span is reached by one thread at a time: the submitter, then whoever started or
//! cancelled the future. Threads: any.

use std::sync::atomic::{AtomicPtr, Ordering};

/// A traced task that has not ended.
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

/// The place in a future for its span. All zero is an empty one.
#[derive(Default)]
pub struct SpanPlace(AtomicPtr<Span>);

impl SpanPlace {
    /// The future is traced. Once, before it is queued.
    pub fn set(&self, span: Box<Span>) {
        self.0.store(Box::into_raw(span), Ordering::Relaxed);
    }

    /// The span, to write in.
    ///
    /// # Safety
    /// The caller has started the future and not ended it.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn get(&self) -> Option<&mut Span> {
        // SAFETY: null, or made by `set` and not taken yet: only whoever ends the future takes it,
        // which is the caller. What `set` wrote came with the queue, as the packed call did.
        unsafe { self.0.load(Ordering::Relaxed).as_mut() }
    }

    /// Takes the span out. Only by whoever ends the future, or when it dies.
    #[inline]
    pub fn take(&self) -> Option<Box<Span>> {
        let span = self.0.load(Ordering::Relaxed);
        if span.is_null() {
            return None;
        }
        self.0.store(std::ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: made by Box::into_raw in `set`, and out of reach from here on.
        Some(unsafe { Box::from_raw(span) })
    }
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

    #[test]
    fn a_place_gives_its_span_away_once() {
        let place = SpanPlace::default();
        assert!(place.take().is_none());
        place.set(Box::new(Span {
            id: 7,
            parent: 0,
            submitted: 1,
            started: 0,
            outer: 0,
            session: 1,
            name: 0,
            submitter: 0,
        }));
        // SAFETY: nobody else has the place.
        unsafe { place.get() }.expect("set").started = 2;
        let span = place.take().expect("set");
        assert_eq!((span.id, span.started), (7, 2));
        assert!(place.take().is_none());
    }
}
