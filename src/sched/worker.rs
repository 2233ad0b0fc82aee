//! The loop of a pool thread: find a task, run it, go idle, wait for a slot.
//!
//! Owns: `PoolThread`, what a thread of the pool knows about itself. Called by: `Pool::run_thread`.
//! Invariants: a thread starts tasks only while it holds a slot; it is attached whenever a task
//! runs, and never for longer than `TURN` without giving other threads a chance in between.
//! Threads: one `PoolThread` per thread, on its stack, reached through a thread-local pointer.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::host::{Host, ThreadRole, Wait};
use crate::sched::pool::Pool;
use crate::sched::queue::Held;
use crate::sched::turn::Turn;

/// How long an idle worker looks for work before it sleeps. A thread that submits and waits in turn
/// finds the worker awake; longer burns processor time for nothing.
const SEARCH: Duration = Duration::from_micros(200);

thread_local! {
    static CURRENT: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

/// A thread of a pool, as it sees itself.
#[repr(C)]
pub(super) struct PoolThread<H: Host> {
    pub(super) pool: &'static Pool<H>,
    pub(super) role: ThreadRole,
    held: Cell<Option<Held<'static, H::Task>>>,
    /// The index of the slot that it held last.
    index: Cell<usize>,
    /// How many tasks are on this thread's stack.
    pub(super) depth: Cell<usize>,
    /// When it took the slot that it holds, and its CPU clock then.
    pub(super) took_slot: Cell<(Instant, Option<Duration>)>,
    turn: Turn,
}

impl<H: Host> PoolThread<H> {
    /// The calling thread, if it belongs to `pool`.
    #[inline]
    pub(super) fn current<'a>(pool: &'static Pool<H>) -> Option<&'a Self> {
        let this = CURRENT.with(Cell::get).cast::<Self>();
        // SAFETY: set by `run` to a value on this thread's stack, and cleared before that is gone.
        // One process has one kind of host; several pools of it are told apart by their address.
        (!this.is_null() && std::ptr::eq(unsafe { (*this).pool }, pool))
            // SAFETY: as above; the borrow ends before `run` returns, as all callers run below it.
            .then(|| unsafe { &*this })
    }

    /// The slot that the thread holds.
    #[inline]
    pub(super) fn held(&self) -> Option<Held<'static, H::Task>> {
        self.held.get()
    }

    #[inline]
    pub(super) fn index(&self) -> usize {
        self.index.get()
    }

    /// The thread holds this slot from now on, or none.
    pub(super) fn set_held(&self, held: Option<Held<'static, H::Task>>) {
        if let Some(held) = held {
            self.index.set(held.slot().index);
            self.took_slot.set((Instant::now(), self.pool.host.cpu_clock().now()));
        }
        self.held.set(held);
    }
}

/// The loop. Attached on entry and return.
pub(super) fn run<H: Host>(pool: &'static Pool<H>, role: ThreadRole, index: usize) {
    let thread = PoolThread {
        pool,
        role,
        held: Cell::new(None),
        index: Cell::new(if role == ThreadRole::Worker { index } else { 0 }),
        depth: Cell::new(0),
        took_slot: Cell::new((Instant::now(), None)),
        turn: Turn::default(),
    };
    CURRENT.with(|current| current.set((&raw const thread).cast()));
    let mut next = match role {
        // SAFETY: slot `index` belongs to worker `index` from the start; nobody held it before.
        ThreadRole::Worker => Some(unsafe { pool.queues.hold(index, pool.host.cpu_clock()) }),
        _ => thread.stand_by(),
    };
    while let Some(held) = next {
        thread.set_held(Some(held));
        next = match thread.work() {
            Stopped::LostSlot => thread.after_run_without_slot(),
            Stopped::Idle => thread.stand_by(),
        };
    }
    CURRENT.with(|current| current.set(std::ptr::null()));
    if pool.is_closing() {
        pool.let_stand_bys_go();
    }
}

/// Why a thread stopped taking tasks.
enum Stopped {
    /// It waited inside a task, and its slot went to a spare.
    LostSlot,
    /// It gave its slot up: nothing to do, not needed, or the pool closes.
    Idle,
}

impl<H: Host> PoolThread<H> {
    fn work(&self) -> Stopped {
        self.turn.begin();
        while let Some(held) = self.held() {
            let task = match self.should_yield_slot(held) {
                true => None,
                false => self.pool.queues.next(held).or_else(|| self.search_or_sleep(held)),
            };
            let Some(task) = task else {
                self.set_held(None);
                self.pool.give_slot(held);
                return Stopped::Idle;
            };
            self.run_task(task);
        }
        Stopped::LostSlot
    }

    #[inline]
    fn run_task(&self, task: H::Task) {
        self.pool.watch_over_queue();
        self.depth.set(1);
        self.pool.run_counted(self, || self.pool.host.run(task));
        self.depth.set(0);
        if self.turn.is_over() {
            self.pool.host.breathe();
            self.turn.begin();
        }
    }

    /// Idle: looks for work for a while, then sleeps, all of it out of the way of other threads. A
    /// task is taken before the thread comes back. None when the thread should give its slot up: the
    /// pool closes, or this is a spare that has waited long enough.
    fn search_or_sleep(&self, held: Held<'static, H::Task>) -> Option<H::Task> {
        let pool = self.pool;
        let searching = Cell::new(pool.sleep.start_searching(pool.searcher_limit()));
        let sleeping = Cell::new(false);
        let mut found = None;
        let spin = if searching_is_some(&searching) { SEARCH } else { Duration::ZERO };
        let wait = Wait {
            key: pool.sleep.key(),
            deadline: self.patience(held).map(|patience| Instant::now() + patience),
            spin,
            before_sleep: &mut || {
                if let Some(searching) = searching.take() {
                    pool.sleep.gave_up(searching);
                }
                pool.sleep.start_sleeping();
                sleeping.set(true);
            },
            condition: &mut || {
                found = pool.queues.next(held);
                if found.is_none() {
                    return pool.is_closing();
                }
                let was_last_searcher = match searching.take() {
                    Some(searching) => pool.sleep.found_work(searching),
                    None => true,
                };
                if was_last_searcher && pool.queues.has_work() {
                    pool.sleep.work_pushed(&pool.lot);
                }
                true
            },
        };
        pool.host.wait_until(&pool.lot, wait);
        if let Some(searching) = searching.take() {
            pool.sleep.gave_up(searching);
        }
        if sleeping.get() {
            pool.sleep.stop_sleeping();
        }
        self.turn.begin();
        found
    }
}

fn searching_is_some<T>(cell: &Cell<Option<T>>) -> bool {
    let value = cell.take();
    let is_some = value.is_some();
    cell.set(value);
    is_some
}

impl<H: Host> Pool<H> {
    /// More searchers than this only take the processor from each other.
    fn searcher_limit(&self) -> usize {
        self.size.os_threads.div_ceil(2)
    }
}
