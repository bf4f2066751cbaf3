"""What a room has had written, and which entry of the access log belongs to which change of state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sfu.admission.records import AccessEntry, Action, ParticipantRecord, VisitRecord
from sfu.admission.roles import Role
from sfu.admission.waiting_room import State
from sfu.ids import ParticipantId
from sfu.rooms.commands import Command, Record

TRANSITION_OF = {
    Action.JOINED: (None, State.WAITING),
    Action.ADMITTED: (State.WAITING, State.ADMITTED),
    Action.HELD: (State.ADMITTED, State.WAITING),
    Action.DENIED: ({State.WAITING}, State.DENIED),
    Action.REMOVED: ({State.WAITING, State.ADMITTED}, State.REMOVED),
    Action.ALLOWED: ({State.DENIED, State.REMOVED}, State.LEFT),
    Action.LEFT: ({State.WAITING, State.ADMITTED}, State.LEFT),
    Action.EXPIRED: ({State.WAITING, State.ADMITTED}, State.EXPIRED),
    Action.ENDED: ({State.WAITING, State.ADMITTED}, State.ENDED),
}


@dataclass
class Store:
    """What has been written."""

    log: list[AccessEntry] = field(default_factory=list)
    participants: dict[ParticipantId, ParticipantRecord] = field(default_factory=dict)
    visit: VisitRecord | None = None
    tickets_used: set[str] = field(default_factory=set)
    tickets_revoked: set[str] = field(default_factory=set)
    passed_on: set[ParticipantId] = field(default_factory=set)
    """Who joined with a ticket that had been used before, and has not been identified anew since."""

    def state(self, participant: ParticipantId) -> State:
        assert participant in self.participants, "written before done"
        return self.participants[participant].state

    def admitted(self) -> set[ParticipantId]:
        return {known.participant for known in self.participants.values() if known.state is State.ADMITTED}

    def in_charge(self, unit: str) -> set[ParticipantId]:
        return {
            known.participant
            for known in self.participants.values()
            if known.state is State.ADMITTED
            and known.role is Role.CLINICIAN
            and known.verified
            and known.participant not in self.passed_on
            and unit in known.units
        }

    def write(self, command: Command) -> None:
        """Take what stands first in a step: a record whose entries are those of its changes of state."""
        assert isinstance(command, Record)
        assert command != Record(), "an empty record is none"
        taken: Counter[tuple[ParticipantId, Action]] = Counter()
        for entry in command.entries:
            if entry.subject is not None and entry.action in TRANSITION_OF:
                taken[entry.subject, entry.action] += 1
        for record in command.participants:
            old = self.participants.get(record.participant)
            for action in _actions(old.state if old else None, record.state):
                taken[record.participant, action] -= 1
            self.participants[record.participant] = record
        assert not any(taken.values()), f"log and transitions differ: {taken}"
        self.log.extend(command.entries)
        self.visit = command.visit or self.visit
        self.tickets_used.update(command.tickets_used)


def _actions(old: State | None, new: State) -> list[Action]:
    """The entries that lead from one state to another within a step."""
    if old is new:
        return []
    if old is None:
        return [Action.JOINED, *_actions(State.WAITING, new)]
    found = [action for action, (before, after) in TRANSITION_OF.items() if after is new and _from(before, old)]
    assert len(found) == 1, f"no single step leads from {old} to {new}"
    return found


def _from(before: object, old: State) -> bool:
    return before is old or (isinstance(before, set) and old in before)
