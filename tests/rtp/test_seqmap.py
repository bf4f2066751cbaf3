from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.seqmap import MAX_STRETCHES, REFUSED, SequenceMap, TimestampMap

Row = tuple[int, int, bool, bool]
"""(seq_in, seq_out, sync, drop); the number before the first outgoing one is 99."""

TABLES: dict[str, list[Row]] = {
    "in order": [(1, 100, False, False), (2, 101, False, False), (3, 102, False, False)],
    "a lost packet leaves its gap": [(1, 100, False, False), (4, 103, False, False), (3, 102, False, False)],
    "a dropped packet leaves none": [
        (1, 100, False, False),
        (2, REFUSED, False, True),
        (3, 101, False, False),
        (4, REFUSED, False, True),
        (5, REFUSED, False, True),
        (6, 102, False, False),
    ],
    "dropped twice is dropped once": [
        (1, 100, False, False),
        (2, REFUSED, False, True),
        (2, REFUSED, False, False),
        (3, 101, False, False),
        (2, REFUSED, False, False),
    ],
    "a packet lost before a dropped one keeps its number": [
        (1, 100, False, False),
        (3, REFUSED, False, True),
        (2, 101, False, False),
        (4, 102, False, False),
    ],
    "another source goes on": [(1, 100, False, False), (2, 101, False, False), (7000, 102, True, False), (7001, 103, False, False)],
    "the same source goes on after a pause": [(10, 100, False, False), (11, 101, False, False), (500, 102, True, False)],
    "what the new source sent before is refused": [
        (1, 100, False, False),
        (7000, 101, True, False),
        (6999, REFUSED, False, False),
        (7001, 102, False, False),
    ],
    "incoming numbers wrap": [(65534, 100, False, False), (65535, 101, False, False), (0, 102, False, False), (65535, 101, False, False)],
    "a dropped packet at the wrap": [
        (65534, 100, False, False),
        (65535, REFUSED, False, True),
        (0, 101, False, False),
        (65535, REFUSED, False, False),
        (65534, 100, False, False),
    ],
    "a switch straight after a drop": [
        (1, 100, False, False),
        (2, REFUSED, False, True),
        (900, 101, True, False),
        (901, 102, False, False),
    ],
    "late ones of three stretches": [
        (1, 100, False, False),
        (2, REFUSED, False, True),
        (5, 103, False, False),
        (6, REFUSED, False, True),
        (8, 105, False, False),
        (7, 104, False, False),
        (4, 102, False, False),
        (3, 101, False, False),
        (1, 100, False, False),
        (0, REFUSED, False, False),
    ],
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_sequence_numbers(table: list[Row]) -> None:
    sequences = SequenceMap(99)
    for row, (incoming, outgoing, sync, drop) in enumerate(table):
        if sync:
            sequences.switch()
        if drop:
            assert sequences.drop(incoming), row
        else:
            assert sequences.map(incoming) == outgoing, row


def test_outgoing_numbers_wrap() -> None:
    sequences = SequenceMap(65533)
    assert [sequences.map(number) for number in (5, 6, 7, 6)] == [65534, 65535, 0, 65535]
    assert [sequences.reverse(number) for number in (65534, 65535, 0)] == [5, 6, 7]


def test_a_late_packet_cannot_be_dropped_without_a_gap() -> None:
    sequences = SequenceMap(99)
    sequences.map(1)
    sequences.map(3)
    assert not sequences.drop(2)
    assert not sequences.drop(3)
    assert [sequences.map(number) for number in (2, 4)] == [101, 103]


def test_before_the_first_packet_nothing_is_left_out() -> None:
    sequences = SequenceMap(99)
    assert not sequences.drop(4)
    assert sequences.map(5) == 100


def test_reverse_knows_what_went_out_since_the_switch_and_nothing_else() -> None:
    sequences = SequenceMap(99)
    assert sequences.reverse(99) == REFUSED
    for number in (1, 2):
        sequences.map(number)
    sequences.switch()
    assert sequences.reverse(100) == REFUSED
    for number in (50, 51):
        sequences.map(number)
    assert [sequences.reverse(number) for number in (99, 100, 101, 102, 103, 104, 200)] == [
        REFUSED, REFUSED, REFUSED, 50, 51, REFUSED, REFUSED,
    ]  # fmt: skip


def test_stretches_are_forgotten_and_refused_before_memory_grows() -> None:
    sequences = SequenceMap(0)
    sequences.map(0)
    for number in range(1, 4 * MAX_STRETCHES, 2):
        assert sequences.drop(number)
        assert sequences.map(number + 1) == number // 2 + 2
    assert sequences.map(2) == REFUSED
    assert sequences.reverse(2) == REFUSED
    assert sequences.map(4 * MAX_STRETCHES - 20) == 2 * MAX_STRETCHES - 9


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 2**32), st.integers(1, 400))
def test_no_number_is_ever_given_to_two_packets(first: int, start: int, seed: int, count: int) -> None:
    """A source with loss, reordering, duplicates and switches. What goes out twice under one number repeats a key stream."""
    chance = random.Random(seed)
    sequences = SequenceMap(first)
    packet_of: dict[int, tuple[int, int]] = {}
    dropped: set[tuple[int, int]] = set()
    epoch = 0
    position = start
    for _ in range(count):
        act = chance.random()
        if act < 0.02:
            sequences.switch()
            epoch += 1
            position = chance.randrange(65536)
        position += chance.choice((1, 1, 1, 1, 2, 5))
        sequence = position if act < 0.85 else position - chance.randrange(1, 30)
        packet = (epoch, sequence)
        if 0.02 < act < 0.3:
            if sequences.drop(sequence & 0xFFFF):
                assert packet not in packet_of.values()
                dropped.add(packet)
            continue
        out = sequences.map(sequence & 0xFFFF)
        if out == REFUSED:
            continue
        assert packet not in dropped
        assert packet_of.setdefault(out, packet) == packet
        assert sequences.reverse(out) == sequence & 0xFFFF


@given(st.integers(0, 0xFFFF), st.lists(st.booleans(), max_size=300))
def test_with_nothing_lost_the_receiver_sees_no_gap(start: int, drops: list[bool]) -> None:
    sequences = SequenceMap(1000)
    sequences.map(start)
    out = []
    for number, drop in enumerate(drops, start=start + 1):
        if drop:
            sequences.drop(number & 0xFFFF)
        else:
            out.append(sequences.map(number & 0xFFFF))
    assert out == [1002 + index for index in range(len(out))]


def test_timestamps_stay_apart_by_a_constant_within_a_source() -> None:
    timestamps = TimestampMap(90_000, 1000)
    assert [timestamps.map(value, 0.0) for value in (5000, 8000, 5000, 4294967295)] == [1000, 4000, 1000, 4294963295]


def test_timestamps_go_on_by_the_time_that_has_passed() -> None:
    timestamps = TimestampMap(90_000, 0xFFFFFF00)
    assert timestamps.map(5000, 10.0) == 0xFFFFFF00
    assert timestamps.map(8000, 10.1) == (0xFFFFFF00 + 3000) & 0xFFFFFFFF
    timestamps.switch()
    assert timestamps.map(77, 10.6) == (0xFFFFFF00 + 3000 + 45_000) & 0xFFFFFFFF
    assert timestamps.map(77 + 3000, 10.7) == (0xFFFFFF00 + 3000 + 45_000 + 3000) & 0xFFFFFFFF


def test_all_32_bits_of_a_timestamp_are_kept_over_a_switch() -> None:
    timestamps = TimestampMap(90_000, 0xF0000000)
    timestamps.map(1, 0.0)
    timestamps.switch()
    assert timestamps.map(2, 1.0) == 0xF0000000 + 90_000


def test_two_frames_never_share_a_timestamp_over_a_switch() -> None:
    timestamps = TimestampMap(48_000, 0)
    timestamps.map(960, 1.0)
    timestamps.switch()
    assert timestamps.map(123456, 1.0) == 1


def test_the_time_is_counted_from_the_newest_that_went_out() -> None:
    timestamps = TimestampMap(1000, 0)
    timestamps.map(100, 1.0)
    timestamps.map(300, 1.2)
    timestamps.map(200, 1.9)
    timestamps.switch()
    assert timestamps.map(0, 2.2) == 200 + 1000


def test_moments_of_a_sender_report_are_translated_without_a_trace() -> None:
    timestamps = TimestampMap(1000, 500)
    assert timestamps.translate(10) == REFUSED
    timestamps.map(100, 0.0)
    assert timestamps.translate(4000) == 4400
    timestamps.switch()
    assert timestamps.translate(100) == REFUSED
    assert timestamps.map(9, 1.0) == 1500


@given(st.integers(0, 0xFFFFFFFF), st.lists(st.tuples(st.integers(-20, 20), st.booleans()), max_size=60))
def test_frames_out_of_order_are_as_far_apart_as_they_came(start: int, frames: list[tuple[int, bool]]) -> None:
    mapped = TimestampMap(90_000, 7)
    offset = None
    for step, (frame, switched) in enumerate(frames):
        timestamp = (start + frame * 3000) & 0xFFFFFFFF
        if switched:
            mapped.switch()
            offset = None
        out = mapped.map(timestamp, float(step))
        assert mapped.map(timestamp, step + 0.5) == out, "every packet of a frame has the frame's timestamp"
        if offset is None:
            offset = (out - timestamp) & 0xFFFFFFFF
        assert (out - timestamp) & 0xFFFFFFFF == offset
        assert mapped.translate(timestamp) == out


class Counted(list[tuple[int, int]]):
    """Counts how many of its items are looked at."""

    looks = 0

    def __getitem__(self, index: object) -> tuple[int, int]:  # type: ignore[override]  # of an index, never of a slice
        self.looks += 1
        return super().__getitem__(index)  # type: ignore[call-overload,no-any-return]  # as above


def test_a_look_up_costs_little_however_many_packets_were_dropped() -> None:
    sequences = SequenceMap(99)
    for sequence in range(0, MAX_STRETCHES * 2 - 2, 2):
        sequences.map(sequence)
        sequences.drop(sequence + 1)
    stretches = sequences._stretches = Counted(sequences._stretches)
    assert len(stretches) == MAX_STRETCHES
    assert sequences.reverse(101) == 2
    assert 0 < stretches.looks < 12
    stretches.looks = 0
    assert sequences.map(4) == 102
    assert 0 < stretches.looks < 12
