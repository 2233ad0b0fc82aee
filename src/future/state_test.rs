//! Claims about `future::state`: on real threads, and (under `--cfg loom`) in every interleaving.

use super::*;

impl Entry for () {}
impl Entry for i32 {}
impl Entry for std::sync::Arc<()> {}

/// A multiple of 16 needs no node.
impl Entry for usize {
    fn into_word(self) -> Result<usize, Self> {
        Ok(self)
    }

    unsafe fn from_word(word: usize) -> Self {
        word
    }
}

#[cfg(not(loom))]
mod on_threads {
    use super::*;

    #[test]
    fn smoke_callbacks_come_in_the_order_they_were_added() {
        let state = State::default();
        for number in 0..5 {
            state.add_callback(number).expect("pending");
        }
        assert!(state.try_start());
        assert!(!state.try_start(), "started twice");
        let callbacks: Vec<i32> = state.complete(Life::Value).into_callbacks().collect();
        assert_eq!(callbacks, [0, 1, 2, 3, 4]);
        assert_eq!(state.add_callback(9), Err(9));
    }

    #[test]
    fn cancel_works_before_the_start_only() {
        let state = State::<()>::default();
        assert!(state.try_start());
        assert_eq!(state.try_cancel().err(), Some(Life::Running));
        let other = State::<()>::default();
        assert!(other.try_cancel().is_ok());
        assert!(!other.try_start());
        assert_eq!(other.try_cancel().err(), Some(Life::Cancelled));
    }

    #[test]
    fn destructors_run_for_callbacks_that_are_taken() {
        let state = State::default();
        let counted = std::sync::Arc::new(());
        for _ in 0..3 {
            state.add_callback(counted.clone()).expect("pending");
        }
        assert_eq!(state.take_callbacks().into_callbacks().count(), 3);
        assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    }

    #[test]
    fn what_is_stale_is_pruned_and_the_rest_keeps_its_order() {
        let state = State::default();
        let is_odd = |number: &usize| number % 2 == 1;
        let mut pruned = Vec::new();
        for number in 0..1000 {
            pruned.extend(state.add_and_prune(number, is_odd).expect("pending"));
            if number % 10 == 0 {
                state.add_callback(number).expect("pending");
            }
        }
        let called: Vec<usize> = state.complete(Life::Value).into_callbacks().collect();
        assert!(called.is_sorted());
        assert_eq!(called.iter().filter(|number| *number % 2 == 0).count(), 600);
        assert!(pruned.len() >= 200 && pruned.iter().all(is_odd), "{}", pruned.len());
        assert_eq!(pruned.len() + called.len(), 1100);
    }

    #[test]
    fn an_entry_without_a_node_comes_first_and_is_never_pruned() {
        let state = State::default();
        state.add_callback(16_usize).expect("pending");
        state.add_callback(32).expect("pending");
        for number in 33..100 {
            state.add_and_prune(number, |_| true).expect("pending");
        }
        let mut seen = Vec::new();
        let look = |number: &usize| {
            seen.push(*number);
            0
        };
        // SAFETY: this thread alone has the state.
        unsafe { state.visit_callbacks(look) };
        assert_eq!((seen.first(), seen.last()), (Some(&99), Some(&16)));
        let called: Vec<usize> = state.complete(Life::Value).into_callbacks().collect();
        assert_eq!((called.first(), called.last()), (Some(&16), Some(&99)));
        assert!(!called.contains(&32) && called.is_sorted(), "{called:?}");
        assert_eq!(state.add_callback(48), Err(48));
    }

    #[test]
    fn a_list_that_is_all_stale_stays_short() {
        let state = State::default();
        let mut pruned = 0;
        for number in 0..10_000 {
            pruned += state.add_and_prune(number, |_| true).expect("pending").len();
            assert!(number < pruned + 2 * FIRST_LIMIT, "{pruned} of {number}");
        }
        assert_eq!(state.complete(Life::Value).into_callbacks().last(), Some(9999));
        assert_eq!(state.add_and_prune(7, |_| true), Err(7));
    }

    #[test]
    fn stress_every_entry_is_called_or_pruned_once() {
        const ROUNDS: usize = if cfg!(miri) { 3 } else { 300 };
        for _ in 0..ROUNDS {
            let state = State::default();
            let seen = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for number in 0..100_usize {
                            let added = state.add_and_prune(number, |number| number % 3 == 0);
                            let back = added.map_or(1, |pruned| pruned.len());
                            seen.fetch_add(back, Ordering::Relaxed);
                        }
                    });
                }
                assert!(state.try_start());
                let taken = state.complete(Life::Value).into_callbacks().count();
                seen.fetch_add(taken, Ordering::Relaxed);
            });
            assert_eq!(seen.into_inner(), 300);
        }
    }

    #[test]
    fn stress_every_callback_is_called_once() {
        const ROUNDS: usize = if cfg!(miri) { 5 } else { 500 };
        for _ in 0..ROUNDS {
            let state = State::default();
            let called = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for _ in 0..10 {
                            if state.add_callback(()).is_err() {
                                called.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    });
                }
                assert!(state.try_start());
                let taken = state.complete(Life::Value).into_callbacks().count();
                called.fetch_add(taken, Ordering::Relaxed);
            });
            assert_eq!(called.into_inner(), 30);
        }
    }
}

#[cfg(loom)]
mod in_every_interleaving {
    use super::*;
    use crate::sched::lot::{loom_parker::here, Lot};
    use crate::sync::Arc;
    use loom::cell::UnsafeCell;
    use loom::thread;

    /// A future with the one thing that `complete` publishes.
    struct Future {
        state: State<usize>,
        result: UnsafeCell<usize>,
    }

    // SAFETY: `result` is written before `complete`, and read after `life` says done; that this is
    // enough is what the models check.
    unsafe impl Send for Future {}
    // SAFETY: as above.
    unsafe impl Sync for Future {}

    fn future() -> Arc<Future> {
        Arc::new(Future { state: State::default(), result: UnsafeCell::new(0) })
    }

    fn run(future: &Future, lot: &Lot<crate::sched::lot::loom_parker::LoomParker>) -> usize {
        if !future.state.try_start() {
            return 0;
        }
        // SAFETY: we started it; nobody reads before `complete`.
        future.result.with_mut(|result| unsafe { *result = 42 });
        let done = future.state.complete(Life::Value);
        if done.has_waiters {
            lot.wake_all(future.state.key());
        }
        done.into_callbacks().count()
    }

    fn read(future: &Future) -> usize {
        // SAFETY: only called once the state is done.
        future.result.with(|result| unsafe { *result })
    }

    #[test]
    fn loom_a_waiter_is_woken_and_sees_the_result() {
        loom::model(|| {
            let (future, lot) = (future(), Arc::new(Lot::new()));
            let runner = {
                let (future, lot) = (future.clone(), lot.clone());
                thread::spawn(move || run(&future, &lot))
            };
            if future.state.announce_waiter() {
                let state = &future.state;
                lot.wait(state.key(), &here(), None, &mut || state.life().is_done());
            }
            assert_eq!(read(&future), 42);
            runner.join().unwrap();
        });
    }

    #[test]
    fn loom_a_callback_is_called_once() {
        loom::model(|| {
            let (future, lot) = (future(), Arc::new(Lot::new()));
            let runner = {
                let (future, lot) = (future.clone(), lot.clone());
                thread::spawn(move || run(&future, &lot))
            };
            let at_once = match future.state.add_callback(1) {
                Ok(()) => 0,
                Err(_) => {
                    assert_eq!(read(&future), 42);
                    1
                }
            };
            assert_eq!(runner.join().unwrap() + at_once, 1);
        });
    }

    #[test]
    fn loom_of_two_that_need_no_node_each_is_called_once() {
        loom::model(|| {
            let future = future();
            let add = |number| future.state.add_callback(number).err().unwrap_or(0);
            let adder = {
                let future = future.clone();
                thread::spawn(move || future.state.add_callback(16).err().unwrap_or(0))
            };
            let ender = {
                let future = future.clone();
                thread::spawn(move || {
                    future.state.complete(Life::Value).into_callbacks().sum::<usize>()
                })
            };
            let back = add(32);
            assert_eq!(back + adder.join().unwrap() + ender.join().unwrap(), 48);
        });
    }

    /// Adds these, of which ones are stale; returns the sum of what came back.
    fn add_and_prune(future: &Future, numbers: &[usize]) -> usize {
        let add = |number| future.state.add_and_prune(number, |number| *number == 1);
        let back = |number: &usize| match add(*number) {
            Ok(pruned) => pruned.into_iter().sum(),
            Err(number) => number,
        };
        numbers.iter().map(back).sum()
    }

    #[test]
    fn loom_an_entry_is_called_pruned_or_given_back_once() {
        loom::model(|| {
            let future = future();
            let adder = {
                let future = future.clone();
                thread::spawn(move || add_and_prune(&future, &[1, 2, 4]))
            };
            let called: usize = future.state.complete(Life::Value).into_callbacks().sum();
            assert_eq!(adder.join().unwrap() + called, 7);
        });
    }

    #[test]
    fn loom_two_may_add_and_prune_while_a_third_ends_the_future() {
        loom::model(|| {
            let future = future();
            let adders = [[1], [2]].map(|numbers| {
                let future = future.clone();
                thread::spawn(move || add_and_prune(&future, &numbers))
            });
            let called: usize = future.state.complete(Life::Value).into_callbacks().sum();
            let back: usize = adders.into_iter().map(|adder| adder.join().unwrap()).sum();
            assert_eq!(back + called, 3);
        });
    }

    #[test]
    fn loom_cancel_and_start_exclude_each_other() {
        loom::model(|| {
            let (future, lot) = (future(), Arc::new(Lot::new()));
            future.state.add_callback(7).expect("pending");
            let runner = {
                let (future, lot) = (future.clone(), lot.clone());
                thread::spawn(move || run(&future, &lot))
            };
            let cancelled = match future.state.try_cancel() {
                Ok(done) => done.into_callbacks().count(),
                Err(_) => 0,
            };
            assert_eq!(runner.join().unwrap() + cancelled, 1, "one of the two ends it");
        });
    }
}
