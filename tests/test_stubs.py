"""The stubs and the modules name the same things, with the same parameters."""

import ast
import importlib
import inspect
import pathlib

import pytest

import hpyx

PACKAGE = pathlib.Path(hpyx.__file__).parent
# hpyx.joblib needs joblib; tests/ecosystem imports it. _native describes what users never see.
LEFT_OUT = {"joblib", "_native"}
STUBS = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.pyi")
    if path.stem not in LEFT_OUT
)


def module_of(name):
    return importlib.import_module("hpyx" if name == "__init__" else "hpyx." + name)


def tree_of(name):
    text = (PACKAGE / (name.replace(".", "/") + ".pyi")).read_text(encoding="utf-8")
    return ast.parse(text).body


def names_in(body):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def parameters(node):
    kinds = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    names = [argument.arg for argument in kinds if argument.arg not in ("self", "cls")]
    return sorted(names)


def is_overload(node):
    return any(getattr(mark, "id", "") == "overload" for mark in node.decorator_list)


def complaints_about(owner, body, where):
    for name, node in names_in(body):
        if name.startswith("_") and not name.startswith("__"):
            continue  # helpers of the stub itself
        if isinstance(node, ast.AnnAssign) and isinstance(owner, type):
            continue  # attributes that instances have
        if not hasattr(owner, name):
            yield f"{where}.{name} is only in the stub"
        elif isinstance(node, ast.ClassDef):
            yield from complaints_about(getattr(owner, name), node.body, name)
        elif isinstance(node, ast.FunctionDef) and not is_overload(node):
            yield from complaints_about_parameters(getattr(owner, name), node, where)


def complaints_about_parameters(function, node, where):
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return  # a native function, which some interpreters do not describe
    if any(p.kind is p.VAR_POSITIONAL for p in found) or node.args.vararg:
        return
    names = sorted(
        p.name for p in found if p.name not in ("self", "cls") and p.kind < p.VAR_KEYWORD
    )
    if names != parameters(node):
        yield f"{where}.{node.name} has {names}, its stub {parameters(node)}"


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_names_what_its_module_has(name):
    assert list(complaints_about(module_of(name), tree_of(name), name)) == []


@pytest.mark.parametrize("name", [n for n in STUBS if hasattr(module_of(n), "__all__")])
def test_a_stub_has_all_public_names(name):
    text = (PACKAGE / (name.replace(".", "/") + ".pyi")).read_text(encoding="utf-8")
    assert [public for public in module_of(name).__all__ if public not in text] == []
