"""What the plane measures, brought to the homes of those it concerns: peers and sections become participants and tracks."""

from __future__ import annotations

from collections.abc import Mapping

from sfu import tasks
from sfu.app.counters import Counters
from sfu.app.home import Home
from sfu.app.media import Media
from sfu.ids import ParticipantId, VisitId
from sfu.rooms.events import Scored
from sfu.rooms.ladders import Layer
from sfu.rooms.quality import Connection, Score, Way, score
from sfu.transport.parameters import Estimates, LayerRates, PeerId, PeerReceptions, Reception, Receptions

Measurement = Estimates | LayerRates | Receptions


class Measuring:
    """Of all homes of the process."""

    def __init__(self, media: Media, homes: Mapping[VisitId, Home], counters: Counters) -> None:
        self._media = media
        self._homes = homes
        self._counters = counters

    def take(self, report: Measurement, now: float) -> None:
        """Take one report. What is of a transport that has gone, or of no visit, is passed over."""
        match report:
            case Estimates():
                self._estimated(report, now)
            case LayerRates(peer, mid, rates, rids):
                found, track = self._owner(peer), self._media.track(peer, mid)
                if found is not None and track is not None:
                    layers = tuple(
                        Layer(
                            rate.spatial,
                            rate.temporal,
                            rate.bits_per_second,
                            rate.width,
                            rate.height,
                            rate.frame_rate,
                        )
                        for rate in rates
                    )
                    found[0].readings.comes(track, (layers, rids), now)
            case Receptions():
                self._received(report)

    def _estimated(self, report: Estimates, now: float) -> None:
        by_home: dict[Home, list[tuple[ParticipantId, int]]] = {}
        for peer, bits in report.estimates:
            found = self._owner(peer)
            if found is not None:
                if bits:
                    self._counters.downlink_estimate.observe(bits)
                by_home.setdefault(found[0], []).append((found[1], bits))
        for home, estimates in by_home.items():
            home.readings.estimated(estimates, now)

    def _received(self, report: Receptions) -> None:
        by_home: dict[Home, dict[ParticipantId, Score]] = {}
        for of_peer in report.receptions:
            found = self._owner(of_peer.peer)
            if found is None:
                continue
            home, participant = found
            scored = score(_connection(of_peer), held_back=home.room.pictures.holds_back(participant))
            if scored is not None:
                self._counters.quality.observe(scored.value)
                by_home.setdefault(home, {})[participant] = scored
        for home, scores in by_home.items():
            tasks.start(home.tell(Scored(scores)), name=f"quality {home.visit}")

    def _owner(self, peer: PeerId) -> tuple[Home, ParticipantId] | None:
        transport = self._media.owner(peer)
        home = self._homes.get(transport.visit) if transport is not None and transport.visit is not None else None
        return (home, transport.participant) if home is not None and transport is not None else None


def _connection(of_peer: PeerReceptions) -> Connection:
    return Connection(of_peer.round_trip, _way(of_peer.up), _way(of_peer.down))


def _way(reception: Reception | None) -> Way | None:
    return Way(reception.loss, reception.jitter) if reception is not None else None
