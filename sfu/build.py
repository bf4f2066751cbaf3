"""Which build of the plane runs: the source as it stands, or the same modules compiled (`make compiled`).

A compiled module lies beside its source and Python would prefer it, of whatever age. So it is taken only where all of them were
made from the source that is there; else the source runs, and the server says so. Settled once, when `sfu` is first imported.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

VARIABLE = "EVISIT_PLANE"
"""`python`: the source runs, whatever is there. `compiled`: nothing runs but the compiled modules. Not set: they run if there are any."""
PYTHON = "python"
COMPILED = "compiled"

SUFFIX = EXTENSION_SUFFIXES[0]
"""Of a compiled module for this Python: other versions and machines have others, and never see it."""
SHARED = "_shared"
"""What all compiled modules have in common, a library of its own."""
GLUE = ("rtp/wire.pxd", "transport/native.pxd")
"""What is C in the compiled build, and has a Python file of the same meaning for the other one."""


def declarations(package: Path) -> list[Path]:
    """The `.pxd` file of every module that is compiled."""
    return sorted(path for path in package.rglob("*.pxd") if path.relative_to(package).as_posix() not in GLUE)


def stamp(package: Path) -> Path:
    """The file that says what source the compiled modules are made of."""
    return package / f"compiled{SUFFIX}.sha256"


def digest(package: Path) -> str:
    """Of everything that the compiled modules are made of."""
    digested = hashlib.sha256()
    for path in sorted(package.rglob("*.pxd")):
        for file in (path, path.with_suffix(".py")):
            content = file.read_bytes()
            digested.update(f"{file.relative_to(package).as_posix()} {len(content)}\n".encode() + content)
    return digested.hexdigest()


def settle(package: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Which build is to run, `PYTHON` or `COMPILED`, and why compiled modules that are there do not; empty where there is nothing to say.

    ImportError where `VARIABLE` demands what is not to be had, or says something else.
    """
    wanted = environment.get(VARIABLE, "")
    if wanted not in ("", PYTHON, COMPILED):
        raise ImportError(f"{VARIABLE} is {PYTHON} or {COMPILED}")
    if wanted == PYTHON:
        return PYTHON, ""
    wanted_modules = {path.with_suffix(SUFFIX) for path in (package / SHARED, *declarations(package))}
    modules = set(package.rglob(f"*{SUFFIX}"))
    if not stamp(package).exists() or not wanted_modules <= modules:
        why = ""
    elif modules != wanted_modules or stamp(package).read_text() != digest(package):
        why = "the source has changed since: make compiled"
    else:
        return COMPILED, ""
    if wanted == COMPILED:
        raise ImportError(f"{VARIABLE} is {COMPILED}, but {why or 'there is no compiled build here: make compiled'}")
    return PYTHON, why


class SourceAlone:
    """Finds the source of whatever is compiled, also of what is not any more, where Python's own finder would take what lies beside it."""

    def __init__(self, name: str, package: Path) -> None:
        sources = (path.with_name(path.name.removesuffix(SUFFIX) + ".py") for path in package.rglob(f"*{SUFFIX}"))
        self._sources = {
            ".".join((name, *path.relative_to(package).with_suffix("").parts)): path
            for path in sources
            if path.exists()
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        source = self._sources.get(fullname)
        return spec_from_file_location(fullname, source) if source is not None else None


def _choose() -> tuple[str, str]:
    package = Path(__file__).parent
    build, why = settle(package, os.environ)
    if build == PYTHON and next(package.rglob(f"*{SUFFIX}"), None) is not None:
        sys.meta_path.insert(0, SourceAlone("sfu", package))
    return build, why


PLANE, STALE = _choose()
"""The build that runs, and why compiled modules that are there do not."""
