"""What waits for a slow reader: bounded, in order, never ahead of the snapshot that it relies on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.signaling.outbox import Outbox


def drained(outbox: Outbox) -> list[str]:
    taken = []
    while (text := outbox.take()) is not None:
        taken.append(text)
    return taken


def test_messages_come_out_in_order() -> None:
    outbox = Outbox()
    for text in ("a", "b", "c"):
        outbox.put(text)
    assert (len(outbox), outbox.size) == (3, 3)
    assert drained(outbox) == ["a", "b", "c"]
    assert (len(outbox), outbox.size) == (0, 0)


def test_a_newer_snapshot_takes_the_place_of_the_one_that_waits() -> None:
    outbox = Outbox()
    outbox.put("roster 1", replaces="roster")
    outbox.put("lobby 1", replaces="lobby")
    outbox.put("text")
    outbox.put("roster 22", replaces="roster")
    outbox.put("lobby 2", replaces="lobby")
    assert outbox.size == len("roster 22lobby 2text")
    assert drained(outbox) == ["roster 22", "lobby 2", "text"]


def test_a_snapshot_that_is_being_written_is_not_replaced() -> None:
    outbox = Outbox()
    outbox.put("roster 1", replaces="roster")
    assert outbox.take() == "roster 1"
    outbox.put("text")
    outbox.put("roster 2", replaces="roster")
    assert drained(outbox) == ["text", "roster 2"]


def test_a_snapshot_never_moves_to_before_a_change_of_state() -> None:
    outbox = Outbox()
    outbox.put("roster 1", replaces="roster")
    outbox.put("waiting", barrier=True)
    outbox.put("admitted", barrier=True)
    outbox.put("roster 2", replaces="roster")
    outbox.put("roster 3", replaces="roster")
    assert drained(outbox) == ["roster 1", "waiting", "admitted", "roster 3"]


def test_too_many_messages_overflow() -> None:
    outbox = Outbox()
    for _ in range(256):
        outbox.put("x")
    assert (outbox.overflowed, len(outbox)) == (False, 256)
    outbox.put("x")
    assert (outbox.overflowed, len(outbox), outbox.size) == (True, 0, 0)


def test_too_many_bytes_overflow() -> None:
    outbox = Outbox()
    outbox.put("å" * (128 * 1024))
    assert (outbox.overflowed, outbox.size) == (False, 256 * 1024)
    outbox.put("x")
    assert (outbox.overflowed, outbox.size) == (True, 0)


def test_a_snapshot_that_has_grown_too_large_overflows() -> None:
    outbox = Outbox(max_bytes=10)
    outbox.put("12345678", replaces="roster")
    outbox.put("12345678901", replaces="roster")
    assert outbox.overflowed


def test_any_number_of_rosters_does_not_overflow() -> None:
    outbox = Outbox()
    for version in range(10_000):
        outbox.put(f"roster {version}", replaces="roster")
    assert drained(outbox) == ["roster 9999"]


def test_after_an_overflow_nothing_is_taken() -> None:
    outbox = Outbox(max_messages=1)
    outbox.put("a")
    outbox.put("b")
    outbox.put("c")
    assert outbox.overflowed
    assert outbox.take() is None


@given(st.lists(st.sampled_from(["roster", "text", "state", "take"]), max_size=60))
def test_nothing_is_delivered_ahead_of_the_roster_it_relies_on(steps: list[str]) -> None:
    """A text relies on the newest roster before it; a state is delivered between the rosters that it stood between."""
    outbox = Outbox()
    version, state, delivered = 0, 0, []
    for step in steps:
        if step == "take":
            delivered.append(outbox.take())
        elif step == "roster":
            version += 1
            outbox.put(f"roster {version} {state}", replaces="roster")
        elif step == "state":
            state += 1
            outbox.put(f"state {state}", barrier=True)
        else:
            outbox.put(f"text {version} {state}")
    delivered += drained(outbox)

    seen_version = seen_state = 0
    for line in delivered:
        kind, *numbers = (line or "nothing").split()
        if kind == "roster":
            assert int(numbers[0]) > seen_version
            seen_version = int(numbers[0])
            assert int(numbers[1]) == seen_state
        elif kind == "state":
            assert int(numbers[0]) == seen_state + 1
            seen_state += 1
        elif kind == "text":
            assert int(numbers[0]) <= seen_version
            assert int(numbers[1]) == seen_state
    assert seen_version == version
    assert sum("text" in (line or "") for line in delivered) == steps.count("text")
