"""kill -9 in the middle of writing: what was said to be written is there, whole, and the log verifies."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from sfu.ids import VisitId
from sfu.visits import audit
from sfu.visits.store import Store

WRITER = """
import asyncio, sys
from sfu.visits.store import Store
from tests.visits.sample import booked, entry, participant

async def main():
    store = await Store.open(sys.argv[1])
    await store.create_visit(booked(), entry())
    for number in range(10_000):
        await store.write(entries=[entry()] * 3, participants=[participant(f"p_{number}")], tickets_used=[f"k_{number}"])
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("steps", [1, 7, 40])
async def test_every_step_that_was_answered_outlives_the_kill(url: str, steps: int) -> None:
    root = Path(__file__).parents[2]
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE, cwd=root
    )
    assert writer.stdout is not None
    answered = [int(await writer.stdout.readline()) for _ in range(steps)][-1]
    writer.kill()
    rest = (await writer.stdout.read()).split()
    answered = int(rest[-1]) if rest else answered
    await writer.wait()

    verdict = audit.verify(url)
    store = await Store.open(url)
    room = await store.load_room(VisitId("v_1"))
    await store.close()
    assert room is not None
    written = len(room.participants)
    # The step under way may have been written just before the kill, and then it is there in all its parts.
    assert answered + 1 <= written <= answered + 2
    assert verdict.fault is None
    assert verdict.head.number == 1 + 3 * written
    assert len(room.tickets_used) == written
