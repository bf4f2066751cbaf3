"""What is written after a step that did not happen, though its record may have been: the room as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sfu.admission import waiting_room
from sfu.admission.records import AccessEntry, Action, ParticipantRecord, VisitRecord
from sfu.admission.waiting_room import Act, State
from sfu.ids import ParticipantId
from sfu.rooms.commands import Record
from sfu.rooms.participant import Participant
from sfu.rooms.room import Room

SERVER = "server"
UNSURE = "unsure"
"""The detail of its rows: nobody knows whether the row that each one takes back was written."""
_TAKEN_BACK = {State.WAITING: Action.HELD, State.DENIED: Action.DENIED, State.REMOVED: Action.REMOVED}


def correction(room: Room, record: Record, wall: datetime) -> Record:
    """What brings the store to say what `room` says, wherever `record`, which lets somebody in, may have said otherwise.

    Somebody who would have come with it is gone: they were never told who they are. A ticket may stay used up.
    """
    stand = {each.participant: each for each in room.participants}
    participants = tuple(
        stand[written.participant].record(room.visit)
        if written.participant in stand
        else _gone(written, wall).record(room.visit)
        for written in record.participants
    )
    visit = VisitRecord(
        visit=room.visit.visit,
        locked=room.visit.locked,
        closed=room.visit.closed,
        link_generation=room.visit.link_generation,
        turned_away=tuple(room.turned_away.items()),
    )
    states = {each.participant: each.state for each in participants}
    return Record(
        entries=tuple(_taken_back(record, states, wall)),
        participants=participants,
        visit=visit if record.visit is not None else None,
    )


def _gone(written: ParticipantRecord, wall: datetime) -> Participant:
    """Somebody who was never told who they are, by the same step as whoever does not come back."""
    return Participant.of(written, waiting_room.move(waiting_room.knock(written.waiting_since), Act.EXPIRE, wall))


def _taken_back(record: Record, states: dict[ParticipantId, State], wall: datetime) -> Iterator[AccessEntry]:
    told: set[ParticipantId] = set()
    for entry in record.entries:
        if entry.action is Action.UNLOCKED:
            yield replace(entry, at=wall, action=Action.LOCKED, actor=SERVER, actor_person=None, detail=UNSURE)
        elif entry.subject is not None and entry.subject in states and entry.subject not in told:
            told.add(entry.subject)
            action = _TAKEN_BACK.get(states[entry.subject], Action.EXPIRED)
            yield replace(entry, at=wall, action=action, actor=SERVER, actor_person=None, detail=UNSURE)
