"""The packets of RTCP that are known here, and their numbers and layouts on the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.rtp.transport_feedback import TransportFeedback

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
BYE = 203
TRANSPORT_LAYER_FEEDBACK = 205
PAYLOAD_SPECIFIC_FEEDBACK = 206

FEEDBACK_NACK = 1  # RTPFB
FEEDBACK_TRANSPORT_CC = 15  # RTPFB
FEEDBACK_PLI = 1  # PSFB
FEEDBACK_FIR = 4  # PSFB
FEEDBACK_APPLICATION = 15  # PSFB; REMB is one of these

SDES_CNAME = 1
REMB = b"REMB"
MAX_BITRATE = (1 << 63) - 1  # bits per second

HEADER = struct.Struct("!BBH")
REPORT = struct.Struct("!IIIIII")
SENDER_INFO = struct.Struct("!IQIII")
FEEDBACK = struct.Struct("!II")
U32 = struct.Struct("!I")
PAIR = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one source (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """In 1/256 of the packets expected since the last report."""
    cumulative_lost: int
    """Signed: duplicates make it fall."""
    highest_sequence: int
    """Extended: cycles in the upper 16 bits."""
    jitter: int
    """In units of the source's clock rate."""
    last_sr: int
    """Middle 32 bits of the NTP time of the last sender report; 0 for none."""
    delay_since_last_sr: int
    """In 1/65,536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    """64-bit NTP time, of the same moment as `rtp_timestamp`."""
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """CNAMEs by SSRC; the other items, which may name people, are not read."""

    cnames: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK (RFC 4585 6.2.1)."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]
    """Sequence numbers, in the order in which they are named."""


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """PLI (RFC 4585 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """FIR (RFC 5104 4.3.1)."""

    sender_ssrc: int
    requests: tuple[tuple[int, int], ...]
    """(media SSRC, command sequence number mod 256): the same number is the same request."""


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate."""

    sender_ssrc: int
    bitrate: int
    """Bits per second."""
    ssrcs: tuple[int, ...]


Packet = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | Nack
    | PictureLoss
    | FullIntraRequest
    | Remb
    | TransportFeedback
)
