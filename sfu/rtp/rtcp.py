"""RTCP: reports and feedback, read and written (RFC 3550 6, 4585 6, 5104 4.3.1, draft-alvestrand-rmcat-remb).

`parse` takes what anybody sends and either reads all of it or refuses all of it. Reduced-size packets (RFC 5506) are taken: any
packet may come first. What this module does not know is skipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp.buffer import Buffer
from sfu.rtp.seq import distance
from sfu.rtp.transport_feedback import TransportFeedback, build_transport_feedback, parse_transport_feedback

MAX_COMPOUND = 1500  # bytes
MAX_PACKETS = 32  # in a compound; browsers send up to about ten
MAX_LOST = 512  # sequence numbers named by the NACKs of a compound; those after are not read. As many as are kept for a second.
MAX_ITEMS = 64  # of source descriptions in a compound; browsers send a CNAME a source
MAX_STATUSES = 256  # of transport feedback in a compound; packets that would have more are skipped

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

_SDES_CNAME = 1
_REMB = b"REMB"
_MAX_BITRATE = (1 << 63) - 1  # bits per second

_HEADER = struct.Struct("!BBH")
_REPORT = struct.Struct("!IIIIII")
_SENDER_INFO = struct.Struct("!IQIII")
_FEEDBACK = struct.Struct("!II")
_U32 = struct.Struct("!I")
_PAIR = struct.Struct("!HH")


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


def parse(data: Buffer) -> list[Packet]:
    """The packets of a compound that are known here, in order.

    Raises MalformedPacket, whatever is wrong with any of them. The work is bounded by `MAX_COMPOUND`, `MAX_PACKETS`, `MAX_LOST`,
    `MAX_ITEMS` and `MAX_STATUSES`.
    """
    data = bytes(data)
    if not 4 <= len(data) <= MAX_COMPOUND:
        raise MalformedPacket("rtcp: length")
    packets: list[Packet] = []
    lost_left = MAX_LOST
    items_left = MAX_ITEMS
    statuses_left = MAX_STATUSES
    position = 0
    for _ in range(MAX_PACKETS):
        count, kind, body, position = _split(data, position)
        packet: Packet | None = None
        if kind == SENDER_REPORT:
            packet = _parse_sender_report(count, body)
        elif kind == RECEIVER_REPORT:
            packet = _parse_receiver_report(count, body)
        elif kind == SOURCE_DESCRIPTION:
            packet, items_left = _parse_source_description(count, body, items_left)
        elif kind == BYE:
            packet = _parse_bye(count, body)
        elif kind == TRANSPORT_LAYER_FEEDBACK and count == FEEDBACK_NACK:
            packet = _parse_nack(body, lost_left)
            lost_left -= len(packet.lost)
        elif kind == TRANSPORT_LAYER_FEEDBACK and count == FEEDBACK_TRANSPORT_CC:
            packet = parse_transport_feedback(body, statuses_left)
            if packet is not None:
                statuses_left -= len(packet.arrivals)
        elif kind == PAYLOAD_SPECIFIC_FEEDBACK:
            packet = _parse_payload_feedback(count, body)
        if packet is not None:
            packets.append(packet)
        if position == len(data):
            return packets
    raise MalformedPacket("rtcp: too many packets")


def build(*packets: Packet) -> bytes:
    """A compound of the packets, in order."""
    return b"".join(_build_one(packet) for packet in packets)


def _split(data: bytes, position: int) -> tuple[int, int, bytes, int]:
    """The packet at `position`: its count (or format), its type, what follows its four bytes, and where the next begins."""
    if position + 4 > len(data):
        raise MalformedPacket("rtcp: header")
    first, kind, words = _HEADER.unpack_from(data, position)
    if first & 0xC0 != 0x80:
        raise MalformedPacket("rtcp: version")
    end = position + 4 + 4 * words
    if end > len(data):
        raise MalformedPacket("rtcp: truncated")
    body = data[position + 4 : end]
    if first & 0x20:
        # RFC 3550 6.4.1: only the last packet of a compound is padded, by whole words. Browsers fill transport-wide feedback, of any
        # length and wherever it stands, with up to three bytes.
        loose = kind == TRANSPORT_LAYER_FEEDBACK and first & 0x1F == FEEDBACK_TRANSPORT_CC
        padding = body[-1] if body else 0
        if padding == 0 or padding > len(body):
            raise MalformedPacket("rtcp: padding")
        if not loose and (end != len(data) or padding % 4):
            raise MalformedPacket("rtcp: padding")
        body = body[:-padding]
    return first & 0x1F, kind, body, end


def _parse_reports(count: int, body: bytes, position: int) -> tuple[ReportBlock, ...]:
    """`count` report blocks at `position`; what follows them is a profile's own."""
    if position + 24 * count > len(body):
        raise MalformedPacket("rtcp: report blocks")
    reports = []
    for index in range(count):
        ssrc, loss, highest, jitter, last_sr, delay = _REPORT.unpack_from(body, position + 24 * index)
        lost = loss & 0xFFFFFF
        if lost >= 0x800000:
            lost -= 0x1000000
        reports.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
    return tuple(reports)


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < 24:
        raise MalformedPacket("rtcp: sender report")
    ssrc, ntp, timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    return SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_reports(count, body, 24))


def _parse_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise MalformedPacket("rtcp: receiver report")
    return ReceiverReport(_U32.unpack_from(body)[0], _parse_reports(count, body, 4))


def _parse_source_description(count: int, body: bytes, limit: int) -> tuple[SourceDescription, int]:
    """The CNAMEs, and what is left of the items that a compound may have."""
    cnames = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise MalformedPacket("rtcp: source description")
        ssrc = _U32.unpack_from(body, position)[0]
        position += 4
        while True:
            if position >= len(body):
                raise MalformedPacket("rtcp: source description")
            item = body[position]
            if item == 0:
                break
            if limit == 0:
                raise MalformedPacket("rtcp: source description")
            limit -= 1
            if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
                raise MalformedPacket("rtcp: source description")
            end = position + 2 + body[position + 1]
            if item == _SDES_CNAME:
                cnames.append((ssrc, body[position + 2 : end]))
            position = end
        # A chunk ends with one to four zeros, at a word.
        position += 4 - position % 4
        if position > len(body):
            raise MalformedPacket("rtcp: source description")
    return SourceDescription(tuple(cnames)), limit


def _parse_bye(count: int, body: bytes) -> Bye:
    if 4 * count > len(body):
        raise MalformedPacket("rtcp: bye")
    return Bye(struct.unpack_from(f"!{count}I", body))


def _parse_feedback(body: bytes) -> tuple[int, int]:
    """SSRC of the packet's sender and of the media."""
    if len(body) < 8:
        raise MalformedPacket("rtcp: feedback")
    sender_ssrc, media_ssrc = _FEEDBACK.unpack_from(body)
    return sender_ssrc, media_ssrc


def _parse_nack(body: bytes, limit: int) -> Nack:
    sender_ssrc, media_ssrc = _parse_feedback(body)
    if len(body) < 12:
        raise MalformedPacket("rtcp: nack")
    lost: list[int] = []
    for position in range(8, len(body), 4):
        if len(lost) >= limit:
            break
        first, mask = _PAIR.unpack_from(body, position)
        lost.append(first)
        while mask:
            bit = mask & -mask
            lost.append((first + bit.bit_length()) & 0xFFFF)
            mask ^= bit
    return Nack(sender_ssrc, media_ssrc, tuple(lost[:limit]))


def _parse_payload_feedback(count: int, body: bytes) -> PictureLoss | FullIntraRequest | Remb | None:
    sender_ssrc, media_ssrc = _parse_feedback(body)
    if count == FEEDBACK_PLI:
        return PictureLoss(sender_ssrc, media_ssrc)
    if count == FEEDBACK_FIR:
        return _parse_full_intra_request(sender_ssrc, body)
    if count == FEEDBACK_APPLICATION and body[8:12] == _REMB:
        return _parse_remb(sender_ssrc, body)
    return None


def _parse_full_intra_request(sender_ssrc: int, body: bytes) -> FullIntraRequest:
    if len(body) < 16 or len(body) % 8:
        raise MalformedPacket("rtcp: fir")
    requests = tuple((_U32.unpack_from(body, at)[0], body[at + 4]) for at in range(8, len(body), 8))
    return FullIntraRequest(sender_ssrc, requests)


def _parse_remb(sender_ssrc: int, body: bytes) -> Remb:
    if len(body) < 16:
        raise MalformedPacket("rtcp: remb")
    count = body[12]
    if len(body) != 16 + 4 * count:
        raise MalformedPacket("rtcp: remb")
    exponent = body[13] >> 2
    mantissa = (body[13] & 0x03) << 16 | body[14] << 8 | body[15]
    bitrate = mantissa << exponent
    if bitrate > _MAX_BITRATE:
        raise MalformedPacket("rtcp: remb")
    return Remb(sender_ssrc, bitrate, struct.unpack_from(f"!{count}I", body, 16))


def _build_one(packet: Packet) -> bytes:
    match packet:
        case SenderReport():
            info = _SENDER_INFO.pack(
                packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packet_count, packet.octet_count
            )
            return _frame(len(packet.reports), SENDER_REPORT, info + _build_reports(packet.reports))
        case ReceiverReport():
            return _frame(len(packet.reports), RECEIVER_REPORT, _U32.pack(packet.ssrc) + _build_reports(packet.reports))
        case SourceDescription():
            chunks = b"".join(_build_chunk(ssrc, cname) for ssrc, cname in packet.cnames)
            return _frame(len(packet.cnames), SOURCE_DESCRIPTION, chunks)
        case Bye():
            return _frame(len(packet.ssrcs), BYE, struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs))
        case Nack():
            body = _FEEDBACK.pack(packet.sender_ssrc, packet.media_ssrc) + _build_lost(packet.lost)
            return _frame(FEEDBACK_NACK, TRANSPORT_LAYER_FEEDBACK, body)
        case PictureLoss():
            body = _FEEDBACK.pack(packet.sender_ssrc, packet.media_ssrc)
            return _frame(FEEDBACK_PLI, PAYLOAD_SPECIFIC_FEEDBACK, body)
        case FullIntraRequest():
            body = _FEEDBACK.pack(packet.sender_ssrc, 0)
            body += b"".join(struct.pack("!IB3x", ssrc, number & 0xFF) for ssrc, number in packet.requests)
            return _frame(FEEDBACK_FIR, PAYLOAD_SPECIFIC_FEEDBACK, body)
        case Remb():
            return _frame(FEEDBACK_APPLICATION, PAYLOAD_SPECIFIC_FEEDBACK, _build_remb(packet))
        case TransportFeedback():
            return _frame(FEEDBACK_TRANSPORT_CC, TRANSPORT_LAYER_FEEDBACK, build_transport_feedback(packet))


def _frame(count: int, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _build_reports(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _REPORT.pack(
            report.ssrc,
            report.fraction_lost << 24 | (report.cumulative_lost & 0xFFFFFF),
            report.highest_sequence,
            report.jitter,
            report.last_sr,
            report.delay_since_last_sr,
        )
        for report in reports
    )


def _build_chunk(ssrc: int, cname: bytes) -> bytes:
    chunk = _U32.pack(ssrc) + bytes((_SDES_CNAME, len(cname))) + cname
    return chunk + bytes(4 - len(chunk) % 4)


def _build_lost(lost: tuple[int, ...]) -> bytes:
    """Numbers that rise are put together, seventeen to a word; any others are said one by one."""
    words = []
    index = 0
    while index < len(lost):
        first = lost[index]
        mask = 0
        index += 1
        while index < len(lost) and 0 < distance(lost[index], first) <= 16:
            mask |= 1 << (distance(lost[index], first) - 1)
            index += 1
        words.append(_PAIR.pack(first, mask))
    return b"".join(words)


def _build_remb(packet: Remb) -> bytes:
    exponent = max(packet.bitrate.bit_length() - 18, 0)
    mantissa = packet.bitrate >> exponent
    return (
        _FEEDBACK.pack(packet.sender_ssrc, 0)
        + _REMB
        + _U32.pack(len(packet.ssrcs) << 24 | exponent << 18 | mantissa)
        + struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs)
    )
