"""What anybody sends, read: all of it, or it is refused."""

from __future__ import annotations

import struct

from sfu.errors import MalformedPacket
from sfu.rtp.buffer import Buffer
from sfu.rtp.rtcp.packets import (
    BYE,
    FEEDBACK,
    FEEDBACK_APPLICATION,
    FEEDBACK_FIR,
    FEEDBACK_NACK,
    FEEDBACK_PLI,
    FEEDBACK_TRANSPORT_CC,
    HEADER,
    MAX_BITRATE,
    PAIR,
    PAYLOAD_SPECIFIC_FEEDBACK,
    RECEIVER_REPORT,
    REMB,
    REPORT,
    SDES_CNAME,
    SENDER_INFO,
    SENDER_REPORT,
    SOURCE_DESCRIPTION,
    TRANSPORT_LAYER_FEEDBACK,
    U32,
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
)
from sfu.rtp.transport_feedback import parse_transport_feedback

MAX_COMPOUND = 1500  # bytes
MAX_PACKETS = 32  # in a compound; browsers send up to about ten
MAX_LOST = 512  # sequence numbers named by the NACKs of a compound; those after are not read. As many as are kept for a second.
MAX_ITEMS = 64  # of source descriptions in a compound; browsers send a CNAME a source
MAX_STATUSES = 256  # of transport feedback in a compound; packets that would have more are skipped


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


def _split(data: bytes, position: int) -> tuple[int, int, bytes, int]:
    """The packet at `position`: its count (or format), its type, what follows its four bytes, and where the next begins."""
    if position + 4 > len(data):
        raise MalformedPacket("rtcp: header")
    first, kind, words = HEADER.unpack_from(data, position)
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
        ssrc, loss, highest, jitter, last_sr, delay = REPORT.unpack_from(body, position + 24 * index)
        lost = loss & 0xFFFFFF
        if lost >= 0x800000:
            lost -= 0x1000000
        reports.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
    return tuple(reports)


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < 24:
        raise MalformedPacket("rtcp: sender report")
    ssrc, ntp, timestamp, packets, octets = SENDER_INFO.unpack_from(body)
    return SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_reports(count, body, 24))


def _parse_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise MalformedPacket("rtcp: receiver report")
    return ReceiverReport(U32.unpack_from(body)[0], _parse_reports(count, body, 4))


def _parse_source_description(count: int, body: bytes, limit: int) -> tuple[SourceDescription, int]:
    """The CNAMEs, and what is left of the items that a compound may have."""
    cnames = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise MalformedPacket("rtcp: source description")
        ssrc = U32.unpack_from(body, position)[0]
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
            if item == SDES_CNAME:
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
    sender_ssrc, media_ssrc = FEEDBACK.unpack_from(body)
    return sender_ssrc, media_ssrc


def _parse_nack(body: bytes, limit: int) -> Nack:
    sender_ssrc, media_ssrc = _parse_feedback(body)
    if len(body) < 12:
        raise MalformedPacket("rtcp: nack")
    lost: list[int] = []
    for position in range(8, len(body), 4):
        if len(lost) >= limit:
            break
        first, mask = PAIR.unpack_from(body, position)
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
    if count == FEEDBACK_APPLICATION and body[8:12] == REMB:
        return _parse_remb(sender_ssrc, body)
    return None


def _parse_full_intra_request(sender_ssrc: int, body: bytes) -> FullIntraRequest:
    if len(body) < 16 or len(body) % 8:
        raise MalformedPacket("rtcp: fir")
    requests = tuple((U32.unpack_from(body, at)[0], body[at + 4]) for at in range(8, len(body), 8))
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
    if bitrate > MAX_BITRATE:
        raise MalformedPacket("rtcp: remb")
    return Remb(sender_ssrc, bitrate, struct.unpack_from(f"!{count}I", body, 16))
