"""What the endpoint and the plane report, and the home that it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sfu import clock, tasks
from sfu.app.counters import Counters
from sfu.app.home import Home
from sfu.app.measuring import Measuring
from sfu.app.media import Media, Transport
from sfu.app.strays import Strays
from sfu.app.testing import EchoTests
from sfu.ids import ParticipantId, TrackId, VisitId
from sfu.rooms.events import MediaConnected, MediaLost, ReachChanged
from sfu.rooms.participant import Reach
from sfu.transport.parameters import (
    AudioLevels,
    Connected,
    Consent,
    ConsentChanged,
    Estimates,
    Failed,
    FirstForwarded,
    LayerRates,
    Receptions,
    Report,
)

REACH = {
    Consent.FRESH: Reach.GOOD,
    Consent.WEAK: Reach.WEAK,
    Consent.LOST: Reach.LOST,
    Consent.EXPIRED: Reach.LOST,
}
"""What a transport's consent means for its owner."""


class Reporting:
    """Hands each report to whom it concerns."""

    def __init__(
        self, media: Media, homes: Mapping[VisitId, Home], tests: EchoTests, counters: Counters, strays: Strays
    ) -> None:
        """`homes` are the visits that run now."""
        self._media = media
        self._homes = homes
        self._tests = tests
        self._counters = counters
        self._strays = strays
        self._measuring = Measuring(media, homes, counters)

    def take(self, reports: list[Report]) -> None:
        """Hand what the endpoint and the plane report to the homes it concerns."""
        now = clock.monotonic()
        self._strays.mind(reports, now)
        for report in reports:
            if isinstance(report, AudioLevels):
                self._heard(report, now)
                continue
            if isinstance(report, Estimates | Receptions | LayerRates):
                self._measuring.take(report, now)
                continue
            transport = self._media.owner(report.peer)
            if transport is None:
                continue
            if transport.visit is None:
                self._tests.report(transport.participant, report)
                continue
            home = self._homes.get(transport.visit)
            if home is None:
                continue
            match report:
                case FirstForwarded(_, incoming):
                    self._counters.media_seen(transport.participant, incoming, now)
                case Connected():
                    self._counters.media_connected(home.visit, transport.participant, now)
                    self._tell_connected(home, transport)
                case ConsentChanged(_, consent):
                    self._tell_reach(home, transport, consent)
                case Failed():
                    self._counters.media_lost(home.visit, transport.participant)
                    self._tell_lost(home, transport.participant)

    def _tell_connected(self, home: Home, transport: Transport) -> None:
        # When its turn has come, another transport may have taken this one's place.
        event = MediaConnected(transport.participant)
        still = partial(self._is_owner, transport)
        tasks.start(home.tell(event, still=still), name="media connected")

    def _tell_reach(self, home: Home, transport: Transport, consent: Consent) -> None:
        event = ReachChanged(transport.participant, REACH[consent])
        tasks.start(home.tell(event, still=partial(self._is_owner, transport)), name="media reach")

    def _tell_lost(self, home: Home, participant: ParticipantId) -> None:
        # Gone at once, so that an offer which comes before the room knows opens a fresh one, and is not undone by this.
        self._media.close(participant)
        tasks.start(
            home.tell(MediaLost(participant), still=lambda: not self._media.has(participant)), name="media lost"
        )

    def _is_owner(self, transport: Transport) -> bool:
        return self._media.owner(transport.peer) is transport

    def _heard(self, report: AudioLevels, now: float) -> None:
        by_visit: dict[VisitId, list[tuple[TrackId, int]]] = {}
        for peer, mid, level in report.levels:
            transport, track = self._media.owner(peer), self._media.track(peer, mid)
            if transport is not None and transport.visit is not None and track is not None:
                by_visit.setdefault(transport.visit, []).append((track, level))
        for visit, levels in by_visit.items():
            home = self._homes.get(visit)
            if home is not None:
                home.heard(levels, now)
