//! Context variables: a task sees those of its submitter, and what it sets stays its own.
//!
//! Owns: the context that a worker thread lives in. Called by: `submit` (capture), `future::run`.
//! Most programs have none, so that case is made cheap: nothing is kept with the task, and a worker
//! runs such tasks in one empty context of its own, which it replaces once a task has left
//! something in it. Threads: attached.

use std::cell::Cell;

use hpy_shim::{stored_release, Argument, Attached, Handle, PyResult, Raised};

use crate::bridge::names::Name;
use crate::bridge::runtime::Runtime;
use crate::future::state::Life;

thread_local! {
    /// The empty context that this pool thread has entered; 0 before the first task.
    static BASE: Cell<isize> = const { Cell::new(0) };
}

/// The submitter's context variables as an owned word; 0 when there are none.
#[inline]
pub fn capture(py: Attached<'_>) -> PyResult<'_, isize> {
    let context = py.copy_context_vars()?;
    match context.is_empty()? {
        true => Ok(0),
        false => Ok(context.into_word()),
    }
}

/// What a call ended with: its value, or the exception object that it raised.
pub type Outcome<'py> = Result<Handle<'py>, Handle<'py>>;

/// Makes a task's call in its context variables (an owned word that stays the caller's, or 0). Only
/// where context variables are native.
#[inline]
pub fn call<'py>(
    py: Attached<'py>,
    context: isize,
    nested: bool,
    call: impl FnOnce() -> PyResult<'py, Handle<'py>>,
) -> Outcome<'py> {
    let taken = |raised: Raised<'py>| raised.take(py);
    if context == 0 && !nested {
        let base = enter_base(py).map_err(taken)?;
        let outcome = call().map_err(taken);
        clean_base(py, base).map_err(taken)?;
        return outcome;
    }
    let context = match context {
        0 => py.new_context_vars().map_err(taken)?,
        // SAFETY: the caller owns the word for the duration of this call.
        word => unsafe { Argument::borrow(py, word) }.dup(),
    };
    context.enter_context_vars().map_err(taken)?;
    let outcome = call().map_err(taken);
    context.exit_context_vars().map_err(taken)?;
    outcome
}

/// The word of the base context, which the thread has entered.
#[inline]
fn enter_base(py: Attached<'_>) -> PyResult<'_, isize> {
    match BASE.get() {
        0 => {
            let base = py.new_context_vars()?;
            base.enter_context_vars()?;
            let word = base.into_word();
            BASE.set(word);
            Ok(word)
        }
        word => Ok(word),
    }
}

/// After a task in the base context: if it left variables there, the next one gets a new context.
#[inline]
fn clean_base(py: Attached<'_>, base: isize) -> PyResult<'_, ()> {
    // SAFETY: the thread owns its base until `leave_base`; the task cannot have made it leave.
    let base = unsafe { Argument::borrow(py, base) };
    match base.is_empty()? {
        true => Ok(()),
        false => leave_base(py),
    }
}

/// The thread leaves its base context: it ends, or the context was used.
#[cold]
pub fn leave_base<'py>(py: Attached<'py>) -> PyResult<'py, ()> {
    let word = BASE.replace(0);
    if word == 0 {
        return Ok(());
    }
    // SAFETY: owned by BASE, taken out of it just now.
    let base = unsafe { Handle::from_word(py, word) };
    base.exit_context_vars()
}

/// Sets the thread's base aside: what it runs next is another interpreter's, inside a task.
pub fn set_base_aside() -> isize {
    BASE.replace(0)
}

/// Puts back what `set_base_aside` gave. The thread has left the base that it entered since.
pub fn put_base_back(base: isize) {
    BASE.set(base);
}

/// Runs a task whose call is packed in Python, in attributes of its future: where context variables
/// are Python's own business, and every call into native code is dear. The outcome stays there too.
pub fn run_in_python<'py>(
    py: Attached<'py>,
    runtime: &Runtime,
    future: &Handle<'py>,
) -> Result<Life, Handle<'py>> {
    let run = runtime.names().get(py, Name::RunFuture);
    let succeeded = run.call(&[future]).and_then(|answer| answer.is_true());
    succeeded
        .map(|succeeded| if succeeded { Life::Value } else { Life::Error })
        .map_err(|raised| raised.take(py))
}

/// Gives up a captured context that no task took over.
pub fn discard(py: Attached<'_>, context: isize) {
    // SAFETY: an owned word, given away by `capture`.
    unsafe { stored_release(py, context) }
}
