"""The RTCP that we make: reports in both directions, and how they are put into datagrams (RFC 3550 6)."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.rtp import rtcp
from sfu.rtp.ntp import from_seconds
from sfu.transport.counters import Counters, Kind
from sfu.transport.incoming import IncomingStream
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outgoing import OutgoingStream

MAX_COMPOUND = 1_200
"""Bytes of a compound before protection."""
MAX_BLOCKS = 31
"""Report blocks that one packet can count (RFC 3550 6.4.1: five bits)."""


def receiver_blocks(peer: MediaPeer, counters: Counters, now: float) -> list[rtcp.ReportBlock]:
    """What the peer is told of the streams that it sends; each is observed for the metrics too."""
    blocks = []
    for stream in peer.streams.values():
        if stream.feed is None or stream.primary is not None or stream.log.expected == stream.reported:
            continue
        stream.reported = stream.log.expected
        block = stream.log.report_block(now)
        blocks.append(block)
        counters.loss_in.observe(block.fraction_lost / 256)
        counters.jitter.observe(block.jitter / stream.feed.clock_rate)
    return blocks


def sender_report(
    stream: OutgoingStream, source: IncomingStream, sender: MediaPeer, ntp_now: float
) -> rtcp.SenderReport | None:
    """Which RTP timestamp of `stream` belongs to our clock's `ntp_now` (seconds); None while the sender has not said it of its own.

    The source's own report, carried on to now by the clock of its sender and to our clock by the one offset of that sender. Sound
    and picture stay together as their sender sent them.
    """
    theirs = sender.to_their_clock(ntp_now)
    if source.report_ntp is None or source.feed is None or theirs is None:
        return None
    passed = round((theirs - source.report_ntp) * source.feed.clock_rate)
    timestamp = stream.timestamps.translate((source.report_timestamp + passed) & 0xFFFFFFFF)
    if timestamp < 0:
        return None
    return rtcp.SenderReport(
        ssrc=stream.egress.ssrc,
        ntp=from_seconds(ntp_now),
        rtp_timestamp=timestamp,
        packet_count=stream.packets & 0xFFFFFFFF,
        octet_count=stream.octets & 0xFFFFFFFF,
    )


def remb(peer: MediaPeer, bitrate: int) -> rtcp.Remb | None:
    """Leave to send video at `bitrate`, of all streams together; None where nothing new came that could be told.

    To be asked before `receiver_blocks`, which notes what was told."""
    ssrcs = tuple(
        stream.ssrc
        for feed in peer.feeds.values()
        if feed.kind is Kind.VIDEO and any(codec.remb for codec in feed.section.codecs)
        for stream in feed.streams
        if stream.log.expected != stream.reported
    )
    return rtcp.Remb(peer.report_ssrc, bitrate, ssrcs) if ssrcs else None


def compounds(report_ssrc: int, blocks: list[rtcp.ReportBlock], packets: Iterable[rtcp.Packet]) -> list[bytes]:
    """Datagrams that say all of it. Each begins with a receiver report (RFC 3550 6.1), all under `report_ssrc`, so that SRTCP
    counts one index for the peer, whatever streams come and go."""
    datagrams = []
    begin = rtcp.build(rtcp.ReceiverReport(report_ssrc, tuple(blocks[:MAX_BLOCKS])))
    compound = begin
    for packet in packets:
        part = rtcp.build(packet)
        if len(compound) + len(part) > MAX_COMPOUND:
            datagrams.append(compound)
            compound = rtcp.build(rtcp.ReceiverReport(report_ssrc))
        compound += part
    datagrams.append(compound)
    return datagrams
