//! Proof that `c/slots.def` gives each STABLE function the signature that PyO3 declares for it.
//!
//! Compiling this file is the check: build.rs turns every line of the list into `prove!(name:
//! type)`. Nothing is linked, since the constants are never used.

use pyo3::ffi;

macro_rules! prove {
    ($name:ident: $signature:ty) => {
        #[allow(dead_code)]
        const _: $signature = ffi::$name;
    };
}

include!(concat!(env!("OUT_DIR"), "/slots_proof.rs"));

#[test]
fn slots_match_pyo3() {
    let proven = include_str!(concat!(env!("OUT_DIR"), "/slots_proof.rs"));
    assert!(proven.lines().count() > 40, "the proof covers too few functions:\n{proven}");
}
