"""All that a room is, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.admission.limits import Knocks
from sfu.admission.visit import Visit
from sfu.admission.waiting_room import State
from sfu.admission.windows import Anchor
from sfu.ids import ParticipantId, PersonId
from sfu.rooms.lobby import lobby_entries
from sfu.rooms.participant import Participant
from sfu.rooms.pictures import Pictures
from sfu.rooms.subscriptions import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomState:
    """A room between two steps. Nothing in it is ever changed: a step makes another."""

    visit: Visit
    participants: Mapping[ParticipantId, Participant]
    """Those who wait, are in, or were turned away, in the order in which they came."""
    departed: Mapping[ParticipantId, bytes]
    """Resume digests of those who left, expired, or saw the visit end; the newest last."""
    turned_away: Mapping[PersonId, State]
    """Persons whom every ticket finds turned away."""
    tickets_used: frozenset[str]
    tickets_revoked: frozenset[str]
    knocks: Mapping[str, Knocks]
    """By link, and by ticket that was passed on."""
    routes: Routes
    version: int
    """Of the last roster or lobby handed out; 0 before the first.

    The first is the time of day in milliseconds. So versions rise over a restart, too, without being written anywhere,
    unless the wall clock is set back at the same time; a client begins anew with each channel that it opens.
    """
    roster: list[dict[str, object]]
    """As last handed out."""
    lobby: Mapping[str, object]
    """As last handed out."""
    speaker: ParticipantId | None
    pictures: Pictures
    anchor: Anchor | None
    """Set by the first step that succeeds."""


def empty_state(visit: Visit) -> RoomState:
    """A room into which nobody has come yet."""
    return RoomState(
        visit=visit,
        participants={},
        departed={},
        turned_away={},
        tickets_used=frozenset(),
        tickets_revoked=frozenset(),
        knocks={},
        routes={},
        version=0,
        roster=[],
        lobby=lobby_entries(()),
        speaker=None,
        pictures=Pictures(),
        anchor=None,
    )
