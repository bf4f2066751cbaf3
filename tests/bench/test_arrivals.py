"""Transport-wide numbers on what a client sends, and what it tells of those on what it receives."""

from __future__ import annotations

import os

import pytest

from bench.arrivals import Arrivals, Numbers
from bench.clip import Clip
from bench.outgoing import SEND_SLAB, Canned, Outgoing
from bench.sdp import LEVEL_EXTENSION, MID_EXTENSION, NUMBER_EXTENSION
from bench.srtp import Srtp
from sfu.rtp import rtcp
from sfu.rtp.extensions import (
    AUDIO_LEVEL,
    MID,
    TRANSPORT_CC,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_TRANSPORT_CC,
    Elements,
    Reader,
)
from sfu.rtp.packet import Header, parse
from sfu.rtp.transport_feedback import TransportFeedback
from sfu.transport.slab import Slab

VIDEO = Canned(Clip("VP8", 90_000, 3_000, (os.urandom(5_000), os.urandom(900))))
AUDIO = Canned(Clip("OPUS", 48_000, 960, (os.urandom(80), os.urandom(60)), (30, 70)))
KEY = os.urandom(28)
IDS = [(LEVEL_EXTENSION, URI_AUDIO_LEVEL), (NUMBER_EXTENSION, URI_TRANSPORT_CC), (MID_EXTENSION, URI_MID)]


def packets(stream: Outgoing, frames: int = 1) -> list[bytes]:
    srtp, slab, made = Srtp("SRTP_AEAD_AES_128_GCM", KEY, KEY), Slab(SEND_SLAB), []
    for _ in range(frames):
        end, segment = stream.frame(srtp, slab, 0)
        made += [bytes(slab.view[at : min(at + segment, end)]) for at in range(0, end, segment)]
    return made


def elements_of(packet: bytes) -> Elements:
    header, elements = Header(), Elements()
    assert parse(packet, 0, len(packet), header)
    reader = Reader(IDS)
    assert reader.read(packet, header.extension_profile, header.extension_offset, header.extension_length, elements)
    return elements


def told(arrivals: Arrivals) -> list[TransportFeedback]:
    found = [packet for compound in arrivals.feedback(7) for packet in rtcp.parse(compound)]
    return [packet for packet in found if isinstance(packet, TransportFeedback)]


def test_all_streams_of_a_transport_count_with_the_same_numbers() -> None:
    numbers = Numbers()
    picture, sound = Outgoing(VIDEO, 1, 11, "1", "c"), Outgoing(AUDIO, 2, 22, "0", "c")
    for stream in (picture, sound):
        stream.number(numbers, NUMBER_EXTENSION)
    seen = []
    for packet in (*packets(picture), *packets(sound), *packets(picture)):
        found = elements_of(packet)
        assert found.value(packet, MID) == b"1" or found.has(AUDIO_LEVEL)
        seen.append(int.from_bytes(found.value(packet, TRANSPORT_CC)))
    assert seen == list(range(7)), "five packets of a picture, one of sound, one of the next picture"


def test_numbers_go_round() -> None:
    numbers = Numbers()
    assert [numbers.take() for _ in range(0x1_0001)][-2:] == [0xFFFF, 0]


def test_what_came_is_told_once_with_what_is_missing() -> None:
    stream = Outgoing(VIDEO, 1, 11, "1", "c")
    stream.number(Numbers(), NUMBER_EXTENSION)
    arrivals = Arrivals(NUMBER_EXTENSION)
    for index, packet in enumerate(packets(stream, 2)):
        if index != 2:
            arrivals.note(memoryview(packet), 0, 11, 64_000_000 + index * 10_000_000)
    [feedback] = told(arrivals)
    assert (feedback.sender_ssrc, feedback.media_ssrc, feedback.base_sequence) == (7, 11, 0)
    assert feedback.arrivals == (0, 40, None, 80, 40, 40), "in quarters of a millisecond, from a reference of 64 ms"
    assert told(arrivals) == []


@pytest.mark.parametrize(
    "packet",
    [
        bytes((0x80, 111)) + bytes(40),
        bytes((0x90, 111)) + bytes(10) + b"\x10\x00\x00\x01" + bytes((NUMBER_EXTENSION, 2, 0, 1)) + bytes(20),
        bytes((0x90, 111)) + bytes(10) + b"\xbe\xde\x00\x01" + bytes((MID_EXTENSION << 4, 48, 0, 0)) + bytes(20),
        bytes((0x90, 111)) + bytes(10) + b"\xbe\xde\x00\x01" + bytes((0, 0, NUMBER_EXTENSION << 4 | 1, 9)) + bytes(20),
    ],
    ids=["no extensions", "headers of two bytes", "another one", "cut short"],
)
def test_a_packet_without_a_number_is_nothing_to_tell_of(packet: bytes) -> None:
    arrivals = Arrivals(NUMBER_EXTENSION)
    arrivals.note(memoryview(packet), 0, 11, 1)
    assert arrivals.feedback(7) == []
