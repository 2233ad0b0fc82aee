//! Python's side of the core: types, functions, and the host that the scheduler runs in.
//!
//! The rooms: `module` (what the interpreter imports), `future_type`, `executor_type` (native
//! base classes of the public ones), `runtime` (what belongs to an interpreter), `names` (Python
//! objects that the core calls), `host` (threads, waits), `parking` (how they sleep), `interrupt`
//! (what signal handlers raise meanwhile), `waiting` (result(), shutdown()), `context_vars`,
//! `combinators` (then, dataflow, when_all, when_any), `promise` (futures that Python ends),
//! `bell_type` (a thread that waits for others), `tracing` (on, off), `python_tasks` (for
//! interpreters where Python code runs the tasks).

pub mod bell_type;
pub mod combinators;
pub mod context_vars;
pub mod executor_type;
pub mod future_type;
pub mod host;
pub mod interrupt;
pub mod module;
pub mod names;
pub mod parking;
pub mod promise;
pub mod python_tasks;
pub mod runtime;
pub mod submit;
pub mod tracing;
pub mod waiting;
