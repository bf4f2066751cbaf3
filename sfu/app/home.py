"""The home of a visit: takes one event at a time, writes what must be written, then does what the room commands.

event ──► Room.step ──► Record written ──► the new room counts ──► commands, in order
             │                │
          Refused      not written: the step has not happened
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sfu import clock, tasks
from sfu.admission.records import Action
from sfu.app.counters import Counters
from sfu.app.media import Media
from sfu.errors import Code, EvisitError, Refused, StoreUnavailable
from sfu.ids import ChannelId, ParticipantId, VisitId
from sfu.log import logger
from sfu.rooms.commands import (
    AddRoute,
    CloseMedia,
    Command,
    Disconnect,
    DropRoute,
    Notify,
    OpenMedia,
    Record,
    RequestKeyframe,
)
from sfu.rooms.events import ChannelLost, Event, MediaLost, Requested, SpeakerChanged, TimeHasCome
from sfu.rooms.requests import Request
from sfu.rooms.room import Room, Step
from sfu.rooms.speaker import PAUSE_SECONDS, Speakers
from sfu.signaling.sdp.offer import ParsedOffer
from sfu.visits.store import Store
from sfu.web.channel import Channel

RETRY_SECONDS = 1.0  # how soon a step of time is tried again whose record could not be written

LETTING_IN = frozenset({Action.JOINED, Action.ADMITTED, Action.ALLOWED, Action.RESUMED, Action.UNLOCKED})
"""What must not happen unwritten. Everything else only takes away, so it is done at once and written when it can be."""

Answer = Callable[[Mapping[str, object]], None]

log = logger(__name__)


class Home:
    """One visit, live. All that changes it goes through `step`, one event after the other."""

    def __init__(self, room: Room, store: Store, media: Media, counters: Counters) -> None:
        self._room = room
        self._store = store
        self._media = media
        self._counters = counters
        self._turn = asyncio.Lock()
        self._channels: dict[ParticipantId, Channel] = {}
        self._by_id: dict[ChannelId, Channel] = {}
        self._unwritten: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None
        self._speakers = Speakers()
        self._silence: asyncio.TimerHandle | None = None
        self.used_at = clock.monotonic()
        """When somebody last asked for this home."""

    @property
    def busy(self) -> bool:
        """Whether a step is under way, or something is still to be written."""
        return self._turn.locked() or bool(self._unwritten)

    @property
    def room(self) -> Room:
        return self._room

    @property
    def visit(self) -> VisitId:
        return self._room.visit.visit

    async def join(self, channel: Channel, event: Event, answer: Answer) -> ParticipantId:
        """Take a join. Its answer goes out before anything that follows from it."""
        step = await self._step(event, joining=channel, answer=answer)
        assert step.participant is not None
        return step.participant

    async def ask(
        self, channel: Channel, participant: ParticipantId, request: Request, answer: Answer, offer: ParsedOffer | None
    ) -> None:
        """Take a request of a participant over its channel; its answer goes out after all that follows from it."""
        if self._channels.get(participant) is not channel:
            raise Refused(Code.JOIN_REQUIRED, "Another channel has taken this one's place.")
        await self._step(Requested(participant, request), answer=answer, offer=offer)

    async def lost(self, channel: Channel, participant: ParticipantId) -> None:
        """A channel has closed."""
        self._by_id.pop(channel.id, None)
        if self._channels.get(participant) is channel:
            del self._channels[participant]
            await self.tell(ChannelLost(channel.id, participant))

    async def tell(self, event: Event) -> None:
        """Take an event that nobody waits for an answer to."""
        try:
            await self._step(event)
        except StoreUnavailable:
            if isinstance(event, TimeHasCome):
                self._arm(clock.monotonic() + RETRY_SECONDS)
        except Refused:
            # Whoever it was about has gone in the meantime.
            return

    def heard(self, levels: Iterable[tuple[ParticipantId, int]], now: float) -> None:
        """Audio levels of participants (RFC 6464); whoever they make the speaker is told to all."""
        for participant, level in levels:
            self._speakers.heard(participant, level, now)
        self._decide_speaker(now)

    def _decide_speaker(self, now: float) -> None:
        before = self._speakers.speaker
        speaker = self._speakers.decide(now)
        if speaker != before:
            tasks.start(self.tell(SpeakerChanged(speaker)), name=f"speaker {self.visit}")
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if speaker is not None:
            # Levels stop coming where everybody is muted; then time alone ends the speaker.
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(PAUSE_SECONDS, lambda: self._decide_speaker(clock.monotonic()))

    async def change(self, event: Event) -> None:
        """Take what a portal has asked for. Raises `Refused` and `StoreUnavailable`: the portal is told."""
        await self._step(event)

    def close(self) -> None:
        """Stop its timers; the room is forgotten and can be read anew from the store."""
        self._disarm()
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _step(
        self,
        event: Event,
        *,
        joining: Channel | None = None,
        answer: Answer | None = None,
        offer: ParsedOffer | None = None,
    ) -> Step:
        async with self._turn:
            now, wall = clock.monotonic(), clock.wall()
            try:
                step = self._room.step(event, now=now, wall=wall)
            except EvisitError:
                raise
            except Exception as error:
                raise self._bug("a step failed", event, error) from error
            commands = list(step.commands)
            if commands and isinstance(record := commands[0], Record):
                await self._write(record, wall, now)
                del commands[0]
            self._room = step.room
            if joining is not None and step.participant is not None:
                self._bind(step.participant, joining)
                if answer is not None:
                    answer(step.answer or {})
            try:
                self._apply(commands, step, answer if joining is None else None, offer, now)
            except Exception as error:
                raise self._failed(event, error) from error
            self._arm(self._room.next_timer())
            return step

    async def _write(self, record: Record, wall: datetime, now: float) -> None:
        letting_in = any(entry.action in LETTING_IN for entry in record.entries)
        pending = [*self._unwritten, record]
        try:
            while pending:
                part = pending[0]
                await self._store.write(
                    entries=part.entries,
                    participants=part.participants,
                    visit=part.visit,
                    tickets_used=part.tickets_used,
                )
                pending.pop(0)
        except StoreUnavailable:
            self._counters.store_available = False
            if letting_in:
                self._unwritten = [part for part in pending if part is not record]
                raise
            self._unwritten = pending
        else:
            self._counters.store_available = True
            self._unwritten = []
        self._counters.recorded(record, wall, now)

    def _failed(self, event: Event, error: Exception) -> Refused:
        """A command could not be carried out. Whoever asked loses their media, and may offer anew; the visit goes on."""
        if isinstance(event, Requested):
            self._media.close(event.participant)
            tasks.start(self.tell(MediaLost(event.participant)), name=f"media lost {self.visit}")
        return self._bug("a command failed", event, error)

    def _bug(self, what: str, event: Event, error: Exception) -> Refused:
        self._counters.bugs += 1
        log.error(what, visit=self.visit, step=type(event).__name__, exc_info=error)
        return Refused(Code.INTERNAL, "That went wrong on our side. Try again.")

    def _bind(self, participant: ParticipantId, channel: Channel) -> None:
        self._channels[participant] = channel
        self._by_id[channel.id] = channel

    def _apply(
        self,
        commands: list[Command],
        step: Step,
        answer: Answer | None,
        offer: ParsedOffer | None,
        started: float,
    ) -> None:
        fields: dict[str, object] = dict(step.answer or {})
        parting: list[Disconnect] = []
        for command in commands:
            match command:
                case Notify(participant, message, replaces):
                    channel = self._channels.get(participant)
                    if channel is not None:
                        channel.notify(message, replaces)
                case OpenMedia():
                    assert offer is not None, "media opens by an offer alone"
                    fields["sdp"] = self._media.open(self.visit, command, offer, started)
                case CloseMedia(participant):
                    self._media.close(participant)
                    self._speakers.gone(participant)
                case AddRoute(track, receiver, mid):
                    self._media.add_route(track, receiver, mid)
                case DropRoute(_, receiver, mid):
                    self._media.drop_route(receiver, mid)
                case RequestKeyframe(track):
                    self._media.request_keyframe(track)
                case Disconnect():
                    parting.append(command)
                case Record():
                    raise AssertionError("a record stands first or not at all")
        if any(isinstance(command, Notify) and command.replaces == "roster" for command in commands):
            self._counters.roster_lag.observe(clock.monotonic() - started)
        if answer is not None:
            answer(fields)
        for goodbye in parting:
            channel = self._by_id.get(goodbye.channel)
            if channel is not None:
                channel.close(goodbye.reason)

    def _arm(self, due: float | None) -> None:
        self._disarm()
        if due is not None:
            loop = asyncio.get_running_loop()
            delay = max(0.0, due - clock.monotonic())
            self._timer = loop.call_later(delay, self._time_has_come)

    def _time_has_come(self) -> None:
        tasks.start(self.tell(TimeHasCome()), name=f"time {self.visit}")
