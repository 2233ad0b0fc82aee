//! The native base class of `hpyx.HPXExecutor`.
//!
//! Owns: submit, and the native half of shutdown. The public class derives from this one and from
//! `concurrent.futures.Executor`, in that order. Called by: the interpreter.
//! Threads: any, attached. Errors: as ThreadPoolExecutor's, text included.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use hpy_shim::bindings::HPyMeth;
use hpy_shim::native::{NativeBody, Static, END_OF_METHODS};
use hpy_shim::{method, method_noargs, method_o, Arguments, Attached, Handle, PyResult, This};

use crate::bridge::names::Name;
use crate::bridge::runtime::{Interpreter, Runtime};
use crate::bridge::{python_tasks, submit, waiting};
use crate::executor::scope::{Scope, Within};
use crate::future::run;

/// The native part of an executor. All zero is one that was not set up.
#[repr(C)]
#[derive(Default)]
pub struct ExecutorBody {
    interpreter: AtomicPtr<Interpreter>,
    /// Null once it was given up.
    scope: AtomicPtr<Scope>,
}

type Executor<'py> = This<'py, ExecutorBody>;

/// The type, for `module`.
pub fn make(py: Attached<'_>) -> PyResult<'_, Handle<'_>> {
    py.native_type::<ExecutorBody>(
        c"hpyx._native.ExecutorBase",
        c"Native base of hpyx.HPXExecutor.",
        &METHODS.0,
        None,
    )
}

static METHODS: Static<[HPyMeth; 8]> = Static([
    method!(
        ExecutorBody,
        c"submit",
        submit_task,
        c"submit($self, fn, /, *args, **kwargs)\n--\n\n\
          Queue fn(*args, **kwargs) and return its hpyx.Future.\n\n\
          Raises:\n    \
          RuntimeError: the executor, or the runtime, was shut down.\n    \
          concurrent.futures.BrokenExecutor: an initializer failed.\n\n\
          Threads and cancellation: any thread. The task sees the caller's context variables."
    ),
    method_o!(
        ExecutorBody,
        c"_queue",
        python_tasks::queue_for,
        c"_queue($self, future, /)\n--\n\n\
          Queue the call packed in *future*; return a blank future for the next submission."
    ),
    method!(
        ExecutorBody,
        c"_submit_each",
        submit_each,
        c"_submit_each($self, fn, items, spread, futures, limit, /)\n--\n\n\
          Queue fn(item), or fn(*item) if *spread*, for up to *limit* items of an iterator, and \
          append the\n\
          futures to a list. Return whether there may be more."
    ),
    method!(
        ExecutorBody,
        c"_close",
        close,
        c"_close($self, cancel_futures, /)\n--\n\n\
          Accept no more tasks; cancel those that have not started if asked to."
    ),
    method!(
        ExecutorBody,
        c"_abandon",
        abandon,
        c"_abandon($self, /)\n--\n\nGive up what the native part owns, where no tp_dealloc does so."
    ),
    method_noargs!(
        ExecutorBody,
        c"_show_to_collector",
        show_to_collector,
        c"_show_to_collector($self, /)\n--\n\n\
          Let the cyclic collector look at the executor again: it has got attributes."
    ),
    method!(
        ExecutorBody,
        c"_wait",
        wait,
        c"_wait($self, /)\n--\n\nWait until no task of this executor is unfinished."
    ),
    END_OF_METHODS,
]);

/// Sets an executor up: `initializer` is `(initializer, initargs)`, or None. Called by the package
/// through `_native.set_up_executor`, once.
pub fn set_up(
    py: Attached<'_>,
    interpreter: &'static Interpreter,
    this: &Executor<'_>,
    initializer: &Handle<'_>,
) {
    let has_none = initializer.is(&interpreter.names().get(py, Name::None));
    let initializer = if has_none { 0 } else { initializer.dup().into_word() };
    let body = this.body();
    let scope = Scope::new(initializer, interpreter.runtime());
    // ORDER: AcqRel; pairs with the loads in `scope`: who sees the scope sees what is in it.
    let before = body.scope.swap(scope.cast_mut(), Ordering::AcqRel);
    // SAFETY: the executor, which counts in it, is alive.
    unsafe { &*scope }.replaces(before);
    // ORDER: Release; pairs with the load in `scope`: who sees the interpreter sees the scope.
    body.interpreter.store(std::ptr::from_ref(interpreter).cast_mut(), Ordering::Release);
}

impl ExecutorBody {
    /// The interpreter that it was set up in; raises if it was not.
    pub fn interpreter<'py>(&self, py: Attached<'py>) -> PyResult<'py, &'static Interpreter> {
        // ORDER: Acquire; pairs with the store in `set_up`.
        // SAFETY: null, or an interpreter, which is never freed.
        match unsafe { self.interpreter.load(Ordering::Acquire).as_ref() } {
            Some(interpreter) => Ok(interpreter),
            None => {
                let builtins = py.import(c"builtins")?;
                let text = "HPXExecutor.__init__ was not called: call super().__init__() first";
                Err(py.raise(&builtins.attr(c"RuntimeError")?, text))
            }
        }
    }

    /// The scope of this process: a forked child's executors begin a new one. None: the executor
    /// was given up, and a finalizer of the same cycle has it still (see `__del__` of the package).
    #[inline]
    fn scope(&self, py: Attached<'_>, runtime: &'static Runtime) -> Option<&'static Scope> {
        // ORDER: Acquire; pairs with the swap in `set_up` and the exchange in `scope_after_fork`.
        // SAFETY: null, or alive as long as the executor object is.
        match unsafe { self.scope.load(Ordering::Acquire).as_ref() }? {
            scope if scope.is_of(runtime) => Some(scope),
            parents => Some(self.scope_after_fork(py, parents, runtime)),
        }
    }

    /// `parents` is left as it is: the parent's tasks count in it for ever.
    #[cold]
    fn scope_after_fork(
        &self,
        py: Attached<'_>,
        parents: &'static Scope,
        runtime: &'static Runtime,
    ) -> &'static Scope {
        let initializer = parents.initializer.get(py).map_or(0, Handle::into_word);
        let fresh = Scope::new(initializer, runtime).cast_mut();
        // SAFETY: made just now.
        let scope = unsafe { &*fresh };
        if parents.is_closed() {
            scope.close();
        }
        let inherited = std::ptr::from_ref(parents).cast_mut();
        // ORDER: AcqRel, Acquire; pairs with the load in `scope`. Of several threads one installs
        // its scope, the others take it over.
        match self.scope.compare_exchange(inherited, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => scope,
            Err(other) => {
                // SAFETY: ours was never seen by anybody; the other one is alive as `self` is.
                unsafe {
                    Scope::abandon(fresh);
                    &*other
                }
            }
        }
    }
}

impl NativeBody for ExecutorBody {
    fn release(&self, _py: Attached<'_>) {
        let scope = self.scope.swap(std::ptr::null_mut(), Ordering::Relaxed);
        if !scope.is_null() {
            // SAFETY: the executor object counts once, and is dying.
            unsafe { Scope::abandon(scope) };
        }
    }

    unsafe fn traverse(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        // SAFETY: null, or alive as long as the executor object is.
        match unsafe { self.scope.load(Ordering::Relaxed).as_ref() } {
            // Queued tasks own the scope too, and need the initializer: only when there are none is
            // it the executor's own.
            // SAFETY: tp_traverse's own arguments.
            Some(scope) if scope.is_idle() => unsafe { scope.initializer.visit(visit, arg) },
            _ => 0,
        }
    }

    fn clear(&self, py: Attached<'_>) {
        // SAFETY: as in traverse.
        let scope = unsafe { self.scope.load(Ordering::Relaxed).as_ref() };
        if let Some(scope) = scope.filter(|scope| scope.is_idle()) {
            // SAFETY: taken out of the slot, which owned it; no task is left that could look.
            unsafe { hpy_shim::stored_release(py, scope.initializer.take()) };
        }
    }
}

fn submit_task<'py>(
    py: Attached<'py>,
    this: Executor<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    let scope = enter(py, interpreter, this.body())?;
    match interpreter.running(py) {
        Ok(runtime) => submit::submit(py, runtime, &arguments, Some(scope)),
        Err(raised) => {
            // SAFETY: counted just now.
            unsafe { Scope::leave(scope, interpreter.runtime()) };
            Err(raised)
        }
    }
}

/// Many submissions in one call: what map() does. It returns after `limit` items, since signals are
/// looked for, and other threads and the collector get their turn, between calls only.
fn submit_each<'py>(
    py: Attached<'py>,
    this: Executor<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    let type_error = interpreter.names().get(py, Name::TypeError);
    submit::check_callable(py, interpreter, &arguments, "map(fn, *iterables)")?;
    let parameters = ["fn", "items", "spread", "futures", "limit"];
    let [Some(callable), Some(items), Some(spread), Some(futures), Some(limit)] =
        arguments.bind("_submit_each", parameters, &type_error)?
    else {
        return Err(py.raise(&type_error, "_submit_each() takes five arguments"));
    };
    let spread = spread.is_true()?;
    for _ in 0..limit.to_i64()? {
        let Some(item) = items.next_item()? else {
            return py.bool(false);
        };
        let scope = enter(py, interpreter, this.body())?;
        let future = match interpreter.running(py) {
            Ok(runtime) => submit::submit_item(py, runtime, &callable, item, spread, scope)?,
            Err(raised) => {
                // SAFETY: counted just now.
                unsafe { Scope::leave(scope, interpreter.runtime()) };
                return Err(raised);
            }
        };
        futures.append(&future)?;
    }
    py.bool(true)
}

/// Counts one more task of the executor, if it accepts any.
#[inline]
pub fn enter<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    body: &ExecutorBody,
) -> PyResult<'py, &'static Scope> {
    body.interpreter(py)?;
    let runtime = interpreter.runtime();
    match body.scope(py, runtime) {
        Some(scope) if scope.is_broken() => Err(scope.broken_error(py, runtime)),
        Some(scope) if scope.enter(runtime) => Ok(scope),
        _ => {
            let class = interpreter.names().get(py, Name::RuntimeError);
            Err(py.raise(&class, "cannot schedule new futures after shutdown"))
        }
    }
}

fn close<'py>(
    py: Attached<'py>,
    this: Executor<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    let names = interpreter.names();
    let type_error = names.get(py, Name::TypeError);
    let [cancel] = arguments.bind("_close", ["cancel_futures"], &type_error)?;
    let runtime = interpreter.runtime();
    let Some(scope) = this.body().scope(py, runtime) else {
        return Ok(names.get(py, Name::None).dup());
    };
    scope.close();
    let cancels = cancel.map_or(Ok(false), |cancel| cancel.is_true())?;
    let mut escaped = None;
    if let (true, Some(pool)) = (cancels, runtime.pool()) {
        for future in pool.drain(|future| std::ptr::eq(run::body(future).scope(), scope)) {
            if let Err(raised) = run::cancel(py, &future) {
                let exception = raised.take(py);
                match escaped {
                    Some(_) => run::log_callback_error(py, &future, &exception),
                    None => escaped = Some(exception),
                }
            }
            drop(future.into_handle(py));
        }
    }
    run::let_through(py, escaped).map(|()| names.get(py, Name::None).dup())
}

fn abandon<'py>(
    py: Attached<'py>,
    this: Executor<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    this.body().release(py);
    py.bool(true)
}

fn show_to_collector<'py>(py: Attached<'py>, this: Executor<'py>) -> PyResult<'py, Handle<'py>> {
    this.lend().got_attributes(py);
    py.bool(true)
}

fn wait<'py>(
    py: Attached<'py>,
    this: Executor<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    let runtime = interpreter.runtime();
    let names = interpreter.names();
    let Some(scope) = this.body().scope(py, runtime) else {
        return Ok(names.get(py, Name::None).dup());
    };
    if Within::is_inside(scope) {
        let class = names.get(py, Name::RuntimeError);
        let text = "a task cannot wait for the shutdown of its own executor: write \
                    shutdown(wait=False)";
        return Err(py.raise(&class, text));
    }
    let mut outcome = Ok(true);
    let key = std::ptr::from_ref(scope) as usize;
    let wait = || {
        outcome =
            waiting::interruptibly(py, runtime, key, None, &mut || scope.is_idle(), &mut || {});
    };
    match runtime.pool() {
        Some(pool) if !scope.is_idle() => pool.block(|| false, wait),
        _ => {}
    }
    outcome.map(|_| names.get(py, Name::None).dup())
}
