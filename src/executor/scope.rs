//! `Scope`: the tasks of one executor.
//!
//! Owns: how many of them are unfinished, whether more are accepted, the initializer.
//! Called by: `bridge::executor_type` (submit, shutdown), `future::run` (start and end of a task).
//!
//! | field | who writes | who reads | protected by |
//! |---|---|---|---|
//! | count | submit, end of a task, end of the executor | shutdown | SeqCst |
//! | closed | shutdown | submit | SeqCst, with `count`: see `enter` |
//! | broken | the thread whose initializer failed | submit, other threads | Release/Acquire |
//! | initializer | birth; last one out | threads that start a task | alive while counted |
//! | replaced | the executor's second set-up | the executor's end | that happens once |
//!
//! Invariant: freed by whoever brings `count` to zero (tasks and the executor object count).
//! Threads: any, attached.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use hpy_shim::{stored_release, Attached, PyResult, Slot};

use crate::bridge::names::Name;
use crate::bridge::runtime::Runtime;

/// The executor object itself, in `count`.
const EXECUTOR: usize = 1 << (usize::BITS - 2);

/// See the module.
pub struct Scope {
    /// What threads remember it by: gone with the scope.
    identity: Arc<()>,
    count: AtomicUsize,
    closed: AtomicBool,
    broken: AtomicBool,
    /// `(initializer, initargs)`, or empty.
    pub initializer: Slot,
    /// The runtime that its tasks run in: a forked child's executors begin a new scope.
    runtime: &'static Runtime,
    replaced: AtomicPtr<Scope>,
}

impl Scope {
    /// A scope that the executor object owns. `initializer` is an owned word, or 0.
    pub fn new(initializer: isize, runtime: &'static Runtime) -> *const Scope {
        let scope = Scope {
            identity: Arc::new(()),
            count: AtomicUsize::new(EXECUTOR),
            closed: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            initializer: Slot::default(),
            runtime,
            replaced: AtomicPtr::default(),
        };
        scope.initializer.fill(initializer);
        Box::into_raw(Box::new(scope))
    }

    /// Whether its tasks run in `runtime`.
    #[inline]
    pub fn is_of(&self, runtime: &'static Runtime) -> bool {
        std::ptr::eq(self.runtime, runtime)
    }

    /// The executor was set up a second time: threads may still look at the scope that it had, so
    /// that one is given up when this one is. Once, by whoever made this one.
    pub fn replaces(&self, before: *mut Scope) {
        self.replaced.store(before, Ordering::Relaxed);
    }

    /// Counts one more task. False, and not counted, when the executor was shut down.
    #[inline]
    pub fn enter(&self, runtime: &'static Runtime) -> bool {
        // ORDER: SeqCst; pairs with `close` and `is_idle`: either shutdown sees this task, or this
        // sees that the executor is closed.
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            // SAFETY: counted just now. The executor object counts too, so nothing is freed.
            unsafe { Self::leave(self, runtime) };
            return false;
        }
        true
    }

    /// No more tasks.
    pub fn close(&self) {
        // ORDER: SeqCst; pairs with the load in `enter`.
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether shutdown was called.
    pub fn is_closed(&self) -> bool {
        // ORDER: SeqCst; as `enter`.
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether an initializer failed.
    #[inline]
    pub fn is_broken(&self) -> bool {
        // ORDER: Acquire; pairs with the store in `initialise_thread_cold`.
        self.broken.load(Ordering::Acquire)
    }

    /// Whether no task is unfinished.
    pub fn is_idle(&self) -> bool {
        // ORDER: SeqCst; pairs with `enter`.
        self.count.load(Ordering::SeqCst) & !EXECUTOR == 0
    }

    /// A task ended, or was not submitted after all. The last one wakes whoever waits for the
    /// shutdown, and frees the scope if the executor is gone too.
    ///
    /// # Safety
    /// The task was counted, and does not use `scope` any more. Attached.
    #[inline]
    pub unsafe fn leave(scope: *const Scope, runtime: &'static Runtime) {
        // SAFETY: counted, so alive until here.
        // ORDER: SeqCst; pairs with `is_idle`; the last one out sees all that the others did.
        let before = unsafe { (*scope).count.fetch_sub(1, Ordering::SeqCst) };
        if before == 1 {
            // SAFETY: the count is zero: nobody else can reach it.
            unsafe { Self::free(scope) };
        }
        if before & !EXECUTOR == 1 && before != 1 {
            runtime.wake_all(scope as usize);
        }
    }

    /// The executor object is gone.
    ///
    /// # Safety
    /// Once, by the executor's own release. Attached.
    pub unsafe fn abandon(mut scope: *const Scope) {
        while !scope.is_null() {
            // SAFETY: the executor counts, so alive until it is given up.
            let replaced = unsafe { (*scope).replaced.load(Ordering::Relaxed) };
            // SAFETY: as the caller promises.
            unsafe { Self::abandon_one(scope) };
            scope = replaced;
        }
    }

    unsafe fn abandon_one(scope: *const Scope) {
        // SAFETY: the executor counted, so alive until here.
        // ORDER: SeqCst; as in `leave`.
        let before = unsafe { (*scope).count.fetch_sub(EXECUTOR, Ordering::SeqCst) };
        if before == EXECUTOR {
            // SAFETY: the count is zero.
            unsafe { Self::free(scope) };
        }
    }

    #[cold]
    unsafe fn free(scope: *const Scope) {
        // SAFETY: made by Box::into_raw in `new`; freed once, by whoever brought the count to zero.
        let scope = unsafe { Box::from_raw(scope.cast_mut()) };
        // SAFETY: every caller is attached.
        unsafe { stored_release(Attached::assume(), scope.initializer.take()) };
    }

    /// Before a task of this scope runs: runs the initializer if this thread has not done so.
    #[inline]
    pub fn initialise_thread<'py>(
        &self,
        py: Attached<'py>,
        runtime: &'static Runtime,
    ) -> PyResult<'py, ()> {
        if !self.initializer.is_filled() {
            return Ok(());
        }
        self.initialise_thread_cold(py, runtime)
    }

    #[cold]
    fn initialise_thread_cold<'py>(
        &self,
        py: Attached<'py>,
        runtime: &'static Runtime,
    ) -> PyResult<'py, ()> {
        thread_local! {
            static INITIALISED: RefCell<Vec<Weak<()>>> = const { RefCell::new(Vec::new()) };
        }
        let is_first = INITIALISED.with_borrow_mut(|done| {
            let is_first = !done.iter().any(|seen| seen.as_ptr() == Arc::as_ptr(&self.identity));
            if is_first {
                remember(done, &self.identity);
            }
            is_first
        });
        if is_first && !self.is_broken() {
            if let Some(pair) = self.initializer.get(py) {
                let run = runtime.names().get(py, Name::RunInitializer);
                if !run.call(&[&pair])?.is_true()? {
                    // ORDER: Release; pairs with the load in `is_broken`.
                    self.broken.store(true, Ordering::Release);
                }
            }
        }
        match self.is_broken() {
            true => Err(self.broken_error(py, runtime)),
            false => Ok(()),
        }
    }

    /// The error of a broken executor.
    pub fn broken_error<'py>(
        &self,
        py: Attached<'py>,
        runtime: &'static Runtime,
    ) -> hpy_shim::Raised<'py> {
        let class = runtime.names().get(py, Name::BrokenExecutor);
        py.raise(&class, "An initializer failed, this executor is not usable anymore")
    }
}

/// Adds to what a thread has initialised. Before that would take more memory, what is gone goes.
fn remember(done: &mut Vec<Weak<()>>, identity: &Arc<()>) {
    if done.len() == done.capacity() {
        done.retain(|seen| seen.strong_count() > 0);
    }
    done.push(Arc::downgrade(identity));
}

thread_local! {
    static ENTERED: RefCell<Vec<*const Scope>> = const { RefCell::new(Vec::new()) };
}

/// The scopes of the tasks that the calling thread is inside of.
pub struct Within;

impl Within {
    /// The thread begins a task of `scope`.
    #[inline]
    pub fn enter(scope: &Scope) {
        ENTERED.with_borrow_mut(|entered| entered.push(scope));
    }

    /// The task that the thread began last has ended.
    #[inline]
    pub fn leave() {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }

    /// Whether the calling thread is inside a task of `scope`.
    pub fn is_inside(scope: *const Scope) -> bool {
        ENTERED.with_borrow(|entered| entered.contains(&scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_forgets_the_executors_that_are_gone() {
        let (kept, mut seen) = (Arc::new(()), Vec::new());
        remember(&mut seen, &kept);
        for _ in 0..1000 {
            remember(&mut seen, &Arc::new(()));
        }
        assert!(seen.capacity() < 16);
        assert!(seen.iter().any(|seen| seen.as_ptr() == Arc::as_ptr(&kept)));
    }
}
