//! Where tasks wait: the injector for submissions from outside, one deque per slot.
//!
//! Owns: the queues, and the order in which a worker looks into them.
//! Called by: `pool` (push), `worker` (take). Work stealing after Blumofe and Leiserson, on the
//! deque of Chase and Lev as crossbeam-deque implements it.
//! Invariants: tasks from outside start in FIFO order (taken one by one, never in batches that a
//! LIFO deque would turn round); the owner end of a deque is used by the holder of its slot only.
//! Threads: any may push to the injector and steal; see `Slot` for the owner end.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Mutex;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;

use crate::sched::thread_cpu::CpuClock;

/// A place in the pool for one running thread: its deque, its counters, its clock.
pub struct Slot<T> {
    /// What `get_worker_thread_id` says on the thread that holds this slot.
    pub index: usize,
    deque: UnsafeCell<Worker<T>>,
    stealer: Stealer<T>,
    /// Tasks started and finished here. Written by the holder, read by the sentry and statistics.
    pub started: AtomicU64,
    /// See `started`.
    pub finished: AtomicU64,
    /// Tasks that the holder took from other slots.
    pub stolen: AtomicU64,
    /// The CPU clock of the holder, 0 while nobody holds the slot.
    pub clock: AtomicU64,
}

// SAFETY: `deque` is reached only through `Held`, of which one exists per slot at a time (slots are
// handed out by `Pool::vacant` under its mutex); everything else is atomic or made for sharing.
unsafe impl<T: Send> Sync for Slot<T> {}

/// Evidence that the current thread holds a slot, and may use the owner end of its deque.
pub struct Held<'a, T>(&'a Slot<T>);

impl<T> Clone for Held<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Held<'_, T> {}

impl<T> Slot<T> {
    fn new(index: usize) -> Self {
        let deque = Worker::new_lifo();
        let stealer = deque.stealer();
        Slot {
            index,
            deque: UnsafeCell::new(deque),
            stealer,
            started: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            stolen: AtomicU64::new(0),
            clock: AtomicU64::new(0),
        }
    }

    /// Takes the slot for the current thread.
    ///
    /// # Safety
    /// Nobody else holds it until `release`.
    unsafe fn hold(&self, clock: CpuClock) -> Held<'_, T> {
        self.clock.store(clock.0, Ordering::Relaxed);
        Held(self)
    }
}

impl<'a, T> Held<'a, T> {
    /// The slot that is held.
    #[inline]
    pub fn slot(&self) -> &'a Slot<T> {
        self.0
    }

    #[inline]
    fn deque(&self) -> &'a Worker<T> {
        // SAFETY: one `Held` per slot at a time, and it stays on its thread.
        unsafe { &*self.0.deque.get() }
    }

    /// Pushes work that the holder's task spawned.
    #[inline]
    pub fn push(&self, task: T) {
        self.deque().push(task);
    }

    /// The thread gives the slot up; tasks in its deque stay there for thieves and the next holder.
    pub fn release(self) -> &'a Slot<T> {
        self.0.clock.store(0, Ordering::Relaxed);
        self.0
    }
}

/// Adds one to a counter that only the current thread writes.
#[inline]
pub fn count(counter: &AtomicU64) {
    count_many(counter, 1);
}

/// Adds to a counter that only the current thread writes.
#[inline]
pub fn count_many(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// Takes back what [`count`] added.
pub fn uncount(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
}

/// All queues of a pool.
pub struct Queues<T> {
    injector: Injector<T>,
    /// Tasks put back in front, in order, after a search through all queues (`drain`).
    requeued: Mutex<VecDeque<T>>,
    n_requeued: AtomicUsize,
    slots: Box<[CachePadded<Slot<T>>]>,
    /// Slots from here on were never held: nobody looks into them.
    used: AtomicUsize,
}

/// Every so many tasks a worker looks into the injector before its own deque, so that a task that
/// keeps spawning work does not starve those from outside.
const FAIRNESS_PERIOD: u64 = 61;

impl<T: Send> Queues<T> {
    /// `indices` gives the worker index of each slot; the first `used` are looked into at once.
    pub fn new(indices: impl Iterator<Item = usize>, used: usize) -> Self {
        Queues {
            injector: Injector::new(),
            requeued: Mutex::new(VecDeque::new()),
            n_requeued: AtomicUsize::new(0),
            slots: indices.map(|index| CachePadded::new(Slot::new(index))).collect(),
            used: AtomicUsize::new(used),
        }
    }

    /// Takes slot `position` for the current thread.
    ///
    /// # Safety
    /// Nobody else holds it until it is released.
    pub unsafe fn hold(&self, position: usize, clock: CpuClock) -> Held<'_, T> {
        self.used.fetch_max(position + 1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { self.slots[position].hold(clock) }
    }

    fn used_slots(&self) -> &[CachePadded<Slot<T>>] {
        &self.slots[..self.used.load(Ordering::Relaxed)]
    }

    /// Where `slot` is among all.
    pub fn position(&self, slot: &Slot<T>) -> usize {
        let position = self.slots.iter().position(|other| std::ptr::eq::<Slot<T>>(&**other, slot));
        position.expect("the slot is one of these")
    }

    /// All slots, held or not.
    pub fn slots(&self) -> &[CachePadded<Slot<T>>] {
        &self.slots
    }

    /// Pushes work from outside the pool.
    #[inline]
    pub fn inject(&self, task: T) {
        self.injector.push(task);
    }

    /// The next task for a spare: work that tasks spawned goes first, since a blocked task may be
    /// waiting for it, while new work from outside might only block one more thread.
    pub fn next_for_spare(&self, held: Held<'_, T>) -> Option<T> {
        held.deque().pop().or_else(|| self.steal(held.slot())).or_else(|| self.take_injected())
    }

    /// The next task for a worker.
    #[inline]
    pub fn next(&self, held: Held<'_, T>) -> Option<T> {
        let slot = held.slot();
        if slot.started.load(Ordering::Relaxed) % FAIRNESS_PERIOD == 0 {
            if let Some(task) = self.take_injected() {
                return Some(task);
            }
        }
        held.deque().pop().or_else(|| self.take_injected()).or_else(|| self.steal(slot))
    }

    #[inline]
    fn take_injected(&self) -> Option<T> {
        if self.n_requeued.load(Ordering::Relaxed) > 0 {
            if let Some(task) = self.take_requeued_cold() {
                return Some(task);
            }
        }
        if self.injector.is_empty() {
            return None;
        }
        retrying(|| self.injector.steal())
    }

    #[cold]
    fn take_requeued_cold(&self) -> Option<T> {
        let mut requeued = lock(&self.requeued);
        let task = requeued.pop_front();
        self.n_requeued.store(requeued.len(), Ordering::Relaxed);
        task
    }

    fn steal(&self, thief: &Slot<T>) -> Option<T> {
        let slots = self.used_slots();
        let first = thief.index + 1;
        for offset in 0..slots.len() {
            let victim = &slots[(first + offset) % slots.len()];
            if std::ptr::eq::<Slot<T>>(&**victim, thief) || victim.stealer.is_empty() {
                continue;
            }
            if let Some(task) = retrying(|| victim.stealer.steal()) {
                count(&thief.stolen);
                return Some(task);
            }
        }
        None
    }

    /// Whether a task from outside waits: cheap, for every task.
    #[inline]
    pub fn has_injected(&self) -> bool {
        !self.injector.is_empty()
    }

    /// Whether a task waits somewhere.
    #[inline]
    pub fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self.n_requeued.load(Ordering::Relaxed) > 0
            || self.used_slots().iter().any(|slot| !slot.stealer.is_empty())
    }

    /// How many tasks wait, about.
    pub fn waiting(&self) -> usize {
        self.injector.len()
            + self.n_requeued.load(Ordering::Relaxed)
            + self.used_slots().iter().map(|slot| slot.stealer.len()).sum::<usize>()
    }

    /// Takes out, from all queues, the tasks that `select` wants; the others keep their order and
    /// go before whatever is pushed from now on.
    pub fn drain(&self, mut select: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut selected = Vec::new();
        let mut requeued = lock(&self.requeued);
        let mut all: VecDeque<T> = std::mem::take(&mut *requeued);
        while let Some(task) = retrying(|| self.injector.steal()) {
            all.push_back(task);
        }
        for slot in self.slots.iter() {
            while let Some(task) = retrying(|| slot.stealer.steal()) {
                all.push_back(task);
            }
        }
        for task in all {
            if select(&task) {
                selected.push(task);
            } else {
                requeued.push_back(task);
            }
        }
        self.n_requeued.store(requeued.len(), Ordering::Relaxed);
        selected
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[inline]
fn retrying<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> Queues<u32> {
        Queues::new(0..2, 2)
    }

    fn hold(queues: &Queues<u32>, index: usize) -> Held<'_, u32> {
        // SAFETY: each test holds a slot once.
        unsafe { queues.hold(index, CpuClock(0)) }
    }

    #[test]
    fn smoke_submissions_from_outside_start_in_order() {
        let queues = queues();
        (0..5).for_each(|task| queues.inject(task));
        let held = hold(&queues, 0);
        let order: Vec<u32> = std::iter::from_fn(|| queues.next(held)).collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
        assert!(!queues.has_work());
    }

    #[test]
    fn no_starvation_of_outside_work_by_spawned_work() {
        let queues = queues();
        let held = hold(&queues, 0);
        queues.inject(7);
        let seven = (0..200).position(|_| {
            held.push(1);
            count(&held.slot().started);
            queues.next(held) == Some(7)
        });
        assert!(seven.is_some(), "200 spawned tasks went before one from outside");
    }

    #[test]
    fn an_idle_slot_steals() {
        let queues = queues();
        let (owner, thief) = (hold(&queues, 0), hold(&queues, 1));
        owner.push(1);
        owner.push(2);
        assert_eq!(queues.next(thief), Some(1), "the oldest is stolen first");
        assert_eq!(thief.slot().stolen.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn drain_takes_what_it_wants_and_keeps_the_rest_in_order() {
        let queues = queues();
        (0..6).for_each(|task| queues.inject(task));
        assert_eq!(queues.drain(|task| task % 2 == 0), [0, 2, 4]);
        queues.inject(9);
        let held = hold(&queues, 0);
        let order: Vec<u32> = std::iter::from_fn(|| queues.next(held)).collect();
        assert_eq!(order, [1, 3, 5, 9]);
    }
}
