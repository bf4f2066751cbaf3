"""Who may import whom (docs/architecture.md), and how long a file gets. Read from the source, not from what happens to be loaded."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = {"errors", "ids", "redact", "histogram", "clock", "tasks", "log", "config", "build"}
PURE_LEAVES = {"errors", "ids", "redact", "histogram"}
MAY_IMPORT = {
    "rtp": set(),
    "admission": set(),
    "rooms": {"admission"},
    "signaling": {"rooms", "admission"},
    "transport": {"rtp"},
    "visits": {"admission"},
    "metrics": set(),
    "cluster": set(),
    "config": set(),
    "demo": set(),
    "web": {"signaling", "rooms", "admission", "visits", "metrics"},
}
NATIVE = {"aiortc", "aioice", "pylibsrtp", "OpenSSL", "cffi"}
"""Libraries of the media transport; named only where architecture.md says."""
MOST_LINES = 400


def modules() -> list[Path]:
    return sorted((ROOT / "sfu").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names that the module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def ours(names: set[str]) -> set[str]:
    """The parts of `sfu` among imported names: `sfu.rtp.seq` is `rtp`."""
    return {name.split(".")[1] for name in names if name.startswith("sfu.")}


def part(path: Path) -> str:
    return path.relative_to(ROOT / "sfu").with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_the_architecture_allows(path: Path) -> None:
    name = part(path)
    if name in ("app", "__main__"):
        return
    allowed = (MAY_IMPORT[name] | LEAVES | {name}) if name in MAY_IMPORT else LEAVES
    assert ours(imported(path)) - {"__version__"} <= allowed


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_but_the_command_line_imports_app(path: Path) -> None:
    if part(path) not in ("app", "__main__"):
        assert "app" not in ours(imported(path))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_media_libraries_are_named_only_in_transport_and_sdp(path: Path) -> None:
    if part(path) == "transport" or "sdp" in path.parts or "sdp" in path.stem:
        return
    assert not {name.split(".")[0] for name in imported(path)} & NATIVE


@pytest.mark.parametrize("name", ["rtp", "admission", "rooms", "signaling"])
def test_a_pure_part_reads_no_clock_starts_no_task_and_does_not_log(name: str) -> None:
    for path in (ROOT / "sfu" / name).rglob("*.py"):
        names = imported(path)
        assert not ours(names) & (LEAVES - PURE_LEAVES), path
        assert not {part.split(".")[0] for part in names} & {"asyncio", "logging", "structlog", "socket", "time"}, path


def test_every_folder_of_sfu_stands_in_the_table() -> None:
    folders = {path.name for path in (ROOT / "sfu").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(MAY_IMPORT) | {"app"}


def test_the_demos_portals_know_the_server_by_its_api_alone() -> None:
    """They are the example of an integration: whoever reads them must not need anything that is not theirs too."""
    for path in (ROOT / "sfu" / "demo").rglob("*.py"):
        assert ours(imported(path)) <= {"demo", "clock"}, path


def test_a_file_is_read_at_one_sitting() -> None:
    """One noun each: where a file has more than so many lines, it has become two."""
    files = [path for folder in ("sfu", "bench", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 400, "they must have been found"
    long = {str(path.relative_to(ROOT)) for path in files if len(path.read_text().splitlines()) > MOST_LINES}
    assert not long
