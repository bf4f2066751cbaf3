"""Whether what is measured leaves everybody all the pictures that they want: then nobody waits for what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from sfu.ids import ParticipantId, TrackId
from sfu.rooms.allocation import HEAD_ROOM, Allotment
from sfu.rooms.ladders import Layer, place
from sfu.rooms.pictures import Pictures

SAME_FRAME_RATE = 0.1
"""Of what it was, by which a measured frame rate may differ and be the same …"""
ONE_FRAME = 1.5
"""… and frames a second by which it may always: in a window of a second 7.5 of them are seven or eight."""
Coming = Mapping[TrackId, tuple[tuple[Layer, ...], tuple[str, ...]]]
"""Of tracks, the layers that come, and the rids."""


def is_plenty(pictures: Pictures, estimates: Mapping[ParticipantId, int], coming: Coming) -> bool:
    """Of measurements that are news to these pictures: whether ways have only become wider, the same layers come, and all of them fit."""
    for receiver, bits in estimates.items():
        known = pictures.estimates.get(receiver)
        if known is None or bits < known or _lacks(pictures.allotments.get(receiver)):
            return False
    for track, (layers, rids) in coming.items():
        before = pictures.coming.get(track)
        if before is None or before.rids != rids or not _same_places(before.layers, layers):
            return False
    return all(
        not _lacks(allotment) and _fits(allotment, coming)
        for allotment in pictures.allotments.values()
        if any(demand.track in coming for demand in allotment.demands)
    )


def _lacks(allotment: Allotment | None) -> bool:
    """Whether somebody is given less of a picture than they want."""
    return allotment is not None and any(grant.limited for grant in allotment.grants.values())


def _same_places(before: tuple[Layer, ...], after: tuple[Layer, ...]) -> bool:
    """Whether they are the same layers, of the same sizes and frame rates, whatever they take."""
    return len(before) == len(after) and all(
        (*place(old), old.width, old.height) == (*place(new), new.width, new.height)
        and abs(new.frame_rate - old.frame_rate) <= max(ONE_FRAME, old.frame_rate * SAME_FRAME_RATE)
        for old, new in zip(before, after, strict=True)
    )


def _fits(allotment: Allotment, coming: Coming) -> bool:
    """Whether the best of all pictures fits on the way with head room, as they come now."""
    if allotment.estimate is None:
        return True
    most = 0
    for demand in allotment.demands:
        layers = coming[demand.track][0] if demand.track in coming else demand.layers
        most += max((layer.bits_per_second for layer in layers), default=0)
    return most * HEAD_ROOM + allotment.sound <= allotment.estimate
