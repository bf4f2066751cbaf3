"""What the server counts above the plane, in plain numbers; read when metrics are scraped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.waiting_room import Ground, State
from sfu.histogram import Histogram
from sfu.ids import ParticipantId, VisitId
from sfu.rooms.commands import Record

WAIT_BOUNDS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)  # seconds; 600 is alerted on
MEDIA_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0)  # seconds; 0.6 and 1.2 are what we promise
LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5)  # seconds; 0.2 is what we promise
ESTIMATE_BOUNDS = (5e4, 1e5, 2e5, 3e5, 5e5, 8e5, 1.2e6, 2e6, 3e6, 5e6, 1e7)  # bits per second; 3e5 is a small picture
QUALITY_BOUNDS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)  # scores; from 4.0 on nobody notices anything

OUTCOMES = {
    Action.ADMITTED: "admitted",
    Action.DENIED: "denied",
    Action.HELD: "held",
    Action.REMOVED: "removed",
    Action.EXPIRED: "expired",
    Action.LEFT: "left",
}

WAIT_ENDS = tuple(state for state in State if state is not State.WAITING)
"""How a wait can end: by staff's decision, or because whoever waited left, did not come back in time, or the visit was over."""


class Counters:
    """One of these a process."""

    def __init__(self) -> None:
        self.bugs = 0
        self.admissions: Counter[str] = Counter({outcome: 0 for outcome in OUTCOMES.values()})
        self.resumes: Counter[str] = Counter(ok=0, refused=0)
        self.messages: Counter[tuple[str, str]] = Counter()
        self.channels = 0
        self.lobby_wait: dict[tuple[str, str], Histogram] = {
            (role, state): Histogram(WAIT_BOUNDS) for role in Role for state in WAIT_ENDS
        }
        """All there can be from the start: Prometheus sees no increase in what appears with its first count."""
        self.admit_to_media = Histogram(MEDIA_BOUNDS)
        self.roster_lag = Histogram(LAG_BOUNDS)
        self.downlink_estimate = Histogram(ESTIMATE_BOUNDS)
        self.quality = Histogram(QUALITY_BOUNDS)
        self._clicks: dict[ParticipantId, _Click] = {}
        self._with_media: dict[VisitId, set[ParticipantId]] = {}

    def recorded(self, record: Record, wall: datetime, now: float) -> None:
        """Count what a step's record says has happened. `now` is when the step was asked for."""
        by_id = {participant.participant: participant for participant in record.participants}
        for each in record.participants:
            if each.participant in record.waited:
                waited = max(0.0, (wall - each.waiting_since).total_seconds())
                self.lobby_wait[each.role, each.state].observe(waited)
        for entry in record.entries:
            outcome = OUTCOMES.get(entry.action)
            if outcome is None:
                if entry.action is Action.ENDED and entry.subject:
                    self._forget(entry.visit, entry.subject)
                continue
            self.admissions[outcome] += 1
            participant = by_id.get(entry.subject) if entry.subject else None
            if participant is None:
                continue
            if outcome != "admitted":
                self._forget(entry.visit, participant.participant)
            elif entry.detail != Ground.OWN_UNIT:
                others = self._with_media.get(entry.visit, set()) - {participant.participant}
                self._clicks[participant.participant] = _Click(entry.visit, now if others else None)

    def media_connected(self, visit: VisitId, participant: ParticipantId, now: float) -> None:
        """A participant's transport is connected. For whom was let in with nobody to talk with, time runs from now on."""
        self._with_media.setdefault(visit, set()).add(participant)
        for clicked, click in self._clicks.items():
            if click.since is None and click.visit == visit and clicked != participant:
                click.since = now

    def media_lost(self, visit: VisitId, participant: ParticipantId) -> None:
        """A participant's transport has ended by itself."""
        with_media = self._with_media.get(visit, set())
        with_media.discard(participant)
        if not with_media:
            self._with_media.pop(visit, None)

    def media_seen(self, participant: ParticipantId, incoming: bool, now: float) -> None:
        """The first packet from, or to, a participant was forwarded; with both, the click has become a visit."""
        click = self._clicks.get(participant)
        if click is None:
            return
        click.seen.add(incoming)
        if len(click.seen) == 2:
            del self._clicks[participant]
            if click.since is not None:
                self.admit_to_media.observe(now - click.since)

    def _forget(self, visit: VisitId, participant: ParticipantId) -> None:
        self._clicks.pop(participant, None)
        self.media_lost(visit, participant)


@dataclass(slots=True)
class _Click:
    """Staff have let somebody in."""

    visit: VisitId
    since: float | None
    """The click, or when the first other had media if that was later; None until then."""
    seen: set[bool] = field(default_factory=set)
    """Which ways packets have gone, as `media_seen` is told."""
