//! Tracing, as the package turns it on and off.
//!
//! Called by: `module`, for `hpyx/_trace.py`. Threads: any, attached; the wait for the file is
//! detached. Errors: RuntimeError; what the system says comes back as a number.

use hpy_shim::native::Arguments;
use hpy_shim::{thread, Attached, Handle, Module, PyResult};

use crate::bridge::names::Name;
use crate::bridge::runtime::interpreter_of;
use crate::trace::Refused;

/// trace_enable(file descriptor, which is taken over): raises RuntimeError.
pub fn enable<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let names = interpreter.names();
    let type_error = names.get(py, Name::TypeError);
    let [file] = arguments.bind("trace_enable", ["file"], &type_error)?;
    let file = file.map_or(Ok(-1), |file| file.to_i64())?;
    let text = match interpreter.runtime().tracer().enable(i32::try_from(file).unwrap_or(-1)) {
        Ok(()) => return Ok(names.get(py, Name::None).dup()),
        Err(Refused::AlreadyOn) => "tracing is on already: call hpyx.debug.disable_tracing() first",
        Err(Refused::NoThread) => "the thread that writes the trace cannot be started",
    };
    Err(py.raise(&names.get(py, Name::RuntimeError), text))
}

/// trace_disable() -> None if tracing was off, else the number of the first error in writing, or 0.
pub fn disable<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    _: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    // SAFETY: attached here, and nothing is touched until the thread is attached again; the wait is
    // for a thread that needs no interpreter.
    let state = unsafe { thread::detach() };
    let error = interpreter.runtime().tracer().disable();
    // SAFETY: the state that detach gave, on the same thread.
    unsafe { thread::attach(state) };
    match error {
        None => Ok(interpreter.names().get(py, Name::None).dup()),
        Some(error) => py.int(error.into()),
    }
}

/// trace_name(text) -> int: the number under which a name goes into the records.
pub fn name<'py>(
    py: Attached<'py>,
    module: Module<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let interpreter = interpreter_of(&module);
    let type_error = interpreter.names().get(py, Name::TypeError);
    let [text] = arguments.bind("trace_name", ["text"], &type_error)?;
    let text = text.map_or_else(|| Ok(String::from("?")), |text| text.to_text())?;
    py.int(interpreter.runtime().tracer().name(&text).into())
}
