"""What a stream's layers take: payload bytes and frames by layer, over windows of about a second."""

from __future__ import annotations

from array import array

from sfu.rtp.frame import LAYERS

LEAST = 0.2
"""Seconds of the shortest window that tells anything."""


class Meter:
    """One stream's. Whoever has the packet adds to the arrays, by `Frame.layer`, itself."""

    __slots__ = ("_since", "frames", "octets", "rates")

    def __init__(self, now: float) -> None:
        self.octets = array("q", [0]) * LAYERS
        self.frames = array("q", [0]) * LAYERS
        self.rates: tuple[tuple[int, int, float], ...] = ()
        """(layer, bits per second, frames per second) of each layer alone, that came in the window before; lowest first."""
        self._since = now

    def roll(self, now: float) -> bool:
        """Make `rates` of what was counted, and begin another window. False: too soon."""
        passed = now - self._since
        if passed < LEAST:
            return False
        self.rates = tuple(
            (layer, int(octets * 8 / passed), self.frames[layer] / passed)
            for layer, octets in enumerate(self.octets)
            if octets
        )
        for layer in range(LAYERS):
            self.octets[layer] = self.frames[layer] = 0
        self._since = now
        return True

    def cumulative(self) -> list[tuple[int, int, int, float]]:
        """(spatial, temporal, bits per second, frames per second) of each layer with those that it stands on; lowest first."""
        return [
            (
                layer >> 3,
                layer & 7,
                sum(bits for other, bits, _ in self.rates if other >> 3 <= layer >> 3 and other & 7 <= layer & 7),
                sum(frames for other, _, frames in self.rates if other >> 3 == layer >> 3 and other & 7 <= layer & 7),
            )
            for layer, _, _ in self.rates
        ]
