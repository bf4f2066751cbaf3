"""Which build of the plane runs. Both are run by the tests of `tests/rtp`, `tests/transport` and `tests/fuzz`: `make test`."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bench
import sfu
from sfu import build
from sfu.build import COMPILED, GLUE, PYTHON, SHARED, SUFFIX, declarations, digest, settle, stamp
from sfu.transport.plane import Plane

PACKAGE = Path(sfu.__file__).parent
BENCH = Path(bench.__file__).parent
HOT = ("rtp/packet", "rtp/seqmap", "rtp/receive_log", "rtp/extensions", "transport/plane", "transport/forwarding")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One with a module that could be compiled, whose compiled twin says another thing, and is fresh."""
    package = tmp_path / "sfu"
    package.mkdir()
    (package / "build.py").write_text((PACKAGE / "build.py").read_text())
    (package / "__init__.py").write_text("from sfu import build as build\n")
    (package / "hot.pxd").write_text("")
    (package / "hot.py").write_text("SAYS = 'source'\n")
    for name in ("hot", SHARED):
        (package / f"{name}{SUFFIX}").write_bytes(b"no library")
    stamp(package).write_text(digest(package))
    return package


def says(package: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a process that imports the module is told of it and of the build."""
    return subprocess.run(
        [sys.executable, "-c", "from sfu import build, hot; print(hot.SAYS, build.PLANE, build.STALE)"],
        cwd=package.parent,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_modules_that_run_are_of_the_build_that_is_said_to_run() -> None:
    """Run with `EVISIT_PLANE=compiled` this is what fails where the compiled modules are not those that the tests have run."""
    assert os.environ.get(build.VARIABLE, build.PLANE) == build.PLANE
    suffix = SUFFIX if build.PLANE == COMPILED else ".py"
    modules = [path.relative_to(PACKAGE).with_suffix("").as_posix() for path in declarations(PACKAGE)]
    assert set(HOT) <= set(modules)
    for module in modules:
        file = importlib.import_module("sfu." + module.replace("/", ".")).__file__
        assert file is not None
        assert file == f"{PACKAGE / module}{suffix}"
    kind = type(Plane.receive).__name__
    assert kind == ("cython_function_or_method" if build.PLANE == COMPILED else "function")


def test_the_clients_of_the_bench_are_compiled_beside_a_compiled_plane_alone() -> None:
    """They know its layout. Where only the plane is compiled, they run as they stand."""
    compiled = COMPILED in {build.PLANE} & {settle(BENCH, {})[0]}
    names = [path.stem for path in declarations(BENCH)]
    assert "client" in names
    for name in names:
        assert importlib.import_module(f"bench.{name}").__file__ == f"{BENCH / name}{SUFFIX if compiled else '.py'}"


def test_the_bench_runs_its_source_where_that_of_the_plane_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import bench.client; print(bench.client.__file__)"],
        cwd=BENCH.parent,
        env={"PATH": os.environ["PATH"], build.VARIABLE: PYTHON},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{BENCH / 'client'}.py\n", "")


def test_what_is_there_and_fresh_runs(package: Path) -> None:
    assert settle(package, {}) == (COMPILED, "")
    assert settle(package, {build.VARIABLE: COMPILED}) == (COMPILED, "")
    assert "hot" in says(package).stderr, "Python has tried to load what is no library"


def test_a_changed_source_runs_itself_and_that_is_said(package: Path) -> None:
    (package / "hot.py").write_text("SAYS = 'newer source'\n")
    assert says(package).stdout == f"newer source {PYTHON} the source has changed since: make compiled\n"


@pytest.mark.parametrize("changed", ["hot.py", "hot.pxd"])
def test_compiled_modules_of_another_source_are_not_what_was_demanded(package: Path, changed: str) -> None:
    (package / changed).write_text("SAYS = 'newer source'\n")
    with pytest.raises(ImportError, match="the source has changed"):
        settle(package, {build.VARIABLE: COMPILED})
    assert says(package, EVISIT_PLANE=COMPILED).returncode == 1


@pytest.mark.parametrize("gone", [f"hot{SUFFIX}", f"{SHARED}{SUFFIX}", f"compiled{SUFFIX}.sha256"])
def test_a_build_that_is_not_whole_does_not_run(package: Path, gone: str) -> None:
    (package / gone).unlink()
    assert says(package).stdout == f"source {PYTHON} \n"
    with pytest.raises(ImportError, match="no compiled build here"):
        settle(package, {build.VARIABLE: COMPILED})


def test_what_was_compiled_once_and_is_not_any_more_does_not_run(package: Path) -> None:
    (package / "hot.pxd").unlink()
    assert says(package).stdout == f"source {PYTHON} the source has changed since: make compiled\n"
    stamp(package).write_text(digest(package))
    assert says(package).stdout == f"source {PYTHON} the source has changed since: make compiled\n"


def test_the_source_can_be_asked_for(package: Path) -> None:
    assert says(package, EVISIT_PLANE=PYTHON).stdout == f"source {PYTHON} \n"


def test_another_word_is_refused(package: Path) -> None:
    with pytest.raises(ImportError, match="EVISIT_PLANE is python or compiled"):
        settle(package, {build.VARIABLE: "fast"})


def test_every_declaration_has_a_source_and_the_glue_is_none_of_them() -> None:
    declared = declarations(PACKAGE)
    assert len(declared) > 25, "they must have been found"
    assert all(path.with_suffix(".py").exists() for path in declared)
    assert all((PACKAGE / glue).exists() for glue in GLUE)
    assert not {path.relative_to(PACKAGE).as_posix() for path in declared} & set(GLUE)


def attributes_set(source: Path) -> dict[str, set[str]]:
    """By class, the attributes that its methods set."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                target.attr
                for target in ast.walk(node)
                if isinstance(target, ast.Attribute)
                and isinstance(target.ctx, ast.Store)
                and isinstance(target.value, ast.Name)
                and target.value.id == "self"
            }
    return found


def attributes_declared(declaration: Path) -> dict[str, set[str]]:
    """By class, the attributes that a `.pxd` file gives it."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in declaration.read_text().splitlines():
        if match := re.match(r"cdef class (\w+)", line):
            name = match[1]
            found[name] = set()
        elif name and (match := re.fullmatch(r"    cdef (?:public )?([^()]+)", line)):
            found[name] |= {part.split()[-1] for part in match[1].split(",")}
    return found


@pytest.mark.parametrize("declaration", [*declarations(PACKAGE), *declarations(BENCH)], ids=lambda path: path.stem)
def test_what_is_declared_is_what_the_source_has(declaration: Path) -> None:
    """An attribute that is not declared is an error that the compiled build alone would meet."""
    source = attributes_set(declaration.with_suffix(".py"))
    for name, declared in attributes_declared(declaration).items():
        assert declared == source[name], name


def arguments_of(source: Path) -> dict[str, list[str]]:
    """By function or method, as `Class.method`, the names of its arguments; of those that only a name can give, with a star."""
    found: dict[str, list[str]] = {}
    tree = ast.parse(source.read_text())
    holders: list[ast.Module | ast.ClassDef] = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for holder in holders:
        prefix = f"{holder.name}." if isinstance(holder, ast.ClassDef) else ""
        for node in holder.body:
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                found[prefix + node.name] = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
                found[prefix + node.name] += [f"*{each.arg}" for each in arguments.kwonlyargs]
    return found


def arguments_declared(declaration: Path) -> dict[str, list[str]]:
    """The same, of the functions that a `.pxd` file declares."""
    found: dict[str, list[str]] = {}
    text = re.sub(r"#.*", "", declaration.read_text())
    holder = ""
    for match in re.finditer(r"^cdef class (\w+)|^( *)cp?def (?:[^\n(]* )?(\w+)\(([^)]*)\)", text, re.MULTILINE):
        if match[1]:
            holder = f"{match[1]}."
            continue
        names = [re.split(r"[ *]+", part.partition("=")[0].strip())[-1] for part in match[4].split(",") if part.strip()]
        found[(holder if match[2] else "") + match[3]] = names
    return found


@pytest.mark.parametrize("declaration", [*declarations(PACKAGE), *declarations(BENCH)], ids=lambda path: path.stem)
def test_what_is_declared_is_called_as_the_source_has_it(declaration: Path) -> None:
    """C has no arguments that only a name can give; one more or less is an error that the compiled build alone would meet."""
    source = arguments_of(declaration.with_suffix(".py"))
    for name, declared in arguments_declared(declaration).items():
        assert declared == source[name], name


def test_declared_arguments_are_found() -> None:
    assert arguments_declared(PACKAGE / "rtp/bandwidth/onset.pxd")["Onset.add"] == ["self", "sent", "arrival", "size"]
    assert len(arguments_declared(PACKAGE / "transport/outgoing.pxd")["OutgoingStream.forward"]) > 5
