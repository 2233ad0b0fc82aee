//! How many of those that a dependent waits for have not come.
//!
//! Called by: `join`. Invariant: exactly one of those that arrive is told that it is the last, and
//! it sees what all others did before they arrived. Model: `loom_a_dependent_goes_on_or_ends_once`.
//! Threads: any.

use crate::sync::{AtomicUsize, Ordering};

/// See the module.
pub(crate) struct Countdown(AtomicUsize);

impl Countdown {
    /// Waits for `count` to arrive.
    pub(crate) fn new(count: usize) -> Self {
        Countdown(AtomicUsize::new(count))
    }

    /// One has come. True for the last one.
    #[inline]
    pub(crate) fn arrive(&self) -> bool {
        // ORDER: AcqRel; Release hands over what this thread has seen (a source's result), Acquire
        // pairs with it in the last one to arrive. With Relaxed that one might miss a result.
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(all(test, loom))]
mod in_every_interleaving {
    use super::*;
    use crate::future::state::{Life, State};
    use crate::sync::Arc;
    use loom::cell::UnsafeCell;
    use loom::thread;

    /// A dependent of two sources, each of which leaves a result.
    struct Dependent {
        state: State<()>,
        left: Countdown,
        results: [UnsafeCell<usize>; 2],
    }

    // SAFETY: a result is written by its own source before that arrives, and read by the last one
    // to arrive; that this is enough is what the model checks.
    unsafe impl Send for Dependent {}
    // SAFETY: as above.
    unsafe impl Sync for Dependent {}

    fn source_ends(dependent: &Dependent, index: usize) -> usize {
        // SAFETY: only this thread writes it; nobody reads before this thread has arrived.
        dependent.results[index].with_mut(|result| unsafe { *result = 21 });
        if !dependent.left.arrive() || !dependent.state.try_claim() {
            return 0;
        }
        // SAFETY: all have arrived.
        let sum: usize = dependent.results.iter().map(|r| r.with(|r| unsafe { *r })).sum();
        assert_eq!(sum, 42);
        assert!(!dependent.state.complete(Life::Value).has_waiters);
        1
    }

    #[test]
    fn loom_a_dependent_goes_on_or_ends_once() {
        loom::model(|| {
            let dependent = Arc::new(Dependent {
                state: State::default(),
                left: Countdown::new(2),
                results: [UnsafeCell::new(0), UnsafeCell::new(0)],
            });
            dependent.state.begin_waiting();
            let sources: Vec<_> = (0..2)
                .map(|index| {
                    let dependent = dependent.clone();
                    thread::spawn(move || source_ends(&dependent, index))
                })
                .collect();
            let cancelled = usize::from(dependent.state.try_cancel().is_ok());
            let ended: usize = sources.into_iter().map(|source| source.join().unwrap()).sum();
            assert_eq!(ended + cancelled, 1, "one of them ends it");
        });
    }

    #[test]
    fn loom_a_dependent_that_goes_on_is_started_or_cancelled_once() {
        loom::model(|| {
            let state = Arc::new(State::<()>::default());
            state.begin_waiting();
            let runner = {
                let state = state.clone();
                thread::spawn(move || state.try_admit() && state.try_start())
            };
            let waiter_runs = state.try_start();
            let cancelled = state.try_cancel().is_ok();
            let runs = runner.join().unwrap();
            assert_eq!(
                usize::from(runs) + usize::from(waiter_runs) + usize::from(cancelled),
                1,
                "one of them owns the call"
            );
        });
    }
}
