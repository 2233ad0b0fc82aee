//! Context variables: a task sees those of its submitter, and what it sets stays its own.
//!
//! Owns: the context that a worker thread lives in. Called by: `submit` (capture), `future::run`.
//! Most programs have none, so that case is made cheap: nothing is kept with the task, and a worker
//! runs such tasks in one empty context of its own, which it replaces once a task has left something
//! in it. Threads: attached.

use std::cell::Cell;

use hpy_shim::task::PackedCall;
use hpy_shim::{probe, stored_release, Argument, Attached, Handle, PyResult, Raised};

use crate::bridge::names::Name;
use crate::bridge::runtime::Runtime;

thread_local! {
    /// The empty context that this pool thread has entered; 0 before the first task.
    static BASE: Cell<isize> = const { Cell::new(0) };
}

/// The submitter's context variables as an owned word; 0 when there are none.
#[inline]
pub fn capture<'py>(py: Attached<'py>, runtime: &Runtime) -> PyResult<'py, isize> {
    if probe::probe().native_context_vars != 0 {
        let context = py.copy_context_vars()?;
        return match context.is_empty()? {
            true => Ok(0),
            false => Ok(context.into_word()),
        };
    }
    let context = runtime.names().get(py, Name::CopyContext).call(&[])?;
    match context.is(&runtime.names().get(py, Name::None)) {
        true => Ok(0),
        false => Ok(context.into_word()),
    }
}

/// What a call ended with: its value, or the exception object that it raised.
pub type Outcome<'py> = Result<Handle<'py>, Handle<'py>>;

/// Makes a task's call in its context variables (an owned word that stays the caller's, or 0).
#[inline]
pub fn call<'py>(
    py: Attached<'py>,
    runtime: &Runtime,
    call: &PackedCall,
    context: isize,
    nested: bool,
) -> Outcome<'py> {
    let taken = |raised: Raised<'py>| raised.take(py);
    if probe::probe().native_context_vars == 0 {
        return call_in_python(py, runtime, call, context).map_err(taken);
    }
    if context == 0 && !nested {
        enter_base(py).map_err(taken)?;
        // SAFETY: the caller keeps the call's references until it releases them.
        let outcome = unsafe { call.call(py) }.map_err(taken);
        clean_base(py).map_err(taken)?;
        return outcome;
    }
    let context = match context {
        0 => py.new_context_vars().map_err(taken)?,
        // SAFETY: the caller owns the word for the duration of this call.
        word => unsafe { Argument::borrow(py, word) }.dup(),
    };
    context.enter_context_vars().map_err(taken)?;
    // SAFETY: as above.
    let outcome = unsafe { call.call(py) }.map_err(taken);
    context.exit_context_vars().map_err(taken)?;
    outcome
}

#[inline]
fn enter_base<'py>(py: Attached<'py>) -> PyResult<'py, ()> {
    if BASE.get() != 0 {
        return Ok(());
    }
    let base = py.new_context_vars()?;
    base.enter_context_vars()?;
    BASE.set(base.into_word());
    Ok(())
}

/// After a task in the base context: if it left variables there, the next one gets a new context.
#[inline]
fn clean_base(py: Attached<'_>) -> PyResult<'_, ()> {
    // SAFETY: the thread owns its base until `leave_base`.
    let base = unsafe { Argument::borrow(py, BASE.get()) };
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

/// Where context variables are Python's own business, so is running in them.
fn call_in_python<'py>(
    py: Attached<'py>,
    runtime: &Runtime,
    call: &PackedCall,
    context: isize,
) -> PyResult<'py, Handle<'py>> {
    let names = runtime.names();
    // SAFETY: the caller keeps the call's references until it releases them.
    let (callable, args, kwargs) = unsafe { call.as_tuple_and_dict(py) }?;
    let none = names.get(py, Name::None);
    let context = match context {
        0 => none.dup(),
        // SAFETY: owned by the caller for the duration of this call.
        word => unsafe { Argument::borrow(py, word) }.dup(),
    };
    let kwargs = kwargs.unwrap_or_else(|| none.dup());
    names.get(py, Name::RunInContext).call(&[&context, &callable, &args, &kwargs])
}

/// Gives up a captured context that no task took over.
pub fn discard(py: Attached<'_>, context: isize) {
    // SAFETY: an owned word, given away by `capture`.
    unsafe { stored_release(py, context) }
}
