"""The only way to start a task: it is named, kept until it ends, and its failure is reported once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Report = Callable[[str, BaseException], None]

_running: set[asyncio.Task[Any]] = set()
_report: Report | None = None


def on_failure(report: Report) -> None:
    """Have `report(task_name, exception)` called for every task that ends by an exception."""
    global _report
    _report = report


def spawn(coroutine: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start `coroutine` as a task. The loop itself keeps only weak references, so we hold one (asyncio docs)."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def start(coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
    """As `spawn`, where nobody waits for the end."""
    _ = spawn(coroutine, name=name)


def running() -> int:
    """How many tasks are under way."""
    return len(_running)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None and _report is not None:
        _report(task.get_name(), error)
