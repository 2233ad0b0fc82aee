//! `Host`: what the scheduler asks of the world it runs in.
//!
//! Owns: the trait only. Implemented by: `bridge::host` for Python, and by the tests' plain-Rust
//! host. Called by: `sched`. The scheduler knows no interpreter: threads are *attached* (may touch
//! host objects) or *detached*; which waits happen how is the host's business.
//! Threads: every method says in which state the calling thread is.

use std::time::{Duration, Instant};

use crate::sched::lot::{Lot, Parker};
use crate::sched::thread_cpu::CpuClock;

/// What a pool thread is for; the host gives it a name accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadRole {
    /// One of the `os_threads` workers.
    Worker,
    /// Stands in for workers that wait.
    Spare,
    /// Watches for a pool in which all workers are blocked.
    Sentry,
}

/// One wait of one thread.
pub struct Wait<'a> {
    /// What wakes it (see `Lot`).
    pub key: usize,
    /// When it gives up.
    pub deadline: Option<Instant>,
    /// How long to poll before sleeping, where polling makes sense.
    pub spin: Duration,
    /// Called once, between polling and sleeping.
    pub before_sleep: &'a mut dyn FnMut(),
    /// What it waits for. Touches no host object; after it said true it is not asked again.
    pub condition: &'a mut dyn FnMut() -> bool,
    /// Whether it is worth while to ask `condition`; only looks. None: `condition` itself wakes
    /// nobody either.
    pub glance: Option<&'a dyn Fn() -> bool>,
}

/// The world that the scheduler runs in.
pub trait Host: Send + Sync + Sized + 'static {
    /// What the queues carry. Dropping one unrun is the host's loss: give it to `discard`.
    type Task: Send + 'static;
    /// How a thread of this host sleeps.
    type Parker: Parker;

    /// Whether several attached threads really run at once.
    fn is_parallel(&self) -> bool;

    /// How many times longer tasks take here, between two waits, than on most hosts. Any thread.
    fn slowness(&self) -> u32 {
        1
    }

    /// How long a thread of this host may compute before others get a turn. Ours do as all do: who
    /// lets go more often gets less than the others. Any thread.
    fn switch_interval(&self) -> Duration;

    /// Runs a task to its end. Attached. Failures stay in the task. False when there was nothing to
    /// run: it was cancelled, or whoever waits for it has run it.
    fn run(&self, task: Self::Task) -> bool;

    /// Waits until `wait.condition` holds (true) or the deadline passes (false). Attached on entry
    /// and return, detached or otherwise out of the way in between.
    fn wait_until(&self, lot: &Lot<Self::Parker>, wait: Wait<'_>) -> bool;

    /// Calls `tick` every `period` until it says true. Attached on entry and return, out of the way
    /// in between; waking `key` ends a period early.
    fn poll_every(
        &self,
        lot: &Lot<Self::Parker>,
        key: usize,
        period: Duration,
        tick: &mut dyn FnMut() -> bool,
    );

    /// Gives other threads a turn: detaches and attaches again. Attached.
    fn breathe(&self);

    /// Starts a thread that calls `Pool::run_thread(role, index)`. Attached. False when the host
    /// cannot start one (any more).
    fn start_thread(&self, role: ThreadRole, index: usize) -> bool;

    /// Whether a task may run on the stack of the current thread, below a waiting one. Attached.
    fn has_stack_for_nested_run(&self) -> bool;

    /// Whether the current thread has put off something that must be done before it sleeps.
    fn has_leftovers(&self) -> bool {
        false
    }

    /// Does what `has_leftovers` speaks of. Attached; may run and block like a task.
    fn settle(&self) {}

    /// The CPU clock of the current thread.
    fn cpu_clock(&self) -> CpuClock {
        CpuClock::of_current_thread()
    }
}
