//! The memory of a future that died serves the next one.
//!
//! On free-threaded builds each allocation of an object counts for the cyclic collector, which
//! stops all threads and looks at everything after every few thousand: of a burst of tasks it takes
//! the greater part. A future made in the memory of another is not an allocation.
//! Owns: what each thread has set aside, and one `Depot` per interpreter through which threads that
//! end futures supply those that make them. Called by: `body` (a future died), `bridge::submit`,
//! `bridge::module` (the runtime closes: nobody makes futures any more).
//! Invariants: memory stays within its interpreter; a thread that finds more than `LIMIT` futures'
//! worth in the depot (5 MB) frees what it has. The depot's lock is tried, never waited for: that
//! would be dearer than an allocation, and after a fork nobody might ever let go of it.
//! Threads: attached; a thread that ends leaves what it has to the depot.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use hpy_shim::native::{Dead, Remains};
use hpy_shim::{probe, Attached, Stored};
use once_cell::sync::OnceCell;

use crate::bridge::names::Name;
use crate::bridge::runtime::{Interpreter, Runtime, Status};
use crate::future::body::FutureBody;

/// How many change hands together. A thread has twice as many at most.
const BATCH: usize = 128;
/// How many wait in a depot.
const LIMIT: usize = 32 * 1024;
/// How often a thread that ends tries to leave what it has.
const TRIES: usize = 100;

/// What the threads of an interpreter have set aside for each other.
#[derive(Default)]
pub struct Depot {
    batches: Mutex<Vec<Vec<Remains>>>,
    /// How many batches there are: a hint.
    count: AtomicUsize,
    /// Whether futures can be made this way, once it was asked.
    is_used: OnceCell<bool>,
}

impl Depot {
    #[inline]
    fn is_full(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= LIMIT / BATCH
    }

    /// Gives the batch back where another thread is here.
    fn put(&self, batch: Vec<Remains>) -> Result<(), Vec<Remains>> {
        let Ok(mut batches) = self.batches.try_lock() else {
            return Err(batch);
        };
        batches.push(batch);
        self.count.store(batches.len(), Ordering::Relaxed);
        Ok(())
    }

    fn take(&self) -> Option<Vec<Remains>> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut batches = self.batches.try_lock().ok()?;
        let batch = batches.pop();
        self.count.store(batches.len(), Ordering::Relaxed);
        batch
    }
}

/// What one thread has set aside.
struct Shelf {
    interpreter: Cell<Option<&'static Interpreter>>,
    remains: RefCell<Vec<Remains>>,
}

thread_local! {
    static SHELF: Shelf = const {
        Shelf { interpreter: Cell::new(None), remains: RefCell::new(Vec::new()) }
    };
}

impl Shelf {
    /// What is on it, if that belongs to this interpreter, or there is nothing.
    #[inline]
    fn of(&self, interpreter: &'static Interpreter) -> Option<&RefCell<Vec<Remains>>> {
        let is_its = |other: &Interpreter| std::ptr::eq(other, interpreter);
        if !self.interpreter.get().is_some_and(is_its) {
            if !self.remains.borrow().is_empty() {
                return None;
            }
            self.interpreter.set(Some(interpreter));
        }
        Some(&self.remains)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let mut remains = self.remains.take();
        let Some(interpreter) = self.interpreter.get().filter(|_| !remains.is_empty()) else {
            return;
        };
        for _ in 0..TRIES {
            match interpreter.depot().put(remains) {
                Ok(()) => return,
                Err(batch) => remains = batch,
            }
            std::thread::yield_now();
        }
    }
}

#[cold]
fn ask(py: Attached<'_>, interpreter: &Interpreter) -> bool {
    let class = interpreter.names().get(py, Name::Future);
    *interpreter.depot().is_used.get_or_init(|| class.is_revivable())
}

#[inline]
fn is_used(py: Attached<'_>, interpreter: &'static Interpreter) -> bool {
    if probe::probe().free_threaded == 0 {
        return false;
    }
    match interpreter.depot().is_used.get() {
        Some(is_used) => *is_used,
        None => ask(py, interpreter),
    }
}

/// A blank future in the memory of one that died, if the calling thread has any at hand. The
/// collector does not see it yet.
#[inline]
pub fn revive(py: Attached<'_>, interpreter: &'static Interpreter) -> Option<Stored> {
    if !is_used(py, interpreter) {
        return None;
    }
    let remains = SHELF.try_with(|shelf| {
        let shelf = &mut *shelf.of(interpreter)?.borrow_mut();
        if shelf.is_empty() {
            *shelf = interpreter.depot().take()?;
        }
        shelf.pop()
    });
    let class = interpreter.names().get(py, Name::Future);
    // SAFETY: only the memory of futures is set aside, which are instances of this class or of one
    // that is laid out as it is.
    remains.ok()?.map(|remains| unsafe { remains.revive::<FutureBody>(&class) })
}

/// Sets the memory of a future aside, if there is use for it.
#[inline]
pub fn keep(py: Attached<'_>, runtime: &'static Runtime, dead: Dead) -> Result<(), Dead> {
    let interpreter = runtime.interpreter();
    if !is_used(py, interpreter) || runtime.status() != Status::Running {
        return Err(dead);
    }
    let has_room = |shelf: &Shelf| {
        let shelf = &mut *shelf.of(interpreter)?.borrow_mut();
        (shelf.len() < 2 * BATCH || make_room(interpreter, shelf)).then_some(())
    };
    if SHELF.try_with(has_room).ok().flatten().is_none() {
        return Err(dead);
    }
    // SAFETY: `is_used` asked for this very class.
    let remains = unsafe { dead.lay_aside() };
    SHELF.with(|shelf| shelf.remains.borrow_mut().push(remains));
    Ok(())
}

/// Hands the older half of a full shelf over.
#[cold]
fn make_room(interpreter: &'static Interpreter, shelf: &mut Vec<Remains>) -> bool {
    if interpreter.depot().is_full() {
        return false;
    }
    let newer = shelf.split_off(BATCH);
    match interpreter.depot().put(std::mem::replace(shelf, newer)) {
        Ok(()) => true,
        Err(mut older) => {
            older.append(shelf);
            *shelf = older;
            false
        }
    }
}

/// Gives back to the interpreter what is in the depot and with the calling thread.
pub fn clear(py: Attached<'_>, interpreter: &'static Interpreter) {
    let class = interpreter.names().get(py, Name::Future);
    while let Some(batch) = interpreter.depot().take() {
        batch.into_iter().for_each(|remains| remains.free(&class));
    }
    let own = SHELF.try_with(|shelf| shelf.of(interpreter).map(RefCell::take));
    let own = own.ok().flatten().unwrap_or_default();
    own.into_iter().for_each(|remains| remains.free(&class));
}
