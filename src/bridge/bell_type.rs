//! The native type `hpyx._native.Bell`: one thread sleeps until another rings.
//!
//! Owns: two flags. Called by: the package, where a thread waits for any of several futures, of
//! ours or of others. Invariants: a ring is kept until somebody waits; a wait takes it. Who waits
//! inside a task gives its slot away meanwhile, as in every other wait. Nobody waits again once it
//! is closed: what futures were to do for who waited may then be taken out of their lists.
//! Threads: any may ring, one waits at a time. Errors: what signal handlers raise (Ctrl-C).

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use hpy_shim::bindings::HPyMeth;
use hpy_shim::native::{body_of, NativeBody, Static, END_OF_METHODS};
use hpy_shim::{method, method_noargs, Arguments, Attached, Handle, PyResult, This};

use crate::bridge::names::Name;
use crate::bridge::runtime::{Interpreter, Runtime};
use crate::bridge::waiting;

/// The native part of a bell. All zero is one that belongs to no interpreter.
#[repr(C)]
#[derive(Default)]
pub struct BellBody {
    interpreter: AtomicPtr<Interpreter>,
    rung: AtomicBool,
    closed: AtomicBool,
}

impl NativeBody for BellBody {
    fn release(&self, _py: Attached<'_>) {}

    unsafe fn traverse(&self, _visit: *mut c_void, _arg: *mut c_void) -> i32 {
        0
    }

    fn clear(&self, _py: Attached<'_>) {}
}

type Bell<'py> = This<'py, BellBody>;

/// The type, for `module`.
pub fn make(py: Attached<'_>) -> PyResult<'_, Handle<'_>> {
    py.native_type::<BellBody>(
        c"hpyx._native.Bell",
        c"One thread sleeps until another rings. Made by new_bell().",
        &METHODS.0,
        None,
    )
}

static METHODS: Static<[HPyMeth; 4]> = Static([
    method!(
        BellBody,
        c"ring",
        ring,
        c"ring($self, future=None, /)\n--\n\n\
          Wake the thread that waits, or the next one that does. Can be a done callback."
    ),
    method!(
        BellBody,
        c"wait",
        wait,
        c"wait($self, timeout, /)\n--\n\n\
          Sleep until somebody has rung since the last wait, or for timeout seconds (None: without \
          limit).\n\
          Return whether somebody has."
    ),
    method_noargs!(
        BellBody,
        c"close",
        close,
        c"close($self, /)\n--\n\nNobody waits any more: futures that follow it need not tell."
    ),
    END_OF_METHODS,
]);

/// A new bell: an instance of the type that `make` made.
pub fn new<'py>(
    interpreter: &'static Interpreter,
    class: &Handle<'py>,
) -> PyResult<'py, Handle<'py>> {
    let word = class.new_instance()?.into_word();
    // SAFETY: an instance of the native type, made just now; the word becomes a handle at once.
    unsafe {
        let body = body_of::<BellBody>(word);
        body.interpreter.store(std::ptr::from_ref(interpreter).cast_mut(), Ordering::Relaxed);
        Ok(Handle::from_word(class.py(), word))
    }
}

impl BellBody {
    fn interpreter<'py>(&self, py: Attached<'py>) -> PyResult<'py, &'static Interpreter> {
        // SAFETY: null, or an interpreter, which is never freed.
        match unsafe { self.interpreter.load(Ordering::Relaxed).as_ref() } {
            Some(interpreter) => Ok(interpreter),
            None => {
                let class = py.import(c"builtins")?.attr(c"TypeError")?;
                Err(py.raise(&class, "a Bell cannot be created directly: call new_bell()"))
            }
        }
    }

    /// Whether nobody will wait any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn key(&self) -> usize {
        &raw const self.rung as usize
    }
}

/// The runtime in whose parking lot bells are waited for: started if there is none.
fn runtime_with_pool<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
) -> PyResult<'py, &'static Runtime> {
    let runtime = interpreter.runtime();
    match runtime.pool() {
        Some(_) => Ok(runtime),
        None => interpreter.running(py),
    }
}

fn ring<'py>(py: Attached<'py>, this: Bell<'py>, _: Arguments<'py>) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    // ORDER: AcqRel; pairs with the swap in `wait`: who was woken sees what the ringer did before.
    if !this.body().rung.swap(true, Ordering::AcqRel) {
        interpreter.runtime().wake_all(this.body().key());
    }
    Ok(interpreter.names().get(py, Name::None).dup())
}

fn close<'py>(py: Attached<'py>, this: Bell<'py>) -> PyResult<'py, Handle<'py>> {
    let interpreter = this.body().interpreter(py)?;
    this.body().closed.store(true, Ordering::Relaxed);
    Ok(interpreter.names().get(py, Name::None).dup())
}

fn wait<'py>(
    py: Attached<'py>,
    this: Bell<'py>,
    arguments: Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let body = this.body();
    let interpreter = body.interpreter(py)?;
    let names = interpreter.names();
    let [timeout] = arguments.bind("wait", ["timeout"], &names.get(py, Name::TypeError))?;
    let deadline = match timeout {
        Some(timeout) if !timeout.is(&names.get(py, Name::None)) => {
            let wait = Duration::try_from_secs_f64(timeout.to_f64()?.max(0.0)).ok();
            wait.and_then(|wait| Instant::now().checked_add(wait))
        }
        _ => None,
    };
    // ORDER: AcqRel; pairs with the swap in `ring`.
    if body.rung.swap(false, Ordering::AcqRel) {
        return py.bool(true);
    }
    let runtime = runtime_with_pool(py, interpreter)?;
    let mut outcome = Ok(true);
    let wait = || {
        // ORDER: Acquire; as above.
        let condition = &mut || body.rung.load(Ordering::Acquire);
        outcome = waiting::interruptibly(py, runtime, body.key(), deadline, condition, &mut || {});
    };
    if let Some(pool) = runtime.pool() {
        pool.block(|| false, wait);
    }
    outcome?;
    // ORDER: AcqRel; as above.
    py.bool(body.rung.swap(false, Ordering::AcqRel))
}
