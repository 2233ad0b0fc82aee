//! What belongs to one interpreter: its names, and its runtime.
//!
//! Owns: `Interpreter` (one per interpreter that imports us) and `Runtime` (one per life of the
//! pool: a forked child begins a new one). Called by: everything in `bridge`.
//! Invariant: no static holds a handle or a runtime; both hang off the module's state. They are
//! leaked on purpose: futures point to them without counting, and an interpreter has one for life
//! (about 20 KB each, one more per fork).
//! Threads: any. `status` is the only thing that changes.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use std::sync::Mutex;

use hpy_shim::{Attached, Module, PyResult};
use once_cell::sync::OnceCell;

use crate::bridge::host::Interpreted;
use crate::bridge::names::{Name, Names};
use crate::future::give_back::Home;
use crate::future::recycle::Depot;
use crate::sched::pool::{Pool, PoolSize};
use crate::trace::Tracer;

/// How far a runtime is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Not started.
    New = 0,
    /// Running.
    Running = 1,
    /// Shut down, or the interpreter exits.
    Closed = 2,
    /// Belongs to the parent process.
    Forked = 3,
}

/// One life of a pool.
pub struct Runtime {
    status: AtomicU8,
    tracer: Tracer,
    defers: AtomicBool,
    is_starting: AtomicBool,
    pool: OnceCell<Pool<Interpreted>>,
    home: OnceCell<Home>,
    spare_homes: Mutex<Vec<&'static Home>>,
    interpreter: &'static Interpreter,
}

/// What one interpreter has.
pub struct Interpreter {
    names: Names,
    runtime: AtomicPtr<Runtime>,
    depot: Depot,
}

/// The state block of the module.
#[repr(C)]
pub struct ModuleState {
    interpreter: AtomicPtr<Interpreter>,
}

impl ModuleState {
    /// Fills the state of a module that is being executed.
    pub fn fill(&self) -> &'static Interpreter {
        let interpreter: &'static Interpreter = Box::leak(Box::new(Interpreter {
            names: Names::new(),
            runtime: AtomicPtr::new(std::ptr::null_mut()),
            depot: Depot::default(),
        }));
        interpreter.begin_runtime();
        self.interpreter.store(std::ptr::from_ref(interpreter).cast_mut(), Ordering::Relaxed);
        interpreter
    }
}

/// The interpreter that a module function was called in.
#[inline]
pub fn interpreter_of(module: &Module<'_>) -> &'static Interpreter {
    // SAFETY: the module definition gives ModuleState as its state; `fill` ran when it was
    // executed.
    unsafe { &*module.state::<ModuleState>().interpreter.load(Ordering::Relaxed) }
}

impl Interpreter {
    /// Its names.
    #[inline]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The memory of its futures that died.
    #[inline]
    pub fn depot(&self) -> &Depot {
        &self.depot
    }

    /// The runtime of this process.
    #[inline]
    pub fn runtime(&self) -> &'static Runtime {
        // ORDER: Acquire; pairs with the store in `begin_runtime`.
        // SAFETY: never null after `begin_runtime`, never freed.
        unsafe { &*self.runtime.load(Ordering::Acquire) }
    }

    /// Begins a new runtime: at import, and in a forked child.
    pub fn begin_runtime(&'static self) {
        let runtime = Box::leak(Box::new(Runtime {
            status: AtomicU8::new(Status::New as u8),
            tracer: Tracer::default(),
            defers: AtomicBool::new(false),
            is_starting: AtomicBool::new(false),
            pool: OnceCell::new(),
            home: OnceCell::new(),
            spare_homes: Mutex::new(Vec::new()),
            interpreter: self,
        }));
        // ORDER: AcqRel; pairs with the load in `runtime`.
        let before = self.runtime.swap(runtime, Ordering::AcqRel);
        if !before.is_null() {
            // SAFETY: runtimes are never freed.
            let before = unsafe { &*before };
            before.set_status(Status::Forked);
            before.tracer.abandon();
        }
    }

    /// The runtime, running. Starts it if that is allowed; raises RuntimeError if not.
    #[inline]
    pub fn running<'py>(&'static self, py: Attached<'py>) -> PyResult<'py, &'static Runtime> {
        let runtime = self.runtime();
        if runtime.status() == Status::Running {
            return Ok(runtime);
        }
        self.running_cold(py)
    }

    #[cold]
    fn running_cold<'py>(&'static self, py: Attached<'py>) -> PyResult<'py, &'static Runtime> {
        self.names.get(py, Name::EnsureRunning).call(&[])?;
        let runtime = self.runtime();
        if runtime.pool().is_some() {
            return Ok(runtime);
        }
        let class = self.names.get(py, Name::RuntimeError);
        let text =
            "the hpyx runtime is being started below this very call (by a signal handler or \
                    finalizer): submit again once hpyx.init() has returned";
        Err(py.raise(&class, text))
    }
}

impl Runtime {
    /// How far it is.
    #[inline]
    pub fn status(&self) -> Status {
        // ORDER: Acquire; pairs with the store in `set_status`: who sees Running sees the pool.
        match self.status.load(Ordering::Acquire) {
            0 => Status::New,
            1 => Status::Running,
            2 => Status::Closed,
            _ => Status::Forked,
        }
    }

    fn set_status(&self, status: Status) {
        // ORDER: Release; pairs with the load in `status`.
        self.status.store(status as u8, Ordering::Release);
    }

    /// The interpreter that it belongs to.
    #[inline]
    pub fn interpreter(&self) -> &'static Interpreter {
        self.interpreter
    }

    /// Whether and where its tasks are traced.
    #[inline]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Whether tasks that belong to no executor are left to whoever asks for their results.
    #[inline]
    pub fn defers(&self) -> bool {
        self.defers.load(Ordering::Relaxed)
    }

    /// The names of its interpreter.
    #[inline]
    pub fn names(&self) -> &'static Names {
        &self.interpreter.names
    }

    /// The home of futures that go nowhere in particular when their task is done.
    #[inline]
    pub fn home(&'static self) -> &'static Home {
        self.home.get_or_init(|| Home::of_nobody(self))
    }

    /// Homes of threads that ended. Not locked across a call.
    pub fn spare_homes(&self) -> &Mutex<Vec<&'static Home>> {
        &self.spare_homes
    }

    /// The pool, once it was started.
    #[inline]
    pub fn pool(&'static self) -> Option<&'static Pool<Interpreted>> {
        self.pool.get()
    }

    /// Wakes those who sleep on `key`. In a forked child nobody sleeps in the parent's parking lot,
    /// whose locks may have been held at the time of the fork.
    #[inline]
    pub fn wake_all(&'static self, key: usize) {
        if let (Some(pool), true) = (self.pool(), self.status() != Status::Forked) {
            pool.lot.wake_all(key);
        }
    }

    /// Makes the pool and starts its workers. The package calls it under its own lock; a signal
    /// handler or finalizer that gets here while threads are being started changes nothing.
    /// False when no thread could be started.
    pub fn start(&'static self, size: PoolSize, defers: bool) -> bool {
        // ORDER: AcqRel; one caller at a time starts threads: each slot has one first holder.
        if self.is_starting.swap(true, Ordering::AcqRel) {
            return true;
        }
        self.defers.store(defers, Ordering::Relaxed);
        let pool = self.pool.get_or_init(|| Pool::new(Interpreted::new(self), size));
        self.set_status(Status::Running);
        let started = pool.start();
        if !started {
            self.set_status(Status::New);
            // ORDER: Release; pairs with the swap above.
            self.is_starting.store(false, Ordering::Release);
        }
        started
    }

    /// No more work is accepted. Threads finish what is queued, and end.
    pub fn close(&'static self) {
        self.set_status(Status::Closed);
        if let Some(pool) = self.pool() {
            pool.close();
        }
    }
}
