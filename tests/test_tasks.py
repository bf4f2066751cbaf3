"""A task is named, kept, and its failure is reported once."""

from __future__ import annotations

import asyncio
import gc

from sfu import tasks


async def test_a_failure_is_reported_with_the_task_name() -> None:
    reported: list[tuple[str, BaseException]] = []
    tasks.on_failure(lambda name, error: reported.append((name, error)))

    async def fail() -> None:
        raise RuntimeError

    task = tasks.spawn(fail(), name="doomed")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert [(name, type(error)) for name, error in reported] == [("doomed", RuntimeError)]


async def test_a_task_is_kept_until_it_ends_and_forgotten_then() -> None:
    before = tasks.running()
    gate = asyncio.Event()
    task = tasks.spawn(gate.wait(), name="waiting")
    gc.collect()
    assert tasks.running() == before + 1
    gate.set()
    await task
    await asyncio.sleep(0)
    assert tasks.running() == before


async def test_a_cancelled_task_is_no_failure() -> None:
    reported: list[str] = []
    tasks.on_failure(lambda name, _: reported.append(name))
    task = tasks.spawn(asyncio.Event().wait(), name="cancelled")
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert reported == []
