"""A picture as one receiver wants it, and the steps in which it gets better.

A camera loses resolution first, then frame rate. A screen keeps its resolution and loses frame rate first: half of the letters cannot
be read at any speed (W3C mst-content-hint, `detail`). Nobody gets more than they can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from sfu.ids import TrackId

SIGNING_FRAME_RATE = 20.0
"""Frames a second (EN 301 549 6.5.3, ITU-T H-series supplement 1)."""
ENLARGED = 1.25
"""A picture may be shown so much larger than it was sent, each way, before somebody sees it."""
AS_GOOD_AS = 0.9
"""Frame rates are measured: 27 where 30 was asked for is what was asked for."""
DEFAULT_PRIORITY = 1
"""Of a picture of which the receiver has not said how it shows it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What a receiver gets who is given this spatial layer up to this temporal one."""

    spatial: int
    """0 is the lowest; a simulcast stream or an SVC layer alike."""
    temporal: int
    bits_per_second: int
    width: int
    """Pixels; 0 unknown."""
    height: int
    frame_rate: float


@dataclass(frozen=True, slots=True)
class Wish:
    """How a receiver shows a picture, and what it is."""

    width: int | None = None
    """CSS pixels; None where it has not said."""
    height: int | None = None
    frame_rate: float | None = None
    priority: int = DEFAULT_PRIORITY
    screen: bool = False
    pinned: bool = False
    """By staff, for all: a signing interpreter."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One picture, as one receiver wants it."""

    track: TrackId
    layers: tuple[Layer, ...]
    """Those that come now."""
    wish: Wish = Wish()
    speaking: bool = False

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """The lower, the sooner it is served."""
        wish = self.wish
        return (not wish.screen, not wish.pinned, -wish.priority, not self.speaking)


def enough(width: int, height: int, wish: Wish) -> bool:
    """Whether a picture of this size is as much as can be seen. By the shorter side, as cameras are turned; unknown sizes are not."""
    if wish.width is None or wish.height is None:
        return False
    return min(width, height) > 0 and min(width, height) * ENLARGED >= min(wish.width, wish.height)


def ladder(demand: Demand) -> list[Layer]:
    """The steps in which the picture gets better, each costing more than the one before; the last is all that is wanted."""
    wish = demand.wish
    by_spatial = [
        list(layers) for _, layers in groupby(sorted(demand.layers, key=place), key=lambda layer: layer.spatial)
    ]
    wanted: list[list[Layer]] = []
    for layers in by_spatial:
        wanted.append(_no_faster_than_wanted(layers, wish))
        if enough(layers[-1].width, layers[-1].height, wish):
            break
    if not wanted:
        return []
    if wish.screen:
        best_first = [*reversed(wanted[-1]), *(layers[0] for layers in reversed(wanted[:-1]))]
    else:
        best_first = [*(layers[-1] for layers in reversed(wanted[1:])), *reversed(wanted[0])]
    steps: list[Layer] = []
    for layer in best_first:
        if not steps or layer.bits_per_second < steps[-1].bits_per_second:
            steps.append(layer)
    return steps[::-1]


def place(layer: Layer) -> tuple[int, int]:
    return layer.spatial, layer.temporal


def _no_faster_than_wanted(layers: list[Layer], wish: Wish) -> list[Layer]:
    """The temporal layers of one spatial layer, lowest first, up to the one that is fast enough."""
    rate = wish.frame_rate
    if rate is None:
        return layers
    if wish.pinned:
        rate = max(rate, SIGNING_FRAME_RATE)
    for count, layer in enumerate(layers, 1):
        if layer.frame_rate >= rate * AS_GOOD_AS:
            return layers[:count]
    return layers
