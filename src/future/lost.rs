//! Failures that nobody looks at: reported when the future is collected.
//!
//! Owns: when a failed future gets a reporter, and who disarms it. The reporter is a Python object
//! that only the future refers to, and that logs the exception when it is collected
//! (hpyx/_lost.py). Called by: `future::run`, `compose`, `bridge::future_type`.
//! Invariants: a future that succeeds pays nothing; the reporter is there before the failure is
//! published, so whoever retrieves the exception finds it; one thread disarms it.
//! Threads: attached.

use hpy_shim::{probe, Attached, Handle, PyResult, Stored};

use crate::bridge::names::Name;
use crate::future::run::body;
use crate::future::state::Life;

/// `future` is about to end with `exception`. Its call has been given up.
#[cold]
pub fn arm(py: Attached<'_>, future: &Stored, exception: &Handle<'_>) {
    let names = body(future).runtime().names();
    let armed = names.get(py, Name::LostException).call(&[exception]).and_then(|reporter| {
        if !probe::runs_tasks_natively() {
            return future.bind(py).set_attr(c"_hpyx_lost", &reporter);
        }
        body(future).keep_reporter(reporter);
        Ok(())
    });
    if let Err(raised) = armed {
        raised.clear(py); // out of memory: there are greater worries
    }
}

/// Somebody has got the exception of `future`, if it failed, or is told of its end.
#[inline]
pub fn retrieved(py: Attached<'_>, future: &Stored) {
    if body(future).state.life() == Life::Error {
        disarm(py, future);
    }
}

#[cold]
fn disarm(py: Attached<'_>, future: &Stored) {
    if let Err(raised) = try_disarm(py, future) {
        raised.write_unraisable(py, &future.bind(py));
    }
}

fn try_disarm<'py>(py: Attached<'py>, future: &'py Stored) -> PyResult<'py, ()> {
    let none = body(future).runtime().names().get(py, Name::None);
    if probe::runs_tasks_natively() {
        return match body(future).take_reporter(py) {
            Some(reporter) => reporter.set_attr(c"exception", &none),
            None => Ok(()),
        };
    }
    let reporter = future.bind(py).attr(c"_hpyx_lost")?;
    match reporter.is(&none) {
        true => Ok(()),
        false => reporter.set_attr(c"exception", &none),
    }
}
