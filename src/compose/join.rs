//! `Join`: what a dependent future waits for.
//!
//! | field | who writes | who reads | protected by |
//! |---|---|---|---|
//! | left | whoever ends a source, the linker | the same | see `countdown` |
//! | inputs, names | birth; whoever starts, claims or cancels the target takes them | the same, and
//! the collector | the target's state word lets one through |
//!
//! Shared by the target's body and by the entries in the sources' callback lists, any of which may
//! be the last to go. Invariant: when the last owner goes, the references have been taken.

use std::ffi::c_void;

use hpy_shim::{stored_release, Attached, Slot, Stored};
use smallvec::SmallVec;

use crate::compose::countdown::Countdown;
use crate::future::run;

/// What becomes of the sources' outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A call is made with the results (`dataflow`).
    Call,
    /// The tuple of results (`when_all`).
    All,
    /// The index of the first one that is done, and the list of all (`when_any`).
    Any,
}

/// One thing that was given to a combinator.
#[derive(Default)]
pub struct Input {
    /// The object: a future, or a plain value.
    pub object: Slot,
    /// Whether it is one of our futures, to be replaced by its result.
    pub is_source: bool,
}

/// For so many inputs no memory is allocated: most calls have one or two.
pub const FEW: usize = 2;

/// What was given to a combinator.
pub type Inputs = SmallVec<[Input; FEW]>;

/// See the module.
pub struct Join {
    /// What becomes of the outcomes.
    pub rule: Rule,
    left: Countdown,
    /// What was given, in order; values of keywords come last.
    pub inputs: Inputs,
    /// The names of the keywords: a tuple, or empty.
    pub names: Slot,
}

impl Join {
    /// Waits for `sources` futures and for the linker, who arrives last (`link`).
    pub fn new(rule: Rule, sources: usize, inputs: Inputs, names: isize) -> Self {
        let slot = Slot::default();
        slot.fill(names);
        Join { rule, left: Countdown::new(sources + 1), inputs, names: slot }
    }

    /// One of those that are waited for is there. True for the last one.
    #[inline]
    pub fn arrive(&self) -> bool {
        self.left.arrive()
    }

    /// Gives the references up. Only by whoever may take them.
    pub fn release(&self, py: Attached<'_>) {
        for slot in self.inputs.iter().map(|input| &input.object).chain([&self.names]) {
            // SAFETY: taken out of the slot, which owned it.
            unsafe { stored_release(py, slot.take_shared()) };
        }
    }

    /// The same, of a call that was made: sources go the way of what a worker needs no more.
    pub fn release_called(&self, py: Attached<'_>) {
        for input in &self.inputs {
            let word = input.object.take_shared();
            if word != 0 && input.is_source {
                // SAFETY: taken out of the slot, which owned it; a source is a future of ours.
                run::release(py, unsafe { Stored::from_word(word) });
            } else {
                // SAFETY: as above.
                unsafe { stored_release(py, word) };
            }
        }
        // SAFETY: as above.
        unsafe { stored_release(py, self.names.take_shared()) };
    }

    /// Shows the references to the collector.
    ///
    /// # Safety
    /// Called from `tp_traverse` with its own arguments.
    pub unsafe fn visit(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        for slot in self.inputs.iter().map(|input| &input.object).chain([&self.names]) {
            // SAFETY: passed on from tp_traverse.
            let stop = unsafe { slot.visit(visit, arg) };
            if stop != 0 {
                return stop;
            }
        }
        0
    }
}
