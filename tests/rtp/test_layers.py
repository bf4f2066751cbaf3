"""What a receiver of some layers gets is a stream as good as one that never had others."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.frame import Frame
from sfu.rtp.layers import FILL, FORWARD, LEAVE_OUT, MAX_PERIODS, Layers
from sfu.rtp.seqmap import REFUSED, SequenceMap
from sfu.rtp.vp8 import parse
from sfu.rtp.vp9 import parse as parse_vp9
from tests.rtp.descriptors_made import vp8, vp9
from tests.rtp.layered import Got, Picture, Sent, Source, depacketised


class Way:
    """A route with layers, as `OutgoingStream` makes one."""

    def __init__(self) -> None:
        self.layers = Layers()
        self.sequences = SequenceMap(40_000)
        self.got: list[Got] = []
        self.highest = -1
        self.offset = 0
        self.by_sequence: dict[int, Sent] = {}

    def begin(self) -> None:
        self.sequences.switch()
        self.layers.switch()
        self.highest = -1
        self.by_sequence.clear()
        self.offset += 1_000_000

    def packet(self, sent: Sent) -> None:
        frame = Frame()
        assert parse(sent.payload, 0, len(sent.payload), frame)
        frame.end = sent.marker
        newest = sent.sequence > self.highest
        self.highest = max(self.highest, sent.sequence)
        taken = self.layers.take(frame, sent.sequence, newest)
        if taken == LEAVE_OUT:
            self.sequences.drop(sent.sequence & 0xFFFF)
            return
        number = self.sequences.map(sent.sequence & 0xFFFF)
        if number == REFUSED:
            return
        self.by_sequence[number] = sent
        self.got.append(self._written(sent, frame, number, taken))

    def again(self, number: int) -> Got:
        """What a retransmission of it would be."""
        sent = self.by_sequence[number]
        frame = Frame()
        parse(sent.payload, 0, len(sent.payload), frame)
        frame.end = sent.marker
        return self._written(sent, frame, number, self.layers.take(frame, sent.sequence, False))

    def _written(self, sent: Sent, frame: Frame, number: int, taken: int) -> Got:
        timestamp = sent.timestamp + self.offset
        if taken == FILL:
            return Got(number, timestamp, False, b"")
        copy = bytearray(sent.payload)
        self.layers.write(copy, 0, frame)
        return Got(number, timestamp, sent.marker, bytes(copy))


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(1, 12), st.sampled_from([0, 1, 2, 7])), max_size=12))
def test_without_loss_every_change_of_layer_and_source_leaves_one_whole_stream(
    seed: int, steps: list[tuple[int, int]]
) -> None:
    rng = random.Random(seed)
    way = Way()
    sources: list[Source] = []
    for frames, wanted in [(3, 7), *steps]:
        way.layers.wanted_temporal = wanted
        fresh = not sources or rng.random() < 0.4
        if fresh:
            sources.append(Source(rng, name=len(sources)))
            way.begin()
        for index in range(frames):
            for sent in sources[-1].next(keyframe=(fresh and index == 0) or rng.random() < 0.05):
                way.packet(sent)
    numbers = [packet.sequence for packet in way.got]
    assert numbers == [(numbers[0] + index) & 0xFFFF for index in range(len(numbers))]
    pictures = depacketised(way.got, start=numbers[0])
    assert len(pictures) == sum(packet.marker for packet in way.got), "every frame is whole"
    for one, following in pairwise(pictures):
        assert following.picture_id == (one.picture_id + 1) % 32_768
        assert following.tl0 == (one.tl0 + (following.temporal == 0)) % 256
        assert following.timestamp > one.timestamp
    _all_decodable(pictures, sources)


def _all_decodable(pictures: list[Picture], sources: list[Source]) -> None:
    decoded: set[tuple[int, int]] = set()
    for picture in pictures:
        source, frame = picture.source, picture.frame
        for needed in sources[source].references[frame]:
            assert (source, needed) in decoded
        decoded.add((source, frame))


@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from([0, 1, 2, 7]), min_size=1, max_size=10),
    st.floats(0, 0.3),
)
def test_with_loss_and_reorder_numbers_still_say_what_is_missing(seed: int, wanted: list[int], loss: float) -> None:
    """Late packets come in between, some never: what the receiver is told of its gaps is right, and nothing comes twice."""
    rng = random.Random(seed)
    way = Way()
    source = Source(rng)
    way.begin()
    held: list[Sent] = []
    for index, temporal in enumerate(wanted):
        for place in range(9):
            for sent in source.next(keyframe=index == place == 0):
                if sent.frame > 1 and rng.random() < loss:
                    held.append(sent)
                else:
                    way.packet(sent)
        way.layers.wanted_temporal = temporal
        rng.shuffle(held)
        while held and rng.random() < 0.8:
            way.packet(held.pop())
    pictures = depacketised(way.got, start=way.got[0].sequence)
    first = pictures[0]
    base = [frame for frame in sorted(source.layer) if source.layer[frame] == 0]
    ids = [picture.picture_id for picture in pictures]
    assert len(set(ids)) == len(ids)
    for one, following in pairwise(pictures):
        assert 0 < (following.picture_id - one.picture_id) % 32_768 <= following.frame - one.frame
    for picture in pictures:
        below = sum(first.frame < frame <= picture.frame for frame in base)
        assert picture.tl0 == (first.tl0 + below) % 256
    for packet in way.got:
        assert way.again(packet.sequence) == packet, "a retransmission is what went out"


def frame_of(data: bytes, *, marker: bool = True) -> Frame:
    frame = Frame()
    assert parse(data, 0, len(data), frame)
    frame.end = marker
    return frame


def test_a_layer_is_gone_up_to_one_by_one_and_only_with_frames_that_need_nothing_left_out() -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_temporal = 0
    sent = [
        (vp8(1, 1, 0, keyframe=True), FORWARD),
        (vp8(2, 1, 2, sync=True), LEAVE_OUT),
        (vp8(3, 1, 1, sync=True), LEAVE_OUT),
    ]
    for number, (data, taken) in enumerate(sent):
        assert layers.take(frame_of(data), number, True) == taken
    layers.wanted_temporal = 2
    sent = [
        (vp8(4, 1, 2), LEAVE_OUT),
        (vp8(5, 2, 0), FORWARD),
        (vp8(6, 2, 2, sync=True), LEAVE_OUT),  # it could be decoded, but what follows it could not
        (vp8(7, 2, 1, sync=True, start=False), LEAVE_OUT),
        (vp8(8, 2, 1, sync=True), FORWARD),
        (vp8(9, 2, 2), LEAVE_OUT),
        (vp8(10, 2, 2, sync=True), FORWARD),
        (vp8(11, 2, 2), FORWARD),
    ]
    for number, (data, taken) in enumerate(sent, start=3):
        assert layers.take(frame_of(data), number, True) == taken, data.hex()


def test_a_layer_is_left_where_a_frame_begins_so_that_no_frame_is_cut() -> None:
    layers = Layers()
    layers.switch()
    assert layers.take(frame_of(vp8(1, 1, 0, keyframe=True)), 0, True) == FORWARD
    assert layers.take(frame_of(vp8(2, 1, 2, sync=True)), 1, True) == FORWARD
    layers.wanted_temporal = 0
    assert layers.take(frame_of(vp8(2, 1, 2, start=False)), 2, True) == FORWARD
    assert layers.take(frame_of(vp8(3, 1, 2)), 3, True) == LEAVE_OUT
    # Late packets are judged by what held when they were sent.
    assert layers.take(frame_of(vp8(2, 1, 2, start=False)), 2, False) == FORWARD
    assert layers.take(frame_of(vp8(3, 1, 2, start=False)), 4, False) == FILL


def test_a_keyframe_brings_all_that_is_wanted_at_once() -> None:
    layers = Layers()
    layers.wanted_temporal = 0
    layers.switch()
    layers.take(frame_of(vp8(1, 1, 0, keyframe=True)), 0, True)
    layers.wanted_temporal = 2
    layers.take(frame_of(vp8(2, 2, 0, keyframe=True)), 1, True)
    assert layers.take(frame_of(vp8(3, 2, 2)), 2, True) == FORWARD


def test_what_went_out_before_keeps_its_numbers() -> None:
    layers = Layers(500, 7)
    frame = frame_of(vp8(500, 7, 0))
    assert layers.take(frame, 10, True) == FORWARD
    assert (layers.picture_id, layers.tl0) == (500, 7)
    layers.switch()
    layers.take(frame_of(vp8(9, 200, 0, keyframe=True)), 5, True)
    assert (layers.picture_id, layers.tl0) == (501, 8)


@pytest.mark.parametrize("last", [127, 100])
def test_picture_ids_of_7_bits_go_round(last: int) -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_temporal = 0
    out = []
    for index in range(300):
        temporal = 0 if index % 2 == 0 else 1
        data = bytes((0x90, 0xE0, (last + index) % 128, 1, temporal << 6)) + (
            b"\x10\x02\x00\x9d" if index == 0 else b"\x11\x02"
        )
        frame = frame_of(data)
        assert not frame.wide
        if layers.take(frame, index, True) == FORWARD:
            out.append(layers.picture_id)
    assert out == [(last + index) % 128 for index in range(150)]


def test_only_so_many_changes_are_remembered() -> None:
    layers = Layers()
    layers.switch()
    for index in range(3 * MAX_PERIODS):
        layers.wanted_temporal = index % 2
        layers.take(frame_of(vp8(index, index % 256, 0, keyframe=True)), index, True)
    assert len(layers._periods) == MAX_PERIODS


# VP9
def vp9_frame(data: bytes) -> Frame:
    frame = Frame()
    assert parse_vp9(data, 0, len(data), frame)
    return frame


def vp9_pictures(layers: Layers, pictures: range, *, key: int = -1, up: bool = False) -> list[tuple[int, int, bool]]:
    """Pictures of two spatial and two temporal layers: what goes out, as (picture id out, spatial layer, whether it ends its picture)."""
    out = []
    for picture in pictures:
        for spatial in range(2):
            temporal = picture % 2
            data = vp9(
                picture % 32_768, picture // 2 % 256, spatial, temporal, predicted=picture != key, up=up, between=True
            )
            frame = vp9_frame(data)
            number = picture * 2 + spatial
            if layers.take(frame, number, True) == FORWARD:
                out.append((layers.picture_id, spatial, layers.ends(frame, number, True) or spatial == 1))
    return out


def test_vp9_leaves_upper_layers_at_a_picture_and_takes_them_back_at_a_keyframe() -> None:
    layers = Layers()
    layers.switch()
    assert vp9_pictures(layers, range(2), key=0) == [(0, 0, False), (0, 1, True), (1, 0, False), (1, 1, True)]
    layers.wanted_spatial = 0
    assert vp9_pictures(layers, range(2, 4)) == [(2, 0, True), (3, 0, True)]
    layers.wanted_spatial = 1
    assert layers.lacks(1)
    assert not layers.lacks(0)
    assert vp9_pictures(layers, range(4, 6)) == [(4, 0, True), (5, 0, True)]
    assert vp9_pictures(layers, range(6, 7), key=6) == [(6, 0, False), (6, 1, True)]
    assert not layers.lacks(1)


def test_vp9_keeps_the_distances_of_picture_ids_because_they_are_references() -> None:
    layers = Layers(100, 50)
    layers.switch()
    layers.wanted_temporal = 0
    assert [row[0] for row in vp9_pictures(layers, range(10, 16), key=10)] == [101, 101, 103, 103, 105, 105]


def test_vp9_goes_up_in_time_where_a_picture_says_so() -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_temporal = 0
    assert len(vp9_pictures(layers, range(4), key=0)) == 4
    layers.wanted_temporal = 1
    assert len(vp9_pictures(layers, range(4, 8))) == 4
    assert len(vp9_pictures(layers, range(8, 12), up=True)) == 8
