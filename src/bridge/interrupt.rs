//! What a signal handler raised in the midst of the core's own work: kept until it can be raised.
//!
//! Owns: one exception per thread. Called by: `parking` (a sleep that was interrupted), `host` (the
//! start of a thread) and `waiting` (before a sleep), which keep it; `waiting`, `submit` and the
//! package, which raise it. Invariant: who asks when there is none, nearly always, pays for a look
//! at one word, and on GraalPy another at the error that is set.
//! Threads: attached; each has its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use hpy_shim::{stored_release, Attached, Handle, PyResult};

/// In how many threads there is one.
static KEPT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static EXCEPTION: Cell<isize> = const { Cell::new(0) };
}

/// Keeps an exception, in the place of an earlier one that nobody asked about.
#[cold]
pub fn keep(py: Attached<'_>, exception: Handle<'_>) {
    match EXCEPTION.replace(exception.into_word()) {
        0 => drop(KEPT.fetch_add(1, Ordering::Relaxed)),
        // SAFETY: kept here by this thread, and just taken out.
        before => unsafe { stored_release(py, before) },
    }
}

/// Keeps what a signal handler has raised in passing, before the thread sleeps.
#[inline]
pub fn look(py: Attached<'_>) {
    if let Err(raised) = py.raised_in_passing() {
        let exception = raised.take(py);
        keep(py, exception);
    }
}

/// Whether this thread keeps one.
#[inline]
pub fn is_kept() -> bool {
    KEPT.load(Ordering::Relaxed) != 0 && EXCEPTION.get() != 0
}

/// Raises what this thread keeps, or what was raised in passing.
#[inline]
pub fn take(py: Attached<'_>) -> PyResult<'_, ()> {
    // A thread sees what it wrote itself; what others keep is theirs.
    match KEPT.load(Ordering::Relaxed) {
        0 => py.raised_in_passing(),
        _ => take_cold(py),
    }
}

#[cold]
fn take_cold(py: Attached<'_>) -> PyResult<'_, ()> {
    let word = EXCEPTION.take();
    if word == 0 {
        return py.raised_in_passing();
    }
    KEPT.fetch_sub(1, Ordering::Relaxed);
    // SAFETY: an owned reference, given away by `keep`.
    Err(py.raise_object(&unsafe { Handle::from_word(py, word) }))
}
