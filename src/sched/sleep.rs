//! Idle workers: who searches, who sleeps, who wakes them.
//!
//! Owns: the two counters and the idle key of the parking lot.
//! Called by: `worker` (going idle), `pool` (new work). Invariant: work that was pushed is seen by
//! a searching worker, or a sleeping one is woken, or every worker is busy and will look before it
//! goes idle. The proof, with named events, is `sleep.md`; the model is `loom_work_is_found`.
//! Threads: any. Nothing here calls out, apart from the parking lot's unpark.

use crate::sched::lot::{Lot, Parker};
use crate::sync::{fence, AtomicUsize, Ordering};

/// How many workers search for work, and how many sleep.
#[derive(Default)]
pub struct Sleep {
    searching: AtomicUsize,
    sleeping: AtomicUsize,
}

/// Evidence that the current thread is counted as searching.
#[must_use = "say whether the search found something"]
pub struct Searching(());

impl Sleep {
    /// The key that sleeping workers have in the parking lot.
    #[inline]
    pub fn key(&self) -> usize {
        self as *const Self as usize
    }

    /// Work was pushed. Wakes one sleeper if nobody is searching. Returns false when there was
    /// nobody to take it: no searcher and no sleeper.
    #[inline]
    pub fn work_pushed<P: Parker>(&self, lot: &Lot<P>) -> bool {
        // ORDER: SeqCst fence (PushFence); pairs with the one in `start_sleeping`: either we see
        // the sleeper here, or it sees the work there. With Acquire/Release both might miss it.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::Relaxed) > 0 {
            return true;
        }
        if self.sleeping.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.wake_one_cold(lot)
    }

    #[cold]
    fn wake_one_cold<P: Parker>(&self, lot: &Lot<P>) -> bool {
        // A sleeper that is counted but not yet listed looks once more by itself. One that is
        // counted but was taken out of the list already may be busy by now: say that nobody was
        // woken.
        lot.wake_one(self.key())
    }

    /// The worker begins to search. None when `limit` others search already: sleep instead.
    pub fn start_searching(&self, limit: usize) -> Option<Searching> {
        let before = self.searching.fetch_add(1, Ordering::Relaxed);
        if before >= limit {
            self.searching.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Searching(()))
    }

    /// The search found work. True when it was the last searcher: it must pass the search on if
    /// there is more work than it took.
    pub fn found_work(&self, searching: Searching) -> bool {
        let Searching(()) = searching;
        // ORDER: SeqCst; pairs with PushFence: a pusher that saw us searching relies on us, or on
        // the next one whom the caller wakes, to look again.
        let was_last = self.searching.fetch_sub(1, Ordering::SeqCst) == 1;
        // ORDER: SeqCst fence; the caller's look into the queues comes after the subtraction.
        fence(Ordering::SeqCst);
        was_last
    }

    /// The search found nothing. The caller sleeps next, and looks once more on the way.
    pub fn gave_up(&self, searching: Searching) {
        let Searching(()) = searching;
        // ORDER: SeqCst; as in `found_work`: the look in `start_sleeping` comes after this.
        self.searching.fetch_sub(1, Ordering::SeqCst);
    }

    /// Counts the thread as sleeping. It has to look for work once more after this.
    pub fn start_sleeping(&self) {
        self.sleeping.fetch_add(1, Ordering::Relaxed);
        // ORDER: SeqCst fence (SleepFence); pairs with PushFence.
        fence(Ordering::SeqCst);
    }

    /// The thread is awake again.
    pub fn stop_sleeping(&self) {
        self.sleeping.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many threads search now; for statistics.
    pub fn searching(&self) -> usize {
        self.searching.load(Ordering::Relaxed)
    }

    /// How many threads sleep now; for statistics.
    pub fn sleeping(&self) -> usize {
        self.sleeping.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::sched::lot::loom_parker::{here, LoomParker};
    use crate::sync::{lock, Arc, Mutex};

    /// The queue, as the models see it: the deque's own atomics are opaque to loom.
    struct World {
        sleep: Sleep,
        lot: Lot<LoomParker>,
        queue: Mutex<Vec<usize>>,
    }

    impl World {
        fn push(&self, job: usize) {
            lock(&self.queue).push(job);
            self.sleep.work_pushed(&self.lot);
        }

        /// What a worker does when it has nothing to do: search, then sleep until there is work.
        fn next(&self) -> usize {
            let mut found = None;
            if let Some(searching) = self.sleep.start_searching(1) {
                found = lock(&self.queue).pop();
                match found {
                    Some(_) => {
                        let last = self.sleep.found_work(searching);
                        if last && !lock(&self.queue).is_empty() {
                            self.sleep.work_pushed(&self.lot);
                        }
                    }
                    None => self.sleep.gave_up(searching),
                }
            }
            if found.is_none() {
                self.sleep.start_sleeping();
                self.lot.wait(self.sleep.key(), &here(), None, &mut || {
                    found = lock(&self.queue).pop();
                    // Pushers may have relied on this thread while it was searching.
                    if found.is_some() && !lock(&self.queue).is_empty() {
                        self.sleep.work_pushed(&self.lot);
                    }
                    found.is_some()
                });
                self.sleep.stop_sleeping();
            }
            found.expect("the wait ends with work")
        }
    }

    fn world() -> Arc<World> {
        Arc::new(World { sleep: Sleep::default(), lot: Lot::new(), queue: Mutex::new(Vec::new()) })
    }

    #[test]
    fn loom_work_is_found() {
        loom::model(|| {
            let world = world();
            let worker = {
                let world = world.clone();
                loom::thread::spawn(move || world.next())
            };
            world.push(1);
            assert_eq!(worker.join().unwrap(), 1);
        });
    }

    #[test]
    fn loom_two_workers_find_two_jobs() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let world = world();
            let workers: Vec<_> = (0..2)
                .map(|_| {
                    let world = world.clone();
                    loom::thread::spawn(move || world.next())
                })
                .collect();
            world.push(1);
            world.push(2);
            let sum: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
            assert_eq!(sum, 3);
        });
    }
}
