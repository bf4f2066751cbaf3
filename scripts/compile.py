"""`python scripts/compile.py [FOLDER]`: compile the plane, here or in a copy in FOLDER. `--clean`: take it away again.

A copy has the clients of the load tests too, compiled as well.

Needs Cython (constraints-compile.txt), a C compiler and Python's headers (scripts/need-compiler). `make compiled` sees to all of it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sfu.build import SHARED, SUFFIX, declarations, digest, stamp  # noqa: E402

DIRECTIVES = {
    "language_level": "3",
    "annotation_typing": "False",  # types are those of the .pxd files: an annotation says what the interpreter sees
    "infer_types": "True",
    "boundscheck": "True",
    "wraparound": "True",
    "nonecheck": "True",
    "cdivision": "False",
    "overflowcheck": "False",  # numbers are 64 bits wide, and those of packets at most 32 (docs/architecture.md)
}
# -fwrapv: signed numbers wrap as unsigned ones do, which is defined then.
FLAGS = ("-O2", "-g0", "-fwrapv", "-fno-strict-aliasing", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-DNDEBUG")


def run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


def cython(*arguments: str, folder: Path) -> None:
    run(sys.executable, "-m", "cython", *arguments, folder=folder)


def build_library(source: Path) -> None:
    """From C to what Python imports; the C goes away."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    include = f"-I{sysconfig.get_path('include')}"
    target = source.with_suffix(SUFFIX)
    run(*compiler, *FLAGS, "-shared", "-fPIC", include, str(source), "-o", str(target), folder=source.parent)
    source.unlink()


def build_module(package: Path, declared: Path) -> None:
    source = declared.with_suffix(".py").relative_to(package.parent)
    name = ".".join(source.with_suffix("").parts)
    directives = [part for key, value in DIRECTIVES.items() for part in ("-X", f"{key}={value}")]
    made = declared.with_suffix(".c")
    common = (f"--shared={package.name}.{SHARED}", "--module-name", name, "--no-docstrings")
    cython(*directives, *common, str(source), "-o", str(made), folder=package.parent)
    build_library(made)


def build(package: Path) -> None:
    """Compile every module that has a `.pxd` file; nothing where that is done already."""
    wanted = digest(package)
    if stamp(package).exists() and stamp(package).read_text() == wanted:
        return
    clean(package)
    shared = package / f"{SHARED}.c"
    cython(f"--generate-shared={shared}", folder=package.parent)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(build_module, package, declared) for declared in declarations(package)]
        build_library(shared)
        for job in jobs:
            job.result()
    stamp(package).write_text(wanted)


def clean(package: Path) -> None:
    stamp(package).unlink(missing_ok=True)
    for path in package.rglob(f"*{SUFFIX}"):
        path.unlink()


def copy(source: Path, folder: Path) -> Path:
    """A package in a folder of its own; what was compiled there of the same source stays."""
    package = folder / source.name
    found = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    kept = {path for path in found if "__pycache__" not in path.parts and path.suffix not in (".so", ".c", ".sha256")}
    for path in kept:
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, package / path)
    for path in package.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".pxd") and path.relative_to(package) not in kept:
            path.unlink()
    return package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where to compile a copy; without it, here")
    parser.add_argument("--clean", action="store_true", help="take away what was compiled")
    options = parser.parse_args()
    packages = [ROOT / "sfu"]
    if options.folder is not None:
        packages = [copy(ROOT / name, options.folder.resolve()) for name in ("sfu", "bench")]
    for package in packages:
        if options.clean:
            clean(package)
        else:
            build(package)


if __name__ == "__main__":
    main()
