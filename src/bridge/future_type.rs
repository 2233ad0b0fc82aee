//! The native base class of `hpyx.Future`.
//!
//! Owns: its methods. The public class derives from this one and from `concurrent.futures.Future`,
//! in that order, so that these methods win. Called by: the interpreter.
//! Threads: any, attached. Errors: as the standard library's Future.

use std::time::{Duration, Instant};

use hpy_shim::bindings::HPyMeth;
use hpy_shim::native::{Static, END_OF_METHODS};
use hpy_shim::{
    method, method_noargs, Argument, Arguments, Attached, Handle, Lent, PyResult, Raised, Stored,
    This,
};

use crate::bridge::names::{Name, Names};
use crate::bridge::{combinators, python_tasks, submit, waiting};
use crate::future::body::FutureBody;
use crate::future::callback::{Callback, Watch};
use crate::future::state::Life;
use crate::future::{lost, run};

/// A future that a method was called on.
pub type Future<'py> = This<'py, FutureBody>;

/// The type, for `module`.
pub fn make(py: Attached<'_>) -> PyResult<'_, Handle<'_>> {
    py.native_type::<FutureBody>(
        c"hpyx._native.FutureBase",
        c"Native base of hpyx.Future.",
        &METHODS.0,
        Some(refuse_new),
    )
}

static METHODS: Static<[HPyMeth; 14]> = Static([
    method!(
        FutureBody,
        c"result",
        result,
        c"result($self, /, timeout=None)\n--\n\n\
          Return the value of the task, waiting for it if necessary.\n\n\
          Args:\n    \
          timeout: seconds to wait at most; None waits without limit.\n\n\
          Raises:\n    \
          concurrent.futures.TimeoutError: not done within *timeout*.\n    \
          concurrent.futures.CancelledError: the future was cancelled.\n    \
          BaseException: whatever the task raised.\n\n\
          Threads and cancellation: any thread; Ctrl-C interrupts the wait in the main \
          thread. Inside a\n\
          task, the task waited for may run on this thread."
    ),
    method!(
        FutureBody,
        c"exception",
        exception,
        c"exception($self, /, timeout=None)\n--\n\n\
          Return the exception that the task raised, or None; waits and raises as result()."
    ),
    method!(
        FutureBody,
        c"_wait",
        wait,
        c"_wait($self, timeout, /)\n--\n\n\
          Wait; raise TimeoutError or CancelledError as result() does."
    ),
    method_noargs!(
        FutureBody,
        c"done",
        done,
        c"done($self, /)\n--\n\nReturn True if the task has ended or was cancelled."
    ),
    method_noargs!(
        FutureBody,
        c"running",
        running,
        c"running($self, /)\n--\n\nReturn True if the task has started and not ended."
    ),
    method_noargs!(
        FutureBody,
        c"cancelled",
        cancelled,
        c"cancelled($self, /)\n--\n\nReturn True if the task was cancelled before it started."
    ),
    method_noargs!(
        FutureBody,
        c"cancel",
        cancel,
        c"cancel($self, /)\n--\n\n\
          Cancel the task if it has not started. Return whether it is cancelled."
    ),
    method!(
        FutureBody,
        c"add_done_callback",
        add_done_callback,
        c"add_done_callback($self, fn)\n--\n\n\
          Call fn(future) when the task has ended or was cancelled: in the order added, on \
          the thread that\n\
          ended it, or at once if that has happened. An Exception that fn raises is logged on \
          hpyx.futures."
    ),
    method!(
        FutureBody,
        c"then",
        then,
        c"then($self, fn, /)\n--\n\n\
          Return a future of fn(self), which runs on a worker once this future has a value.\n\n\
          If this future fails or is cancelled, fn is not called, and the new one ends the same \
          way.\n\n\
          Raises:\n    \
          TypeError: fn is not callable.\n    \
          RuntimeError: the runtime was shut down.\n\n\
          Threads and cancellation: any thread; fn sees the caller's context variables. Cancelling \
          the new\n\
          future leaves this one alone."
    ),
    method!(
        FutureBody,
        c"_follow",
        follow,
        c"_follow($self, fn, bell, /)\n--\n\n\
          add_done_callback(fn), which may be forgotten once bell, a Bell, is closed."
    ),
    method_noargs!(
        FutureBody,
        c"share",
        share,
        c"share($self, /)\n--\n\n\
          Return a shareable view: the future itself, whose result may be taken many times."
    ),
    method_noargs!(
        FutureBody,
        c"_show_to_collector",
        show_to_collector,
        c"_show_to_collector($self, /)\n--\n\n\
          Let the cyclic collector look at the future: it gets attributes."
    ),
    method_noargs!(
        FutureBody,
        c"_queue",
        python_tasks::queue,
        c"_queue($self, /)\n--\n\nQueue the call; return a blank future for the next submission."
    ),
    END_OF_METHODS,
]);

unsafe extern "C" fn refuse_new(_type: isize, _args: isize, _kwargs: isize) -> isize {
    // SAFETY: tp_new is called attached.
    let Raised { .. } = refused(unsafe { Attached::assume() });
    0
}

/// What there is to say of a future that no submission made.
#[cold]
pub fn refused(py: Attached<'_>) -> Raised<'_> {
    let class = py.import(c"builtins").and_then(|builtins| builtins.attr(c"TypeError"));
    let text = "a hpyx.Future cannot be created directly: write hpyx.async_(fn, *args) or \
                hpyx.ready_future(value)";
    class.map_or_else(|raised| raised, |class| py.raise(&class, text))
}

/// The future that a method was called on, unless no submission made it.
#[inline]
fn own<'py>(py: Attached<'py>, this: &Future<'py>) -> PyResult<'py, Lent<'py>> {
    match this.body().has_runtime() {
        true => Ok(this.lend()),
        false => Err(refused(py)),
    }
}

fn names<'py>(this: &Future<'py>) -> &'static Names {
    this.body().runtime().names()
}

/// The one argument of result() and exception(), as a deadline.
#[inline]
fn deadline<'py>(
    py: Attached<'py>,
    names: &Names,
    method: &str,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Option<Instant>> {
    if arguments.positional() == 0 && !arguments.has_keywords() {
        return Ok(None);
    }
    let [timeout] = arguments.bind(method, ["timeout"], &names.get(py, Name::TypeError))?;
    match timeout {
        Some(timeout) if !timeout.is(&names.get(py, Name::None)) => {
            let seconds = timeout.to_f64()?;
            // Beyond what a clock can add (centuries) there is no deadline; a negative one is past.
            let wait = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
            Ok(wait.and_then(|wait| Instant::now().checked_add(wait)))
        }
        _ => Ok(None),
    }
}

/// Waits, and says how the future ended; raises TimeoutError or CancelledError.
#[inline]
fn ended<'py>(
    py: Attached<'py>,
    this: &Future<'py>,
    method: &str,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Life> {
    let life = this.body().state.life();
    let is_plain = arguments.positional() == 0 && !arguments.has_keywords();
    if is_plain && matches!(life, Life::Value | Life::Error) {
        return Ok(life);
    }
    let future = own(py, this)?;
    let names = names(this);
    let deadline = deadline(py, names, method, arguments)?;
    if !waiting::until_done(py, &future, deadline)? {
        return Err(py.raise_bare(&names.get(py, Name::TimeoutError).dup())?);
    }
    match this.body().state.life() {
        Life::Cancelled => Err(py.raise_bare(&names.get(py, Name::CancelledError).dup())?),
        life => Ok(life),
    }
}

fn result<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let life = ended(py, &this, "result", &arguments)?;
    let result = this.body().result(&this.handle(py), life)?;
    match life {
        Life::Value => Ok(result),
        _ => {
            lost::retrieved(py, &*own(py, &this)?);
            Err(py.raise_object(&result))
        }
    }
}

/// For results that are kept in Python.
fn wait<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    ended(py, &this, "_wait", &arguments)?;
    Ok(names(&this).get(py, Name::None).dup())
}

fn exception<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    match ended(py, &this, "exception", &arguments)? {
        Life::Value => Ok(names(&this).get(py, Name::None).dup()),
        life => {
            lost::retrieved(py, &*own(py, &this)?);
            this.body().result(&this.handle(py), life)
        }
    }
}

fn truth<'py>(py: Attached<'py>, this: &Future<'py>, value: bool) -> PyResult<'py, Handle<'py>> {
    let name = if value { Name::True } else { Name::False };
    Ok(names(this).get(py, name).dup())
}

fn done<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    let life = waiting::life(py, &future)?;
    truth(py, &this, life.is_done())
}

fn running<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    let life = waiting::life(py, &future)?;
    truth(py, &this, life == Life::Running)
}

fn cancelled<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    let life = waiting::life(py, &future)?;
    truth(py, &this, life == Life::Cancelled)
}

fn cancel<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    waiting::life(py, &future)?;
    truth(py, &this, run::cancel(py, &future)?)
}

fn add_done_callback<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    let names = names(&this);
    let callback = the_callback(py, names, &arguments)?;
    begin_telling(py, &future)?;
    let entry = Callback::Call(Stored::new(callback.dup()));
    if let Err(Callback::Call(callback)) = this.body().state.add_callback(entry) {
        call_at_once(py, &future, callback)?;
    }
    Ok(names.get(py, Name::None).dup())
}

/// Something is to be called when the future ends. It stays out of the collector's sight if it is
/// queued: who runs it takes away what is to be called.
fn begin_telling<'py>(py: Attached<'py>, future: &Stored) -> PyResult<'py, ()> {
    waiting::life(py, future)?;
    submit::launch(py, future);
    Ok(())
}

/// The future has ended before.
fn call_at_once<'py>(py: Attached<'py>, future: &Stored, callback: Stored) -> PyResult<'py, ()> {
    lost::retrieved(py, future);
    run::let_through(py, run::call_callback(py, future, callback))
}

/// The arguments come from the package: `fn` can be called, `bell` is what `new_bell` made.
fn follow<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    let names = names(&this);
    let type_error = names.get(py, Name::TypeError);
    let [Some(callable), Some(bell)] = arguments.bind("_follow", ["fn", "bell"], &type_error)?
    else {
        return Err(py.raise(&type_error, "_follow() takes a callable and a Bell"));
    };
    begin_telling(py, &future)?;
    let (callable, bell) = (Stored::new(callable.dup()), Stored::new(bell.dup()));
    let entry = Callback::Watch(Watch { callable, bell });
    match this.body().state.add_and_prune(entry, Callback::is_stale) {
        Ok(stale) => stale.into_iter().for_each(|entry| entry.discard(py)),
        Err(Callback::Watch(watch)) => call_at_once(py, &future, watch.into_callable(py))?,
        Err(_) => unreachable!("a watch was given"),
    }
    Ok(names.get(py, Name::None).dup())
}

/// The one argument of add_done_callback.
#[inline]
fn the_callback<'py>(
    py: Attached<'py>,
    names: &Names,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Argument<'py>> {
    if arguments.positional() == 1 && !arguments.has_keywords() {
        return Ok(arguments.at(0));
    }
    let type_error = names.get(py, Name::TypeError);
    let [callback] = arguments.bind("add_done_callback", ["fn"], &type_error)?;
    callback
        .ok_or_else(|| py.raise(&type_error, "add_done_callback() needs a callable: fn(future)"))
}

fn then<'py>(
    py: Attached<'py>,
    this: Future<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    if arguments.positional() != 1 || arguments.has_keywords() || !arguments.at(0).is_callable() {
        let text = "then() takes one callable: write future.then(lambda f: use(f.result()))";
        return Err(py.raise(&names(&this).get(py, Name::TypeError), text));
    }
    combinators::then(py, &future, &arguments.at(0))
}

fn share<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    own(py, &this).map(|_| this.handle(py))
}

fn show_to_collector<'py>(py: Attached<'py>, this: Future<'py>) -> PyResult<'py, Handle<'py>> {
    let future = own(py, &this)?;
    this.body().show_to_collector(py, &future);
    Ok(names(&this).get(py, Name::None).dup())
}
