"""How good somebody's connection is, from 1.0 (unusable) to 5.0 (nothing to wish for), as the page shows it.

The E-model of ITU-T G.107, simplified as by Cole and Rosenbluth (Voice over IP Performance Monitoring, 2001) to what reports tell:

    delay   = round trip + 2 × jitter                     in ms; two ways like this one, and a buffer for their jitter
    Id      = 0.024 × delay + 0.11 × (delay − 177.3)      the second term above 177.3 ms only
    Ie,eff  = 95 × loss / (loss + 25.1)                   loss in percent; G.113's packet loss robustness for concealed random loss
    R       = 93.2 − Id − Ie,eff
    MOS     = 1 + 0.035 R + R (R − 60)(100 − R) × 7 × 10⁻⁶
    score   = 1 + (MOS − 1) × 4 / 3.41                    4.41 is the best that R allows

The score is that of the worse direction. A picture that is held back for lack of bandwidth is a gap in what somebody sees, which
no report of loss tells: with one the score is 2.5 at most. How long a picture stood still at a receiver no report tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BEST_R = 93.2
BEST_MOS = 4.41
LOSS_ROBUSTNESS = 25.1
"""Percent (ITU-T G.113, appendix I, G.711 with concealment; Opus conceals no worse)."""
SLOW = 177.3
"""Milliseconds; longer than this people begin to talk at the same time."""
GOOD = 4.0
"""From here on nobody notices anything, and no reason is told."""
WITH_GAPS = 2.5
"""At most, while a picture is held back."""


class Reason(StrEnum):
    """What somebody with a bad connection may look at."""

    UPLINK = "uplink"
    """What comes from them is damaged."""
    DOWNLINK = "downlink"
    """What goes to them is damaged, or too much for their way."""
    DELAY = "delay"
    """Everything arrives, late."""


@dataclass(frozen=True, slots=True)
class Way:
    """One direction, since the last report."""

    loss: float
    """Share of the packets that did not arrive, 0 … 1."""
    jitter: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What reports tell of somebody's way to the server and back."""

    round_trip: float | None
    """Seconds; None while unknown."""
    up: Way | None
    """From them; None where nothing came, or nothing is known of it."""
    down: Way | None
    """To them."""


@dataclass(frozen=True, slots=True)
class Score:
    value: float
    """1.0 … 5.0, with one decimal."""
    reason: Reason | None
    """None where the connection is good."""


def score(connection: Connection, *, held_back: bool = False) -> Score | None:
    """The score of a connection; None where nothing is known of it. `held_back`: a picture is, for lack of bandwidth."""
    round_trip = connection.round_trip or 0.0
    ways = [
        (way, reason) for way, reason in ((connection.up, Reason.UPLINK), (connection.down, Reason.DOWNLINK)) if way
    ]
    if not ways and connection.round_trip is None and not held_back:
        return None
    value, reason = opinion(rating(round_trip, Way(0.0, 0.0))), Reason.DELAY
    for way, side in ways:
        as_it_is = opinion(rating(round_trip, way))
        if as_it_is < value:
            # Delay is to blame only where this direction itself adds little to it.
            own = opinion(rating(0.0, way))
            value, reason = as_it_is, side if own <= opinion(rating(round_trip, Way(0.0, 0.0))) else Reason.DELAY
    if held_back and value > WITH_GAPS:
        value, reason = WITH_GAPS, Reason.DOWNLINK
    value = round(value, 1)
    return Score(value, reason if value < GOOD else None)


def rating(round_trip: float, way: Way) -> float:
    """The rating factor R of one direction; lower is worse, and may be negative."""
    delay = (round_trip + 2 * way.jitter) * 1000
    loss = way.loss * 100
    impairment = 0.024 * delay + 0.11 * max(0.0, delay - SLOW)
    return BEST_R - impairment - 95 * loss / (loss + LOSS_ROBUSTNESS)


def opinion(rating: float) -> float:
    """The score that people would give, on average (ITU-T G.107, annex B), stretched to 1.0 … 5.0."""
    if rating <= 0:
        return 1.0
    mos = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return min(5.0, max(1.0, 1 + (mos - 1) * 4 / (BEST_MOS - 1)))
