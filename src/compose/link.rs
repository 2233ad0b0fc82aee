//! Tying a dependent future to its sources.
//!
//! Called by: `bridge::combinators`. Invariant: while it is being tied, a dependent cannot go on:
//! the linker itself is one of those that it waits for. Threads: any, attached.

use std::sync::Arc;

use hpy_shim::{Attached, Stored};

use crate::bridge::submit;
use crate::compose::join::Join;
use crate::compose::progress::{all_arrived, source_ended};
use crate::future::callback::{Callback, Dependent};
use crate::future::lost;
use crate::future::run::{announce_and_log, body};

/// The one future that `target` waits for is `source`.
pub fn link_to(py: Attached<'_>, target: &Stored, source: &Stored) {
    tie(py, source, Dependent { target: target.dup(py), join: None, index: 0 });
}

/// `target` waits for `sources` (each with the number of its input), as its join says.
pub fn link_to_all(
    py: Attached<'_>,
    target: &Stored,
    join: &Arc<Join>,
    sources: impl Iterator<Item = (usize, Stored)>,
) {
    for (index, source) in sources {
        let (target, join) = (target.dup(py), Some(join.clone()));
        tie(py, &source, Dependent { target, join, index: index as u32 });
        drop(source.into_handle(py));
    }
    if join.arrive() {
        if let Some(done) = all_arrived(py, target, Some(join)) {
            announce_and_log(py, target, done);
        }
    }
}

fn tie(py: Attached<'_>, source: &Stored, dependent: Dependent) {
    submit::launch(py, source);
    let entry = Callback::Dependent(dependent);
    let dependent = match body(source).state.add_and_prune(entry, Callback::is_stale) {
        Err(Callback::Dependent(dependent)) => dependent,
        Err(_) => unreachable!("a dependent was given"),
        Ok(stale) => return stale.into_iter().for_each(|entry| entry.discard(py)),
    };
    lost::retrieved(py, source);
    if let Some(done) = source_ended(py, source, &dependent) {
        announce_and_log(py, &dependent.target, done);
    }
    drop(dependent.target.into_handle(py));
}
