//! What the layer found out about the interpreter that loaded it. Read-only after the load.

use std::ffi::CStr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bindings::{self, HPyxProbe};

extern "C" {
    #[link_name = "hpyx_probed"]
    static PROBED: HPyxProbe;
}

/// The findings. Meaningful once a module of ours is being loaded.
#[inline]
pub fn probe() -> &'static HPyxProbe {
    // SAFETY: written once, by hpyx_api_load, before any code of ours runs attached.
    unsafe { &PROBED }
}

/// Whether every handle is checked (HPYX_DEBUG_HANDLES=1).
#[inline]
pub fn checks_handles() -> bool {
    probe().debug != 0
}

/// "cpython", "pypy" or "graalpy".
pub fn family_name() -> &'static str {
    match probe().family {
        bindings::_HPyxFamily_e_HPYX_FAMILY_PYPY => "pypy",
        bindings::_HPyxFamily_e_HPYX_FAMILY_GRAALPY => "graalpy",
        _ => "cpython",
    }
}

/// Whether objects' bodies are invisible to the collector, so that fields are kept as attributes.
#[inline]
pub fn fields_are_attributes() -> bool {
    probe().fields_are_attributes != 0
}

/// Whether tasks are packed and called in native code. Where context variables are Python's own
/// business (PyPy, GraalPy) it is done in Python, which is also where it is cheaper.
#[inline]
pub fn runs_tasks_natively() -> bool {
    probe().native_context_vars != 0
}

/// Whether a thread may wait in native code for as long as it takes. On GraalPy the whole process
/// would hang: a detached thread must come to the interpreter's safepoints, too.
#[inline]
pub fn may_wait_natively() -> bool {
    probe().family != bindings::_HPyxFamily_e_HPYX_FAMILY_GRAALPY
}

/// Whether a signal handler may raise in any function of the C API, even in one that cannot fail:
/// the error is set then, and the function says nothing (GraalPy).
#[inline]
pub fn may_raise_anywhere() -> bool {
    probe().family == bindings::_HPyxFamily_e_HPYX_FAMILY_GRAALPY
}

/// Optional C API functions that are not there.
pub fn missing_functions() -> Vec<&'static str> {
    // SAFETY: reads a table that is complete after the load.
    names(|index| unsafe { bindings::hpyx_missing_function(index) })
}

/// C API functions that are there, but withheld because they are stubs.
pub fn denied_functions() -> Vec<&'static str> {
    // SAFETY: as above.
    names(|index| unsafe { bindings::hpyx_denied_function(index) })
}

/// How often Python has called into native code (under the name "in"), and native code each
/// function of the C API. Empty unless the library was loaded with HPYX_COUNT_CALLS=1.
pub fn call_counts() -> Vec<(&'static CStr, u64)> {
    if probe().counts_calls == 0 {
        return Vec::new();
    }
    let mut counts = vec![(c"in", CALLS_IN.load(Ordering::Relaxed))];
    for index in 0.. {
        let mut count = 0;
        // SAFETY: reads a static table of counters and of names.
        let name = unsafe { bindings::hpyx_call_count(index, &mut count) };
        if name.is_null() {
            break;
        }
        // SAFETY: a string literal of c/slots.def.
        counts.push((unsafe { CStr::from_ptr(name) }, count));
    }
    counts
}

static CALLS_IN: AtomicU64 = AtomicU64::new(0);

/// Python calls into native code.
#[inline(always)]
pub(crate) fn count_call_in() {
    if probe().counts_calls != 0 {
        CALLS_IN.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many owned handles are open now; 0 unless [`checks_handles`].
pub fn open_handles() -> usize {
    // SAFETY: takes a lock for a read.
    unsafe { bindings::hpyx_open_handles() }
}

fn names(at: impl Fn(usize) -> *const std::ffi::c_char) -> Vec<&'static str> {
    (0..)
        .map(at)
        .take_while(|name| !name.is_null())
        // SAFETY: string literals of c/slots.def.
        .map(|name| unsafe { CStr::from_ptr(name) }.to_str().unwrap_or("?"))
        .collect()
}
