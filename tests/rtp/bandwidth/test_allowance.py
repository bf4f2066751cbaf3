from __future__ import annotations

from sfu.rtp.bandwidth.allowance import DRAINED, LEAST, Allowance


def first_exceeded(sending: float, rate: float, seconds: float = 30.0) -> float | None:
    """When a steady sender is cut off, asked at each of 30 frames a second."""
    allowance = Allowance()
    for frame in range(int(seconds * 30)):
        now = 50.0 + frame / 30
        if allowance.fill(int(sending / 8 * frame / 30), rate, now) > 1:
            return frame / 30
    return None


def test_what_the_way_takes_is_never_cut() -> None:
    assert first_exceeded(1e6, 1e6) is None
    assert first_exceeded(3e5, 2e6) is None


def test_a_keyframe_passes_however_low_the_estimate() -> None:
    allowance = Allowance()
    allowance.fill(0, 1e5, 10.0)
    assert allowance.fill(LEAST, 1e5, 10.0) <= 1
    assert allowance.fill(LEAST + 20_000, 1e5, 10.033) > 1


def test_lasting_excess_is_cut_and_the_greater_the_sooner() -> None:
    little, much = first_exceeded(6e5, 3e5), first_exceeded(2e6, 3e5)
    assert little is not None
    assert much is not None
    assert much < 0.5 < little < 2.0


def test_it_begins_again_when_the_queue_has_drained() -> None:
    allowance = Allowance()
    allowance.fill(0, 4e5, 10.0)
    assert allowance.fill(100_000, 4e5, 10.1) > 1
    assert allowance.fill(100_000, 4e5, 10.5) > DRAINED
    assert allowance.fill(100_000, 4e5, 12.0) < DRAINED


def test_what_was_sent_while_nobody_asked_has_gone() -> None:
    """A minute at 2 Mbit/s, then the estimate falls to 400 kbit/s: nothing of that minute waits any more."""
    allowance = Allowance()
    assert allowance.fill(0, 2e6, 10.0) <= 1
    assert allowance.fill(15_000_000, 4e5, 70.0) <= 1
    assert allowance.fill(15_020_000, 4e5, 70.1) <= 1
    assert allowance.fill(15_100_000, 4e5, 70.2) > 1
