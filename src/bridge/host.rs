//! `Interpreted`: the interpreter, as the scheduler's host.
//!
//! Owns: how threads of an interpreter wait, take turns and are started.
//! Called by: `sched`, through the `Host` trait; `waiting`. Invariant: whoever waits is detached,
//! or in a lock of the interpreter (`parking`); nobody takes the interpreter in the moment in which
//! its holder is about to let go, see [`Gate`]. Threads: as the trait says.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hpy_shim::{probe, thread, Attached, PyResult, Stored};

use crate::bridge::interrupt;
use crate::bridge::names::Name;
use crate::bridge::parking::interpreter_lock::Locks;
use crate::bridge::parking::native::OnToken;
use crate::bridge::parking::{Parking, Sleeper};
use crate::bridge::runtime::Runtime;
use crate::future::{give_back, run};
use crate::host::{Host, ThreadRole, Wait};
use crate::sched::lot::Lot;

/// A hint about the interpreter's lock (GIL): whether the last of our threads that had it let go.
///
/// A worker that finds a task, and a waiter whose future is done, hold back for a moment until the
/// other side has let go, so that the lock is free when they ask for it. Asking for a lock that is
/// held costs a sleep and a wake-up, tens of microseconds on both sides; holding back costs less
/// than one. It is only a hint: when it is wrong, `HOLD_BACK` is lost, nothing else.
struct Gate {
    is_needed: bool,
    patience: Duration,
    is_free: AtomicBool,
}

/// How often the start of a thread is tried while signal handlers raise.
const STARTS: usize = 3;

const HOLD_BACK: Duration = Duration::from_micros(2);
/// Where threads sleep on locks of the interpreter, all that happens between two threads takes that
/// many times longer, polling and holding back included. So does what tasks do between two waits.
const DEAR: u32 = 4;

/// CPython's own.
const SWITCH_INTERVAL: Duration = Duration::from_millis(5);
/// With the other one, a worker got a tenth of what a thread got that submitted without a pause.
const SWITCH_INTERVAL_OF_GRAALPY: Duration = Duration::from_millis(50);

/// Between two looks of a thread that polls. The compiler of a JVM has threads of its own; who
/// keeps a processor from them, or from the thread that it waits for, waits twice as long while
/// much is compiled. Elsewhere letting go costs more than it gains.
#[inline]
fn let_others_run() {
    if !probe::may_wait_natively() {
        std::thread::yield_now();
    }
}

impl Gate {
    #[inline]
    fn let_go(&self) {
        if self.is_needed {
            self.is_free.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    fn hold_back(&self) {
        if !self.is_needed || self.is_free.load(Ordering::Relaxed) {
            return;
        }
        let began = Instant::now();
        while !self.is_free.load(Ordering::Relaxed) && began.elapsed() < self.patience {
            std::hint::spin_loop();
            let_others_run();
        }
    }

    #[inline]
    fn took(&self) {
        if self.is_needed {
            self.is_free.store(false, Ordering::Relaxed);
        }
    }
}

/// The interpreter that a runtime lives in.
pub struct Interpreted {
    runtime: &'static Runtime,
    parking: Parking,
    gate: Gate,
    polling: AtomicUsize,
    max_polling: usize,
}

impl Interpreted {
    /// The host of `runtime`'s pool.
    pub fn new(runtime: &'static Runtime) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Interpreted {
            runtime,
            parking: Parking::probed(),
            gate: Gate {
                is_needed: probe::probe().free_threaded == 0,
                patience: match probe::may_wait_natively() {
                    true => HOLD_BACK,
                    false => HOLD_BACK * DEAR * DEAR,
                },
                is_free: AtomicBool::new(false),
            },
            polling: AtomicUsize::new(0),
            max_polling: cpus.max(2),
        }
    }

    /// Whether a wait in the main thread ends by itself when a signal comes, so that `waiting` need
    /// not wake up to look.
    pub fn waits_end_at_signals(&self) -> bool {
        matches!(self.parking, Parking::InterpreterLock(_))
    }

    /// Runs `wait` detached.
    #[inline]
    fn detached<R>(&self, wait: impl FnOnce() -> R) -> R {
        // SAFETY: the Host contract: the caller is attached, and `wait` touches no Python object.
        let state = unsafe { thread::detach() };
        self.gate.let_go();
        let result = wait();
        self.gate.hold_back();
        // SAFETY: the state that detach gave, on the same thread. If the interpreter dies, this
        // sleeps for good: nothing above us on this stack is waited for by anybody.
        unsafe { thread::attach(state) };
        self.gate.took();
        result
    }

    /// Ends every sleep that the end of the process must not meet; how many there are still.
    pub fn send_sleepers_away(&self) -> usize {
        match &self.parking {
            Parking::Native => 0,
            Parking::InterpreterLock(locks) => locks.send_away(),
        }
    }

    /// Calls `sleep` with a lock of the interpreter. Attached. None: the process ends.
    fn on_lock<R>(&self, locks: &Locks, sleep: impl FnOnce(&Sleeper) -> R) -> Option<R> {
        // SAFETY: the Host contract: attached.
        let py = unsafe { Attached::assume() };
        locks.with_one(py, self.runtime.names(), |lock| {
            sleep(&Sleeper::InterpreterLock(lock.clone()))
        })
    }

    /// Polls where `wait.condition` must not be asked detached, since it may wake others. Whether
    /// it should be asked now.
    fn glance(&self, wait: &mut Wait<'_>) -> bool {
        let spin = wait.spin * DEAR;
        if spin.is_zero() {
            return false;
        }
        match wait.glance {
            Some(glance) => self.detached(|| self.poll(spin, &mut || glance())),
            None => self.detached(|| self.poll(spin, wait.condition)),
        }
    }

    /// Starts a thread. False: none can be had. Err: a signal handler raised before there was one.
    fn try_start_thread<'py>(
        &self,
        py: Attached<'py>,
        role: ThreadRole,
        index: usize,
    ) -> PyResult<'py, bool> {
        let names = self.runtime.names();
        let start = names.get(py, Name::StartThread);
        let (role, index, claim) = (py.int(role as i64)?, py.int(index as i64)?, py.list()?);
        let raised = match start.call(&[&role, &index, &claim]) {
            Ok(starts) => return starts.is_true(),
            Err(raised) => raised.take(py),
        };
        // The first entry decides: the thread's own, or this one, after which it ends at once.
        claim.append(&names.get(py, Name::False))?;
        let first = claim.attr(c"__getitem__")?.call(&[&py.int(0)?])?;
        if first.is(&names.get(py, Name::True)) {
            interrupt::keep(py, raised);
            return Ok(true);
        }
        Err(py.raise_object(&raised))
    }

    /// Polls for up to `spin`, unless enough threads do so already.
    fn poll(&self, spin: Duration, condition: &mut dyn FnMut() -> bool) -> bool {
        const LOOKS_PER_CLOCK: u32 = 16;
        if spin.is_zero() {
            return false;
        }
        let others = self.polling.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let mut held = condition();
        while !held && others < self.max_polling && began.elapsed() < spin {
            for _ in 0..LOOKS_PER_CLOCK {
                std::hint::spin_loop();
                held = condition();
                if held {
                    break;
                }
            }
            if !held {
                let_others_run();
            }
        }
        self.polling.fetch_sub(1, Ordering::Relaxed);
        held
    }
}

impl Host for Interpreted {
    type Task = Stored;
    type Parker = Sleeper;

    fn is_parallel(&self) -> bool {
        probe::probe().free_threaded != 0
    }

    fn slowness(&self) -> u32 {
        match probe::may_wait_natively() {
            true => 1,
            false => DEAR,
        }
    }

    fn switch_interval(&self) -> Duration {
        match self.parking {
            Parking::Native => SWITCH_INTERVAL,
            Parking::InterpreterLock(_) => SWITCH_INTERVAL_OF_GRAALPY,
        }
    }

    #[inline]
    fn run(&self, task: Stored) -> bool {
        // SAFETY: the scheduler runs tasks attached.
        run::run_queued(unsafe { Attached::assume() }, task)
    }

    fn wait_until(&self, lot: &Lot<Sleeper>, mut wait: Wait<'_>) -> bool {
        match &self.parking {
            Parking::Native => self.detached(|| {
                self.poll(wait.spin, wait.condition) || {
                    (wait.before_sleep)();
                    let here = Sleeper::Native(OnToken::here());
                    lot.wait(wait.key, &here, wait.deadline, wait.condition)
                }
            }),
            Parking::InterpreterLock(locks) => {
                if self.glance(&mut wait) && (wait.condition)() {
                    return true;
                }
                (wait.before_sleep)();
                self.gate.let_go();
                let condition = &mut *wait.condition;
                let held =
                    self.on_lock(locks, |here| lot.wait(wait.key, here, wait.deadline, condition));
                self.gate.took();
                held.unwrap_or_else(|| (wait.condition)())
            }
        }
    }

    fn poll_every(
        &self,
        lot: &Lot<Sleeper>,
        key: usize,
        period: Duration,
        tick: &mut dyn FnMut() -> bool,
    ) {
        let mut rounds = |here: &Sleeper| loop {
            lot.wait(key, here, Some(Instant::now() + period), &mut || false);
            if tick() {
                return;
            }
        };
        match &self.parking {
            Parking::Native => self.detached(|| rounds(&Sleeper::Native(OnToken::here()))),
            Parking::InterpreterLock(locks) => {
                self.on_lock(locks, &mut rounds);
            }
        }
    }

    #[inline]
    fn has_leftovers(&self) -> bool {
        give_back::has_leftovers()
    }

    fn settle(&self) {
        // SAFETY: the Host contract: attached.
        give_back::settle(unsafe { Attached::assume() });
    }

    fn breathe(&self) {
        self.detached(|| {});
        if self.is_parallel() {
            // A collector that wants to stop all threads may miss so short a moment: Python code
            // stops when it is asked to. It also frees what other threads have let go of.
            // SAFETY: the Host contract: attached.
            let py = unsafe { Attached::assume() };
            let breathe = self.runtime.names().get(py, Name::Breathe);
            if let Err(raised) = breathe.call(&[]) {
                raised.clear(py);
            }
        }
    }

    fn start_thread(&self, role: ThreadRole, index: usize) -> bool {
        // SAFETY: the Host contract: attached.
        let py = unsafe { Attached::assume() };
        for _ in 0..STARTS {
            match self.try_start_thread(py, role, index) {
                Ok(starts) => return starts,
                Err(raised) => interrupt::keep(py, raised.take(py)),
            }
        }
        false
    }

    fn has_stack_for_nested_run(&self) -> bool {
        // SAFETY: the Host contract: attached.
        let py = unsafe { Attached::assume() };
        if stack_used() > MAX_STACK_BELOW_NESTED_RUN {
            return false;
        }
        let is_deep = self.runtime.names().get(py, Name::StackIsDeep).call(&[]);
        match is_deep.and_then(|answer| answer.is_true()) {
            Ok(is_deep) => !is_deep,
            Err(raised) => {
                raised.clear(py);
                false
            }
        }
    }
}

/// Native stack that may be in use when a task is run below a waiting one. The smallest default
/// stack among the systems we serve is 512 KiB (macOS, threads that are not the main one).
const MAX_STACK_BELOW_NESTED_RUN: usize = 192 * 1024;

/// The same where no other thread can be had. PyPy gives up at 768 KiB of its own account.
const MAX_STACK_AS_LAST_RESORT: usize = 384 * 1024;

/// Whether a nested run is possible at all.
pub fn has_stack_left() -> bool {
    stack_used() < MAX_STACK_AS_LAST_RESORT
}

thread_local! {
    static STACK_BASE: Cell<usize> = const { Cell::new(0) };
}

#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

/// The thread enters the pool, or runs a task without belonging to it: its stack is measured from
/// the first time on.
pub fn mark_stack_base() {
    if STACK_BASE.get() == 0 {
        STACK_BASE.set(stack_pointer());
    }
}

fn stack_used() -> usize {
    match STACK_BASE.get() {
        0 => 0,
        base => base.abs_diff(stack_pointer()),
    }
}
