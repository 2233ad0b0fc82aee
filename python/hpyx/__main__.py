"""The command line: ``python -m hpyx`` looks whether everything works, ``trace`` converts traces.

Owns: the arguments and exit codes. Called by: users. The work is done in ``_doctor`` and
``_chrome``. Exit codes: 0 all is well, 1 something is not, 2 wrong usage or a file error.
"""

import argparse
import sys

from . import __version__, _chrome, _doctor


def main(arguments=None):
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hpyx",
        description="Without a command: say what was found, and whether everything works.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--version", action="version", version=f"hpyx {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="trace")
    trace = commands.add_parser("trace", help="convert a trace for a viewer")
    trace.add_argument("file", metavar="FILE", help="what debug.enable_tracing(FILE) wrote")
    trace.add_argument(
        "--chrome",
        metavar="OUT",
        required=True,
        help="write Chrome trace-event JSON, which ui.perfetto.dev opens",
    )
    options = parser.parse_args(arguments)
    if options.command == "trace":
        return _chrome.run(options.file, options.chrome)
    return _doctor.run(options.json)


if __name__ == "__main__":
    sys.exit(main())
