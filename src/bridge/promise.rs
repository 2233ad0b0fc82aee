//! Promises: futures that Python code ends, for those that follow somebody else's future.
//!
//! Called by: the package (`_adopt`), through `module`. Invariants: only who made a promise has it
//! before it is linked, and settles it once; nobody can cancel or start it meanwhile, since it is
//! running from birth. Threads: any, attached.

use hpy_shim::{Attached, Handle, PyResult, Stored};

use crate::bridge::runtime::Runtime;
use crate::bridge::submit;
use crate::future::run::{self, body};
use crate::future::state::Life;

/// A future that counts as running until it is settled.
pub fn new<'py>(py: Attached<'py>, runtime: &'static Runtime) -> PyResult<'py, Handle<'py>> {
    let promise = Stored::new(submit::new_future(py, runtime)?);
    let started = body(&promise).state.try_start();
    debug_assert!(started, "nobody else has seen it");
    Ok(promise.into_handle(py))
}

/// Ends a promise, with `outcome` as its value or exception unless it is cancelled. False when it
/// was settled before. Err: it is settled, and a callback raised what is not logged.
pub fn settle<'py>(
    py: Attached<'py>,
    promise: &Stored,
    life: Life,
    outcome: Handle<'py>,
) -> PyResult<'py, bool> {
    let state = &body(promise).state;
    if state.life() != Life::Running {
        return Ok(false);
    }
    let done = match life {
        Life::Cancelled => run::end_cancelled_quietly(promise),
        life => run::end_quietly(py, promise, life, outcome),
    };
    run::let_through(py, run::announce(py, promise, done)).map(|()| true)
}
