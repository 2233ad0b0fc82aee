//! A thread of the pool: finding the next task, going idle, waiting for a slot.
//!
//! Owns: `PoolThread`, what a thread of the pool knows about itself. Called by: `pool`, which
//! offers the loop as a whole (`run_thread`) and in steps, for hosts whose loop lies elsewhere.
//! Invariants: a thread starts tasks only while it holds a slot; it is attached whenever a task
//! runs, and never for longer than the host's switch interval without giving other threads a chance
//! in between.
//! Threads: one `PoolThread` per thread, reached through a thread-local pointer.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::host::{Host, ThreadRole, Wait};
use crate::sched::pool::Pool;
use crate::sched::queue::{count, count_many, uncount, Held};
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
    /// What the thread is to another pool, inside a task of which it entered this one; or null.
    outer: *const (),
    pub(super) role: ThreadRole,
    held: Cell<Option<Held<'static, H::Task>>>,
    /// The index of the slot that it held last.
    index: Cell<usize>,
    pub(super) without: Cell<Without>,
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
        let this = CURRENT.get().cast::<Self>();
        // SAFETY: set by `enter` on this thread, replaced by `leave` before the value is freed. One
        // process has one kind of host; several pools of it are told apart by their address.
        (!this.is_null() && std::ptr::eq(unsafe { (*this).pool }, pool))
            // SAFETY: as above; no caller keeps the borrow beyond `leave`.
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

/// Why a thread holds no slot.
#[derive(Clone, Copy)]
pub(super) enum Without {
    /// It has only just entered the pool.
    Fresh,
    /// It gave its slot up: nothing to do, not needed, or the pool closes.
    Idle,
    /// It waited inside a task, and its slot went to a spare.
    RanOn,
    /// The process was forked inside a task: the pool is the parent's.
    Forked,
}

impl<H: Host> PoolThread<H> {
    /// The calling thread becomes one of the pool's, until `leave`.
    pub(super) fn enter(pool: &'static Pool<H>, role: ThreadRole, index: usize) {
        let thread = Box::new(PoolThread {
            pool,
            outer: CURRENT.get(),
            role,
            held: Cell::new(None),
            index: Cell::new(if role == ThreadRole::Worker { index } else { 0 }),
            without: Cell::new(Without::Fresh),
            depth: Cell::new(0),
            took_slot: Cell::new((Instant::now(), None)),
            turn: Turn::default(),
        });
        CURRENT.set(Box::into_raw(thread).cast());
    }

    /// The thread leaves the pool: `next_task` said that it is not needed any more. False when it
    /// does not belong to this pool: it forked, and the pool is the child's.
    pub(super) fn leave(pool: &'static Pool<H>) -> bool {
        let Some(this) = Self::current(pool) else {
            return false;
        };
        let forked = matches!(this.without.get(), Without::Forked);
        let this = CURRENT.replace(this.outer).cast::<Self>();
        // SAFETY: made by `enter` on this thread, and not reachable any more.
        drop(unsafe { Box::from_raw(this.cast_mut()) });
        if !forked && pool.is_closing() {
            pool.let_stand_bys_go();
        }
        true
    }

    /// In a forked child, where nobody else is left of the pool: the thread takes no more tasks.
    pub(super) fn forget_pool(&self) {
        self.held.set(None);
        self.without.set(Without::Forked);
    }

    /// The next task for this thread, which waits for one as long as it is needed. Attached.
    #[inline]
    pub(super) fn next_task(&self) -> Option<H::Task> {
        loop {
            let held = match self.held() {
                Some(held) => held,
                None => self.find_slot()?,
            };
            let task = match self.should_yield_slot(held) {
                true => None,
                false => self.look(held).or_else(|| self.search_or_sleep(held)),
            };
            if task.is_some() {
                self.pool.watch_over_queue();
                return task;
            }
            if self.pool.host.has_leftovers() {
                // As a task would, this may wait, and lose the slot.
                self.pool.host.settle();
                continue;
            }
            self.set_held(None);
            self.without.set(Without::Idle);
            self.pool.give_slot(held);
            // A pusher may have counted on this thread after its last look.
            if self.pool.queues.has_work() {
                self.pool.nobody_is_free_cold();
            }
        }
    }

    #[cold]
    fn find_slot(&self) -> Option<Held<'static, H::Task>> {
        let held = match (self.without.replace(Without::RanOn), self.role) {
            (Without::Fresh, ThreadRole::Worker) => {
                let clock = self.pool.host.cpu_clock();
                // SAFETY: slot `index` is worker `index`'s from the start; nobody held it before.
                Some(unsafe { self.pool.queues.hold(self.index(), clock) })
            }
            (Without::RanOn, _) => self.after_run_without_slot(),
            (Without::Forked, _) => {
                self.without.set(Without::Forked);
                return None;
            }
            _ => self.stand_by(),
        };
        self.set_held(Some(held?));
        self.turn.begin();
        held
    }

    #[inline]
    fn look(&self, held: Held<'static, H::Task>) -> Option<H::Task> {
        match self.role {
            ThreadRole::Worker => self.pool.queues.next(held),
            _ => self.pool.queues.next_for_spare(held),
        }
    }

    /// A task begins on this thread: it counts, and is on the stack.
    #[inline]
    pub(super) fn task_begins(&self) {
        self.depth.set(self.depth.get() + 1);
        match self.held() {
            Some(held) => count(&held.slot().started),
            None => {
                self.pool.started_elsewhere.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The task that began last has ended.
    #[inline]
    pub(super) fn task_ends(&self) {
        self.depth.set(self.depth.get() - 1);
        // Its slot may have gone to a spare meanwhile: then the counter is not ours to write.
        match self.held() {
            Some(held) => count(&held.slot().finished),
            None => {
                self.pool.finished_elsewhere.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.breathe_in_turn();
    }

    /// What began last was one task and `more` after it, and all have ended.
    pub(super) fn tasks_end(&self, more: u64) {
        match self.held() {
            Some(held) => {
                count_many(&held.slot().started, more);
                count_many(&held.slot().finished, more);
            }
            None => {
                self.pool.started_elsewhere.fetch_add(more, Ordering::Relaxed);
                self.pool.finished_elsewhere.fetch_add(more, Ordering::Relaxed);
            }
        }
        self.task_ends();
    }

    /// The task that began last had been cancelled, or run elsewhere: it does not count.
    pub(super) fn task_dropped(&self) {
        self.depth.set(self.depth.get() - 1);
        match self.held() {
            Some(held) => uncount(&held.slot().started),
            None => {
                self.pool.started_elsewhere.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.breathe_in_turn();
    }

    #[inline]
    fn breathe_in_turn(&self) {
        if self.depth.get() == 0 && self.turn.is_over(self.pool.host.switch_interval()) {
            self.pool.host.breathe();
            self.turn.begin();
        }
    }

    /// Idle: looks for work for a while, then sleeps, all of it out of the way of other threads. A
    /// task is taken before the thread comes back. None when the thread should give its slot up:
    /// the pool closes, or this is a spare that has waited long enough.
    fn search_or_sleep(&self, held: Held<'static, H::Task>) -> Option<H::Task> {
        let pool = self.pool;
        let searching = Cell::new(pool.sleep.start_searching(pool.searcher_limit()));
        let sleeping = Cell::new(false);
        let nobody_is_free = Cell::new(false);
        let slept = Cell::new(false);
        let mut found = None;
        let spin = if searching_is_some(&searching) { SEARCH } else { Duration::ZERO };
        let patience = match pool.host.has_leftovers() {
            true => Some(Duration::ZERO),
            false => self.patience(held),
        };
        let glance = || pool.is_closing() || pool.queues.has_work();
        let wait = Wait {
            key: pool.sleep.key(),
            deadline: patience.map(|patience| Instant::now() + patience),
            spin,
            before_sleep: &mut || {
                if let Some(searching) = searching.take() {
                    pool.sleep.gave_up(searching);
                }
                pool.sleep.start_sleeping();
                sleeping.set(true);
                slept.set(true);
            },
            condition: &mut || {
                // In this order: a submitter that did not see the pool closing has pushed before.
                let closing = pool.is_closing();
                found = self.look(held);
                if found.is_none() {
                    return closing;
                }
                // Before waiting to be attached: who pushes meanwhile must not count on us.
                if sleeping.replace(false) {
                    pool.sleep.stop_sleeping();
                }
                let was_last_searcher = match searching.take() {
                    Some(searching) => pool.sleep.found_work(searching),
                    None => true,
                };
                if was_last_searcher && pool.queues.has_work() {
                    nobody_is_free.set(!pool.sleep.work_pushed(&pool.lot));
                }
                true
            },
            glance: Some(&glance),
        };
        pool.host.wait_until(&pool.lot, wait);
        if let Some(searching) = searching.take() {
            pool.sleep.gave_up(searching);
        }
        if sleeping.replace(false) {
            pool.sleep.stop_sleeping();
        }
        // A pusher may have woken this thread when it had found other work already.
        if slept.get() && pool.queues.has_work() {
            nobody_is_free.set(!pool.sleep.work_pushed(&pool.lot));
        }
        if nobody_is_free.get() {
            pool.nobody_is_free_cold();
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
