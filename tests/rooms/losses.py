"""Channels that are lost, of which a room is told later: whatever waited before it comes first."""

from __future__ import annotations

from sfu.ids import ChannelId, ParticipantId
from sfu.rooms.events import ChannelLost


class Losses:
    """Who has lost a channel that the room still takes for good, and what it is to be told of it."""

    def __init__(self) -> None:
        self.dying: dict[ParticipantId, ChannelId] = {}
        """What the room tells these goes nowhere, and for these nobody asks."""
        self._untold: list[ChannelLost] = []
        self._opened_since: set[ParticipantId] = set()

    def lose(self, participant: ParticipantId, channel: ChannelId, told: frozenset[ParticipantId]) -> None:
        self.dying[participant] = channel
        self._untold.append(ChannelLost(channel, participant, told))

    def next(self) -> ChannelLost | None:
        """The first that the room is still to be told of."""
        if not self._untold:
            self._opened_since.clear()
            return None
        lost = self._untold.pop(0)
        self.closed(lost.channel)
        return lost

    def opened(self, participant: ParticipantId) -> None:
        """A transport has been opened."""
        if self._untold:
            self._opened_since.add(participant)

    def before_handshake(self, participant: ParticipantId) -> bool:
        """Whether the room learns of losses before it learns that this one's transport is up, which was opened after them."""
        return participant in self._opened_since

    def closed(self, channel: ChannelId) -> None:
        """The room does not take the channel for good any more."""
        self.dying = {who: which for who, which in self.dying.items() if which != channel}
