#!/usr/bin/env python3
"""Write ``hpy-shim/src/bindings.rs`` from the C header ``hpy-shim/include/hpyx/hpy.h``.

    python3 ci/bindings.py            write it
    python3 ci/bindings.py --check    fail unless the file in the tree is what would be written

libclang comes from PyPI into a tool environment; the generator is the crate ``ci/bindgen``, built
in the cache. Its version and that of libclang are pinned, so the output is the same everywhere.
"""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
from pathlib import Path

from common.places import ROOT, cache_dir
from common.process import Failure, main_guard, run, say
from common.tools import tool_environment

LIBCLANG = "libclang==18.1.1"
HEADER = ROOT / "hpy-shim" / "include" / "hpyx" / "hpy.h"
BINDINGS = ROOT / "hpy-shim" / "src" / "bindings.rs"
EDITION = "2021"


def generate() -> str:
    """Return the bindings of the header, formatted as the tree is."""
    environment = tool_environment([LIBCLANG])
    libraries = list(environment.glob("lib/python*/site-packages/clang/native/libclang.*"))
    if not libraries:
        raise Failure(f"{LIBCLANG} holds no library for this machine")
    env = {
        "LIBCLANG_PATH": str(libraries[0].parent),
        "CARGO_TARGET_DIR": str(cache_dir() / "target-bindgen"),
        "BINDGEN_EXTRA_CLANG_ARGS": f"-isystem {_compiler_headers()}",
    }
    manifest = ROOT / "ci" / "bindgen" / "Cargo.toml"
    cargo = ["cargo", "run", "--quiet", "--locked", "--manifest-path", manifest, "--"]
    text = run([*cargo, HEADER, HEADER.parents[1]], env=env, cwd=ROOT)
    return _formatted(text)


def _compiler_headers() -> str:
    """Return gcc's own include folder: PyPI's libclang comes without stddef.h and the like."""
    return str(Path(run(["cc", "-print-file-name=include"]).strip()))


def _formatted(text: str) -> str:
    words = ["rustfmt", "--edition", EDITION, "--config-path", str(ROOT), "--emit", "stdout"]
    done = subprocess.run(words, input=text, capture_output=True, text=True, env=os.environ)
    if done.returncode != 0:
        raise Failure(f"rustfmt does not accept what bindgen wrote: {done.stderr[-500:]}")
    return done.stdout


def main() -> int:
    """Write the bindings, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    new = generate()
    old = BINDINGS.read_text() if BINDINGS.exists() else ""
    name = str(BINDINGS.relative_to(ROOT))
    if not options.check:
        BINDINGS.write_text(new)
        say(f"{name}: {'unchanged' if new == old else 'written'}")
    elif new != old:
        diff = difflib.unified_diff(old.splitlines(), new.splitlines(), name, "from hpy.h", "", "")
        sys.stdout.write("\n".join(list(diff)[:60]) + "\n")
        raise Failure(f"{name} is not current; run: python3 ci/bindings.py")
    return 0


if __name__ == "__main__":
    main_guard(main)
