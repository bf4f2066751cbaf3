"""Whatever payloads and descriptors say, reading them raises nothing, and what goes out has numbers that there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp import vp8, vp9
from sfu.rtp.dependency import Structures, with_active
from sfu.rtp.descriptors import AV1, CODEC_OF_NAME, VP8, VP9, read_frame
from sfu.rtp.frame import LAYERS, Frame
from sfu.rtp.layers import FILL, FORWARD, LEAVE_OUT, Layers
from tests.rtp.descriptors_made import L1T3, L2T2, descriptor
from tests.rtp.descriptors_made import vp8 as made_vp8
from tests.rtp.descriptors_made import vp9 as made_vp9

GOOD = [
    made_vp8(5, 6, 1, sync=True),
    made_vp8(32_767, 255, 0, keyframe=True, width=640, height=360),
    made_vp9(7, 8, 1, 1, sizes=[(320, 180), (640, 360)]),
    descriptor(0, 5, structure=L2T2, active=0b0101),
    descriptor(0, 6, structure=L1T3),
    descriptor(2, 6, dtis="-SR", fdiffs=(1, 20, 400), chains=(3,)),
    descriptor(4, 7),
]


@st.composite
def data(draw: st.DrawFn) -> bytes:
    changed = bytearray(draw(st.sampled_from(GOOD) | st.binary(max_size=40)))
    for _ in range(draw(st.integers(0, 3))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.integers(0, len(changed)))]) if draw(st.booleans()) else bytes(changed)


@given(data())
def test_payload_descriptors_are_read_by_their_own_bytes_alone(payload: bytes) -> None:
    for parse in (vp8.parse, vp9.parse):
        told = []
        for noise in (b"\x00" * 12, b"\xff" * 12):
            frame = Frame()
            read = parse(memoryview(noise + payload + noise), len(noise), len(payload), frame)
            told.append((read, frame.start, frame.keyframe, frame.layer, frame.picture_id, frame.tl0, frame.sizes))
            assert 0 <= frame.layer < LAYERS
            if frame.picture_id >= 0:
                assert frame.picture_at + (2 if frame.wide else 1) <= len(payload)
            if frame.tl0 >= 0:
                assert frame.tl0_at < len(payload)
        assert told[0] == told[1]


@given(st.lists(data(), max_size=8))
def test_dependency_descriptors_are_read_or_not(found: list[bytes]) -> None:
    structures = Structures()
    for value in found:
        frame = Frame()
        if structures.read(memoryview(b"\xff" + value), 1, len(value), frame):
            assert frame.structure is not None
            assert len(frame.dtis) == frame.structure.targets
            assert 0 <= frame.layer < LAYERS
            written = with_active(value, frame.structure, 1)
            assert len(written) <= len(value) + 6
            again = Frame()
            assert Structures.read(structures, written, 0, len(written), again, newest=False)
            assert (again.active, again.dtis, again.number) == (1, frame.dtis, frame.number)


@given(
    st.sampled_from(sorted(CODEC_OF_NAME.values())),
    st.lists(st.tuples(data(), data(), st.booleans(), st.integers(-3, 3), st.integers(-1, 7)), max_size=12),
)
def test_any_stream_is_selected_from(codec: int, packets: list[tuple[bytes, bytes, bool, int, int]]) -> None:
    structures = Structures()
    layers = Layers()
    extended = 100
    for payload, element, newest, step, wanted in packets:
        frame = Frame()
        at = len(payload)
        view = memoryview(payload + element)
        if not read_frame(
            codec, view, 0, at, 1, structures, at, len(element) if len(element) >= 3 else 0, newest, frame
        ):
            continue
        if wanted < 0:
            layers.switch()
        else:
            layers.wanted_spatial = layers.wanted_temporal = wanted
        extended += abs(step) if newest else step
        taken = layers.take(frame, extended, newest)
        assert taken in (FORWARD, LEAVE_OUT, FILL)
        assert newest is (taken != FILL) or taken == FORWARD
        layers.lacks(3)
        layers.ends(frame, extended, newest)
        copy = bytearray(payload)
        if taken == FORWARD:
            layers.write(copy, 0, frame)
            assert len(copy) == len(payload)
            if codec in (VP8, VP9):
                same = Frame()
                read_frame(codec, copy, 0, len(copy), 1, Structures(), 0, 0, newest, same)
                assert same.picture_id == layers.picture_id
        if frame.number >= 0 and len(element) >= 3 and (codec == AV1 or frame.dtis):
            layers.descriptor(element, frame, extended)
