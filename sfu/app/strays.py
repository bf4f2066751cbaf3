"""Transports whose owners are not admitted, and the media that they have carried. There must never be any.

Seen from outside of what opens and closes them: what the plane has is compared with who is in, whatever led to either.
"""

from __future__ import annotations

from collections.abc import Mapping

from sfu.app.home import Home
from sfu.app.media import Media, Transport
from sfu.app.testing import EchoTests
from sfu.ids import ParticipantId, VisitId
from sfu.transport.parameters import FirstForwarded, PeerId, Report

LOOK_SECONDS = 1.0
"""How often it is looked, while anything is reported. A transport that carries its first packet is looked at in that wake-up."""


class Strays:
    """Of the whole process."""

    def __init__(self, media: Media, homes: Mapping[VisitId, Home], tests: EchoTests) -> None:
        self._media = media
        self._homes = homes
        self._tests = tests
        self._in: set[PeerId] = set()
        self._carried: dict[PeerId, int] = {}
        self._looked_at = float("-inf")
        self.packets = 0
        """Media packets to or from transports of those who were not admitted, as of the last look."""

    def mind(self, reports: list[Report], now: float) -> None:
        """Look, where it is time or where some transport has carried its first packet."""
        if now - self._looked_at >= LOOK_SECONDS or any(isinstance(report, FirstForwarded) for report in reports):
            self.look(now)

    def look(self, now: float) -> None:
        """Compare, and count what strays have carried since the last time."""
        self._looked_at = now
        admitted = {
            (visit, each.participant)
            for visit, home in self._homes.items()
            for each in home.room.participants
            if each.admitted
        }
        before, self._in = self._in, set()
        carried, self._carried = self._carried, {}
        for peer in self._media.peers():
            if self._may_be(self._media.owner(peer), admitted):
                self._in.add(peer)
                continue
            packets = self._media.carried(peer)
            # Who was in at the last look has carried what it was allowed to; of a new one nothing was.
            known = carried.get(peer, packets if peer in before else 0)
            self.packets += max(0, packets - known)
            self._carried[peer] = packets

    def _may_be(self, transport: Transport | None, admitted: set[tuple[VisitId, ParticipantId]]) -> bool:
        """Whether its owner is admitted to the visit that it belongs to, or tests their equipment with it."""
        if transport is None:
            return False
        if transport.visit is None:
            return self._tests.is_owner(transport.participant)
        return (transport.visit, transport.participant) in admitted
