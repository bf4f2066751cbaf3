"""What a peer sends: its sections (`Feed`) and the RTP streams in them (`IncomingStream`)."""

from __future__ import annotations

from sfu.rtp.descriptors import CODEC_OF_NAME, NOT_VIDEO
from sfu.rtp.extensions import Reader
from sfu.rtp.history import History
from sfu.rtp.keyframes import AskLimit, KeyframeRequests
from sfu.rtp.ntp import to_seconds
from sfu.rtp.receive_log import ReceiveLog
from sfu.transport.counters import Kind
from sfu.transport.outgoing import CLOCK_RATES, OutgoingStream
from sfu.transport.parameters import Codec, PeerId, Section

SILENCE = 1.0
"""Seconds after which another stream of the section takes over: its sender has paused the layer, or goes on under another SSRC."""


MAX_ASKERS = 256
"""Peers whose asking for a section's keyframes is remembered; beyond that the one that asked longest ago is forgotten."""


class IncomingStream:
    """One SSRC of a peer. It holds its place in the peer's list from its first authenticated packet, or its declaration, on.

    `feed` is None until the section is known. A retransmission stream has a `primary`, for which its packets are.
    """

    __slots__ = (
        "ended",
        "feed",
        "given_up",
        "heard_at",
        "history",
        "keyframe_timer",
        "keyframes",
        "log",
        "primary",
        "report_ntp",
        "report_timestamp",
        "reported",
        "rid",
        "ssrc",
    )

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.feed: Feed | None = None
        self.primary: IncomingStream | None = None
        self.rid = ""
        self.ended = False
        """The peer has said BYE; the next packet takes it back."""
        self.heard_at = 0.0
        """When its newest packet came."""
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

    def sender_report(self, ntp: int, timestamp: int, now: float) -> None:
        """The peer's sender report of this stream came in."""
        self.log.sender_report(ntp, now)
        self.report_ntp = to_seconds(ntp)
        self.report_timestamp = timestamp


class Feed:
    """One section that a peer sends on. Of its streams the `active` one is forwarded, to all `receivers`."""

    __slots__ = (
        "_asks",
        "active",
        "asks_nack",
        "awaited",
        "clock_rate",
        "codecs",
        "descriptors",
        "keeps_history",
        "kind",
        "loudest",
        "media_of_rtx",
        "payload_type",
        "peer",
        "reader",
        "receivers",
        "section",
        "streams",
    )

    def __init__(self, peer: PeerId, section: Section) -> None:
        self.peer = peer
        self.kind = Kind.AUDIO if section.kind == "audio" else Kind.VIDEO
        self.clock_rate = CLOCK_RATES[section.kind]
        self.streams: list[IncomingStream] = []
        """Of media, without the retransmission streams."""
        self.active: IncomingStream | None = None
        self.receivers: tuple[OutgoingStream, ...] = ()
        self.awaited = False
        """Whether a receiver may be waiting for a keyframe, of the codec that is being sent."""
        self.payload_type = -1
        """Of the active stream's newest packet; -1 before the first. Whoever sets it refreshes."""
        self._asks: dict[PeerId, AskLimit] = {}
        self.keeps_history = False
        """Whether a receiver may ask for packets again."""
        self.loudest = -1
        """The loudest audio level since the last report, in -dBov; -1 for none."""
        self.update(section)

    def update(self, section: Section) -> None:
        """What was negotiated for the section, at first or anew."""
        self.section = section
        self.reader = Reader(section.extensions)
        self.codecs: dict[int, Codec] = {codec.payload_type: codec for codec in section.codecs}
        self.media_of_rtx: dict[int, int] = {
            codec.rtx_payload_type: codec.payload_type for codec in section.codecs if codec.rtx_payload_type is not None
        }
        self.descriptors = {codec.payload_type: CODEC_OF_NAME.get(codec.name, NOT_VIDEO) for codec in section.codecs}
        self.asks_nack = any(codec.nack for codec in section.codecs)

    def prefers(self, stream: IncomingStream, now: float) -> bool:
        """Whether `stream`, which a packet came on, is to be forwarded from now on instead of the active one.

        Of simulcast layers: the first that the offer lists among those that come. Choosing by what receivers can take belongs here.
        """
        active = self.active
        if active is None or now - active.heard_at > SILENCE:
            return True
        rids = self.section.rids
        return stream.rid in rids and active.rid in rids and rids.index(stream.rid) < rids.index(active.rid)

    def activate(self, stream: IncomingStream | None) -> None:
        """Forward `stream` from its next packet (of video: from its next keyframe) on."""
        self.active = stream
        for receiver in self.receivers:
            receiver.switch(by_source=True)
        self.refresh()

    def set_receivers(self, receivers: tuple[OutgoingStream, ...]) -> None:
        self.receivers = receivers
        self.refresh()

    def refresh(self) -> None:
        """Look again what the receivers that can be sent to need."""
        self.keeps_history = any(receiver.can_resend for receiver in self.receivers)
        self.awaited = any(self._waits(receiver) for receiver in self.receivers)

    def _waits(self, receiver: OutgoingStream) -> bool:
        return receiver.awaiting_keyframe and receiver.session is not None and receiver.carries(self.payload_type)

    def asks(self, receiver: PeerId) -> AskLimit:
        """What a receiving peer may still ask for. It outlives routes, or whoever turns one off and on again could ask at will."""
        limit = self._asks.pop(receiver, None)
        if limit is None:
            limit = AskLimit()
            if len(self._asks) >= MAX_ASKERS:
                del self._asks[next(iter(self._asks))]
        self._asks[receiver] = limit
        return limit

    def may_ask(self, now: float) -> bool:
        """Whether a keyframe is to be asked for, because somebody waits who may ask; counts it for that one alone.

        Where the source itself has begun anew nobody asks for more than is needed, so that is not limited.
        """
        return any(
            self._waits(receiver) and (receiver.switched_by_source or self.asks(receiver.peer).allow(now))
            for receiver in self.receivers
        )

    def stream_of(self, rid: str) -> IncomingStream | None:
        """The media stream of a layer; of a section without layers, with an empty rid, the one it has."""
        return next((stream for stream in reversed(self.streams) if stream.rid == rid), None)
