"""The RTCP that clients speak: sender and receiver reports out; sender reports and keyframe requests in."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SR, RR, SDES, RTPFB, PSFB = 200, 201, 202, 205, 206
PLI, FIR = 1, 4  # feedback message types of PSFB (RFC 4585 6.3, RFC 5104 4.3)
GENERIC_NACK = 1  # feedback message type of RTPFB (RFC 4585 6.2)
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """One source as a receiver saw it (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the last report."""
    lost: int
    highest: int
    """Extended highest sequence number."""
    jitter: int
    """In RTP timestamp units."""
    last_sr: int
    """The middle 32 bits of the NTP time of the last sender report; 0 where there was none."""
    since_sr: int
    """Since that report arrived, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a receiver report needs of it."""

    ssrc: int
    middle: int
    """The middle 32 bits of its NTP time."""


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR for the stream `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Nack:
    """The server misses packets of the stream `ssrc`."""

    ssrc: int


Feedback = SenderReport | KeyframeRequest | Nack


def ntp_time(realtime_ns: int) -> int:
    """64-bit NTP time of a CLOCK_REALTIME."""
    seconds, rest = divmod(realtime_ns, 1_000_000_000)
    return (seconds + NTP_EPOCH) << 32 | (rest << 32) // 1_000_000_000


def sender_report(ssrc: int, cname: str, realtime_ns: int, timestamp: int, packets: int, octets: int) -> bytes:
    """A compound packet: SR without report blocks, and the CNAME that RFC 3550 6.1 asks for in each."""
    return struct.pack(
        "!BBHIQIII",
        0x80,
        SR,
        6,
        ssrc,
        ntp_time(realtime_ns),
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    ) + _cname(ssrc, cname)


def receiver_report(ssrc: int, cname: str, blocks: list[ReportBlock]) -> bytes:
    """A compound packet: RR with `blocks`, at most 31, and the CNAME."""
    body = b"".join(
        struct.pack(
            "!IIIIII",
            block.ssrc,
            block.fraction_lost << 24 | block.lost & 0xFFFFFF,
            block.highest & 0xFFFFFFFF,
            block.jitter,
            block.last_sr,
            block.since_sr,
        )
        for block in blocks
    )
    header = struct.pack("!BBHI", 0x80 | len(blocks), RR, 1 + 6 * len(blocks), ssrc)
    return header + body + _cname(ssrc, cname)


def feedback(packet: bytes) -> Iterator[Feedback]:
    """What a compound packet asks or tells of. What is cut short or unknown is passed over."""
    at = 0
    while at + 8 <= len(packet):
        first, kind, words = struct.unpack_from("!BBH", packet, at)
        body = packet[at + 4 : at + 4 + 4 * words]
        at += 4 + 4 * words
        count = first & 0x1F
        if kind == SR and len(body) >= 24:
            ssrc, middle = struct.unpack_from("!I2xI", body)
            yield SenderReport(ssrc, middle)
        elif kind == PSFB and count == PLI and len(body) >= 8:
            yield KeyframeRequest(struct.unpack_from("!4xI", body)[0])
        elif kind == PSFB and count == FIR:
            for entry in range(8, len(body) - 7, 8):
                yield KeyframeRequest(struct.unpack_from("!I", body, entry)[0])
        elif kind == RTPFB and count == GENERIC_NACK and len(body) >= 8:
            yield Nack(struct.unpack_from("!4xI", body)[0])


def _cname(ssrc: int, cname: str) -> bytes:
    item = struct.pack("!IBB", ssrc, 1, len(cname)) + cname.encode()
    item += bytes(4 - len(item) % 4)
    return struct.pack("!BBH", 0x81, SDES, len(item) // 4) + item
