//! A source of a dependent future has ended: what that means for the dependent.
//!
//! Called by: `future::run`, for each dependent in the list of a future that ended; `link`, for a
//! source that was done already. Invariants: a dependent goes on or ends once (its state word lets
//! one thread through); the first failure wins, in the order in which sources end; a source that is
//! cancelled cancels its dependents, but for `when_any`, which takes another one if there is any.
//! Threads: any, attached. Errors: what goes wrong here is the dependent's outcome.

use std::sync::Arc;

use hpy_shim::{Attached, Handle, PyResult, Stored};

use crate::bridge::names::Name;
use crate::bridge::submit;
use crate::compose::join::{Join, Rule};
use crate::future::callback::{Callback, Dependent};
use crate::future::run::{self, body};
use crate::future::state::{Completion, Life};

/// The completion of a dependent that ended with its source; its sleepers are awake, and its
/// callbacks are the caller's to call.
pub type Ended = Option<Completion<Callback>>;

/// `source` is done: tells `dependent`.
pub fn source_ended(py: Attached<'_>, source: &Stored, dependent: &Dependent) -> Ended {
    let Dependent { target, join, index } = dependent;
    let life = body(source).state.life();
    if let Some(Join { rule: Rule::Any, .. }) = join.as_deref() {
        if life != Life::Cancelled {
            return decide(py, target, Life::Value, || first_of(py, target, *index));
        }
    } else if life == Life::Error {
        return decide(py, target, life, || failure_of(py, source, target));
    } else if life == Life::Cancelled {
        return cancel(py, target);
    }
    match join.as_ref().is_none_or(|join| join.arrive()) {
        true => all_arrived(py, target, join.as_ref()),
        false => None,
    }
}

/// All that `target` waited for has come.
pub fn all_arrived(py: Attached<'_>, target: &Stored, join: Option<&Arc<Join>>) -> Ended {
    match join.map_or(Rule::Call, |join| join.rule) {
        Rule::Call => {
            if body(target).state.try_admit() {
                submit::push_admitted(py, target);
            }
            None
        }
        Rule::All => decide(py, target, Life::Value, || results_of(py, target)),
        // Whoever arrives was cancelled.
        Rule::Any => cancel(py, target),
    }
}

/// Ends `target` with what `outcome` gives, unless it has ended otherwise.
fn decide<'py>(
    py: Attached<'py>,
    target: &Stored,
    life: Life,
    outcome: impl FnOnce() -> PyResult<'py, Handle<'py>>,
) -> Ended {
    if !body(target).state.try_claim() {
        return None;
    }
    let (life, result) = match outcome() {
        Ok(result) => (life, result),
        Err(raised) => (Life::Error, raised.take(py)),
    };
    run::give_up_call(py, target);
    Some(run::end_quietly(py, target, life, result))
}

/// The exception of a source, which also ends `target`, claimed; it tells of the call given up.
#[cold]
fn failure_of<'py>(
    py: Attached<'py>,
    source: &'py Stored,
    target: &'py Stored,
) -> PyResult<'py, Handle<'py>> {
    let exception = body(source).result(&source.bind(py), Life::Error)?;
    if let Some(call) = body(target).packed_call(&target.bind(py)) {
        let note = body(target).runtime().names().get(py, Name::NoteNotCalled);
        if let Err(raised) = note.call(&[&exception, &call]) {
            raised.write_unraisable(py, &call);
        }
    }
    Ok(exception)
}

fn cancel(py: Attached<'_>, target: &Stored) -> Ended {
    run::cancel_quietly(py, target).ok()
}

/// The tuple of the results of the sources of a `when_all` that was claimed.
fn results_of<'py>(py: Attached<'py>, target: &Stored) -> PyResult<'py, Handle<'py>> {
    let results = match body(target).join() {
        Some(join) => results(py, &join)?,
        None => Vec::new(),
    };
    py.tuple(&results.iter().collect::<Vec<_>>())
}

/// The inputs of a join, sources replaced by their results.
pub fn results<'py>(py: Attached<'py>, join: &Join) -> PyResult<'py, Vec<Handle<'py>>> {
    let result_of = |source: Handle<'py>| {
        // SAFETY: `is_source` says that it is a future of ours; `source` keeps it alive.
        let body = unsafe { run::body_of_handle(&source) };
        body.result(&source, body.state.life())
    };
    join.inputs
        .iter()
        .filter_map(|input| input.object.get(py).map(|object| (input.is_source, object)))
        .map(|(is_source, object)| if is_source { result_of(object) } else { Ok(object) })
        .collect()
}

/// `(index, [inputs])`, for a `when_any` that was claimed.
fn first_of<'py>(py: Attached<'py>, target: &Stored, index: u32) -> PyResult<'py, Handle<'py>> {
    let list = py.list()?;
    if let Some(join) = body(target).join() {
        for object in join.inputs.iter().filter_map(|input| input.object.get(py)) {
            list.append(&object)?;
        }
    }
    py.tuple(&[&py.int(index.into())?, &list])
}
