"""What the plane counts: plain integers and histograms, read by the metrics collector when scraped."""

from __future__ import annotations

from enum import StrEnum

from sfu.histogram import Histogram
from sfu.transport.drops import Drops


class Kind(StrEnum):
    """What a datagram carries; a metric label."""

    AUDIO = "audio"
    VIDEO = "video"
    RTX = "rtx"
    RTCP = "rtcp"


class Retransmission(StrEnum):
    """What became of one sequence number that a receiver asked for again; a metric label."""

    SENT = "sent"
    UNKNOWN = "unknown"
    """No longer, or never, in the history."""
    LIMITED = "limited"
    """Sent again less than a round trip ago, too often already, more than its share of the media, or the receiver names too many."""
    NOT_NEGOTIATED = "not_negotiated"


class KeyframeRequest(StrEnum):
    """What became of one wish for a keyframe; a metric label."""

    SENT = "sent"
    MERGED = "merged"
    """Another one less than 0.5 s before speaks for it too."""
    LIMITED = "limited"
    """Of a receiver that has asked too often."""
    NOT_NEGOTIATED = "not_negotiated"


FORWARD_LATENCY_SECONDS = (50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3)
FIRST_PICTURE_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0)
LOSS_RATIO = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
ROUND_TRIP_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
JITTER_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)


class Counters:
    """One a plane."""

    def __init__(self, drops: Drops) -> None:
        self.drops = drops
        self.packets_in: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.bytes_in: dict[Kind, int] = dict.fromkeys(Kind, 0)
        """UDP payload, as it arrived."""
        self.packets_out: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.bytes_out: dict[Kind, int] = dict.fromkeys(Kind, 0)
        """UDP payload, as prepared; what the kernel then refused is in `drops` too."""
        self.unadmitted = 0
        """Packets that would have gone out for a peer without an open section. Anything but 0 is a bug."""
        self.retransmissions: dict[Retransmission, int] = dict.fromkeys(Retransmission, 0)
        self.keyframe_requests: dict[KeyframeRequest, int] = dict.fromkeys(KeyframeRequest, 0)
        self.forward_latency = Histogram(FORWARD_LATENCY_SECONDS)
        """Socket readable → handed to the kernel, a packet prepared."""
        self.first_picture = Histogram(FIRST_PICTURE_SECONDS)
        """A route of video begins, or its receiver is connected → the first packet of a keyframe is on its way there."""
        self.loss_in = Histogram(LOSS_RATIO)
        """By each receiver report that we send."""
        self.loss_out = Histogram(LOSS_RATIO)
        """By each report block that receivers send."""
        self.round_trip = Histogram(ROUND_TRIP_SECONDS)
        self.jitter = Histogram(JITTER_SECONDS)
