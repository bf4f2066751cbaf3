"""The layers of a picture as browsers send them."""

from __future__ import annotations

from collections.abc import Sequence

from sfu.rooms.ladders import Layer

SIZES = [(320, 180), (640, 360), (1280, 720)]
RATES = [(60, 100, 150), (200, 350, 500), (600, 1000, 1500)]
"""kbit/s by spatial and temporal layer, as browsers send simulcast of VP8 (L1T3)."""


def layers(rates: Sequence[Sequence[int]] = RATES, frame_rate: float = 30.0) -> tuple[Layer, ...]:
    return tuple(
        Layer(spatial, temporal, rate * 1000, *SIZES[spatial], frame_rate / 2 ** (len(of_spatial) - 1 - temporal))
        for spatial, of_spatial in enumerate(rates)
        for temporal, rate in enumerate(of_spatial)
    )


SIMULCAST = layers()
