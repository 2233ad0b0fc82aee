//! The scheduler: work stealing over threads of the host.
//!
//! The rooms: `queue` (where tasks wait), `sleep` and `lot` (idle threads), `worker` (the loop of a
//! thread), `pool` (all of it together), `spare` (threads that stand in for waiting ones), `sentry`
//! (notices a pool in which all are blocked), `thread_cpu` (CPU clocks). Glossary: `../README.md`.

pub mod lot;
#[cfg(not(loom))]
pub mod pool;
#[cfg(not(loom))]
pub mod queue;
#[cfg(not(loom))]
mod sentry;
pub mod sleep;
#[cfg(not(loom))]
mod spare;
#[cfg(not(loom))]
pub mod thread_cpu;
#[cfg(not(loom))]
mod turn;
#[cfg(not(loom))]
mod worker;
