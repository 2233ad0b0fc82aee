//! A worker gives the queue's references to futures back to the thread that submitted them.
//!
//! On free-threaded builds a reference that another thread than the object's owner gives up goes
//! through a queue of the interpreter's, under a lock that owner and worker then fight for: with
//! one such reference per task they slow each other down to a third. So a worker collects them, and
//! the submitter gives them up as its own, at its next submission.
//! Owns: what a worker has collected, and one `Home` per submitting thread. Called by: `run` (a
//! task is done), `bridge::submit`, `bridge::host` (before a thread sleeps).
//! Invariants: only futures that keep nothing alive (no attributes, no callbacks, a number or None
//! for a result, or none any more) take this way; a worker that sleeps has given up itself what
//! nobody reclaimed.
//! Threads: attached.

use std::cell::{Cell, RefCell};

use hpy_shim::{probe, Attached, Stored};

use crate::bridge::runtime::{Runtime, Status};
use crate::future::returns::Returns;
use crate::sync::lock;

/// How many are handed over together.
const BATCH: usize = 32;
/// How many may wait for a submitter that does not come back while its worker is busy.
const LIMIT: usize = 1024;

/// Where the futures belong that a thread submitted to a runtime. Never freed: futures point to it
/// without counting.
pub struct Home {
    /// The runtime.
    pub runtime: &'static Runtime,
    returns: Returns<Stored>,
    is_threads: bool,
}

impl Home {
    /// The home, in `runtime`, of futures that do not go back to any thread.
    pub fn of_nobody(runtime: &'static Runtime) -> Self {
        Home { runtime, returns: Returns::default(), is_threads: false }
    }

    /// Whether there is a thread that futures go back to.
    #[inline]
    pub fn takes_back(&self) -> bool {
        self.is_threads
    }
}

thread_local! {
    static LEAVING: RefCell<Leaving> = const { RefCell::new(Leaving(Vec::new())) };
    static HOME: Cell<Option<&'static Home>> = const { Cell::new(None) };
    static COLLECTED: RefCell<Collected> = const {
        RefCell::new(Collected::NOTHING)
    };
}

/// What the calling worker has to give back.
pub struct Collected {
    home: Option<&'static Home>,
    /// Those for `home` that have not been handed over.
    futures: Vec<Stored>,
    /// The homes that something was handed over to, and that may still have it.
    used: Vec<&'static Home>,
}

impl Collected {
    const NOTHING: Self = Collected { home: None, futures: Vec::new(), used: Vec::new() };

    fn hand_over(&mut self) {
        let Some(home) = self.home.filter(|_| !self.futures.is_empty()) else {
            return;
        };
        home.returns.put(std::mem::replace(&mut self.futures, Vec::with_capacity(BATCH)));
        if !self.used.iter().any(|used| std::ptr::eq(*used, home)) {
            self.used.push(home);
        }
    }
}

/// Whether references go this way here.
#[inline]
pub fn is_used() -> bool {
    probe::probe().free_threaded != 0
}

/// The home of what the calling thread submits to `runtime`; gives up what has come back to it.
#[inline]
pub fn reclaim(py: Attached<'_>, runtime: &'static Runtime) -> &'static Home {
    let home = match HOME.get() {
        Some(home) if std::ptr::eq(home.runtime, runtime) => home,
        _ => make_home(runtime),
    };
    if !home.returns.is_empty() {
        home.returns.take_all(|future| drop(future.into_handle(py)));
    }
    home
}

/// The thread is new, or has submitted to another runtime last. Homes of threads that ended are
/// used again: what is left in one is given up by its next thread.
#[cold]
fn make_home(runtime: &'static Runtime) -> &'static Home {
    let is_here = |home: &&'static Home| std::ptr::eq(home.runtime, runtime);
    let home = LEAVING.with_borrow_mut(|leaving| {
        if let Some(home) = leaving.0.iter().copied().find(is_here) {
            return home;
        }
        let home = lock(runtime.spare_homes()).pop().unwrap_or_else(|| {
            Box::leak(Box::new(Home { is_threads: true, ..Home::of_nobody(runtime) }))
        });
        leaving.0.push(home);
        home
    });
    HOME.set(Some(home));
    home
}

/// Passes a thread's homes on when the thread ends.
struct Leaving(Vec<&'static Home>);

impl Drop for Leaving {
    fn drop(&mut self) {
        for home in self.0.drain(..) {
            // What is the parent's stays as the fork found it: the lock may have been held then.
            if home.runtime.status() != Status::Forked {
                lock(home.runtime.spare_homes()).push(home);
            }
        }
    }
}

/// The calling worker needs `future`, which came from `home`, no more.
#[inline]
pub fn give_back(py: Attached<'_>, home: &'static Home, future: Stored) {
    if home.returns.how_many() >= LIMIT {
        return drop(future.into_handle(py));
    }
    COLLECTED.with_borrow_mut(|collected| {
        if collected.home.is_none_or(|other| !std::ptr::eq(other, home)) {
            collected.hand_over();
            collected.home = Some(home);
        }
        collected.futures.push(future);
        if collected.futures.len() >= BATCH {
            collected.hand_over();
        }
    });
}

/// Whether the calling thread gave something back that may not have been reclaimed.
#[inline]
pub fn has_leftovers() -> bool {
    is_used()
        && COLLECTED.with_borrow(|collected| {
            !collected.futures.is_empty()
                || collected.used.iter().any(|home| !home.returns.is_empty())
        })
}

/// Sets aside what the calling thread has to give back: what it runs next is another interpreter's.
pub fn set_aside() -> Collected {
    COLLECTED.replace(Collected::NOTHING)
}

/// Puts back what `set_aside` gave. What was collected since has been settled.
pub fn put_back(collected: Collected) {
    COLLECTED.set(collected);
}

/// The calling thread is going to sleep: gives up itself what nobody has reclaimed.
#[cold]
pub fn settle(py: Attached<'_>) {
    let used = COLLECTED.with_borrow_mut(|collected| {
        collected.hand_over();
        std::mem::take(&mut collected.used)
    });
    for home in used {
        home.returns.take_all(|future| drop(future.into_handle(py)));
    }
}
