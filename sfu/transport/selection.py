"""Which of a section's streams each receiver gets: one of its simulcast layers, or the only stream there is.

A receiver has a `source`, whose packets go out to it, and may have a `target`, which it goes over to with the target's next keyframe.
Sound goes over at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfu.rtp.ladder import Ladder, choose

if TYPE_CHECKING:
    from sfu.transport.incoming import Feed, IncomingStream
    from sfu.transport.outgoing import OutgoingStream

TAKEN_OVER_AFTER = 1.0
"""Seconds of silence after which another stream of the same layer takes over: its sender goes on under another SSRC."""
SILENT_AFTER = 0.3
"""Seconds of silence after which a layer counts as paused while a lower one comes, at least …"""
SILENT_FRAMES = 3
"""… and frames of that lower one, where it has fewer than ten a second."""


class Selection:
    """One section's. Whoever changes what it knows of a receiver calls `place`, or `refresh`."""

    __slots__ = ("_feed", "_ladder", "_streams")

    def __init__(self, feed: Feed, rids: tuple[str, ...]) -> None:
        self._feed = feed
        self._ladder = Ladder(rids)
        self._streams: list[IncomingStream | None] = [None] * max(len(rids), 1)

    @property
    def rids(self) -> tuple[str, ...]:
        """Of each spatial layer, lowest first; without simulcast one empty one."""
        return self._ladder.rids or ("",)

    def coming(self) -> list[IncomingStream | None]:
        """What comes of each spatial layer, lowest first."""
        return [stream if stream is not None and stream.live else None for stream in self._streams]

    def arrive(self, stream: IncomingStream, now: float) -> bool:
        """A packet of a stream that has not come until now, or not of late. False: another one has its place."""
        layer = self._layer(stream)
        if layer < 0:
            return False
        before = self._streams[layer]
        if before is not None and before is not stream:
            if before.live and now - before.heard_at <= TAKEN_OVER_AFTER:
                return False
            before.live = False
            self._leave(before)
        self._streams[layer] = stream
        stream.live = True
        self.place_all()
        return True

    def depart(self, stream: IncomingStream) -> None:
        """The stream has ended, or is not the section's any more."""
        self.pause(stream)
        if stream in self._streams:
            self._streams[self._streams.index(stream)] = None
        self._leave(stream)
        self.place_all()

    def pause(self, stream: IncomingStream) -> None:
        """Nothing has come of it for a while. Who waits for it gets something else."""
        stream.live = False
        self.place_all()

    def restart(self, stream: IncomingStream) -> None:
        """The stream began anew: its packets are as good as another source's."""
        self._leave(stream)
        self.place_all()

    def silent_above(self, stream: IncomingStream, now: float) -> IncomingStream | None:
        """A higher layer that has paused, as a frame of `stream` shows; None where all go on."""
        waited = max(SILENT_AFTER, SILENT_FRAMES * stream.frame_interval)
        for higher in self._streams[self._layer(stream) + 1 :]:
            if higher is not None and higher.live and now - higher.heard_at > waited:
                return higher
        return None

    def measured(self, rates: list[int]) -> bool:
        """The bit rates of one more second, by spatial layer. True: the layers' order is another now."""
        before = self._ladder.rids
        if not self._ladder.measured(rates):
            return False
        streams = dict(zip(before, self._streams, strict=True))
        self._streams = [streams[rid] for rid in self._ladder.rids]
        self.place_all()
        return True

    def leave_larger(self, receiver: OutgoingStream) -> bool:
        """The receiver is to get a smaller layer, which `place` gives it, and no more of the one that it has. False: that is no larger."""
        stream, source = self._choose(receiver.wanted_spatial), receiver.source
        if (
            stream is None
            or source is None
            or receiver.wanted_spatial < 0
            or self._layer(stream) >= self._layer(source)
        ):
            return False
        receiver.leave()
        receiver.target = None
        self.refresh()
        return True

    def place_all(self) -> None:
        """The streams are others than before."""
        for receiver in self._feed.receivers:
            self._place(receiver, by_source=True)
        self.refresh()

    def place(self, receiver: OutgoingStream) -> None:
        """A receiver is new, or wants something else."""
        self._place(receiver, by_source=False)
        self.refresh()

    def begin(self, stream: IncomingStream) -> None:
        """A keyframe of the stream begins: those who waited go over to it."""
        for receiver in stream.waiting:
            if receiver.source is stream:
                receiver.target = None
            else:
                receiver.begin(stream)
        self.refresh()

    def refresh(self) -> None:
        """Look again who gets what, and what is needed for them."""
        receivers = self._feed.receivers
        for stream in self._feed.streams:
            taken = stream.is_taken
            stream.receivers = tuple(receiver for receiver in receivers if receiver.source is stream)
            aiming = [receiver for receiver in receivers if receiver.target is stream]
            stream.waiting = tuple(receiver for receiver in aiming if receiver.can_take(stream))
            stream.unable = tuple(
                receiver for receiver in aiming if receiver.source is not stream and not receiver.can_take(stream)
            )
            stream.described = (
                stream.layered
                or bool(self._ladder.rids or stream.waiting)
                or any(receiver.layers is not None for receiver in stream.receivers)
            )
            stream.keeps_history = any(receiver.can_resend for receiver in stream.receivers + stream.waiting)
            if taken is not stream.is_taken:
                stream.log.abandon()

    def _layer(self, stream: IncomingStream) -> int:
        """The place of a stream among the layers; -1 where its rid is not one of them."""
        rids = self._ladder.rids
        if not rids:
            return 0
        return rids.index(stream.rid) if stream.rid in rids else -1

    def _place(self, receiver: OutgoingStream, *, by_source: bool) -> None:
        stream = self._choose(receiver.wanted_spatial)
        if receiver.wanted_spatial < 0:
            receiver.leave()
            receiver.target = None
        elif stream is None or (stream is receiver.source and not receiver.lacks_layers()):
            receiver.target = None
        elif receiver.is_sound:
            receiver.begin(stream)
        elif receiver.target is not stream:
            receiver.target = stream
            receiver.switched_by_source = by_source

    def _choose(self, wanted: int) -> IncomingStream | None:
        """The stream for who wants this layer. While nothing comes at all it is one that has come."""
        streams = self.coming()
        if not any(stream is not None for stream in streams):
            streams = self._streams
        layer = choose(wanted if self._ladder.rids else 0, [stream is not None for stream in streams])
        return streams[layer] if layer >= 0 else None

    def _leave(self, stream: IncomingStream) -> None:
        for receiver in self._feed.receivers:
            if receiver.source is stream:
                receiver.leave()
            if receiver.target is stream:
                receiver.target = None
