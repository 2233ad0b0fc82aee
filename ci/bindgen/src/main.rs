//! Prints the Rust bindings of `hpy-shim/include/hpyx/hpy.h` on standard output.
//!
//! Called by: `ci/bindings.py`, with the header and its include folder as arguments.
//! Layouts are not tested here: static assertions in C do that.
//! Errors: exit code 1 and a message when clang does not accept the header.

use std::process::ExitCode;

const OURS: &str = "_?HPy.*|hpyx_.*|HPYX_.*";
const HEADER: &str = "\
//! Rust declarations of `include/hpyx/hpy.h`, written by bindgen. Do not edit.
//!
//! To write this file again after a change of the header: `python3 ci/bindings.py`. The check
//! `bindings` of `ci/check.py` fails when it is not current.
";
/// Of the `Default` of each C structure, the only unsafe code that bindgen writes for this header.
const ARGUMENT: &str = "
// SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
// zeroed memory is a valid value of each.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [header, include] = arguments.as_slice() else {
        eprintln!("usage: hpyx-bindgen <header> <include folder>");
        return ExitCode::FAILURE;
    };
    let generated = bindgen::Builder::default()
        .header(header)
        .clang_arg(format!("-I{include}"))
        .allowlist_type(OURS)
        .allowlist_function(OURS)
        .allowlist_var(OURS)
        .use_core()
        .derive_debug(true)
        .derive_default(true)
        .derive_copy(true)
        .layout_tests(false)
        .generate_comments(false)
        .disable_header_comment()
        .formatter(bindgen::Formatter::None)
        .generate();
    match generated {
        Ok(bindings) => {
            let argued = format!("{ARGUMENT}unsafe {{");
            println!("{HEADER}\n{}", bindings.to_string().replace("unsafe {", &argued));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("hpyx-bindgen: {header}: {error}");
            ExitCode::FAILURE
        }
    }
}
