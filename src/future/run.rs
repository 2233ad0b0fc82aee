//! Running a future, and ending it: the path that every task takes.
//!
//! Called by: `bridge::host` (a queued task), `bridge::waiting` (a task run on its waiter's stack),
//! `bridge::future_type` (cancel), `compose` (a future that ends with those it depends on).
//! Invariants: a future is ended once; what the task held on to is given up before its result is
//! published; sleepers are woken before callbacks are called; announcing does not recurse.
//! Threads: attached. Errors: what the task raises is its result; what a callback raises is logged,
//! but for what the standard library lets through (no `Exception`: Ctrl-C, `SystemExit`), which is
//! for whoever cancels or adds the callback. A worker has nobody to give that to, and logs it.

use std::collections::VecDeque;

use hpy_shim::native::body_of;
use hpy_shim::task::PackedCall;
use hpy_shim::{probe, stored_release, Attached, Handle, PyResult, Stored};

use crate::bridge::context_vars::{self, Outcome};
use crate::bridge::names::Name;
use crate::compose::progress::{self, source_ended};
use crate::executor::scope::{Scope, Within};
use crate::future::body::FutureBody;
use crate::future::callback::Callback;
use crate::future::give_back;
use crate::future::lost;
use crate::future::state::{Completion, Life};
use crate::trace;

/// The body of a future whose object is alive.
#[inline]
pub fn body(future: &Stored) -> &FutureBody {
    // SAFETY: only futures are queued, and `future` keeps the object alive.
    unsafe { body_of(future.word()) }
}

/// The body of a future that a handle refers to.
///
/// # Safety
/// It is one of our futures.
#[inline]
pub unsafe fn body_of_handle<'a>(future: &'a Handle<'_>) -> &'a FutureBody {
    // SAFETY: as the caller promises; the handle keeps the object alive.
    unsafe { body_of(future.as_word()) }
}

/// Runs a future that came out of a queue. False when it was started or cancelled meanwhile.
#[inline]
pub fn run_queued(py: Attached<'_>, future: Stored) -> bool {
    let runs = body(&future).state.try_start();
    if runs {
        run_started(py, &future, false);
    }
    release(py, future);
    runs
}

/// Runs a future on the stack of a thread that waits for it. The caller has started it.
pub fn run_nested(py: Attached<'_>, future: &Stored) {
    run_started(py, future, true);
}

fn run_started(py: Attached<'_>, future: &Stored, nested: bool) {
    let scope = body(future).scope();
    if scope.is_null() {
        return run_call(py, future, nested);
    }
    if enter_scope(py, future) {
        run_call(py, future, nested);
        Within::leave();
    }
}

/// Begins a task of an executor. False when it cannot run: the executor is broken, and so is the
/// future now.
fn enter_scope(py: Attached<'_>, future: &Stored) -> bool {
    let body = body(future);
    // SAFETY: the future counts in its scope until it is ended.
    let scope = unsafe { &*body.scope() };
    Within::enter(scope);
    match scope.initialise_thread(py, body.runtime()) {
        Ok(()) => true,
        Err(raised) => {
            let exception = raised.take(py);
            fail(py, future, exception);
            Within::leave();
            false
        }
    }
}

/// Starts a queued future whose call Python will run. False when there is nothing to run.
#[inline]
pub fn start_in_python(py: Attached<'_>, future: &Stored) -> bool {
    let body = body(future);
    let runs = body.state.try_start() && (body.scope().is_null() || enter_scope(py, future));
    if runs {
        trace::started(future);
    }
    runs
}

/// Python has run the call of a future that `start_in_python` started.
#[inline]
pub fn end_in_python(py: Attached<'_>, future: &Stored, life: Life) {
    let in_scope = !body(future).scope().is_null();
    publish(py, future, life);
    if in_scope {
        Within::leave();
    }
}

#[inline]
fn run_call(py: Attached<'_>, future: &Stored, nested: bool) {
    trace::started(future);
    let body = body(future);
    if !probe::runs_tasks_natively() {
        return match context_vars::run_in_python(py, body.runtime(), &future.bind(py)) {
            Ok(life) => publish(py, future, life),
            Err(exception) => end(py, future, Err(exception)),
        };
    }
    let (call, context) = body.take_call();
    let outcome = match body.extra.take_join() {
        None => {
            // SAFETY: the call's references are kept until they are released below.
            context_vars::call(py, context, nested, || unsafe { call.call(py) })
        }
        Some(join) => {
            let outcome = context_vars::call(py, context, nested, || {
                // SAFETY: as above.
                let callable = unsafe { call.callable(py) };
                let results = progress::results(py, &join)?;
                callable.call_named(&results, join.names.get(py).as_ref())
            });
            join.release_called(py);
            outcome
        }
    };
    // SAFETY: taken out of the body above, and not used afterwards.
    unsafe { stored_release(py, context) };
    match &outcome {
        Ok(_) => release_called(py, body, call),
        Err(exception) => {
            // SAFETY: as above. In full: the reporter takes the place of the arguments.
            unsafe { call.release(py) };
            lost::arm(py, future, exception);
        }
    }
    end(py, future, outcome);
}

/// Gives up a call that was made. A number that was its argument stays with the future where giving
/// it up here is dear (see `give_back`).
#[inline]
fn release_called(py: Attached<'_>, body: &FutureBody, call: PackedCall) {
    // SAFETY: the call's references are owned until they are given up here.
    unsafe {
        match call.only_argument(py).filter(|_| give_back::is_used()) {
            Some(argument) if is_number(body, &argument) => {
                body.keep_argument(call.release_but_args(py));
            }
            _ => call.release(py),
        }
    }
}

#[inline]
fn is_number(body: &FutureBody, object: &Handle<'_>) -> bool {
    let names = body.runtime().names();
    let class = object.class().map_or(0, |class| class.as_word());
    class == names.word(Name::Int) || class == names.word(Name::Float)
}

/// Gives up the queue's reference to a future; one that keeps nothing alive goes back to who
/// submitted it, where there is a way. If nobody can ask for it, the result goes now: the worker
/// made it, and gives it up for less than the submitter, with whom it would fight for the
/// interpreter's queue once more.
#[inline]
pub fn release(py: Attached<'_>, future: Stored) {
    let body = body(&future);
    if !body.home().takes_back() || body.state.life() != Life::Value {
        return drop(future.into_handle(py));
    }
    if future.is_only_reference(py) {
        body.give_up_result(py);
    }
    match keeps_nothing(py, body) {
        true => give_back::give_back(py, body.home(), future),
        false => drop(future.into_handle(py)),
    }
}

/// Whether a future with a value keeps nothing alive: it has no attributes, and a result of no
/// weight or none any more.
fn keeps_nothing(py: Attached<'_>, body: &FutureBody) -> bool {
    let is_light = |result: Handle<'_>| {
        result.as_word() == body.runtime().names().word(Name::None) || is_number(body, &result)
    };
    body.is_hidden() && body.hidden_result(py).is_none_or(is_light)
}

/// Gives up what the future was to call and to wait for. By whoever ends it without a call.
pub fn give_up_call(py: Attached<'_>, future: &Stored) {
    let body = body(future);
    let (call, context) = body.take_call();
    // SAFETY: taken out just now, by whoever ends the future.
    unsafe {
        call.release(py);
        stored_release(py, context);
    }
    if let Some(join) = body.extra.take_join() {
        join.release(py);
    }
    if !probe::runs_tasks_natively() {
        let none = body.runtime().names().get(py, Name::None);
        if let Err(raised) = future.bind(py).set_attr(c"_hpyx_call", &none) {
            raised.write_unraisable(py, &future.bind(py));
        }
    }
}

/// Ends a future that the caller has started, with a value or an exception.
#[inline]
pub fn end<'py>(py: Attached<'py>, future: &Stored, outcome: Outcome<'py>) {
    let (life, result) = match outcome {
        Ok(value) => (Life::Value, value),
        Err(exception) => (Life::Error, exception),
    };
    keep_result(py, future, life, result);
    publish(py, future, life);
}

#[inline]
fn keep_result<'py>(py: Attached<'py>, future: &Stored, life: Life, result: Handle<'py>) {
    let body = body(future);
    body.keep_result(py, future, life, result);
    body.show_if_result_is_collectable(py, future);
}

/// Ends a future that the caller has claimed; the caller announces the completion.
pub fn end_quietly<'py>(
    py: Attached<'py>,
    future: &Stored,
    life: Life,
    result: Handle<'py>,
) -> Completion<Callback> {
    if life == Life::Error {
        lost::arm(py, future, &result);
    }
    keep_result(py, future, life, result);
    trace::ended(py, future, life);
    let done = body(future).state.complete(life);
    wake_sleepers(future, &done);
    done
}

/// The same for one that ends as cancelled, since what it follows was.
pub fn end_cancelled_quietly(future: &Stored) -> Completion<Callback> {
    let done = body(future).state.complete(Life::Cancelled);
    wake_sleepers(future, &done);
    done
}

/// Ends a future that the caller has started, without running its call.
pub fn fail<'py>(py: Attached<'py>, future: &Stored, exception: Handle<'py>) {
    give_up_call(py, future);
    lost::arm(py, future, &exception);
    end(py, future, Err(exception));
}

/// The result is where it belongs: tells everybody.
#[inline]
fn publish(py: Attached<'_>, future: &Stored, life: Life) {
    trace::ended(py, future, life);
    let body = body(future);
    let scope = body.take_scope();
    let done = body.state.complete(life);
    wake_sleepers(future, &done);
    announce_and_log(py, future, done);
    leave_scope(body, scope);
}

/// Cancels a future that has not started. False when it has. Err: it is cancelled, and a callback
/// raised what is not logged.
pub fn cancel<'py>(py: Attached<'py>, future: &Stored) -> PyResult<'py, bool> {
    match cancel_quietly(py, future) {
        Ok(done) => let_through(py, announce(py, future, done)).map(|()| true),
        Err(life) => Ok(life == Life::Cancelled),
    }
}

/// Raises what `announce` gave back.
#[inline]
pub fn let_through<'py>(py: Attached<'py>, escaped: Option<Handle<'py>>) -> PyResult<'py, ()> {
    match escaped {
        None => Ok(()),
        Some(exception) => Err(py.raise_object(&exception)),
    }
}

/// The same; the caller announces the completion. Err says what the future is instead.
pub fn cancel_quietly(py: Attached<'_>, future: &Stored) -> Result<Completion<Callback>, Life> {
    let body = body(future);
    let done = body.state.try_cancel()?;
    trace::ended(py, future, Life::Cancelled);
    // The scope first: a callback may wait for the executor's shutdown on this thread.
    let scope = body.take_scope();
    give_up_call(py, future);
    leave_scope(body, scope);
    wake_sleepers(future, &done);
    Ok(done)
}

#[inline]
fn wake_sleepers(future: &Stored, done: &Completion<Callback>) {
    if done.has_waiters {
        let body = body(future);
        body.runtime().wake_all(body.state.key());
    }
}

/// Tells all that is in the list of a future that ended; all callbacks are called. Gives back the
/// first exception among theirs that is not to be logged.
#[inline]
#[must_use = "raise it, or log it"]
pub fn announce<'py>(
    py: Attached<'py>,
    future: &Stored,
    done: Completion<Callback>,
) -> Option<Handle<'py>> {
    match done.is_empty() {
        true => None,
        false => announce_cold(py, future, done),
    }
}

/// The same, by a thread that has nobody to raise anything to.
#[inline]
pub fn announce_and_log(py: Attached<'_>, future: &Stored, done: Completion<Callback>) {
    if let Some(exception) = announce(py, future, done) {
        log_callback_error(py, future, &exception);
    }
}

/// Dependents that end with the future are announced after it, not below it: chains are long.
fn announce_cold<'py>(
    py: Attached<'py>,
    future: &Stored,
    done: Completion<Callback>,
) -> Option<Handle<'py>> {
    let (mut ended, mut escaped) = (VecDeque::new(), None);
    tell(py, future, done, &mut ended, &mut escaped);
    while let Some((future, done)) = ended.pop_front() {
        tell(py, &future, done, &mut ended, &mut escaped);
        drop(future.into_handle(py));
    }
    escaped
}

fn tell<'py>(
    py: Attached<'py>,
    future: &Stored,
    done: Completion<Callback>,
    ended: &mut VecDeque<(Stored, Completion<Callback>)>,
    escaped: &mut Option<Handle<'py>>,
) {
    if !done.is_empty() {
        lost::retrieved(py, future);
    }
    let mut call = |callable| match call_callback(py, future, callable) {
        Some(exception) if escaped.is_some() => log_callback_error(py, future, &exception),
        Some(exception) => *escaped = Some(exception),
        None => {}
    };
    for callback in done.into_callbacks() {
        match callback {
            Callback::Call(callable) => call(callable),
            Callback::Watch(watch) => call(watch.into_callable(py)),
            Callback::Dependent(dependent) => match source_ended(py, future, &dependent) {
                Some(done) => ended.push_back((dependent.target, done)),
                None => drop(dependent.target.into_handle(py)),
            },
        }
    }
}

/// Calls one callback with the future. An `Exception` that it raises is logged, as the standard
/// library does; what is none is given back.
#[must_use = "raise it, or log it"]
pub fn call_callback<'py>(
    py: Attached<'py>,
    future: &Stored,
    callback: Stored,
) -> Option<Handle<'py>> {
    let callback = callback.into_handle(py);
    let raised = callback.call(&[&future.bind(py)]).err()?;
    escaped(py, future, raised.take(py))
}

#[cold]
fn escaped<'py>(py: Attached<'py>, future: &Stored, exception: Handle<'py>) -> Option<Handle<'py>> {
    let class = body(future).runtime().names().get(py, Name::Exception);
    let is_logged = exception.is_instance(&class).unwrap_or_else(|raised| {
        raised.clear(py);
        true
    });
    if is_logged {
        log_callback_error(py, future, &exception);
        return None;
    }
    Some(exception)
}

/// Logs what a callback of `future` raised.
#[cold]
pub fn log_callback_error(py: Attached<'_>, future: &Stored, exception: &Handle<'_>) {
    let future_handle = future.bind(py);
    let log = body(future).runtime().names().get(py, Name::LogCallbackError);
    if let Err(raised) = log.call(&[&future_handle, exception]) {
        raised.write_unraisable(py, &future_handle);
    }
}

#[inline]
fn leave_scope(body: &FutureBody, scope: *const Scope) {
    if scope.is_null() {
        return;
    }
    // SAFETY: taken out of the body by us: this is the one time that the future leaves it.
    unsafe { Scope::leave(scope, body.runtime()) };
}
