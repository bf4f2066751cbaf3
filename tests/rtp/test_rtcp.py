from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp import (
    MAX_COMPOUND,
    MAX_ITEMS,
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
from sfu.rtp.transport_feedback import TransportFeedback, build_transport_feedback

ssrcs = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    ReportBlock,
    ssrcs,
    st.integers(0, 255),
    st.integers(-0x800000, 0x7FFFFF),
    ssrcs,
    ssrcs,
    ssrcs,
    ssrcs,
)
reports = st.lists(blocks, max_size=3).map(tuple)
arrivals = st.none() | st.integers(0, 255) | st.integers(-0x8000, 0x7FFF)
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(SenderReport, ssrcs, st.integers(0, 2**64 - 1), ssrcs, ssrcs, ssrcs, reports),
    st.builds(ReceiverReport, ssrcs, reports),
    st.builds(SourceDescription, st.lists(st.tuples(ssrcs, st.binary(max_size=40)), max_size=3).map(tuple)),
    st.builds(Bye, st.lists(ssrcs, max_size=4).map(tuple)),
    st.builds(Nack, ssrcs, ssrcs, st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40).map(tuple)),
    st.builds(PictureLoss, ssrcs, ssrcs),
    st.builds(
        FullIntraRequest, ssrcs, st.lists(st.tuples(ssrcs, st.integers(0, 255)), min_size=1, max_size=3).map(tuple)
    ),
    st.builds(
        Remb,
        ssrcs,
        st.tuples(st.integers(0, 0x3FFFF), st.integers(0, 45)).map(lambda parts: parts[0] << parts[1]),
        st.lists(ssrcs, max_size=4).map(tuple),
    ),
    st.builds(
        TransportFeedback,
        ssrcs,
        ssrcs,
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFFFF),
        st.integers(0, 255),
        st.lists(arrivals, max_size=60).map(tuple),
    ),
)


@given(st.lists(packets, min_size=1, max_size=4))
def test_what_is_built_is_read_back(compound: list[Packet]) -> None:
    data = build(*compound)
    assert len(data) % 4 == 0
    assert parse(data) == compound
    assert parse(memoryview(bytearray(data))) == compound


BLOCK = ReportBlock(7, 64, -3, 0x10005, 90, 0x12345678, 65536)
THEIR_BLOCK = RtcpReceiverInfo(
    ssrc=7, fraction_lost=64, packets_lost=-3, highest_sequence=0x10005, jitter=90, lsr=0x12345678, dlsr=65536
)
SAME = [
    (
        SenderReport(1, 0x0102030405060708, 2, 3, 4, (BLOCK,)),
        RtcpSrPacket(
            ssrc=1,
            sender_info=RtcpSenderInfo(
                ntp_timestamp=0x0102030405060708, rtp_timestamp=2, packet_count=3, octet_count=4
            ),
            reports=[THEIR_BLOCK],
        ),
    ),
    (ReceiverReport(1, (BLOCK, BLOCK)), RtcpRrPacket(ssrc=1, reports=[THEIR_BLOCK, THEIR_BLOCK])),
    (
        SourceDescription(((1, b"stream"),)),
        RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=1, items=[(1, b"stream")])]),
    ),
    (Bye((1, 2)), RtcpByePacket(sources=[1, 2])),
    (
        Nack(1, 2, (10, 11, 12, 26, 27, 40)),
        RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[10, 11, 12, 26, 27, 40]),
    ),
    (PictureLoss(1, 2), RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2)),
    (
        FullIntraRequest(1, ((2, 200),)),
        RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=b"\x00\x00\x00\x02\xc8\x00\x00\x00"),
    ),
    (
        Remb(1, 1_500_000, (5, 6)),
        RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(1_500_000, [5, 6])),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), SAME, ids=[type(ours).__name__ for ours, _ in SAME])
def test_another_implementation_agrees(ours: Packet, theirs: object) -> None:
    data = bytes(theirs)  # type: ignore[call-overload]  # aiortc says nothing of its types here
    assert build(ours) == data
    assert parse(data) == [ours]
    assert [repr(packet) for packet in RtcpPacket.parse(build(ours))] == [repr(theirs)]


def test_a_nack_over_the_wrap_takes_one_word() -> None:
    data = build(Nack(1, 2, (65535, 0, 15)))
    assert data[12:] == b"\xff\xff\x80\x01"
    assert parse(data) == [Nack(1, 2, (65535, 0, 15))]


def raw(count: int, kind: int, body: bytes, first: int = 0x80) -> bytes:
    assert len(body) % 4 == 0
    return struct.pack("!BBH", first | count, kind, len(body) // 4) + body


PLI = raw(1, 206, bytes(8))


@pytest.mark.parametrize(
    "data",
    [
        raw(0, 204, b"\x00\x00\x00\x01name"),
        raw(0, 207, bytes(8)),
        raw(0, 192, b""),
        raw(2, 205, bytes(12)),
        raw(3, 206, bytes(12)),
        raw(15, 206, bytes(8) + b"WXYZ"),
    ],
    ids=["APP", "XR", "unknown type", "unknown RTPFB", "unknown PSFB", "another application's feedback"],
)
def test_what_is_not_known_is_skipped(data: bytes) -> None:
    assert parse(data + PLI) == [PictureLoss(0, 0)]


def test_a_profiles_own_words_after_the_reports_are_skipped() -> None:
    assert parse(raw(0, 201, b"\x00\x00\x00\x09" + bytes(8))) == [ReceiverReport(9)]
    assert parse(raw(0, 200, b"\x00\x00\x00\x09" + bytes(20) + bytes(8))) == [SenderReport(9, 0, 0, 0, 0)]


def test_names_and_addresses_in_a_source_description_are_not_read() -> None:
    chunk = b"\x00\x00\x00\x01" + b"\x02\x04Per " + b"\x01\x02id" + b"\x03\x03a@b" + b"\x00"
    data = raw(1, 202, chunk + bytes(-len(chunk) % 4))
    assert parse(data) == [SourceDescription(((1, b"id"),))]


def test_the_last_packet_may_be_padded() -> None:
    padded = raw(1, 206, bytes(8) + b"\x00\x00\x00\x04", first=0xA0)
    assert parse(PLI + padded) == [PictureLoss(0, 0)] * 2
    assert parse(raw(0, 203, b"\x00\x00\x00\x04", first=0xA0)) == [Bye(())]


MALFORMED = {
    "nothing": b"",
    "three bytes": PLI[:3],
    "another version": b"\x41" + PLI[1:],
    "more announced than there is": PLI[:-4],
    "a tail of less than a header": PLI + b"\x81\xce",
    "sender report cut short": raw(0, 200, bytes(20)),
    "reports cut short": raw(2, 201, bytes(4 + 24)),
    "receiver report without ssrc": raw(0, 201, b""),
    "bye cut short": raw(2, 203, bytes(4)),
    "source description without chunk": raw(1, 202, b""),
    "source description without end": raw(1, 202, b"\x00\x00\x00\x01\x01\x02id"),
    "source description item past the end": raw(1, 202, b"\x00\x00\x00\x01\x01\xffid"),
    "source description of more items than anybody has": raw(
        1, 202, bytes(4) + b"\x02\x00" * (MAX_ITEMS + 2) + bytes(4)
    ),
    "source descriptions of them together": raw(1, 202, bytes(4) + b"\x02\x00" * 40 + bytes(4)) * 2,
    "feedback cut short": raw(1, 206, bytes(4)),
    "nack of nothing": raw(1, 205, bytes(8)),
    "fir of nothing": raw(4, 206, bytes(8)),
    "fir of half an entry": raw(4, 206, bytes(12)),
    "remb without its numbers": raw(15, 206, bytes(8) + b"REMB"),
    "remb of fewer ssrcs than it says (F4)": raw(15, 206, bytes(8) + b"REMB" + b"\x02\x00\x00\x01" + bytes(4)),
    "remb of more ssrcs than it says": raw(15, 206, bytes(8) + b"REMB" + b"\x00\x00\x00\x01" + bytes(4)),
    "remb of more than anybody has": raw(15, 206, bytes(8) + b"REMB" + b"\x00\xff\xff\xff"),
    "padding of nothing": raw(1, 206, bytes(12), first=0xA0),
    "padding of broken words": raw(1, 206, bytes(11) + b"\x03", first=0xA0),
    "padding of more than there is": raw(1, 206, bytes(11) + b"\x10", first=0xA0),
    "padding of an empty packet": raw(0, 203, b"", first=0xA0),
    "padding in the middle": raw(1, 206, bytes(8) + b"\x00\x00\x00\x04", first=0xA0) + PLI,
    "too many packets": PLI * (MAX_PACKETS + 1),
    "too long": raw(0, 204, bytes(MAX_COMPOUND)),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse(data)
    if 12 <= len(data) < MAX_COMPOUND - len(PLI) and data[0] >> 6 == 2 and not data[0] & 0x20:
        with pytest.raises(MalformedPacket):
            parse(PLI + data)


@pytest.mark.parametrize("arrivals", [(1, 2, 3), (1, 2, 3, 4), (300, 5, None), (1,)])
def test_transport_feedback_is_padded_as_browsers_do(arrivals: tuple[int | None, ...]) -> None:
    """By one to three bytes, with their count in the last one, and more packets after it."""
    packet = TransportFeedback(1, 2, 3, 4, 5, arrivals)
    body = build_transport_feedback(packet)
    padding = -len(body) % 4
    assert padding
    padded = raw(15, 205, body + bytes(padding - 1) + bytes((padding,)), first=0xA0)
    assert parse(padded + padded + PLI) == [packet, packet, *parse(PLI)]


def test_every_truncation_of_a_remb_is_refused() -> None:
    """F4: a truncated REMB closed aiortc's transport with struct.error."""
    whole = build(Remb(1, 1_500_000, (5, 6)))
    for length in range(len(whole)):
        with pytest.raises(MalformedPacket):
            parse(whole[:length])
        if length >= 4 and length % 4 == 0:
            shorter = whole[:2] + struct.pack("!H", length // 4 - 1) + whole[4:length]
            if length >= 16:
                with pytest.raises(MalformedPacket):
                    parse(shorter)


def test_the_nacks_of_a_compound_are_read_up_to_a_limit() -> None:
    """1,400 bytes of NACK can name 5,899 packets."""
    greedy = raw(1, 205, bytes(8) + b"\x00\x00\xff\xff" * 345)
    (nack,) = parse(greedy)
    assert isinstance(nack, Nack)
    assert len(nack.lost) == MAX_LOST
    assert nack.lost[:17] == tuple(range(17))
    several = parse(raw(1, 205, bytes(8) + b"\x00\x00\xff\xff" * 40) * 8)
    assert sum(len(packet.lost) for packet in several if isinstance(packet, Nack)) == MAX_LOST


def feedback(count: int, rest: bytes) -> bytes:
    body = bytes(8) + struct.pack("!HHI", 100, count, 0x00000105) + rest
    return raw(15, 205, body + bytes(-len(body) % 4))


def test_transport_feedback_of_every_kind_of_chunk() -> None:
    data = feedback(
        2 + 14 + 4,
        struct.pack("!HHH", 1 << 13 | 2, 0x8000 | 0b10000000000001, 0xC000 | 0b00_10_01_00 << 6)
        + bytes((1, 2, 3, 4))
        + struct.pack("!h", -5)
        + bytes((6,)),
    )
    (found,) = parse(data)
    assert isinstance(found, TransportFeedback)
    assert (found.base_sequence, found.reference_time, found.feedback_count) == (100, 1, 5)
    assert found.arrivals == (1, 2, 3, *[None] * 12, 4, None, -5, 6, None)


def test_the_last_chunk_may_say_more_than_there_is() -> None:
    for chunk in (1 << 13 | 9, 0x8000 | 0x3FFF, 0xC000 | 0b01_01_01_01_01_01_01):
        (found,) = parse(feedback(5, struct.pack("!H", chunk) + bytes((9, 8, 7, 6, 5))))
        assert isinstance(found, TransportFeedback)
        assert found.arrivals == (9, 8, 7, 6, 5)


def test_more_statuses_than_the_limit_are_not_read_and_the_rest_is() -> None:
    bomb = feedback(0xFFFF, struct.pack("!H", 0x1FFF) * 8)
    assert parse(bomb + PLI) == [PictureLoss(0, 0)]
    half = feedback(MAX_STATUSES // 2 + 1, struct.pack("!H", 0x1FFF))
    assert [type(packet) for packet in parse(half + half + PLI)] == [TransportFeedback, PictureLoss]


@pytest.mark.parametrize(
    "data",
    [
        raw(15, 205, bytes(12)),
        feedback(1, b""),
        feedback(20, struct.pack("!HH", 0x8000, 0)[:2]),
        feedback(5, struct.pack("!HH", 0, 5)),
        feedback(9, struct.pack("!H", 1 << 13 | 9)),
        feedback(2, struct.pack("!H", 2 << 13 | 2) + b"\x00"),
        feedback(1, struct.pack("!H", 3 << 13 | 1) + bytes(8)),
    ],
    ids=["short", "no chunks", "chunks missing", "empty run", "deltas missing", "large deltas missing", "reserved"],
)
def test_malformed_transport_feedback(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse(data)
