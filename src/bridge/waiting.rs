//! Blocking until something is done: `result()`, `exception()`, an executor's shutdown.
//!
//! Called by: `future_type`, `executor_type`. Invariants: a task that waits for another never
//! deadlocks, whatever the number of workers: it runs the other one itself if that has not started,
//! else a spare takes its place (design: "Waiting inside a task"). It never runs an unrelated task.
//! Threads: any, attached. Errors: what signal handlers raise (Ctrl-C, main thread only).

use std::cell::Cell;
use std::time::{Duration, Instant};

use hpy_shim::error::HandledAside;
use hpy_shim::{probe, thread, Attached, PyResult, Stored};

use crate::bridge::host::{has_stack_left, mark_stack_base, Interpreted};
use crate::bridge::interrupt;
use crate::bridge::names::Name;
use crate::bridge::runtime::{Runtime, Status};
use crate::bridge::submit;
use crate::future::run;
use crate::future::state::Life;
use crate::host::{Host, Wait};
use crate::sched::pool::Pool;

/// How long a waiter polls before it sleeps: as long as a worker searches (docs/decisions.md).
const POLL: Duration = Duration::from_micros(200);
/// How often the main thread looks for signals while it waits.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the future is done; false when the deadline passes first.
#[inline]
pub fn until_done<'py>(
    py: Attached<'py>,
    future: &Stored,
    deadline: Option<Instant>,
) -> PyResult<'py, bool> {
    match life(py, future)?.is_done() {
        true => Ok(true),
        false => until_done_cold(py, future, deadline),
    }
}

/// Where the future is in its life. One that a fork left behind is ended first.
#[inline]
pub fn life<'py>(py: Attached<'py>, future: &Stored) -> PyResult<'py, Life> {
    let body = run::body(future);
    let life = body.state.life();
    if life.is_done() || body.runtime().status() != Status::Forked {
        return Ok(life);
    }
    break_after_fork(py, future)?;
    Ok(body.state.life())
}

/// A pending future of the parent process will never be run here: it is broken.
#[cold]
fn break_after_fork<'py>(py: Attached<'py>, future: &Stored) -> PyResult<'py, ()> {
    let body = run::body(future);
    let names = body.runtime().names();
    let text = py.str("the process was forked: this future belongs to the parent process")?;
    let exception = names.get(py, Name::BrokenExecutor).call(&[&text])?;
    if body.claim_breaking() {
        run::end(py, future, Err(exception));
    }
    while !body.state.life().is_done() {
        // SAFETY: attached here; nothing is touched in between. Another thread of this process has
        // claimed the future and is about to end it.
        unsafe { thread::attach(thread::detach()) };
    }
    Ok(())
}

#[cold]
fn until_done_cold<'py>(
    py: Attached<'py>,
    future: &Stored,
    deadline: Option<Instant>,
) -> PyResult<'py, bool> {
    let body = run::body(future);
    let Some(pool) = body.runtime().pool() else {
        unreachable!("a future that is not done belongs to a pool");
    };
    let run_it_here = |aside: HandledAside<'_>| {
        let runs = body.state.try_start();
        if runs {
            pool.run_nested(|| run::run_nested(py, future));
        }
        drop(aside);
        runs
    };
    if body.is_deferred() {
        let aside = HandledAside::new(py);
        if aside.is_complete() && has_room_for_deferred(pool) && run_it_here(aside) {
            return Ok(true);
        }
        submit::launch(py, future);
    }
    if deadline.is_none() && body.state.life() == Life::Pending && pool.may_nest() {
        let aside = HandledAside::new(py);
        if aside.is_complete() && run_it_here(aside) {
            return Ok(true);
        }
    }
    let mut outcome = Ok(true);
    let wait = || {
        outcome = interruptibly(
            py,
            body.runtime(),
            body.state.key(),
            deadline,
            &mut || body.state.life().is_done(),
            &mut || {
                body.state.announce_waiter();
            },
        );
    };
    // When no spare can be had, running it here is better than waiting for nobody, time-out or not;
    // where even the stack is used up, the future fails.
    let last_resort = || match has_stack_left() {
        true => run_it_here(HandledAside::new(py)),
        false => body.state.try_start() && fail_for_want_of_threads(py, future),
    };
    pool.block(last_resort, wait);
    outcome
}

/// Whether a deferred task may run on this thread, the pool's or not. A time-out does not matter.
fn has_room_for_deferred(pool: &'static Pool<Interpreted>) -> bool {
    mark_stack_base();
    if pool.is_current() {
        pool.may_nest()
    } else {
        pool.host.has_stack_for_nested_run()
    }
}

/// Ends a future that the caller has started and cannot run.
#[cold]
fn fail_for_want_of_threads(py: Attached<'_>, future: &Stored) -> bool {
    let names = run::body(future).runtime().names();
    let text =
        "too many tasks wait for each other, and no thread can be started to go on with them";
    let exception = py.str(text).and_then(|text| names.get(py, Name::RuntimeError).call(&[&text]));
    run::fail(py, future, exception.unwrap_or_else(|raised| raised.take(py)));
    true
}

/// Waits until `condition` holds, waking up for signals in the main thread. `announce` is called
/// before each sleep.
pub fn interruptibly<'py>(
    py: Attached<'py>,
    runtime: &'static Runtime,
    key: usize,
    deadline: Option<Instant>,
    condition: &mut dyn FnMut() -> bool,
    announce: &mut dyn FnMut(),
) -> PyResult<'py, bool> {
    let Some(pool) = runtime.pool() else {
        return Ok(condition());
    };
    let looks_for_signals = !pool.host.waits_end_at_signals() && is_main_thread(py, runtime)?;
    loop {
        let slice = looks_for_signals.then(|| Instant::now() + SIGNAL_INTERVAL);
        let until = match (slice, deadline) {
            (Some(slice), Some(deadline)) => Some(slice.min(deadline)),
            (slice, deadline) => slice.or(deadline),
        };
        let spin =
            until.map_or(POLL, |until| POLL.min(until.saturating_duration_since(Instant::now())));
        let before_sleep = &mut || {
            interrupt::look(py);
            announce();
        };
        let condition = &mut || interrupt::is_kept() || condition();
        let wait = Wait { key, deadline: until, spin, before_sleep, condition, glance: None };
        let holds = pool.host.wait_until(&pool.lot, wait);
        interrupt::take(py)?;
        if holds {
            return Ok(true);
        }
        if looks_for_signals {
            check_signals(py, runtime)?;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(condition());
        }
    }
}

/// Runs signal handlers that are due. Where the C API does not do it (PyPy), a call of any Python
/// function does.
fn check_signals<'py>(py: Attached<'py>, runtime: &Runtime) -> PyResult<'py, ()> {
    if !probe::runs_tasks_natively() {
        runtime.names().get(py, Name::Breathe).call(&[])?;
    }
    py.check_signals()
}

thread_local! {
    /// 0 not known yet, 1 no, 2 yes.
    static IS_MAIN: Cell<u8> = const { Cell::new(0) };
}

fn is_main_thread<'py>(py: Attached<'py>, runtime: &Runtime) -> PyResult<'py, bool> {
    if IS_MAIN.get() == 0 {
        let answer = runtime.names().get(py, Name::IsMainThread).call(&[])?.is_true()?;
        IS_MAIN.set(1 + u8::from(answer));
    }
    Ok(IS_MAIN.get() == 2)
}

/// In a forked child the thread that forked is the main one.
pub fn forget_main_thread() {
    IS_MAIN.set(0);
}
