//! Composition: futures that depend on others (`then`, `dataflow`, `when_all`, `when_any`).
//!
//! A dependent future is born *waiting*: no thread can start it. Each of its sources has an entry
//! for it in its callback list, and whoever ends a source tells the dependent (`progress`). With
//! that it goes on (its call is queued), ends (with a tuple of results, the first failure, ...), or
//! waits for its other sources. What it waits for is its `join`; `link` ties both ends together.
//! Nothing here blocks, and nothing recurses along a chain: who ends a dependent while announcing
//! the end of a source gets it back to announce in turn (`future::run`).
//! Called by: `bridge::combinators`, `future::run`. Threads: any, attached.

pub(crate) mod countdown;
#[cfg(not(loom))]
pub mod join;
#[cfg(not(loom))]
pub mod link;
#[cfg(not(loom))]
pub mod progress;
