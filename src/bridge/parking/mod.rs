//! How threads of an interpreter sleep: natively, or on one of the interpreter's own locks.
//!
//! Owns: the choice between the two, made once per runtime by what was probed. Called by: `host`;
//! the scheduler sees a `Parker` and does not know which. Threads: as each way says.

pub mod interpreter_lock;
pub mod native;

use std::time::Instant;

use hpy_shim::probe;

use crate::bridge::parking::interpreter_lock::{Locks, OnLock};
use crate::bridge::parking::native::OnToken;
use crate::sched::lot::Parker;

/// How the threads of one interpreter sleep.
pub enum Parking {
    /// Detached, in native code.
    Native,
    /// Attached, in a lock of the interpreter, which lets go of it while it waits.
    InterpreterLock(Locks),
}

impl Parking {
    /// The way that suits the interpreter at hand.
    pub fn probed() -> Self {
        match probe::may_wait_natively() {
            true => Parking::Native,
            false => Parking::InterpreterLock(Locks::default()),
        }
    }
}

/// A thread that sleeps, in one way or the other.
#[derive(Clone)]
pub enum Sleeper {
    /// See [`Parking::Native`].
    Native(OnToken),
    /// See [`Parking::InterpreterLock`].
    InterpreterLock(OnLock),
}

impl Parker for Sleeper {
    fn park(&self, deadline: Option<Instant>) -> bool {
        match self {
            Sleeper::Native(token) => token.park(deadline),
            Sleeper::InterpreterLock(lock) => lock.park(deadline),
        }
    }

    fn unpark(&self) {
        match self {
            Sleeper::Native(token) => token.unpark(),
            Sleeper::InterpreterLock(lock) => lock.unpark(),
        }
    }
}
