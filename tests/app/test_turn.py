"""One at a time, in the order of asking; strangers who knock come last, and nobody who gives up keeps the others waiting."""

from __future__ import annotations

import asyncio

import pytest

from sfu import tasks
from sfu.app.turn import Turn


class Queue:
    """People who ask for a turn, have it until they are told to end, and are noted as they get it."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.had: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, name: str, *, last: bool = False) -> None:
        self._ends[name] = asyncio.Event()

        async def have() -> None:
            async with self.turn.take(last=last):
                self.had.append(name)
                await self._ends[name].wait()

        self._tasks[name] = tasks.spawn(have(), name=name)
        await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks[name]
        await asyncio.sleep(0)

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._tasks[name]
        await asyncio.sleep(0)


async def test_one_at_a_time_in_the_order_of_asking() -> None:
    queue = Queue()
    for name in "abc":
        await queue.ask(name)
    assert queue.had == ["a"]
    await queue.end("a")
    assert queue.had == ["a", "b"]
    await queue.end("b")
    await queue.end("c")
    assert queue.had == ["a", "b", "c"]
    assert not queue.turn.taken()


async def test_strangers_come_after_everybody_who_asks_before_their_turn_has_come() -> None:
    queue = Queue()
    for name in ("stranger 1", "stranger 2", "stranger 3"):
        await queue.ask(name, last=True)
    await queue.ask("staff")
    await queue.end("stranger 1")
    await queue.ask("staff again")
    await queue.end("staff")
    await queue.end("staff again")
    await queue.end("stranger 2")
    assert queue.had == ["stranger 1", "staff", "staff again", "stranger 2", "stranger 3"]
    await queue.end("stranger 3")


async def test_nobody_comes_in_between_who_has_it_and_whom_it_is_handed_to() -> None:
    queue = Queue()
    await queue.ask("a")
    await queue.ask("b", last=True)
    queue._ends["a"].set()
    await queue._tasks["a"]
    assert queue.turn.taken()
    await queue.ask("c")
    assert queue.had == ["a", "b"]
    await queue.end("b")
    await queue.end("c")


@pytest.mark.parametrize("last", [False, True])
async def test_who_gives_up_is_passed_over(last: bool) -> None:
    queue = Queue()
    for name in "abc":
        await queue.ask(name, last=last)
    await queue.give_up("b")
    await queue.end("a")
    assert queue.had == ["a", "c"]
    await queue.end("c")
    assert not queue.turn.taken()


async def test_who_gives_up_when_it_is_theirs_hands_it_on() -> None:
    queue = Queue()
    async with queue.turn.take():
        await queue.ask("b")
        await queue.ask("c")
    await queue.give_up("b")  # who had been called, and had not run yet
    assert queue.had == ["c"]
    await queue.end("c")
    assert not queue.turn.taken()


async def test_a_fault_in_a_turn_ends_it() -> None:
    turn = Turn()
    with pytest.raises(ZeroDivisionError):
        async with turn.take():
            raise ZeroDivisionError
    assert not turn.taken()
