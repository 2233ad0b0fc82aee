//! `Returns`: things on their way back to the thread that they came from, many at a time.
//!
//! Owns: a stack of batches. Called by: `give_back`. Invariant: each batch that was put is taken
//! once, whole. `how_many` is a hint. Model: `loom_each_thing_comes_back_once`.
//! Threads: any number may put, any number may take (all at once, so that no batch can be freed
//! under somebody who still looks at it).

use crate::sync::{AtomicUsize, Ordering};

struct Batch<T> {
    things: Vec<T>,
    next: usize,
}

/// See the module.
pub struct Returns<T> {
    /// The address of the newest batch, 0 when there is none.
    newest: AtomicUsize,
    things: AtomicUsize,
    _things: std::marker::PhantomData<T>,
}

impl<T> Default for Returns<T> {
    fn default() -> Self {
        Returns {
            newest: AtomicUsize::new(0),
            things: AtomicUsize::new(0),
            _things: std::marker::PhantomData,
        }
    }
}

impl<T> Returns<T> {
    /// About how many things there are.
    #[inline]
    pub fn how_many(&self) -> usize {
        self.things.load(Ordering::Relaxed)
    }

    /// Whether there is nothing. May be late.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newest.load(Ordering::Relaxed) == 0
    }

    /// Puts a batch.
    pub fn put(&self, things: Vec<T>) {
        self.things.fetch_add(things.len(), Ordering::Relaxed);
        let batch = Box::into_raw(Box::new(Batch { things, next: 0 }));
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            // SAFETY: made above, and in no list before the exchange below succeeds.
            unsafe { (*batch).next = newest };
            // ORDER: Release; pairs with the Acquire in `take_all`: who takes the batch sees what
            // is in it. Relaxed would let it see an empty one.
            match self.newest.compare_exchange_weak(
                newest,
                batch as usize,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(current) => newest = current,
            }
        }
    }

    /// Takes all that is there, and gives each thing to `each`.
    pub fn take_all(&self, mut each: impl FnMut(T)) {
        // ORDER: Acquire; pairs with the Release in `put`. The swap takes the whole list, so it is
        // nobody else's from here on.
        let mut next = self.newest.swap(0, Ordering::Acquire);
        while next != 0 {
            // SAFETY: made by Box::into_raw in `put`, and ours since the swap.
            let batch = unsafe { Box::from_raw(next as *mut Batch<T>) };
            self.things.fetch_sub(batch.things.len(), Ordering::Relaxed);
            batch.things.into_iter().for_each(&mut each);
            next = batch.next;
        }
    }
}

#[cfg(all(test, loom))]
mod in_every_interleaving {
    use super::*;
    use crate::sync::Arc;

    #[test]
    fn loom_each_thing_comes_back_once() {
        loom::model(|| {
            let returns = Arc::new(Returns::default());
            let putters: Vec<_> = [1, 10]
                .into_iter()
                .map(|thing| {
                    let returns = returns.clone();
                    loom::thread::spawn(move || returns.put(vec![thing]))
                })
                .collect();
            let mut sum = 0;
            returns.take_all(|thing: usize| sum += thing);
            putters.into_iter().for_each(|putter| putter.join().unwrap());
            returns.take_all(|thing| sum += thing);
            assert_eq!(sum, 11);
        });
    }
}
