//! The Python error that is set, as evidence in the type system.
//!
//! Owns: nothing; the error itself lives in the interpreter's thread state. Called by: everything
//! that can fail. Invariant: a [`Raised`] exists only while an error is set on this thread.

use std::ffi::CString;
use std::marker::PhantomData;

use crate::attached::{context, Attached};
use crate::bindings::{HPy, HPyxHandled};
use crate::handle::Handle;
use crate::probe;

/// Evidence that a Python error is set on this thread.
#[must_use = "the error is set: return it to the interpreter, or take it"]
pub struct Raised<'py>(PhantomData<(&'py (), *mut ())>);

/// A result whose error is the Python error that is set.
pub type PyResult<'py, T> = Result<T, Raised<'py>>;

impl<'py> Raised<'py> {
    pub(crate) fn assume(_py: Attached<'py>) -> Self {
        Raised(PhantomData)
    }

    /// Takes the error as an exception object, with its traceback; none is set afterwards.
    pub fn take(self, py: Attached<'py>) -> Handle<'py> {
        let raised = context!(py, ctx_Err_GetRaised);
        Handle::from_open(py, raised)
    }

    /// Forgets the error.
    pub fn clear(self, py: Attached<'py>) {
        context!(py, ctx_Err_Clear);
    }

    /// Shows the error on stderr through `sys.unraisablehook`; none is set afterwards.
    pub fn write_unraisable(self, py: Attached<'py>, about: &Handle<'_>) {
        context!(py, ctx_Err_WriteUnraisable, about.as_raw());
    }
}

#[inline]
pub(crate) fn checked<'py>(py: Attached<'py>, raw: HPy) -> PyResult<'py, Handle<'py>> {
    if raw._i == 0 {
        Err(Raised::assume(py))
    } else {
        Ok(Handle::from_open(py, raw))
    }
}

#[inline]
pub(crate) fn checked_status(py: Attached<'_>, status: i32) -> PyResult<'_, ()> {
    if status < 0 {
        Err(Raised::assume(py))
    } else {
        Ok(())
    }
}

impl<'py> Attached<'py> {
    /// The error that is set, if there is one, though nothing has failed that could say so.
    #[inline]
    pub fn raised_in_passing(self) -> PyResult<'py, ()> {
        if probe::may_raise_anywhere() && context!(self, ctx_Err_Occurred) != 0 {
            return Err(Raised::assume(self));
        }
        Ok(())
    }

    /// Sets an error of class `class` with this text.
    pub fn raise(self, class: &Handle<'_>, text: &str) -> Raised<'py> {
        let text = CString::new(text.replace('\0', "\\0")).unwrap_or_default();
        context!(self, ctx_Err_SetString, class.as_raw(), text.as_ptr());
        Raised::assume(self)
    }

    /// Sets an error of class `class` with no arguments.
    pub fn raise_bare(self, class: &Handle<'py>) -> PyResult<'py, Raised<'py>> {
        let exception = class.call(&[])?;
        Ok(self.raise_object(&exception))
    }

    /// Raises an exception object, as the statement `raise exception` does.
    pub fn raise_object(self, exception: &Handle<'_>) -> Raised<'py> {
        context!(self, ctx_Err_Raise, exception.as_raw());
        Raised::assume(self)
    }
}

/// The exception that was being handled, set aside; put back when dropped. A task that runs on a
/// waiter's stack must not inherit it as `__context__`.
pub struct HandledAside<'py> {
    saved: HPyxHandled,
    py: Attached<'py>,
}

impl<'py> HandledAside<'py> {
    /// Sets the handled exception aside.
    pub fn new(py: Attached<'py>) -> Self {
        HandledAside { saved: context!(py, ctx_Err_SaveHandled), py }
    }

    /// False when there is one that belongs to a frame further out (the current one is a
    /// generator's or coroutine's), where it stays visible.
    pub fn is_complete(&self) -> bool {
        self.saved.is_aside != 0
    }
}

impl Drop for HandledAside<'_> {
    fn drop(&mut self) {
        context!(self.py, ctx_Err_RestoreHandled, self.saved);
    }
}
