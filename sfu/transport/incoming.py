"""What a peer sends: its sections (`Feed`) and the RTP streams in them (`IncomingStream`)."""

from __future__ import annotations

from sfu.rtp.dependency import Structures
from sfu.rtp.descriptors import CODEC_OF_NAME, NOT_VIDEO
from sfu.rtp.extensions import URI_TRANSPORT_CC, Reader
from sfu.rtp.frame import NO_NUMBER, Frame
from sfu.rtp.history import History
from sfu.rtp.keyframes import AskLimit, KeyframeRequests
from sfu.rtp.ntp import to_seconds
from sfu.rtp.rates import Meter
from sfu.rtp.receive_log import ReceiveLog
from sfu.transport.counters import Kind
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import CLOCK_RATES, Codec, PeerId, Section
from sfu.transport.selection import Selection

MAX_ASKERS = 256
"""Peers whose asking for a section's keyframes is remembered; beyond that the one that asked longest ago is forgotten."""


class IncomingStream:
    """One SSRC of a peer. It holds its place in the peer's list from its first authenticated packet, or its declaration, on.

    `feed` is None until the section is known. A retransmission stream has a `primary`, for which its packets are.
    """

    __slots__ = (
        "described",
        "ended",
        "feed",
        "frame_interval",
        "given_up",
        "heard_at",
        "history",
        "keeps_history",
        "keyframe_timer",
        "keyframes",
        "layered",
        "live",
        "log",
        "meter",
        "number",
        "octets",
        "payload_type",
        "picture_id",
        "primary",
        "receivers",
        "report_ntp",
        "report_timestamp",
        "reported",
        "rid",
        "sizes",
        "ssrc",
        "structures",
        "timestamp",
        "tl0",
        "unable",
        "waiting",
    )

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.feed: Feed | None = None
        self.primary: IncomingStream | None = None
        self.rid = ""
        self.ended = False
        """The peer has said BYE; the next packet takes it back."""
        self.live = False
        """It comes, and has its place in its section's selection."""
        self.heard_at = 0.0
        """When its newest packet came."""
        self.octets = 0
        """Of the picture that is coming, so far; kept where its sender is told by REMB alone."""
        self.receivers: tuple[OutgoingStream, ...] = ()
        """To whom its packets go. This and what follows up to `described` is kept by the selection."""
        self.waiting: tuple[OutgoingStream, ...] = ()
        """Who go over to it with its next keyframe."""
        self.unable: tuple[OutgoingStream, ...] = ()
        """Who would, if they were connected and had its codec."""
        self.keeps_history = False
        """Whether a receiver may ask for packets again."""
        self.described = False
        """Whether every packet is asked what it tells of its frame; else one of each frame is."""
        self.layered = False
        """Whether its packets tell of layers."""
        self.timestamp = -1
        """Of the newest frame."""
        self.payload_type = -1
        """Of the newest packet; -1 before the first. Whoever sets it refreshes the selection."""
        self.structures = Structures()
        self.picture_id = self.tl0 = self.number = NO_NUMBER
        """Of the newest frame."""
        self.sizes: tuple[tuple[int, int], ...] = ()
        """(width, height) by spatial layer, as far as known."""
        self.meter = Meter(0.0)
        self.frame_interval = 0.0
        """Seconds from frame to frame, in the last second or so; 0.0 while unknown."""
        self.log = ReceiveLog(ssrc, 1)
        self.history: History | None = None
        self.given_up = 0
        """Of `log.given_up`, what a keyframe has been asked for already."""
        self.reported = 0
        """`log.expected` at the last receiver report."""
        self.keyframes = KeyframeRequests()
        self.keyframe_timer = False
        """Whether a timer looks after `keyframes`."""
        self.report_ntp: float | None = None
        """The sender's clock in its last sender report, in seconds; None while none speaks of the timestamps of now."""
        self.report_timestamp = 0
        """The RTP timestamp of the same moment."""

    def bind(self, feed: Feed, rid: str = "") -> None:
        """The stream is media of this section."""
        self.feed = feed
        self.primary = None
        self.rid = rid
        self.log = ReceiveLog(self.ssrc, feed.clock_rate)
        self.history = None
        self.given_up = 0
        self.reported = 0
        self.keyframes = KeyframeRequests()
        self.report_ntp = None
        self.structures = Structures()
        self.picture_id = self.tl0 = self.number = NO_NUMBER
        self.sizes = ()
        self.layered = self.described = False
        self.timestamp = -1
        feed.streams.append(self)

    def bind_rtx(self, primary: IncomingStream) -> None:
        """The stream repeats `primary` (RFC 4588)."""
        self.feed = primary.feed
        self.primary = primary

    def unbind(self) -> None:
        """The section has gone. The place in the list stays, for libsrtp keeps the stream's replay window."""
        self.feed = None
        self.primary = None
        self.history = None
        self.live = False
        self.receivers = self.waiting = self.unable = ()

    def sender_report(self, ntp: int, timestamp: int, now: float) -> None:
        """The peer's sender report of this stream came in."""
        self.log.sender_report(ntp, now)
        self.report_ntp = to_seconds(ntp)
        self.report_timestamp = timestamp

    @property
    def is_taken(self) -> bool:
        """Whether somebody gets it, or soon will."""
        return bool(self.receivers or self.waiting)

    @property
    def highest(self) -> int:
        """Its highest spatial layer, of those that came in the last second or so."""
        return self.meter.rates[-1][0] >> 3 if self.meter.rates else 0

    def ahead_of(self, other: IncomingStream) -> int | None:
        """By how much its timestamps are ahead of another stream's of the same peer; None while either has not said what time it is."""
        if self.report_ntp is None or other.report_ntp is None or self.feed is None:
            return None
        later = round((other.report_ntp - self.report_ntp) * self.feed.clock_rate)
        return (self.report_timestamp + later - other.report_timestamp) & 0xFFFFFFFF

    def note(self, frame: Frame, timestamp: int) -> None:
        """The newest packet is of this frame."""
        self.timestamp = timestamp
        self.picture_id = frame.picture_id
        self.tl0 = frame.tl0
        self.number = frame.number
        if frame.sizes:
            self.sizes = frame.sizes
        if frame.tl0 >= 0 or frame.temporal or frame.spatial or len(frame.dtis) > 1:
            self.layered = self.described = True


class Feed:
    """One section that a peer sends on. Its `selection` says which of its streams each of the `receivers` gets."""

    __slots__ = (
        "_asks",
        "asks_nack",
        "clock_rate",
        "codecs",
        "descriptors",
        "is_simulcast",
        "kind",
        "loudest",
        "measured_at",
        "media_of_rtx",
        "peer",
        "reader",
        "receivers",
        "section",
        "selection",
        "streams",
        "unnumbered",
    )

    def __init__(self, peer: PeerId, section: Section) -> None:
        self.peer = peer
        self.kind = Kind.AUDIO if section.kind == "audio" else Kind.VIDEO
        self.clock_rate = CLOCK_RATES[section.kind]
        self.streams: list[IncomingStream] = []
        """Of media, without the retransmission streams."""
        self.receivers: tuple[OutgoingStream, ...] = ()
        self.selection = Selection(self, section.rids)
        self._asks: dict[PeerId, AskLimit] = {}
        self.loudest = -1
        """The loudest audio level since the last report, in -dBov; -1 for none."""
        self.measured_at: float | None = None
        """When the rates of its layers are measured again; None while nothing comes."""
        self.section = section
        self.update(section)

    def update(self, section: Section) -> None:
        """What was negotiated for the section, at first or anew."""
        if section.rids != self.section.rids:
            for stream in list(self.streams):
                self.selection.depart(stream)
            self.selection = Selection(self, section.rids)
        self.section = section
        self.is_simulcast = bool(section.rids)
        self.reader = Reader(section.extensions)
        self.codecs: dict[int, Codec] = {codec.payload_type: codec for codec in section.codecs}
        self.media_of_rtx: dict[int, int] = {
            codec.rtx_payload_type: codec.payload_type for codec in section.codecs if codec.rtx_payload_type is not None
        }
        self.descriptors = {codec.payload_type: CODEC_OF_NAME.get(codec.name, NOT_VIDEO) for codec in section.codecs}
        self.asks_nack = any(codec.nack for codec in section.codecs)
        numbered = any(uri == URI_TRANSPORT_CC for _, uri in section.extensions)
        self.unnumbered = self.kind is Kind.VIDEO and not numbered and any(codec.remb for codec in section.codecs)
        """Whether its sender is told by REMB alone what its way takes: its packets have no transport-wide numbers."""

    def set_receivers(self, receivers: tuple[OutgoingStream, ...]) -> None:
        self.receivers = receivers
        self.selection.refresh()

    def asks(self, receiver: PeerId) -> AskLimit:
        """What a receiving peer may still ask for. It outlives routes, or whoever turns one off and on again could ask at will."""
        limit = self._asks.pop(receiver, None)
        if limit is None:
            limit = AskLimit()
            if len(self._asks) >= MAX_ASKERS:
                del self._asks[next(iter(self._asks))]
        self._asks[receiver] = limit
        return limit

    def may_ask(self, stream: IncomingStream, now: float) -> bool:
        """Whether a keyframe of the stream is to be asked for, because somebody waits who may ask; counts it for that one alone.

        Where the source itself has begun anew nobody asks for more than is needed, so that is not limited.
        """
        return any(receiver.switched_by_source or self.asks(receiver.peer).allow(now) for receiver in stream.waiting)

    def stream_of(self, rid: str) -> IncomingStream | None:
        """The media stream of a layer; of a section without layers, with an empty rid, the one it has."""
        return next((stream for stream in reversed(self.streams) if stream.rid == rid), None)
