//! A worker's turn at the interpreter: how long it has been attached without letting others in.
//!
//! Called by: `worker`, after every task, so the clock must be cheap: where the system has a coarse
//! monotonic clock (a few nanoseconds, some milliseconds of resolution), that one.

use std::cell::Cell;
use std::time::Duration;

/// The current turn of a thread.
#[derive(Default)]
pub(super) struct Turn {
    began: Cell<Duration>,
}

impl Turn {
    /// A turn begins now.
    pub(super) fn begin(&self) {
        self.began.set(coarse_now());
    }

    /// Whether it has lasted so long.
    #[inline]
    pub(super) fn is_over(&self, interval: Duration) -> bool {
        coarse_now().saturating_sub(self.began.get()) >= interval
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn coarse_now() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every Linux since 2.6.32; `time` is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[inline]
fn coarse_now() -> Duration {
    use std::time::Instant;
    static START: once_cell::sync::Lazy<Instant> = once_cell::sync::Lazy::new(Instant::now);
    START.elapsed()
}
