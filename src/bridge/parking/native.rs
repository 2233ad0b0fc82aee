//! Sleeping in native code, on the thread's own token.
//!
//! Called by: `parking`. Threads: the sleeper is detached; any thread wakes it.

use std::time::Instant;

use crate::sched::lot::Parker;

/// The token of a thread.
#[derive(Clone)]
pub struct OnToken(std::thread::Thread);

impl OnToken {
    /// The calling thread's.
    pub fn here() -> Self {
        OnToken(std::thread::current())
    }
}

impl Parker for OnToken {
    fn park(&self, deadline: Option<Instant>) -> bool {
        match deadline {
            Some(deadline) => {
                std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
            }
            None => std::thread::park(),
        }
        true
    }

    fn unpark(&self) {
        self.0.unpark();
    }
}
