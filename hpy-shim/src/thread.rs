//! Letting go of the interpreter, and coming back; context variables of a run.
//!
//! Called by: the core's host, around every native wait. Invariant: no value with a destructor that
//! matters lives in a frame between `detach` and `attach` (see c/thread.c: a thread that comes back
//! to a dying interpreter sleeps for good).

use crate::attached::{context, Attached};
use crate::bindings;
use crate::error::{checked_status, PyResult};
use crate::handle::Handle;

/// The thread state of a detached thread.
#[derive(Clone, Copy, Debug)]
pub struct ThreadState(isize);

/// Detaches the thread.
///
/// # Safety
/// The thread is attached; no `Attached` is used until [`attach`].
#[inline]
pub unsafe fn detach() -> ThreadState {
    // SAFETY: attached, says the caller.
    ThreadState(unsafe { bindings::hpyx_detach() })
}

/// Attaches the thread again. Does not return when the interpreter is being finalized.
///
/// # Safety
/// `state` came from [`detach`] on this thread and was not used since.
#[inline]
pub unsafe fn attach(state: ThreadState) {
    // SAFETY: as the caller promises.
    unsafe { bindings::hpyx_attach(state.0) }
}

/// Whether the interpreter has begun to die. Any thread.
pub fn interpreter_is_finalizing() -> bool {
    // SAFETY: reads a flag of the runtime; documented for any thread.
    unsafe { bindings::hpyx_finalizing() != 0 }
}

impl<'py> Attached<'py> {
    /// A new, empty `contextvars.Context`.
    #[inline]
    pub fn new_context_vars(self) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_ContextVars_New))
    }

    /// `contextvars.copy_context()`.
    #[inline]
    pub fn copy_context_vars(self) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_ContextVars_CopyCurrent))
    }
}

impl<'py> Handle<'py> {
    /// Makes this `contextvars.Context` the current one.
    #[inline]
    pub fn enter_context_vars(&self) -> PyResult<'py, ()> {
        let py = self.py();
        checked_status(py, context!(py, ctx_ContextVars_Enter, self.as_raw()))
    }

    /// Ends what [`Handle::enter_context_vars`] began.
    #[inline]
    pub fn exit_context_vars(&self) -> PyResult<'py, ()> {
        let py = self.py();
        checked_status(py, context!(py, ctx_ContextVars_Exit, self.as_raw()))
    }
}
