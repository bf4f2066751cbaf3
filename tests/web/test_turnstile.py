"""One in every turn of the loop, in the order of coming."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from sfu import tasks
from sfu.web.turnstile import Turnstile


class Crowd:
    """People at a turnstile, who are noted when they are through."""

    def __init__(self) -> None:
        self.turnstile = Turnstile()
        self.through: list[int] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def come(self, *numbers: int) -> None:
        for number in numbers:
            self._tasks[number] = tasks.spawn(self._enter(number), name="enter")

    def go(self, number: int) -> None:
        self._tasks[number].cancel()

    async def until(self, through: int) -> None:
        """That many are through."""
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(self.through) == through

    async def _enter(self, number: int) -> None:
        await self.turnstile.enter()
        self.through.append(number)


async def test_a_crowd_takes_as_many_turns_as_it_has_people() -> None:
    crowd = Crowd()
    crowd.come(*range(50))
    seen = []
    while len(crowd.through) < 50:
        seen.append(len(crowd.through))
        await asyncio.sleep(0)
    assert crowd.through == list(range(50))
    assert max(after - before for before, after in pairwise(seen)) == 1
    assert len(crowd.turnstile) == 0


async def test_who_comes_alone_is_through_at_once() -> None:
    crowd = Crowd()
    for number in range(3):
        await crowd.turnstile.enter()
        assert len(crowd.turnstile) == 0, number


async def test_who_has_gone_is_passed_over_and_costs_no_turn() -> None:
    crowd = Crowd()
    crowd.come(1, 2, 3, 4)
    await asyncio.sleep(0)
    crowd.go(2)
    crowd.go(3)
    await crowd.until(2)
    assert crowd.through == [1, 4]
    crowd.come(5)
    await crowd.until(3)
    assert crowd.through == [1, 4, 5]
