"""Telling the layers of what is sent, and what each takes: once a second, and when the set changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sfu.transport.incoming import Feed, IncomingStream
from sfu.transport.parameters import LayerRate, LayerRates
from sfu.transport.timers import Timers

INTERVAL = 1.0
"""Seconds between two reports of a section."""
FIRST = 0.3
"""Seconds from a layer's first packet to the report that names it: time enough for a rate to be known."""
GONE_AFTER = 2.0
"""Seconds of silence after which a stream does not come any more. A shared screen that stands still sends a frame a second."""


class Rates:
    """The measuring of a plane's video sections."""

    def __init__(self, timers: Timers, tell: Callable[[LayerRates], None]) -> None:
        self._timers = timers
        self._tell = tell

    def watch(self, feed: Feed, stream: IncomingStream, now: float) -> None:
        """The stream has begun to come, or comes again."""
        stream.meter.roll(now)
        self._schedule(feed, now + FIRST)

    def tell(self, feed: Feed, now: float) -> None:
        """The set has changed: say so at once, with what was measured last."""
        self._tell(_layer_rates(feed))
        self._schedule(feed, now + INTERVAL)

    def _schedule(self, feed: Feed, when: float) -> None:
        if feed.measured_at is None or when < feed.measured_at:
            feed.measured_at = when
            self._timers.at(when, feed.peer, partial(self._due, feed))

    def _due(self, feed: Feed, now: float) -> None:
        if feed.measured_at is None or now < feed.measured_at:
            return
        feed.measured_at = None
        if not feed.streams:
            return
        for stream in feed.selection.coming():
            if stream is not None and not _measure(stream, now):
                feed.selection.pause(stream)
        streams = feed.selection.coming()
        feed.selection.measured([_total(stream) for stream in streams])
        self._tell(_layer_rates(feed))
        if any(stream is not None for stream in streams):
            self._schedule(feed, now + INTERVAL)


def _measure(stream: IncomingStream, now: float) -> bool:
    """Begin another window. False: the stream does not come any more."""
    if any(stream.meter.octets):
        if stream.meter.roll(now):
            frames = max((rate for _, _, _, rate in stream.meter.cumulative()), default=0.0)
            stream.frame_interval = 1 / frames if frames else 0.0
        return True
    return now - stream.heard_at < GONE_AFTER


def _total(stream: IncomingStream | None) -> int:
    return sum(bits for _, bits, _ in stream.meter.rates) if stream is not None else 0


def _layer_rates(feed: Feed) -> LayerRates:
    layers = []
    simulcast = bool(feed.section.rids)
    for place, stream in enumerate(feed.selection.coming()):
        if stream is None:
            continue
        for spatial, temporal, bits, frames in stream.meter.cumulative():
            if simulcast and spatial != stream.highest:
                continue  # layers within a simulcast layer go together
            width, height = stream.sizes[spatial] if spatial < len(stream.sizes) else (0, 0)
            layers.append(LayerRate(place if simulcast else spatial, temporal, bits, width, height, frames))
    return LayerRates(feed.peer, feed.section.mid, tuple(layers), feed.selection.rids)
