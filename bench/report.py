"""How results are shown: progress while a scenario runs, a header that says where figures come from, a table, or JSON rows."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sfu import build

Row = Mapping[str, object]
"""One measurement: JSON values by name."""


class Watcher(Protocol):
    """Who is told how far a run has come."""

    def tell(self, point: str, phase: str, done: float, of: float) -> None:
        """`point` names the row that is being measured."""
        ...


class ProgressBar:
    """A bar on standard error where a person looks, a line for each phase where it is piped."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("start", total=None)
        self._last = ""

    def __enter__(self) -> ProgressBar:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, point: str, phase: str, done: float, of: float) -> None:
        title = f"{point}: {phase}"
        if self._console.is_terminal:
            self._bar.update(self._task, description=title, completed=done, total=of)
        elif title != self._last:
            self._console.print(title, highlight=False)
        self._last = title


def header() -> str:
    """Machine, interpreter, commit, build of the plane and command: without them a figure says nothing."""
    return "\n".join(
        (
            f"machine   {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            f"python    {platform.python_version()}",
            f"commit    {_commit()}",
            f"plane     {build.PLANE}",
            f"command   python -m bench {shlex.join(sys.argv[1:])}",
        )
    )


def table(rows: Sequence[Row], columns: Mapping[str, str]) -> Table:
    """A table of `columns` (row key to heading), figures to the right."""
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in columns.values():
        made.add_column(heading, justify="right")
    for row in rows:
        made.add_row(*(_cell(row[key]) for key in columns))
    return made


def as_json(rows: Sequence[Row]) -> str:
    """The rows as a JSON list, a row a line."""
    return "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
