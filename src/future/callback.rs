//! What is done when a future ends: the entries of its callback list.
//!
//! Owns: the three kinds of entry, and how entries are given up unused.
//! Called by: `future::run` (which acts on them), `compose` (dependents), `bridge::future_type`
//! (callables), the collector.
//! Invariant: giving up a chain of dependents does not recurse, however long it is.
//! Threads: attached.

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::Arc;

use hpy_shim::native::body_of;
use hpy_shim::{Attached, Stored};

use crate::bridge::bell_type::BellBody;
use crate::compose::join::Join;
use crate::future::entries::Entry;
use crate::future::run::body;

/// A future that depends on the one in whose list this is.
pub struct Dependent {
    /// The future that waits.
    pub target: Stored,
    /// What it waits for besides; None: only for this one.
    pub join: Option<Arc<Join>>,
    /// Which input of the target this one is.
    pub index: u32,
}

/// A Python callable, called with the future as long as somebody waits who has the bell.
pub struct Watch {
    /// What to call.
    pub callable: Stored,
    /// A `Bell`.
    pub bell: Stored,
}

/// One entry of a future's callback list.
pub enum Callback {
    /// A Python callable, called with the future.
    Call(Stored),
    /// The same for one who may lose interest.
    Watch(Watch),
    /// Another future, which goes on or ends now.
    Dependent(Dependent),
}

impl Watch {
    fn is_closed(&self) -> bool {
        // SAFETY: a `Bell`, kept alive by the entry.
        unsafe { body_of::<BellBody>(self.bell.word()) }.is_closed()
    }

    /// The callable; the bell is given up.
    pub fn into_callable(self, py: Attached<'_>) -> Stored {
        drop(self.bell.into_handle(py));
        self.callable
    }
}

impl Entry for Callback {
    fn into_word(self) -> Result<usize, Self> {
        match self {
            Callback::Call(callable) => Ok(callable.into_word() as usize),
            other => Err(other),
        }
    }

    unsafe fn from_word(word: usize) -> Self {
        // SAFETY: the reference that `into_word` gave away.
        Callback::Call(unsafe { Stored::from_word(word as isize) })
    }
}

impl Callback {
    /// Shows the reference to the collector.
    ///
    /// # Safety
    /// Called from `tp_traverse` with its own arguments.
    pub unsafe fn visit(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        let stored = match self {
            Callback::Call(callable) => callable,
            Callback::Dependent(dependent) => &dependent.target,
            // The bell refers to nothing.
            Callback::Watch(watch) => &watch.callable,
        };
        // SAFETY: passed on from tp_traverse.
        unsafe { stored.visit(visit, arg) }
    }

    /// Whether nothing is left to do: a future that depends on several may be done before this one,
    /// and who watches may have left.
    pub fn is_stale(&self) -> bool {
        match self {
            Callback::Call(_) => false,
            Callback::Dependent(dependent) => body(&dependent.target).state.life().is_done(),
            Callback::Watch(watch) => watch.is_closed(),
        }
    }

    /// Gives the entry up unused.
    pub fn discard(self, py: Attached<'_>) {
        match self {
            Callback::Call(callable) => drop(callable.into_handle(py)),
            Callback::Dependent(dependent) => discard_in_turn(py, dependent.target),
            Callback::Watch(watch) => drop(watch.into_callable(py).into_handle(py)),
        }
    }
}

thread_local! {
    /// Targets to give up, while the thread is busy giving one up further out.
    static DISCARDED: RefCell<Option<Vec<Stored>>> = const { RefCell::new(None) };
}

/// Gives up the reference to a target, which may be the last one to a whole chain of them.
fn discard_in_turn(py: Attached<'_>, target: Stored) {
    let is_outermost = DISCARDED.with_borrow_mut(|discarded| {
        let is_outermost = discarded.is_none();
        discarded.get_or_insert_with(Vec::new).push(target);
        is_outermost
    });
    if is_outermost {
        while let Some(target) = next_discarded() {
            drop(target.into_handle(py));
        }
    }
}

fn next_discarded() -> Option<Stored> {
    DISCARDED.with_borrow_mut(|discarded| {
        let next = discarded.as_mut().and_then(Vec::pop);
        if next.is_none() {
            *discarded = None;
        }
        next
    })
}
