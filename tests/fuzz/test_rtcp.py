"""Whatever the bytes, reading RTCP gives packets or raises MalformedPacket, never anything else, and never reads more than its limits."""

from __future__ import annotations

import struct
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp import (
    MAX_COMPOUND,
    MAX_LOST,
    MAX_PACKETS,
    MAX_STATUSES,
    Bye,
    FullIntraRequest,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    SourceDescription,
    build,
    parse,
)
from sfu.rtp.transport_feedback import TransportFeedback

BLOCK = ReportBlock(0x1234, 3, 17, 0x10007, 55, 0x12345678, 6553)
REAL = [
    build(
        SenderReport(0x1234, 0xE0A1_2345_6789_ABCD, 90_000, 100, 12_000, (BLOCK,)),
        SourceDescription(((0x1234, b"a6c8e0b1"),)),
        Remb(0x1234, 1_500_000, (0x5678, 0x9ABC)),
    ),
    build(ReceiverReport(1, (BLOCK, BLOCK)), Nack(1, 0x1234, (65535, 0, 1, 40)), PictureLoss(1, 0x1234)),
    build(FullIntraRequest(1, ((0x1234, 9), (0x5678, 9)))),
    build(TransportFeedback(1, 2, 65530, 77, 5, (4, None, 4, 255, 256, -30, None, None, 8))),
    build(Bye((1, 2))),
    # REMB, truncated inside its list of SSRCs (F4), behind a good report.
    build(ReceiverReport(1)) + b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + b"\x02\x10\x00\x01",
    # Transport feedback that runs for 65,535 packets.
    b"\x8f\xcd\x00\x05" + bytes(8) + b"\x00\x01\xff\xff\x00\x00\x00\x00" + b"\x3f\xff\x3f\xff",
]
MORE = settings(max_examples=3 * settings().max_examples)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=20))


@st.composite
def framed(draw: st.DrawFn) -> bytes:
    """Packets whose lengths are right, so that the fuzz gets past the frame, with bodies of noise."""
    compound = b""
    for _ in range(draw(st.integers(1, 4))):
        body = draw(st.binary(max_size=60))
        if draw(st.booleans()):
            body = body[:8] + b"REMB" + body[8:]
        body += bytes(-len(body) % 4)
        first = 0x80 | draw(st.sampled_from([0, 0x20])) | draw(st.integers(0, 31))
        compound += struct.pack("!BBH", first, draw(st.integers(199, 208)), len(body) // 4) + body
    return compound


def plain(packet: Packet) -> Packet:
    """A NACK may name a packet twice, and says it once when it is said again."""
    return replace(packet, lost=tuple(sorted(set(packet.lost)))) if isinstance(packet, Nack) else packet


def check(data: bytes) -> None:
    try:
        packets = parse(data)
    except MalformedPacket:
        return
    assert 4 <= len(data) <= MAX_COMPOUND
    assert len(packets) <= MAX_PACKETS
    assert sum(len(packet.lost) for packet in packets if isinstance(packet, Nack)) <= MAX_LOST
    assert sum(len(packet.arrivals) for packet in packets if isinstance(packet, TransportFeedback)) <= MAX_STATUSES
    if packets:
        # What was read can be said again, and means the same.
        assert [plain(packet) for packet in parse(build(*packets))] == [plain(packet) for packet in packets]


@MORE
@given(mutants())
def test_mutated_packets(data: bytes) -> None:
    check(data)


@MORE
@given(framed())
def test_noise_in_right_frames(data: bytes) -> None:
    check(data)


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    check(data)


def test_every_truncation_of_every_real_packet() -> None:
    for data in REAL:
        for length in range(len(data) + 1):
            check(data[:length])


def test_every_byte_of_every_real_packet_with_every_value() -> None:
    for data in REAL:
        for at in range(len(data)):
            for value in range(0, 256, 3):
                check(data[:at] + bytes((value,)) + data[at + 1 :])
