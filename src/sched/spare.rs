//! Spares: threads that stand in for workers that wait.
//!
//! Owns: who holds which slot, and the call for a spare. Called by: `worker` (a thread without a
//! slot), `pool::push` (work that nobody is free for), the core's waits (`Pool::block`).
//!
//! A worker that waits inside a task gives its slot away; a spare takes it, if there is work. When
//! the wait ends, the worker finishes its task without a slot ("runs on"); spares notice that there
//! are too many running threads (`vacancies < 0`) and give a slot back between two tasks.
//! Invariant: if there is work, as many threads as there are ordinary slots run, or one is on its
//! way. Threads: attached wherever a thread may be started; the mutex is held for a push or pop
//! only.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::host::{Host, ThreadRole, Wait};
use crate::sched::pool::Pool;
use crate::sched::queue::Held;
use crate::sched::worker::PoolThread;

/// How many tasks may be on the stack of one thread, each waiting for the one above it.
const MAX_DEPTH: usize = 32;
/// How long a spare in an ordinary slot waits for work before it gives the slot back.
const SPARE_PATIENCE: Duration = Duration::from_millis(500);
/// The same in a slot that the sentry opened.
const EXTRA_PATIENCE: Duration = Duration::from_millis(20);
/// How much processor time tasks in such a slot may take together and count as short.
const SHORT_TASKS: Duration = Duration::from_millis(2);
/// How often a spare looks for stuck workers itself when the pool closes.
const LAST_SPARE_PATIENCE: Duration = Duration::from_millis(20);
/// How long a spare stands by before its thread ends.
const RETIRE_AFTER: Duration = Duration::from_secs(5);

impl<H: Host> Pool<H> {
    /// What spares (or workers that lost their slot) on stand-by sleep on.
    pub(super) fn stand_by_key(&self, role: ThreadRole) -> usize {
        match role {
            ThreadRole::Worker => &raw const self.vacant as usize,
            _ => &raw const self.wanted as usize,
        }
    }

    /// Whether a task may run on this thread's stack, below the one that waits for it.
    pub fn may_nest(&'static self) -> bool {
        PoolThread::current(self).is_some_and(|thread| thread.depth.get() < MAX_DEPTH)
            && self.host.has_stack_for_nested_run()
    }

    /// Runs a task on this thread's stack. The thread belongs to the pool.
    pub fn run_nested(&'static self, task: impl FnOnce()) {
        self.task_begins();
        task();
        self.task_ends();
    }

    /// Waits on a thread that may be one of the pool's: `wait` runs while a spare may hold the
    /// slot. When there is work but no spare can be had, `otherwise` is asked first; if it says
    /// true there is nothing left to wait for. Attached.
    pub fn block(&'static self, otherwise: impl FnOnce() -> bool, wait: impl FnOnce()) {
        let Some(thread) = PoolThread::current(self) else {
            return wait();
        };
        if self.host.has_leftovers() {
            self.host.settle();
        }
        match thread.held() {
            Some(held) => {
                thread.set_held(None);
                self.give_slot(held);
            }
            // ORDER: SeqCst; as in `give_slot`.
            None => {
                self.vacancies.fetch_add(1, Ordering::SeqCst);
            }
        }
        let covered = self.fill_vacancies();
        if covered || !otherwise() {
            wait();
        }
        // The thread runs on without a slot. ORDER: SeqCst; as in `give_slot`.
        self.vacancies.fetch_sub(1, Ordering::SeqCst);
    }

    /// Calls spares while there is work and threads are missing. False when one is missing and none
    /// can be had.
    #[cold]
    pub(super) fn fill_vacancies(&'static self) -> bool {
        // A spare that finds no work gives its slot back, at exit at once: without work, this would
        // call one after the other. ORDER: SeqCst; pairs with the additions in `give_slot` and
        // `block`, with the fence in `Sleep::work_pushed` before it: a waiter sees the work, or the
        // pusher sees its vacancy.
        while self.queues.has_work()
            && self.vacancies.load(Ordering::SeqCst) > self.wanted.load(Ordering::SeqCst)
        {
            // ORDER: SeqCst; pairs with the taking in `take_call`.
            self.wanted.fetch_add(1, Ordering::SeqCst);
            let came = self.lot.wake_one(self.stand_by_key(ThreadRole::Worker))
                || self.lot.wake_one(self.stand_by_key(ThreadRole::Spare))
                || self.start_spare();
            if !came {
                self.take_call();
                return false;
            }
        }
        true
    }

    fn start_spare(&'static self) -> bool {
        let name = self.spares_named.fetch_add(1, Ordering::Relaxed);
        self.spares_started.fetch_add(1, Ordering::Relaxed);
        let started = self.host.start_thread(ThreadRole::Spare, name);
        if !started {
            self.spares_started.fetch_sub(1, Ordering::Relaxed);
        }
        started
    }

    /// Answers one call for a spare. False when there is none.
    fn take_call(&self) -> bool {
        // ORDER: SeqCst; pairs with the addition in `fill_vacancies`.
        self.wanted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| {
                (calls > 0).then(|| calls - 1)
            })
            .is_ok()
    }

    /// Takes a vacant slot for the current thread, if a thread is missing.
    fn take_slot(&'static self) -> Option<Held<'static, H::Task>> {
        let mut vacant = lock(&self.vacant);
        // ORDER: SeqCst; see `give_slot`.
        if self.vacancies.load(Ordering::SeqCst) <= 0 {
            return None;
        }
        let position = vacant.pop()?;
        // ORDER: SeqCst; see `give_slot`.
        self.vacancies.fetch_sub(1, Ordering::SeqCst);
        drop(vacant);
        // SAFETY: it was in `vacant`, so nobody holds it; now nobody else can get it.
        Some(unsafe { self.queues.hold(position, self.host.cpu_clock()) })
    }

    /// Gives a slot up. An ordinary one becomes vacant, an extra one is closed.
    pub(super) fn give_slot(&self, held: Held<'static, H::Task>) {
        let position = self.queues.position(held.release());
        lock(self.vacant_of(position)).push(position);
        if position < self.size.os_threads {
            // ORDER: SeqCst; pairs with the load in `fill_vacancies`.
            self.vacancies.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn vacant_of(&self, position: usize) -> &std::sync::Mutex<Vec<usize>> {
        if position < self.size.os_threads {
            &self.vacant
        } else {
            &self.closed_extra
        }
    }

    /// Opens one more slot, for a pool whose workers are all blocked, and calls a spare for it.
    /// Attached. False at the cap, or when no thread can be had.
    pub(super) fn open_extra_slot(&'static self) -> bool {
        let Some(position) = lock(&self.closed_extra).pop() else {
            return false;
        };
        lock(&self.open_extra).push(position);
        let came = self.lot.wake_one(self.stand_by_key(ThreadRole::Spare)) || self.start_spare();
        if !came {
            let mut open = lock(&self.open_extra);
            if let Some(at) = open.iter().position(|other| *other == position) {
                open.swap_remove(at);
                lock(&self.closed_extra).push(position);
            }
        }
        came
    }

    fn open_slot_unasked(&self) {
        if let Some(position) = lock(&self.closed_extra).pop() {
            lock(&self.open_extra).push(position);
        }
    }

    fn take_extra_slot(&'static self) -> Option<Held<'static, H::Task>> {
        let position = lock(&self.open_extra).pop()?;
        // SAFETY: it was in `open_extra`, so nobody holds it; now nobody else can get it.
        Some(unsafe { self.queues.hold(position, self.host.cpu_clock()) })
    }
}

impl<H: Host> PoolThread<H> {
    /// After a task that ended without a slot: takes one if there is, else stands by.
    pub(super) fn after_run_without_slot(&self) -> Option<Held<'static, H::Task>> {
        // ORDER: SeqCst; this thread no longer counts as running; as in `Pool::give_slot`.
        self.pool.vacancies.fetch_add(1, Ordering::SeqCst);
        self.pool.take_slot().or_else(|| self.stand_by())
    }

    /// Sleeps until the thread is called. None: the pool closes, or a spare is not needed any more.
    pub(super) fn stand_by(&self) -> Option<Held<'static, H::Task>> {
        let pool = self.pool;
        loop {
            let mut slot = None;
            let patience = if pool.is_closing() { LAST_SPARE_PATIENCE } else { RETIRE_AFTER };
            let deadline = (self.role == ThreadRole::Spare).then(|| Instant::now() + patience);
            let wait = Wait {
                key: pool.stand_by_key(self.role),
                deadline,
                spin: Duration::ZERO,
                before_sleep: &mut || {},
                condition: &mut || {
                    if pool.take_call() || pool.queues.has_work() {
                        slot = pool.take_slot();
                    }
                    if slot.is_none() && self.role == ThreadRole::Spare {
                        slot = pool.take_extra_slot();
                    }
                    slot.is_some() || (pool.is_closing() && !pool.queues.has_work())
                },
                glance: None,
            };
            let ended = pool.host.wait_until(&pool.lot, wait);
            if slot.is_some() || ended {
                return slot;
            }
            if deadline.is_some() && !pool.is_closing() {
                return None;
            }
            // At exit no thread may be startable, not even a sentry: this one may be the last to be
            // had, so it judges for itself that the others are stuck.
            if pool.has_no_sentry() && pool.queues.has_work() {
                pool.open_slot_unasked();
            }
        }
    }

    /// Between two tasks: whether this thread is one too many.
    #[inline]
    pub(super) fn should_yield_slot(&self, held: Held<'static, H::Task>) -> bool {
        self.role == ThreadRole::Spare && self.spare_should_yield(held)
    }

    fn spare_should_yield(&self, held: Held<'static, H::Task>) -> bool {
        if self.pool.queues.position(held.slot()) < self.pool.size.os_threads {
            return self.pool.vacancies.load(Ordering::Relaxed) < 0;
        }
        // In an extra slot: worth keeping while its tasks are short, or mostly wait, as those did
        // that it was opened for. Tasks that compute are left to the ordinary workers.
        let (since, clock_then) = self.took_slot.get();
        match (clock_then, self.pool.host.cpu_clock().now()) {
            (Some(before), Some(now)) => {
                let used = now.saturating_sub(before);
                used > SHORT_TASKS * self.pool.host.slowness() && used * 2 > since.elapsed()
            }
            _ => true,
        }
    }

    /// How long to wait for work in this slot.
    pub(super) fn patience(&self, held: Held<'static, H::Task>) -> Option<Duration> {
        if self.role != ThreadRole::Spare {
            return None;
        }
        let ordinary = self.pool.queues.position(held.slot()) < self.pool.size.os_threads;
        Some(if ordinary { SPARE_PATIENCE } else { EXTRA_PATIENCE })
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
