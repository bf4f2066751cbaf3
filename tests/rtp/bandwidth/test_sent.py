from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.bandwidth.sent import ANSWERED, SLOTS, SentPackets


def test_each_packet_is_answered_once() -> None:
    sent = SentPackets(65_535)
    assert [sent.note(100 + index, 5.0 + index) for index in range(3)] == [65_535, 0, 1]
    assert sent.total == 303
    number = sent.extend(0)
    assert sent.known(number)
    assert (sent.sent_at(number), sent.take(number), sent.take(number)) == (6.0, 101, ANSWERED)


@given(st.integers(0, 65_535), st.integers(1, 3 * SLOTS), st.integers(0, 65_535))
def test_only_what_was_sent_of_late_is_known(first: int, count: int, asked: int) -> None:
    sent = SentPackets(first)
    for index in range(count):
        sent.note(1 + index, float(index))
    number = sent.extend(asked)
    behind = (first + count - 1 - asked) & 0xFFFF
    assert number & 0xFFFF == asked
    assert sent.known(number) == (behind < min(SLOTS, first + count))
    if behind < min(SLOTS, count):
        assert sent.take(number) == count - behind


def test_what_is_told_lost_is_news_once_and_may_come_after_all() -> None:
    sent = SentPackets()
    sent.note(100, 1.0)
    assert sent.lose(0)
    assert not sent.lose(0)
    assert (sent.sent_at(0), sent.take(0)) == (1.0, -100)
    assert not sent.lose(0), "it has come"
    assert sent.take(0) == ANSWERED
