"""A heap of calls."""

from __future__ import annotations

from sfu.transport.timers import Timers


def test_calls_come_due_in_order_each_once() -> None:
    timers = Timers()
    made: list[str] = []
    for when, name in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (1.0, "a too")):
        timers.at(when, 7, lambda now, name=name: made.append(f"{name} at {now}"))  # type: ignore[misc]  # bound by default
    assert timers.next() == 1.0
    for owner, call in timers.due(2.0):
        assert owner == 7
        call(2.0)
    assert made == ["a at 2.0", "a too at 2.0", "b at 2.0"]
    assert timers.next() == 3.0
    assert timers.due(2.9) == []


def test_what_a_call_adds_waits_for_the_next_time() -> None:
    timers = Timers()

    def again(now: float) -> None:
        timers.at(now, 1, again)

    timers.at(1.0, 1, again)
    for _ in range(3):
        calls = timers.due(1.0)
        assert len(calls) == 1
        calls[0][1](1.0)


def test_nothing_to_do_is_none() -> None:
    assert Timers().next() is None
    assert Timers().due(1e9) == []
