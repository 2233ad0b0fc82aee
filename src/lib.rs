//! The core of hpyx: a task-parallel runtime for any Python, in one binary.
//!
//! The rooms: [`sched`] (threads and queues), [`future`] (the life of a future), [`compose`]
//! (futures that depend on others), [`executor`] (a scope of tasks), [`host`] (what the scheduler
//! asks of the world), [`bridge`] (Python's side of all this), [`trace`] (what ran when). Below it
//! lies the crate `hpy-shim`, the handle layer.

#[cfg(not(loom))]
pub mod bridge;
pub mod compose;
#[cfg(not(loom))]
pub mod executor;
pub mod future;
#[cfg(not(loom))]
pub mod host;
pub mod sched;
pub(crate) mod sync;
#[cfg(not(loom))]
pub mod trace;

#[cfg(not(loom))]
hpy_shim::module_entry!("PyInit__native", bridge::module::init);
