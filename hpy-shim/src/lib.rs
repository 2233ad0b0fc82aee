//! The handle layer: one binary that serves every Python.
//!
//! What it owns: the C half (`c/`), which finds the interpreter's C API at run time, and the safe
//! Rust API over it. Who calls it: the core's `bridge`, and extensions of other authors.
//! Invariants: no symbol of an interpreter is linked against; no field of an object is read;
//! nothing borrowed is handed out; whoever touches Python holds an [`Attached`].
//!
//! The rooms: [`Attached`] and [`Handle`] (touching objects), [`Stored`] and [`Slot`] (keeping them
//! beyond a call), [`error`] (the error that is set), [`task`] (a call packed for later),
//! [`native`] (types and modules of our own), [`thread`] (letting go of the interpreter), [`probe`]
//! (what the interpreter is).

mod attached;
#[allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
pub mod bindings;
pub mod error;
mod handle;
pub mod native;
pub mod probe;
#[cfg(test)]
mod slots_proof;
mod stored;
pub mod task;
pub mod thread;

pub use attached::Attached;
pub use error::{PyResult, Raised};
pub use handle::{Argument, Handle};
pub use native::{Arguments, Module, This};
pub use stored::{release as stored_release, Lent, Slot, Stored};
