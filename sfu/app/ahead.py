"""What a step that has to wait for its turn would close is closed now: nobody is heard a moment longer because a disk is slow.

Should the step be refused when its turn has come, or close less by then, what it has closed ahead is made good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sfu import clock
from sfu.ids import ParticipantId
from sfu.rooms.commands import AddRoute, CloseMedia, Command, DropRoute, Record, SetLayer
from sfu.rooms.events import Event
from sfu.rooms.room import Room

Section = tuple[ParticipantId, str]
"""A receiver, and one of its sections."""


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """What was closed ahead of one step."""

    routes: frozenset[Section]
    transports: frozenset[ParticipantId]


class Ahead:
    """What is closed in one visit for steps that wait."""

    def __init__(
        self,
        room: Callable[[], Room],
        do: Callable[[Command], None],
        check_transport: Callable[[ParticipantId], None],
    ) -> None:
        """`room` gives the visit's room as it stands; `do` carries out a command of its media, whatever comes of it;
        `check_transport` has the room learn of it where a transport that it takes to be there is gone.
        """
        self._room = room
        self._do = do
        self._check_transport = check_transport
        self._waiting: list[Closed] = []
        self._dropped: set[Section] = set()
        """Without a route in the plane, whatever the room says."""

    def close(self, occurred: Callable[[], Event]) -> Closed | None:
        """Close what this step would close as things stand; `make_good` is to be called when it is over. None: nothing.

        A step that lets somebody in closes nothing before it is written. Closing twice is closing once.
        """
        try:
            step = self._room().step(occurred(), now=clock.monotonic(), wall=clock.wall())
        except Exception:
            return None  # told when its turn has come
        if any(isinstance(command, Record) and command.lets_in for command in step.commands):
            return None
        drops = [command for command in step.commands if isinstance(command, DropRoute)]
        closes = [command for command in step.commands if isinstance(command, CloseMedia)]
        for drop in drops:
            self._do(drop)
        for close in closes:
            self._do(close)
        closed = Closed(
            frozenset((drop.receiver, drop.mid) for drop in drops), frozenset(close.participant for close in closes)
        )
        self._dropped |= closed.routes
        self._waiting.append(closed)
        return closed

    def added(self, receiver: ParticipantId, mid: str) -> None:
        """A step has added a route."""
        self._dropped.discard((receiver, mid))

    def make_good(self, closed: Closed) -> None:
        """The step is over. What it has not closed is as the room has it.

        A route is put back, unless another step that waits has closed it too. A transport stays gone, and the room is told:
        its owner makes another.
        """
        self._waiting.remove(closed)
        for section in closed.routes & self._dropped:
            if not any(section in other.routes for other in self._waiting):
                self._dropped.discard(section)
                self._put_back(*section)
        for participant in closed.transports:
            self._check_transport(participant)

    def _put_back(self, receiver: ParticipantId, mid: str) -> None:
        room = self._room()
        track = room.routes.get((receiver, mid))
        if track is None:
            return
        self._do(AddRoute(track, receiver, mid))
        grant = room.pictures.grant(receiver, track)
        if grant is not None:
            self._do(SetLayer(track, receiver, mid, grant.spatial, grant.temporal, grant.precedence))
