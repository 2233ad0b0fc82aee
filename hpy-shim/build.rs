//! Compiles the C half of the handle layer, and writes the proof that its list of C API functions
//! has the signatures that PyO3 declares for the stable ABI (used by src/slots_proof.rs), and the
//! functions that count calls of the C API (used by c/count.c).

use std::{env, fs, path::Path};

const SOURCES: [&str; 11] = [
    "api", "call", "context", "count", "debug", "layout", "module", "refcount", "symbols",
    "thread", "type",
];

fn main() {
    println!("cargo:rerun-if-changed=c");
    println!("cargo:rerun-if-changed=include");
    write_counters();
    let mut build = cc::Build::new();
    build
        .include("include/forbid")
        .include("include")
        .include("include/hpyx")
        .include("c")
        .include(env::var("OUT_DIR").expect("cargo sets OUT_DIR"))
        .std("c11")
        .opt_level(2)
        .warnings(true)
        .extra_warnings(true)
        .flag_if_supported("-fvisibility=hidden");
    for source in SOURCES {
        build.file(format!("c/{source}.c"));
    }
    build.compile("hpyx_shim");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-lib=dl");
        println!("cargo:rustc-link-lib=pthread");
    }
    write_proof();
}

/// One row of c/slots.def: need, level, result, name, and the parameters without parentheses.
fn slots(list: &str) -> impl Iterator<Item = [&str; 5]> {
    list.lines().filter_map(|line| {
        let mut fields = line.strip_prefix("HPYX_SLOT(")?.strip_suffix("))")?.splitn(5, ", ");
        let mut next = || fields.next().expect("a row has five fields");
        Some([next(), next(), next(), next(), next().trim_start_matches('(')])
    })
}

/// One function per function of the C API: counts the call, and passes it on. Those that take any
/// number of arguments cannot be passed on, and are not counted.
fn write_counters() {
    let list = fs::read_to_string("c/slots.def").expect("c/slots.def is part of this crate");
    let mut text = String::new();
    for [_, _, result, name, params] in slots(&list).filter(|row| !row[4].contains("...")) {
        let names: Vec<&str> = params
            .split(", ")
            .filter(|param| *param != "void")
            .map(|param| &param[strip_name(param).len()..])
            .map(str::trim)
            .collect();
        let (call, names) = (if result == "void" { "" } else { "return " }, names.join(", "));
        text.push_str(&format!(
            "static {result} counted_{name}({params}) {{\n    COUNT({name});\n    \
             {call}uncounted.{name}({names});\n}}\n"
        ));
    }
    text.push_str("static void count_all(void) {\n");
    for [.., name, _] in slots(&list).filter(|row| !row[4].contains("...")) {
        text.push_str(&format!("    COUNT_FROM_NOW_ON({name});\n"));
    }
    text.push_str("}\n");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("counted.h");
    fs::write(out, text).expect("OUT_DIR is writable");
}

/// One line per STABLE function: a constant of the type that c/slots.def gives it, whose value is
/// PyO3's declaration. It compiles only if both agree.
fn write_proof() {
    let list = fs::read_to_string("c/slots.def").expect("c/slots.def is part of this crate");
    let mut proof = String::new();
    for line in list.lines().filter(|line| line.starts_with("HPYX_SLOT(")) {
        let fields: Vec<&str> = line["HPYX_SLOT(".len()..].splitn(5, ", ").collect();
        let (level, name) = (fields[1], fields[3]);
        let declaration = &line[line.find(name).expect("the name is in the line") + name.len()..];
        if level == "STABLE" && !declaration.contains("HPyxRaw") && !declaration.contains("...") {
            proof.push_str(&format!("prove!({name}: {});\n", rust_type(fields[2], declaration)));
        }
    }
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("slots_proof.rs");
    fs::write(out, proof).expect("OUT_DIR is writable");
}

fn rust_type(result: &str, declaration: &str) -> String {
    let params = declaration.trim_start_matches(", (").trim_end_matches("))");
    let params: Vec<String> = params
        .split(", ")
        .filter(|param| *param != "void")
        .map(|param| c_to_rust(strip_name(param)))
        .collect();
    match result {
        "void" => format!("unsafe extern \"C\" fn({})", params.join(", ")),
        _ => format!("unsafe extern \"C\" fn({}) -> {}", params.join(", "), c_to_rust(result)),
    }
}

/// `PyObject * *type` -> `PyObject * *`; a parameter's name is its last word.
fn strip_name(param: &str) -> &str {
    param.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').trim_end()
}

fn c_to_rust(c: &str) -> String {
    let stars = c.matches('*').count();
    let base = c.replace('*', "");
    let (constness, base) = match base.trim().strip_prefix("const ") {
        Some(rest) => ("const", rest.trim()),
        None => ("mut", base.trim()),
    };
    let base = match base {
        "char" => "std::ffi::c_char",
        "int" => "std::ffi::c_int",
        "long" => "std::ffi::c_long",
        "unsigned long" => "std::ffi::c_ulong",
        "long long" => "std::ffi::c_longlong",
        "unsigned long long" => "std::ffi::c_ulonglong",
        "double" => "f64",
        "void" => "std::ffi::c_void",
        "Py_ssize_t" => "isize",
        "PyObject" => "ffi::PyObject",
        "PyTypeObject" => "ffi::PyTypeObject",
        "PyThreadState" => "ffi::PyThreadState",
        other => panic!("c/slots.def: no Rust type known for `{other}`; add it in build.rs"),
    };
    format!("{}{base}", format!("*{constness} ").repeat(stars))
}
