//! Making futures: submitted calls, and values that are there already.
//!
//! Called by: `module` (async_, ready_future), `executor_type` (submit).
//! Invariant: bad input raises before anything is queued; nothing is half-submitted.
//! Threads: any, attached.

use hpy_shim::native::Arguments;
use hpy_shim::task::PackedCall;
use hpy_shim::{Attached, Handle, PyResult, Raised, Stored};

use crate::bridge::names::Name;
use crate::bridge::runtime::{Interpreter, Runtime};
use crate::bridge::{context_vars, interrupt};
use crate::executor::scope::Scope;
use crate::future::state::Life;
use crate::future::{give_back, recycle, run};
use crate::trace;

/// Queues `arguments[0](*arguments[1:], **keywords)` and returns its future. The task belongs to
/// `scope`, if there is one, which counts it already, and no more if the submission fails.
#[inline]
pub fn submit<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    arguments: &Arguments<'py>,
    scope: Option<&'static Scope>,
) -> PyResult<'py, Handle<'py>> {
    let usage = match scope {
        Some(_) => "submit(fn, *args, **kwargs)",
        None => "async_(fn, *args, **kwargs)",
    };
    let checked = check_callable(py, runtime.interpreter(), arguments, usage);
    let made = checked.and_then(|()| {
        let call = PackedCall::pack(py, arguments.word(0), arguments, 1)?;
        let context = context_vars::capture(py);
        new_task(py, runtime, call, context)
    });
    let future = left_if_failed(made, runtime, scope)?;
    push(runtime, &future, scope).map(|()| future)
}

/// Queues `fn(item)` and returns its future; `spread`: `fn(*item)`, of a tuple. As [`submit`], with
/// a callable that was checked.
#[inline]
pub fn submit_item<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    callable: &Handle<'py>,
    item: Handle<'py>,
    spread: bool,
    scope: &'static Scope,
) -> PyResult<'py, Handle<'py>> {
    let call = match spread {
        true => PackedCall::of_tuple(callable, item),
        false => PackedCall::of_one(callable, &item),
    };
    let context = context_vars::capture(py);
    let made = new_task(py, runtime, call, context);
    let future = left_if_failed(made, runtime, Some(scope))?;
    push(runtime, &future, Some(scope)).map(|()| future)
}

/// A submission whose future could not be made does not count in its scope any more.
pub fn left_if_failed<'py>(
    made: PyResult<'py, Handle<'py>>,
    runtime: &'static Runtime,
    scope: Option<&'static Scope>,
) -> PyResult<'py, Handle<'py>> {
    if let (Err(_), Some(scope)) = (&made, scope) {
        // SAFETY: counted by the caller; there is no future that got it.
        unsafe { Scope::leave(scope, runtime) };
    }
    made
}

/// The first argument must be a callable; `usage` says how to write the call.
#[inline]
pub fn check_callable<'py>(
    py: Attached<'py>,
    interpreter: &Interpreter,
    arguments: &Arguments<'py>,
    usage: &str,
) -> PyResult<'py, ()> {
    match arguments.positional() > 0 && arguments.at(0).is_callable() {
        true => Ok(()),
        false => Err(no_callable(py, interpreter, arguments.positional() == 0, usage)),
    }
}

#[cold]
fn no_callable<'py>(
    py: Attached<'py>,
    interpreter: &Interpreter,
    is_missing: bool,
    usage: &str,
) -> Raised<'py> {
    let text = match is_missing {
        true => format!("the callable is missing: write {usage}"),
        false => {
            format!("the first argument must be callable: write {usage}; pass fn, do not call it")
        }
    };
    py.raise(&interpreter.names().get(py, Name::TypeError), &text)
}

/// Queues a future whose call is packed already, natively or in Python. The scope is the future's
/// from here on: one that is refused leaves it. What a signal handler raised meanwhile (a thread
/// may be started here) is raised, and the future is queued nevertheless.
#[inline]
pub fn push<'py>(
    runtime: &'static Runtime,
    future: &Handle<'py>,
    scope: Option<&'static Scope>,
) -> PyResult<'py, ()> {
    let queued = Stored::new(future.dup());
    trace::submitted(future.py(), runtime, &queued);
    match scope {
        Some(scope) => run::body(&queued).set_scope(scope),
        None if runtime.defers() => {
            defer(future.py(), queued);
            return Ok(());
        }
        None => {}
    }
    let Some(pool) = runtime.pool() else {
        unreachable!("a running runtime has a pool");
    };
    pool.push(queued);
    match pool.is_closing_after_push() {
        false => interrupt::take(future.py()),
        true => refuse_if_unseen(runtime, future),
    }
}

/// Leaves a future to whoever asks for it (HPYX_ASYNC_MODE=deferred). No queue keeps it alive.
#[cold]
fn defer(py: Attached<'_>, future: Stored) {
    run::body(&future).show_to_collector(py, &future);
    run::body(&future).defer();
    drop(future.into_handle(py));
}

/// Something is attached to the future that nobody asks for from then on: if it was deferred, it
/// becomes an ordinary task.
#[inline]
pub fn launch(py: Attached<'_>, future: &Stored) {
    if run::body(future).is_deferred() && run::body(future).take_deferred() {
        push_admitted(py, future);
    }
}

/// Queues a future that waited and has just become pending. Where the pool has closed, and the
/// thread is none that will look into the queues again, the future fails.
pub fn push_admitted(py: Attached<'_>, future: &Stored) {
    let runtime = run::body(future).runtime();
    let Some(pool) = runtime.pool() else {
        unreachable!("dependents are made by a runtime that runs");
    };
    pool.push(future.dup(py));
    let is_unseen = pool.is_closing_after_push() && !pool.is_current();
    if is_unseen && run::body(future).state.try_start() {
        let text = match py.str("cannot schedule new futures after interpreter shutdown") {
            Ok(text) => runtime.names().get(py, Name::RuntimeError).call(&[&text]),
            Err(raised) => Err(raised),
        };
        run::fail(py, future, text.unwrap_or_else(|raised| raised.take(py)));
    }
}

/// The pool closed meanwhile, and its workers may be gone: takes the task back, if none has it.
#[cold]
fn refuse_if_unseen<'py>(runtime: &'static Runtime, future: &Handle<'py>) -> PyResult<'py, ()> {
    let py = future.py();
    let stored = Stored::new(future.dup());
    let is_mine = run::cancel(py, &stored);
    drop(stored.into_handle(py));
    match is_mine? {
        // It says that the runtime is closed, and how.
        true => runtime.names().get(py, Name::EnsureRunning).call(&[]).map(drop),
        false => Ok(()),
    }
}

/// A future with this call, in these context variables.
fn new_task<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    call: PackedCall,
    context: PyResult<'py, isize>,
) -> PyResult<'py, Handle<'py>> {
    let prepared = context.and_then(|context| match new_blank(py, runtime) {
        Ok(blank) => Ok((blank, context)),
        Err(raised) => {
            context_vars::discard(py, context);
            Err(raised)
        }
    });
    let ((future, is_seen), context) = match prepared {
        Ok(prepared) => prepared,
        Err(raised) => {
            // SAFETY: packed for this submission, and not used afterwards.
            unsafe { call.release(py) };
            return Err(raised);
        }
    };
    let body = run::body(&future);
    body.set_call(call, context);
    match is_seen {
        true => body.hide_from_collector(py, &future),
        false => body.is_out_of_sight(),
    }
    if give_back::is_used() {
        body.set_home(give_back::reclaim(py, runtime));
    }
    Ok(future.into_handle(py))
}

/// A pending future that nothing runs yet.
#[inline]
pub fn new_future<'py>(py: Attached<'py>, runtime: &'static Runtime) -> PyResult<'py, Handle<'py>> {
    let (future, is_seen) = new_blank(py, runtime)?;
    if !is_seen {
        // SAFETY: never tracked until now, and nobody else has it.
        unsafe { future.track(py) };
    }
    Ok(future.into_handle(py))
}

/// The same, and whether the collector sees it already.
#[inline]
fn new_blank<'py>(py: Attached<'py>, runtime: &'static Runtime) -> PyResult<'py, (Stored, bool)> {
    let (future, is_seen) = match recycle::revive(py, runtime.interpreter()) {
        Some(future) => (future, false),
        None => (Stored::new(runtime.names().get(py, Name::Future).new_instance()?), true),
    };
    run::body(&future).set_home(runtime.home());
    Ok((future, is_seen))
}

/// A future that is done, with this value.
pub fn ready<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    value: Handle<'py>,
) -> PyResult<'py, Handle<'py>> {
    let future = new_future(py, runtime)?;
    let stored = Stored::new(future.dup());
    let body = run::body(&stored);
    body.keep_result(py, &stored, Life::Value, value);
    let done = body.state.complete(Life::Value);
    debug_assert_eq!(done.into_callbacks().count(), 0);
    drop(stored.into_handle(py));
    Ok(future)
}
