//! The pool: the threads, slots and queues of one runtime.
//!
//! Owns: everything that the threads of a pool share. Called by: `bridge` (start, submit, wait,
//! close). A thread *holds a slot* while it may start tasks; there are `os_threads` ordinary slots,
//! and more that the sentry opens when all of those are blocked. A thread that waits inside a task
//! gives its slot to a spare.
//!
//! | field | who writes | who reads | protected by |
//! |---|---|---|---|
//! | vacant | threads that give up or take a slot | the same | its mutex |
//! | vacancies | with `vacant`, and by threads that run on after a wait | push, waiters | SeqCst |
//! | wanted | whoever calls for a spare, the spare that comes | the same | SeqCst |
//! | sentry_state | the sentry, whoever starts it | push, workers | SeqCst |
//! | closing | `close` | all threads | SeqCst |
//!
//! Threads: any, attached where it may start one. Errors: none; what cannot be started is reported
//! as `false`.

use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::sync::Mutex;

use crossbeam_utils::CachePadded;

use crate::host::{Host, ThreadRole};
use crate::sched::lot::Lot;
use crate::sched::queue::{Queues, Slot};
use crate::sched::sleep::Sleep;
use crate::sched::worker::PoolThread;

/// How large a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// Ordinary workers.
    pub os_threads: usize,
    /// How many spares the sentry may start for blocked workers; 0 turns it off.
    pub max_spares: usize,
}

/// What a pool has done so far, and what it is doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Threads alive, all roles.
    pub threads: usize,
    /// Spares that were started, in all.
    pub spares_started: u64,
    /// Tasks started.
    pub tasks_started: u64,
    /// Tasks finished.
    pub tasks_finished: u64,
    /// Tasks that an idle worker took from another one.
    pub tasks_stolen: u64,
    /// Tasks that wait in a queue.
    pub queued: usize,
    /// Threads that hold a slot and are neither looking for work nor asleep.
    pub busy: usize,
    /// Threads that look for work.
    pub searching: usize,
    /// Threads that hold a slot and sleep.
    pub asleep: usize,
}

/// A work-stealing pool on threads of host `H`.
pub struct Pool<H: Host> {
    /// The world it runs in.
    pub host: H,
    /// Where its threads, and those that wait for its futures, sleep.
    pub lot: Lot<H::Parker>,
    pub(super) size: PoolSize,
    pub(super) queues: Queues<H::Task>,
    pub(super) sleep: CachePadded<Sleep>,
    /// Positions of ordinary slots that nobody holds.
    pub(super) vacant: Mutex<Vec<usize>>,
    /// `vacant.len()` less the threads that run on without a slot: how many threads are missing.
    pub(super) vacancies: AtomicIsize,
    /// How many spares have been called and have not come yet.
    pub(super) wanted: AtomicIsize,
    /// Positions of extra slots that are not in use, and of those that wait for a spare.
    pub(super) closed_extra: Mutex<Vec<usize>>,
    /// See `closed_extra`.
    pub(super) open_extra: Mutex<Vec<usize>>,
    pub(super) sentry_state: AtomicUsize,
    pub(super) threads: AtomicUsize,
    pub(super) spares_named: AtomicUsize,
    pub(super) spares_started: AtomicU64,
    /// Tasks of threads that run on without a slot after a wait; ordinary ones count in their slot.
    pub(super) started_elsewhere: AtomicU64,
    pub(super) finished_elsewhere: AtomicU64,
    closing: AtomicBool,
}

impl<H: Host> Pool<H> {
    /// A pool without threads. `start` gives it some.
    pub fn new(host: H, size: PoolSize) -> Self {
        let n = size.os_threads;
        Pool {
            host,
            lot: Lot::new(),
            size,
            queues: Queues::new((0..n + size.max_spares).map(|slot| slot % n), n),
            sleep: CachePadded::new(Sleep::default()),
            vacant: Mutex::new(Vec::new()),
            vacancies: AtomicIsize::new(0),
            wanted: AtomicIsize::new(0),
            closed_extra: Mutex::new((n..n + size.max_spares).rev().collect()),
            open_extra: Mutex::new(Vec::new()),
            sentry_state: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
            spares_named: AtomicUsize::new(0),
            spares_started: AtomicU64::new(0),
            started_elsewhere: AtomicU64::new(0),
            finished_elsewhere: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        }
    }

    /// Starts the workers. Attached. False when not even one could be started.
    pub fn start(&'static self) -> bool {
        let started = (0..self.size.os_threads)
            .take_while(|index| self.host.start_thread(ThreadRole::Worker, *index))
            .count();
        started > 0
    }

    /// The loop of one of the host's threads. Attached. `index` is what `Host::start_thread` was
    /// given. Returns when the pool closes, or (spares) when the thread has not been needed for a
    /// while.
    pub fn run_thread(&'static self, role: ThreadRole, index: usize) {
        self.enter_thread(role, index);
        if role == ThreadRole::Sentry {
            self.watch();
        } else if let Some(thread) = PoolThread::current(self) {
            while let Some(task) = thread.next_task() {
                thread.task_begins();
                match self.host.run(task) {
                    true => thread.task_ends(),
                    false => thread.task_dropped(),
                }
            }
        }
        self.leave_thread();
    }

    /// The calling thread joins the pool. `run_thread` in steps: enter, then next_task,
    /// task_begins, (the task runs,) task_ends, until there is no next task, then leave.
    pub fn enter_thread(&'static self, role: ThreadRole, index: usize) {
        self.threads.fetch_add(1, Ordering::Relaxed);
        PoolThread::enter(self, role, index);
    }

    /// See `enter_thread`.
    pub fn leave_thread(&'static self) {
        if PoolThread::leave(self) {
            self.threads.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// In a forked child, for the pool of its parent: if a task forked, then its thread takes no
    /// more tasks of this pool (the parent runs them) and leaves it when the task returns.
    pub fn forget_forked_thread(&'static self) {
        if let Some(thread) = PoolThread::current(self) {
            thread.forget_pool();
        }
    }

    /// See `enter_thread`. None: this thread is not needed any more.
    #[inline]
    pub fn next_task(&'static self) -> Option<H::Task> {
        PoolThread::current(self).and_then(PoolThread::next_task)
    }

    /// See `enter_thread`.
    #[inline]
    pub fn task_begins(&'static self) {
        if let Some(thread) = PoolThread::current(self) {
            thread.task_begins();
        }
    }

    /// See `enter_thread`.
    #[inline]
    pub fn task_ends(&'static self) {
        if let Some(thread) = PoolThread::current(self) {
            thread.task_ends();
        }
    }

    /// See `enter_thread`: in the place of task_ends, where what was begun were `count` tasks.
    pub fn tasks_end(&'static self, count: u64) {
        if let Some(thread) = PoolThread::current(self) {
            match count.checked_sub(1) {
                Some(more) => thread.tasks_end(more),
                None => thread.task_dropped(),
            }
        }
    }

    /// See `enter_thread`: in the place of task_ends, where there was nothing to run.
    pub fn task_dropped(&'static self) {
        if let Some(thread) = PoolThread::current(self) {
            thread.task_dropped();
        }
    }

    /// How many ordinary workers there are.
    pub fn os_threads(&self) -> usize {
        self.size.os_threads
    }

    /// Queues a task. Attached.
    #[inline]
    pub fn push(&'static self, task: H::Task) {
        match PoolThread::current(self).and_then(PoolThread::held) {
            Some(held) => held.push(task),
            None => self.queues.inject(task),
        }
        self.tell_of_work();
    }

    /// Queues a task behind all that came from outside the pool, even if one of its own threads
    /// does so. Attached.
    pub fn push_behind(&'static self, task: H::Task) {
        self.queues.inject(task);
        self.tell_of_work();
    }

    #[inline]
    fn tell_of_work(&'static self) {
        if !self.sleep.work_pushed(&self.lot) {
            self.nobody_is_free_cold();
        }
    }

    /// Work was pushed, and nobody searches or sleeps. All right if all slots are held by busy
    /// threads (they will look, and the sentry watches); otherwise a spare must take a vacant one.
    #[cold]
    pub(super) fn nobody_is_free_cold(&'static self) {
        self.fill_vacancies();
        self.alert_sentry();
    }

    /// The worker index of the calling thread, if it is one of this pool's.
    pub fn current_index(&'static self) -> Option<usize> {
        PoolThread::current(self).map(PoolThread::index)
    }

    /// Whether the calling thread belongs to this pool.
    #[inline]
    pub fn is_current(&'static self) -> bool {
        PoolThread::current(self).is_some()
    }

    /// No more work will come. Threads finish what is queued and return.
    pub fn close(&self) {
        // ORDER: SeqCst; pairs with the load in `is_closing`, and is ordered before the look into
        // the parking lot below (see `lot`).
        self.closing.store(true, Ordering::SeqCst);
        self.lot.wake_all(self.sleep.key());
        self.lot.wake_all(self.sentry_key());
        self.let_stand_bys_go();
    }

    /// The pool closes, and something happened that may have been the last: threads on stand-by
    /// look whether they are still needed.
    pub(super) fn let_stand_bys_go(&self) {
        self.lot.wake_all(self.stand_by_key(ThreadRole::Worker));
        self.lot.wake_all(self.stand_by_key(ThreadRole::Spare));
    }

    /// Whether `close` was called.
    #[inline]
    pub fn is_closing(&self) -> bool {
        // ORDER: SeqCst; pairs with the store in `close` and, in a worker, comes before its last
        // look into the queues: a submitter pushes, then looks here (`is_closing_after_push`).
        self.closing.load(Ordering::SeqCst)
    }

    /// Whether `close` may have been called before what was just pushed could be seen.
    #[inline]
    pub fn is_closing_after_push(&self) -> bool {
        // ORDER: the SeqCst fence in `Sleep::work_pushed` lies between the push and this look.
        self.is_closing()
    }

    /// Takes the queued tasks out that `select` wants, keeping the others in order.
    /// Attached.
    pub fn drain(&'static self, select: impl FnMut(&H::Task) -> bool) -> Vec<H::Task> {
        let selected = self.queues.drain(select);
        // While they were being sorted, a worker may have looked and found nothing.
        if self.queues.has_work() && !self.sleep.work_pushed(&self.lot) {
            self.nobody_is_free_cold();
        }
        selected
    }

    /// How many slots are held, ordinary and extra ones.
    fn held_slots(&self) -> usize {
        let count = |slots: &Mutex<Vec<usize>>| {
            slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
        };
        let free = count(&self.vacant) + count(&self.closed_extra) + count(&self.open_extra);
        (self.size.os_threads + self.size.max_spares).saturating_sub(free)
    }

    /// Counters, each exact, taken one after the other.
    pub fn statistics(&self) -> Statistics {
        let sum = |counter: fn(&Slot<H::Task>) -> &AtomicU64| {
            self.queues
                .slots()
                .iter()
                .map(|slot| counter(slot).load(Ordering::Relaxed))
                .sum::<u64>()
        };
        let (searching, asleep) = (self.sleep.searching(), self.sleep.sleeping());
        Statistics {
            threads: self.threads.load(Ordering::Relaxed),
            spares_started: self.spares_started.load(Ordering::Relaxed),
            tasks_finished: sum(|slot| &slot.finished)
                + self.finished_elsewhere.load(Ordering::Relaxed),
            tasks_started: sum(|slot| &slot.started)
                + self.started_elsewhere.load(Ordering::Relaxed),
            tasks_stolen: sum(|slot| &slot.stolen),
            queued: self.queues.waiting(),
            busy: self.held_slots().saturating_sub(searching + asleep),
            searching,
            asleep,
        }
    }
}
