//! The module `hpyx._native`: what the interpreter imports.
//!
//! Owns: its functions and its definition. Called by: the interpreter and the package `hpyx`, which
//! is the only user. Threads: attached. Errors: ImportError when the interpreter cannot be served.

use hpy_shim::bindings::{self, HPyMeth, HPyModuleDef};
use hpy_shim::native::{Static, END_OF_METHODS};
use hpy_shim::{
    function, probe, Argument, Arguments, Attached, Handle, Module, PyResult, Raised, Stored, This,
};

use crate::bridge::host::mark_stack_base;
use crate::bridge::names::Name;
use crate::bridge::runtime::{interpreter_of, Interpreter, ModuleState};
use crate::bridge::{
    bell_type, combinators, context_vars, executor_type, future_type, interrupt, promise,
    python_tasks, submit, tracing, waiting,
};
use crate::future::state::Life;
use crate::future::{give_back, recycle};
use crate::host::ThreadRole;
use crate::sched::pool::PoolSize;
use crate::trace;

static FUNCTIONS: Static<[HPyMeth; 33]> = Static([
    function!(
        c"async_",
        async_,
        c"async_(fn, /, *args, **kwargs)\n--\n\n\
          Run fn(*args, **kwargs) on a worker thread and return its hpyx.Future.\n\n\
          The runtime starts on first use. The task sees the caller's context variables.\n\n\
          Raises:\n    \
          RuntimeError: the runtime was shut down, or may not start by itself \
          (HPYX_AUTOINIT=0).\n    \
          TypeError: no callable was given.\n\n\
          Threads and cancellation: any thread; Future.cancel() works until the task starts."
    ),
    function!(
        c"ready_future",
        ready_future,
        c"ready_future(value, /)\n--\n\n\
          Return a hpyx.Future that is done and holds *value*. Any thread; needs no running \
          runtime."
    ),
    function!(
        c"when_all",
        when_all,
        c"when_all(*futures)\n--\n\nReturn a future of the tuple of the results of *futures*."
    ),
    function!(
        c"when_any",
        when_any,
        c"when_any(*futures)\n--\n\n\
          Return a future of (index, [futures]): which of *futures* was done first."
    ),
    function!(
        c"dataflow",
        dataflow,
        c"dataflow(fn, /, *inputs, **kwargs)\n--\n\n\
          Return a future of fn(*inputs, **kwargs), futures among them replaced by their results."
    ),
    function!(c"dependent", dependent, c"dependent(call, *sources): for calls packed in Python"),
    function!(c"new_promise", new_promise, c"new_promise() -> Future, to be ended by settle"),
    function!(c"settle", settle, c"settle(promise, 'value' | 'error' | 'cancelled', outcome)"),
    function!(c"new_bell", new_bell, c"new_bell() -> Bell: wakes a thread that waits for others"),
    function!(
        c"new_future",
        python_tasks::new_future,
        c"new_future() -> Future that nothing runs yet"
    ),
    function!(c"register", register, c"register(name, object): gives the core a name of names.rs"),
    function!(c"set_up_executor", set_up_executor, c"set_up_executor(executor, initializer)"),
    function!(c"start", start, c"start(os_threads, max_spares, defers) -> bool"),
    function!(c"run_thread", run_thread, c"run_thread(role, index): the loop of a pool thread"),
    function!(c"enter_thread", enter_thread, c"enter_thread(role, index): run_thread in steps"),
    function!(
        c"next_task",
        python_tasks::next_task,
        c"next_task(is_value, /) -> Future, started, after the last; None: it has left the pool"
    ),
    function!(
        c"new_for_lane",
        python_tasks::new_for_lane,
        c"new_for_lane(is_running, /) -> Future that stands for one of the lane"
    ),
    function!(
        c"queue_lane",
        python_tasks::queue_lane,
        c"queue_lane() -> bool: a pool thread will see the lane"
    ),
    function!(
        c"lane_was_run",
        python_tasks::lane_was_run,
        c"lane_was_run(count, next, /) -> Future, started, or None, after so many tasks of the lane"
    ),
    function!(c"close", close, c"close(): accept no more work; threads end when all is done"),
    function!(
        c"end_waits",
        end_waits,
        c"end_waits() -> int: how many threads wait still; see _exit"
    ),
    function!(
        c"raise_interrupt",
        raise_interrupt,
        c"raise_interrupt(): raise what a signal handler raised while threads were started"
    ),
    function!(c"after_fork_in_child", after_fork, c"after_fork_in_child(): begin a new runtime"),
    function!(c"os_threads", os_threads, c"os_threads() -> int: 0 when there is no pool"),
    function!(c"worker_index", worker_index, c"worker_index() -> int: -1 off the pool's threads"),
    function!(c"statistics", statistics, c"statistics() -> dict of counters"),
    function!(c"trace_enable", tracing::enable, c"trace_enable(file descriptor)"),
    function!(c"trace_disable", tracing::disable, c"trace_disable() -> errno | None: it was off"),
    function!(c"trace_name", tracing::name, c"trace_name(text) -> int"),
    function!(c"probe", probe_interpreter, c"probe() -> dict: what the interpreter is"),
    function!(
        c"call_counts",
        call_counts,
        c"call_counts() -> dict: calls into native code, and of each C function, if counted"
    ),
    function!(
        c"open_handles",
        open_handles,
        c"open_handles() -> int: 0 unless handles are checked"
    ),
    END_OF_METHODS,
]);

static DEFINITION: Static<HPyModuleDef> = Static(HPyModuleDef {
    name: c"_native".as_ptr(),
    doc: c"The native core of hpyx. Private: use the package hpyx.".as_ptr(),
    state_size: size_of::<ModuleState>(),
    methods: &raw const FUNCTIONS.0 as *const HPyMeth,
    exec: Some(execute),
});

/// The entry point of the library; `lib.rs` gives it the name that interpreters look for.
pub fn init() -> *mut std::ffi::c_void {
    // SAFETY: called by the interpreter's import machinery; the definition is static.
    unsafe { bindings::hpyx_module_init(&DEFINITION.0) }
}

unsafe extern "C" fn execute(module: isize) -> i32 {
    // SAFETY: the exec slot is called attached, with the module.
    let (py, module) = unsafe { (Attached::assume(), Module::assume(module)) };
    // SAFETY: the definition says that the state is a ModuleState; it is zeroed now.
    let interpreter = unsafe { module.state::<ModuleState>() }.fill();
    match fill_module(py, &module, interpreter) {
        Ok(()) => 0,
        Err(Raised { .. }) => -1,
    }
}

fn fill_module<'py>(
    py: Attached<'py>,
    module: &Module<'py>,
    interpreter: &'static Interpreter,
) -> PyResult<'py, ()> {
    let builtins = py.import(c"builtins")?;
    let names = interpreter.names();
    names.register("TypeError", &builtins.attr(c"TypeError")?);
    names.register("ValueError", &builtins.attr(c"ValueError")?);
    names.register("RuntimeError", &builtins.attr(c"RuntimeError")?);
    names.register("Exception", &builtins.attr(c"Exception")?);
    names.register("int", &builtins.attr(c"int")?);
    names.register("float", &builtins.attr(c"float")?);
    let module = module.handle(py);
    module.set_attr(c"Bell", &bell_type::make(py)?)?;
    module.set_attr(c"FutureBase", &future_type::make(py)?)?;
    module.set_attr(c"ExecutorBase", &executor_type::make(py)?)
}

fn none<'py>(py: Attached<'py>, interpreter: &Interpreter) -> PyResult<'py, Handle<'py>> {
    Ok(interpreter.names().get(py, Name::None).dup())
}

/// Exactly these positional arguments.
fn exactly<'py, const N: usize>(
    py: Attached<'py>,
    interpreter: &Interpreter,
    arguments: &Arguments<'py>,
    function: &str,
    parameters: [&str; N],
) -> PyResult<'py, [Argument<'py>; N]> {
    let type_error = interpreter.names().get(py, Name::TypeError);
    let bound = arguments.bind(function, parameters, &type_error)?;
    if let Some(missing) = bound.iter().position(Option::is_none) {
        let text = format!("{function}() is missing the argument '{}'", parameters[missing]);
        return Err(py.raise(&type_error, &text));
    }
    Ok(bound.map(|argument| argument.expect("checked above")))
}

fn async_<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let runtime = interpreter_of(&module).running(py)?;
    submit::submit(py, runtime, &arguments, None)
}

fn ready_future<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let [value] = exactly(py, interpreter, &arguments, "ready_future", ["value"])?;
    submit::ready(py, interpreter.runtime(), value.dup())
}

fn when_all<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    combinators::when_all(py, interpreter_of(&module), &arguments)
}

fn when_any<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    combinators::when_any(py, interpreter_of(&module), &arguments)
}

fn dataflow<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    combinators::dataflow(py, interpreter_of(&module), &arguments)
}

fn dependent<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    combinators::dependent(py, interpreter_of(&module), &arguments)
}

fn new_promise<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    promise::new(py, interpreter_of(&module).running(py)?)
}

fn settle<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let [future, kind, outcome] =
        exactly(py, interpreter, &arguments, "settle", ["promise", "kind", "outcome"])?;
    let life = match kind.to_text()?.as_str() {
        "value" => Life::Value,
        "error" => Life::Error,
        _ => Life::Cancelled,
    };
    let future = Stored::new(future.dup());
    let settled = promise::settle(py, &future, life, outcome.dup());
    drop(future.into_handle(py));
    py.bool(settled?)
}

fn new_bell<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let class = module.handle(py).attr(c"Bell")?;
    bell_type::new(interpreter_of(&module), &class)
}

fn register<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let names = interpreter.names();
    let type_error = names.get(py, Name::TypeError);
    let [name, object] = arguments.bind("register", ["name", "object"], &type_error)?;
    let (Some(name), Some(object)) = (name, object) else {
        return Err(py.raise(&type_error, "register() takes a name and an object"));
    };
    let name = name.to_text()?;
    if name == "Future" {
        let base = module.handle(py).attr(c"FutureBase")?;
        let is_subclass = py.import(c"builtins")?.attr(c"issubclass")?.call(&[&object, &base])?;
        if !is_subclass.is_true()? {
            return Err(py.raise(&type_error, "register('Future'): not a subclass of FutureBase"));
        }
    }
    if !names.register(&name, &object) {
        let class = names.get(py, Name::ValueError);
        let text = format!("register(): unknown name '{name}'; unset: {:?}", names.unregistered());
        return Err(py.raise(&class, &text));
    }
    Ok(object.dup())
}

fn set_up_executor<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let parameters = ["executor", "initializer"];
    let [executor, initializer] =
        exactly(py, interpreter, &arguments, "set_up_executor", parameters)?;
    let base = module.handle(py).attr(c"ExecutorBase")?;
    if !executor.is_instance(&base)? {
        let class = interpreter.names().get(py, Name::TypeError);
        return Err(py.raise(&class, "set_up_executor(): not an ExecutorBase"));
    }
    // SAFETY: checked just now.
    let this = unsafe { This::assume(arguments.word(0)) };
    executor_type::set_up(py, interpreter, &this, &initializer);
    none(py, interpreter)
}

fn start<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let parameters = ["os_threads", "max_spares", "defers"];
    let [threads, spares, defers] = exactly(py, interpreter, &arguments, "start", parameters)?;
    let size = PoolSize {
        os_threads: usize::try_from(threads.to_i64()?).unwrap_or(1).max(1),
        max_spares: usize::try_from(spares.to_i64()?).unwrap_or(0),
    };
    py.bool(interpreter.runtime().start(size, defers.is_true()?))
}

fn role_and_index<'py>(
    py: Attached<'py>,
    interpreter: &Interpreter,
    function: &str,
    arguments: &Arguments<'py>,
) -> PyResult<'py, (ThreadRole, usize)> {
    let [role, index] = exactly(py, interpreter, arguments, function, ["role", "index"])?;
    let role = match role.to_i64()? {
        0 => ThreadRole::Worker,
        1 => ThreadRole::Spare,
        _ => ThreadRole::Sentry,
    };
    Ok((role, usize::try_from(index.to_i64()?).unwrap_or(0)))
}

fn run_thread<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let (role, index) = role_and_index(py, interpreter, "run_thread", &arguments)?;
    if let Some(pool) = interpreter.runtime().pool() {
        // The thread may be inside a task of another interpreter, which ends this one.
        let (base, collected) = (context_vars::set_base_aside(), give_back::set_aside());
        mark_stack_base();
        pool.run_thread(role, index);
        give_back::settle(py);
        let left = context_vars::leave_base(py);
        give_back::put_back(collected);
        context_vars::put_base_back(base);
        left?;
    }
    none(py, interpreter)
}

/// The first step of a worker loop that is written in Python; see python_tasks.rs for the others.
fn enter_thread<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let (role, index) = role_and_index(py, interpreter, "enter_thread", &arguments)?;
    if let Some(pool) = interpreter.runtime().pool() {
        mark_stack_base();
        pool.enter_thread(role, index);
    }
    none(py, interpreter)
}

fn close<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    interpreter.runtime().close();
    recycle::clear(py, interpreter);
    none(py, interpreter)
}

fn end_waits<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let pool = interpreter_of(&module).runtime().pool();
    py.int(pool.map_or(0, |pool| pool.host.send_sleepers_away() as i64))
}

fn raise_interrupt<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    interrupt::take(py)?;
    none(py, interpreter_of(&module))
}

fn after_fork<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    waiting::forget_main_thread();
    trace::forget_thread();
    if let Some(parents) = interpreter.runtime().pool() {
        parents.forget_forked_thread();
    }
    interpreter.begin_runtime();
    none(py, interpreter)
}

fn os_threads<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    py.int(interpreter_of(&module).runtime().pool().map_or(0, |pool| pool.os_threads() as i64))
}

fn worker_index<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let pool = interpreter_of(&module).runtime().pool();
    py.int(pool.and_then(|pool| pool.current_index()).map_or(-1, |index| index as i64))
}

fn statistics<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let pool = interpreter_of(&module).runtime().pool();
    let taken = pool.map(|pool| pool.statistics()).unwrap_or_default();
    let workers = pool.map_or(0, |pool| pool.os_threads());
    let dict = py.dict()?;
    dict.set_item(c"workers", &py.int(workers as i64)?)?;
    dict.set_item(c"threads", &py.int(taken.threads as i64)?)?;
    dict.set_item(c"spares_started", &py.int(taken.spares_started as i64)?)?;
    dict.set_item(c"tasks_started", &py.int(taken.tasks_started as i64)?)?;
    dict.set_item(c"tasks_finished", &py.int(taken.tasks_finished as i64)?)?;
    dict.set_item(c"tasks_stolen", &py.int(taken.tasks_stolen as i64)?)?;
    dict.set_item(c"queued", &py.int(taken.queued as i64)?)?;
    dict.set_item(c"busy", &py.int(taken.busy as i64)?)?;
    dict.set_item(c"searching", &py.int(taken.searching as i64)?)?;
    dict.set_item(c"asleep", &py.int(taken.asleep as i64)?)?;
    Ok(dict)
}

fn probe_interpreter<'py>(
    py: Attached<'py>,
    _: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let found = probe::probe();
    let strings = |texts: Vec<&str>| -> PyResult<'py, Handle<'py>> {
        let list = py.list()?;
        texts.iter().try_for_each(|text| list.append(&py.str(text)?))?;
        Ok(list)
    };
    let mut slots = vec!["exec"];
    slots.extend((found.slot_multiple_interpreters != 0).then_some("multiple_interpreters"));
    slots.extend((found.slot_gil != 0).then_some("gil"));
    let [major, minor, micro] = [found.major, found.minor, found.micro];
    let version =
        py.tuple(&[&py.int(major.into())?, &py.int(minor.into())?, &py.int(micro.into())?])?;
    let dict = py.dict()?;
    dict.set_item(c"family", &py.str(probe::family_name())?)?;
    dict.set_item(c"version", &version)?;
    dict.set_item(c"free_threaded", &py.bool(found.free_threaded != 0)?)?;
    dict.set_item(c"header_size", &py.int(found.header_size as i64)?)?;
    dict.set_item(c"module_slots", &strings(slots)?)?;
    dict.set_item(c"runs_tasks_natively", &py.bool(probe::runs_tasks_natively())?)?;
    dict.set_item(c"waits_natively", &py.bool(probe::may_wait_natively())?)?;
    dict.set_item(c"checks_handles", &py.bool(found.debug != 0)?)?;
    dict.set_item(c"missing", &strings(probe::missing_functions())?)?;
    dict.set_item(c"denied", &strings(probe::denied_functions())?)?;
    Ok(dict)
}

fn call_counts<'py>(
    py: Attached<'py>,
    _: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let (counts, dict) = (probe::call_counts(), py.dict()?);
    for (name, count) in counts {
        let count = py.int(i64::try_from(count).unwrap_or(i64::MAX))?;
        dict.set_item(name, &count)?;
    }
    Ok(dict)
}

fn open_handles<'py>(
    py: Attached<'py>,
    _: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    py.int(probe::open_handles() as i64)
}
