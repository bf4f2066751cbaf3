"""What becomes of a peer's packet once it is known to be of one of its streams: noted, kept, and a copy for each receiver."""

from __future__ import annotations

from collections.abc import Callable

from sfu.rtp.descriptors import is_keyframe_start, read_frame
from sfu.rtp.extensions import AUDIO_LEVEL, DEPENDENCY_DESCRIPTOR, Elements
from sfu.rtp.frame import Frame
from sfu.rtp.history import History
from sfu.rtp.levels import level
from sfu.rtp.packet import Header
from sfu.rtp.receive_log import DUPLICATE, JUMPED, NEVER, NEW, RECOVERED, RESTARTED, TOO_OLD
from sfu.transport.control import Control
from sfu.transport.counters import Counters, Kind
from sfu.transport.drops import DropReason
from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.loudness import Loudness
from sfu.transport.media_peer import MediaPeer
from sfu.transport.outgoing import OutgoingStream
from sfu.transport.parameters import PeerId
from sfu.transport.rates import Rates

_HAS_LEVEL = 1 << AUDIO_LEVEL
_HAS_DESCRIPTOR = 1 << DEPENDENCY_DESCRIPTOR
_REFUSALS = {DUPLICATE: DropReason.DUPLICATE, TOO_OLD: DropReason.TOO_OLD, JUMPED: DropReason.SEQUENCE_JUMP}


class Forwarding:
    """The packets of all peers of a plane. `header` and `elements` are those of the packet at hand."""

    def __init__(
        self,
        peers: dict[PeerId, MediaPeer],
        control: Control,
        rates: Rates,
        loudness: Loudness,
        counters: Counters,
        on_bug: Callable[[PeerId, Exception], None],
    ) -> None:
        self._peers = peers
        self._control = control
        self._rates = rates
        self._loudness = loudness
        self._counters = counters
        self._counts = counters.drops.counts
        self._on_bug = on_bug
        # One of each for all packets: they are read and forgotten within one call.
        self.header = Header()
        self.elements = Elements()
        self._frame = Frame()
        self.first: list[tuple[PeerId, bool]] = []
        """(peer, whether incoming) of each first packet of a route that has been prepared, and is to be told once it is on its way."""

    def receive(
        self,
        peer: MediaPeer,
        feed: Feed,
        stream: IncomingStream,
        view: memoryview,
        offset: int,
        length: int,
        repaired: bool,
        now: float,
    ) -> None:
        """A clear packet whose header has been parsed: note it, keep it, forward it."""
        header = self.header
        codec = feed.descriptors.get(header.payload_type)
        if codec is None:
            self._counts[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
            return
        sequence = header.sequence
        log = stream.log
        verdict = log.received(sequence, header.timestamp, now, repaired)
        if verdict != NEW and verdict != RECOVERED:
            if verdict != RESTARTED:
                self._counts[_REFUSALS[verdict]] += 1
                return
            self._restart(feed, stream)
        stream.ended = False
        stream.heard_at = now
        if not stream.live and not self._arrive(peer, feed, stream, now):
            self._counts[DropReason.OTHER_LAYER] += 1
            return
        if log.nacks_at < NEVER and stream.is_taken and feed.asks_nack:
            self._control.watch_losses(peer, stream, log.nacks_at)
        payload_length = header.payload_length
        if payload_length == 0:
            self._counts[DropReason.PADDING] += 1
            for receiver in stream.receivers:
                receiver.skip(sequence)
            return
        elements = self.elements
        if elements.present & _HAS_LEVEL:
            loudness = level(view[elements.offsets[AUDIO_LEVEL]])
            if feed.loudest < 0:
                self._loudness.hear(feed, loudness, now)
            elif loudness < feed.loudest:
                feed.loudest = loudness
        start = offset + header.header_length
        if header.payload_type != stream.payload_type:
            stream.payload_type = header.payload_type
            feed.selection.refresh()
        if stream.keeps_history:
            history = stream.history
            if history is None:
                history = stream.history = History.for_video() if feed.kind is Kind.VIDEO else History.for_audio()
            history.store(sequence, view, offset, length, now)
        frame = None
        newest = verdict != RECOVERED
        extended = 0
        if codec:
            if stream.described or header.timestamp != stream.timestamp or stream.keyframes.wanted or not newest:
                frame = self._look(stream, codec, view, start, newest)
                extended = log.highest if newest else log.extended(sequence)
                if header.marker and feed.is_simulcast:
                    self._look_above(feed, stream, now)
                if stream.waiting or stream.keyframes.wanted:
                    self._look_for_keyframe(peer, feed, stream, codec, view, start, frame, now)
            else:
                # Nothing needs to know more of the middle of a frame than how large it is.
                stream.meter.octets[0] += payload_length
        receivers = stream.receivers
        if not receivers:
            self._count_untaken(feed, stream)
            return
        payload = view[start : start + payload_length]
        sent = sent_bytes = 0
        for receiver in receivers:
            try:
                size = receiver.forward(view, header, elements, payload, frame, extended, newest, now)
                if size:
                    sent += 1
                    sent_bytes += size
                    if not receiver.started:
                        self._start(peer, receiver, now)
            except Exception as error:
                self._on_bug(receiver.peer, error)
        counters = self._counters
        counters.packets_out[feed.kind] += sent
        counters.bytes_out[feed.kind] += sent_bytes

    def _look(self, stream: IncomingStream, codec: int, view: memoryview, start: int, newest: bool) -> Frame | None:
        """What the packet at hand tells of its frame, which is counted for its layer; None where it tells nothing."""
        header, elements, frame = self.header, self.elements, self._frame
        descriptor = elements.present & _HAS_DESCRIPTOR
        described = read_frame(
            codec,
            view,
            start,
            header.payload_length,
            header.marker,
            stream.structures,
            elements.offsets[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            elements.lengths[DEPENDENCY_DESCRIPTOR] if descriptor else 0,
            newest,
            frame,
        )
        meter = stream.meter
        if not described:
            meter.octets[0] += header.payload_length
            if newest and header.timestamp != stream.timestamp:
                meter.frames[0] += 1
                stream.timestamp = header.timestamp
            return None
        layer = frame.spatial << 3 | frame.temporal
        meter.octets[layer] += header.payload_length
        if newest:
            # A frame of each layer that a picture has begins once.
            if frame.start if stream.layered else header.timestamp != stream.timestamp:
                meter.frames[layer] += 1
            stream.note(frame, header.timestamp)
        return frame

    def _look_for_keyframe(
        self,
        peer: MediaPeer,
        feed: Feed,
        stream: IncomingStream,
        codec: int,
        view: memoryview,
        start: int,
        frame: Frame | None,
        now: float,
    ) -> None:
        """Somebody waits for a keyframe of the stream: does one begin with the packet at hand?"""
        if frame is not None:
            keyframe = frame.keyframe
        else:
            keyframe = is_keyframe_start(codec, view, start, self.header.payload_length)
        if keyframe:
            stream.keyframes.seen()
            feed.selection.begin(stream)
        elif stream.waiting and not stream.keyframes.wanted and feed.may_ask(stream, now):
            self._control.want_keyframe(peer, stream, now)

    def _look_above(self, feed: Feed, stream: IncomingStream, now: float) -> None:
        """A frame of a simulcast layer ends: those above it that have paused are not waited for."""
        silent = feed.selection.silent_above(stream, now)
        if silent is not None:
            feed.selection.pause(silent)
            self._rates.tell(feed, now)

    def _count_untaken(self, feed: Feed, stream: IncomingStream) -> None:
        """Nobody gets the packet at hand, each for a reason."""
        counts = self._counts
        if not feed.receivers:
            counts[DropReason.NO_ROUTE] += 1
            return
        counts[DropReason.NOT_A_KEYFRAME] += len(stream.waiting)
        for receiver in stream.unable:
            counts[DropReason.NOT_CONNECTED if receiver.session is None else DropReason.NO_CODEC] += 1
        if not stream.waiting and not stream.unable:
            counts[DropReason.OTHER_LAYER] += 1

    def _restart(self, feed: Feed, stream: IncomingStream) -> None:
        """The source began anew: its sequence numbers and timestamps mean other packets and moments from here on."""
        stream.report_ntp = None
        if stream.history is not None:
            stream.history.clear()
        feed.selection.restart(stream)

    def _arrive(self, peer: MediaPeer, feed: Feed, stream: IncomingStream, now: float) -> bool:
        """The first packet of a stream, or the first after a silence. False: another stream has its place."""
        if not feed.selection.arrive(stream, now):
            return False
        # Without feedback Chromium stays at 293 kbit/s: let the first REMB not wait for its turn.
        self._control.report_soon(peer, now)
        if feed.kind is Kind.VIDEO:
            self._rates.watch(feed, stream, now)
        return True

    def _start(self, peer: MediaPeer, receiver: OutgoingStream, now: float) -> None:
        """The first packet of a route has been prepared."""
        receiver.started = True
        if not receiver.is_sound:
            self._counters.first_picture.observe(now - receiver.routed_at)
        self.first.append((peer.number, True))
        self.first.append((receiver.peer, False))
        target = self._peers.get(receiver.peer)
        if target is not None:
            self._control.report_soon(target, now)
