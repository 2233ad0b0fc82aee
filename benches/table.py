#!/usr/bin/env python3
"""Make one table of the results of all interpreters.

    python benches/table.py [FILE_OR_FOLDER ...]

Reads what ``run.py`` kept: by default all files in the cache. Each cell says what hpyx measured
and, in parentheses, how many times better that is than ThreadPoolExecutor in the same run.
Needs neither hpyx nor a particular interpreter. Exit code: 1 if there is nothing to show.
"""

import glob
import json
import os
import sys

ORDER = ("cp", "graalpy", "pypy")


def cache_dir():
    """Return the folder where ``run.py`` keeps results."""
    cache = os.environ.get("HPYX_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "hpyx")
    return os.path.join(cache, "benches")


def find_files(arguments):
    """Return the files that the arguments name."""
    files = []
    for name in arguments or [cache_dir()]:
        files += glob.glob(os.path.join(name, "*.json")) if os.path.isdir(name) else [name]
    return files


def read(path):
    """Return the results in one file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def sort_key(results):
    """CPython first, then by version."""
    interpreter = results["interpreter"]
    column = interpreter["column"]
    family = next((i for i, prefix in enumerate(ORDER) if column.startswith(prefix)), len(ORDER))
    version = [int(part) for part in interpreter["python"].split(".")[:2]]
    return family, version, interpreter["free_threaded"]


def amount(value, unit):
    """Write a number with three digits and its unit."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def cell(figure):
    """Write one figure."""
    if figure is None or figure["hpyx"] is None:
        return "-"
    text = amount(figure["hpyx"], figure["unit"])
    return text if figure["ratio"] is None else f"{text} ({amount(figure['ratio'], 'x')})"


def make_table(all_results):
    """Return the table as a list of rows, the header first."""
    titles = {}
    for results in all_results:
        titles.update((figure["name"], figure["title"]) for figure in results["figures"])
    rows = [["interpreter", *titles.values()]]
    for results in all_results:
        figures = {figure["name"]: figure for figure in results["figures"]}
        suffix = " (free-threaded)" if results["interpreter"]["free_threaded"] else ""
        name = results["interpreter"]["name"] + suffix
        rows.append([name, *(cell(figures.get(figure)) for figure in titles)])
    return rows


def show(rows):
    """Print the rows as a Markdown table whose columns line up."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = " | ".join(text.ljust(width) for text, width in zip(row, widths))
        print(f"| {line} |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    all_results = sorted(map(read, find_files(sys.argv[1:])), key=sort_key)
    if not all_results:
        return "nothing measured yet: run make bench"
    first = all_results[0]["interpreter"]
    dates = sorted({results["date"] for results in all_results})
    days = " to ".join(sorted({dates[0], dates[-1]}))
    print(f"{first['workers']} workers, {first['cpus']} CPUs, {days}")
    print("hpyx (times better than ThreadPoolExecutor in the same run)\n")
    show(make_table(all_results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
