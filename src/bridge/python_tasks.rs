//! Tasks whose calls Python packs and runs: the native half of `hpyx/_python_tasks.py`.
//!
//! Called by: that file and `_lane.py`, where every call between Python and native code is dear, so
//! that there is one per submission and one per task run: each does all that is due at that moment.
//! Invariants: a future is queued once; a task that is handed out is started, and ended once.
//! Threads: any for submissions, a pool thread for the steps of its loop; attached.

use std::cell::Cell;

use hpy_shim::{Argument, Arguments, Attached, Handle, Module, PyResult, Stored, This};

use crate::bridge::executor_type::{self, ExecutorBody};
use crate::bridge::future_type::Future;
use crate::bridge::host::Interpreted;
use crate::bridge::names::Name;
use crate::bridge::runtime::{interpreter_of, Interpreter, Runtime};
use crate::bridge::{interrupt, promise, submit};
use crate::executor::scope::Scope;
use crate::future::run;
use crate::future::state::Life;
use crate::sched::pool::Pool;

fn none<'py>(py: Attached<'py>, interpreter: &Interpreter) -> PyResult<'py, Handle<'py>> {
    Ok(interpreter.names().get(py, Name::None).dup())
}

/// A pending future, blank: its call is put into its attributes before it is queued.
pub fn new_future<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let runtime = interpreter_of(&module).running(py)?;
    submit::new_future(py, runtime)
}

/// Queues a future made by `new_future`, and returns another one for the next submission.
pub fn queue<'py>(py: Attached<'py>, future: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let runtime = future.body().runtime().interpreter().running(py)?;
    let blank = submit::new_future(py, runtime)?;
    queue_in(py, runtime, &future, None).map(|()| blank)
}

/// The same for a task of an executor.
pub fn queue_for<'py>(
    py: Attached<'py>,
    executor: This<'py, ExecutorBody>,
    future: Argument<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = executor.body().interpreter(py)?;
    let runtime = interpreter.running(py)?;
    let scope = executor_type::enter(py, interpreter, executor.body())?;
    // SAFETY: the package passes what `new_future` or `queue` returned.
    let future: Future<'py> = unsafe { This::assume(future.word()) };
    let blank = submit::left_if_failed(submit::new_future(py, runtime), runtime, Some(scope))?;
    queue_in(py, runtime, &future, Some(scope)).map(|()| blank)
}

fn queue_in<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    future: &Future<'py>,
    scope: Option<&'static Scope>,
) -> PyResult<'py, ()> {
    // It may have been made before a fork.
    future.body().set_home(runtime.home());
    future.lend().got_attributes(py);
    submit::push(runtime, &future.borrow(py), scope)
}

thread_local! {
    /// The future whose call Python runs on this thread: an owned word, or 0. No frame of Python
    /// has to hold on to it, so it is let go before the thread waits for the next.
    static RUNNING: Cell<isize> = const { Cell::new(0) };
}

/// Hands a started task to Python, which runs it and then calls `next_task`.
fn hand_out(future: Handle<'_>) -> Handle<'_> {
    let before = RUNNING.replace(future.dup().into_word());
    debug_assert_eq!(before, 0, "Python runs one task of the loop at a time");
    future
}

/// `next_task(is_value)`: the task that was handed out to this thread, if there was one, returned
/// a value, or raised. Ends its future, and waits for another task, started. None: the thread has
/// left the pool.
pub fn next_task<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let word = RUNNING.take();
    let interpreter = match word {
        0 => interpreter_of(&module),
        word => end_and_let_go(py, word, &arguments),
    };
    // The runtime of now: after a fork inside the task it is not the future's.
    let Some(pool) = interpreter.runtime().pool() else {
        return none(py, interpreter);
    };
    if word != 0 {
        pool.task_ends();
    }
    match first_that_runs(py, interpreter, pool) {
        Some(next) => Ok(next),
        None => {
            pool.leave_thread();
            none(py, interpreter)
        }
    }
}

/// Ends the future whose reference `hand_out` kept; the interpreter that it belongs to.
#[inline]
fn end_and_let_go(
    py: Attached<'_>,
    word: isize,
    arguments: &Arguments<'_>,
) -> &'static Interpreter {
    // SAFETY: the reference of `hand_out`, which the caller has just taken out.
    let done = unsafe { Stored::from_word(word) };
    let interpreter = run::body(&done).runtime().interpreter();
    let life = match arguments.word(0) == interpreter.names().word(Name::True) {
        true => Life::Value,
        false => Life::Error,
    };
    // Again: a collection while it was pending may have tracked its attributes anew.
    done.got_attributes(py);
    run::end_in_python(py, &done, life);
    drop(done.into_handle(py));
    interpreter
}

/// A future for one of the lane, which native code is to have: it takes the task over, or is
/// running, and follows one that is. Also while the pool closes, when no new tasks come.
pub fn new_for_lane<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let runtime = match interpreter.runtime() {
        runtime if runtime.pool().is_some() => runtime,
        _ => interpreter.running(py)?,
    };
    match arguments.at(0).is_true()? {
        true => promise::new(py, runtime),
        false => submit::new_future(py, runtime),
    }
}

/// Puts the lane into the queue, behind all that is there: a pool thread will get it in the place
/// of a task. False: it may be that no thread looks into the queues any more. Err: a signal handler
/// raised (a thread may be started here); it is queued nevertheless.
pub fn queue_lane<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let Some(pool) = interpreter.runtime().pool() else {
        return py.bool(false);
    };
    pool.push_behind(Stored::new(interpreter.names().get(py, Name::Lane).dup()));
    let is_seen = !pool.is_closing_after_push() || pool.is_current();
    interrupt::take(py)?;
    py.bool(is_seen)
}

/// `lane_was_run(count, next)`: a pool thread has run so many tasks of the lane. It goes on with
/// `next`, a future that took over the task whose turn has come, unless that has started elsewhere:
/// then it gets None.
pub fn lane_was_run<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let count = u64::try_from(arguments.at(0).to_i64()?).unwrap_or(0);
    let Some(pool) = interpreter.runtime().pool() else {
        return none(py, interpreter);
    };
    pool.tasks_end(count);
    if arguments.word(1) != interpreter.names().word(Name::None) {
        // SAFETY: the package passes None, or what `new_for_lane` returned.
        let taken_over: Future<'py> = unsafe { This::assume(arguments.word(1)) };
        taken_over.lend().got_attributes(py);
        pool.task_begins();
        if run::start_in_python(py, &taken_over.lend()) {
            return Ok(hand_out(taken_over.handle(py)));
        }
        pool.task_dropped();
    }
    none(py, interpreter)
}

/// The next task that was not cancelled or run elsewhere, started; or the lane. Waits for it.
#[inline]
fn first_that_runs<'py>(
    py: Attached<'py>,
    interpreter: &Interpreter,
    pool: &'static Pool<Interpreted>,
) -> Option<Handle<'py>> {
    while let Some(future) = pool.next_task() {
        pool.task_begins();
        if future.word() == interpreter.names().word(Name::Lane) {
            return Some(future.into_handle(py));
        }
        if run::start_in_python(py, &future) {
            return Some(hand_out(future.into_handle(py)));
        }
        drop(future.into_handle(py));
        pool.task_dropped();
    }
    None
}
