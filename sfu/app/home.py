"""The home of a visit: takes one event at a time, writes what must be written, then does what the room commands.

event ──► Room.step ──► lets somebody in: Record written ──► the new room counts ──► commands ──► answer
             │    │                            └─ not written: the step has not happened
          Refused └───► takes away, or neither: the new room counts ──► commands ──► Record written, now or later ──► answer

One step at a time. A step that has to wait for another's writing closes ahead what it would close: nobody is heard a
moment longer because a disk is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from sfu import clock, tasks
from sfu.admission.relays import Relays
from sfu.admission.roles import Ask
from sfu.app.ahead import Ahead
from sfu.app.counters import Counters
from sfu.app.ledger import Ledger
from sfu.app.media import Media
from sfu.app.readings import Readings
from sfu.app.relaying import tell_relays, with_relays
from sfu.app.turn import Turn
from sfu.errors import Code, EvisitError, Refused, StoreUnavailable
from sfu.ids import ChannelId, ParticipantId, TrackId, VisitId
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
    SetLayer,
)
from sfu.rooms.events import ChannelLost, Event, LinkPresented, MediaLost, Requested, SpeakerChanged, TimeHasCome
from sfu.rooms.requests import Offer, Pin, View
from sfu.rooms.room import Room, Step
from sfu.rooms.speaker import PAUSE_SECONDS, Speakers
from sfu.rooms.subscriptions import tracks_on_roster
from sfu.signaling.messages import Asking, OfferMessage
from sfu.signaling.sdp.offer import ParsedOffer, parse_offer
from sfu.signaling.sdp.plan import bind
from sfu.visits.store import Store
from sfu.web.channel import Channel

Answer = Callable[[Mapping[str, object]], None]

log = logger(__name__)


class Home:
    """One visit, live. All that changes it goes through `step`, one event after the other."""

    def __init__(
        self, room: Room, store: Store, media: Media, counters: Counters, relays: Relays | None = None
    ) -> None:
        self._relays = relays if relays is not None else Relays()
        self._room = room
        self._media = media
        self._counters = counters
        self._turn = Turn()
        self._channels: dict[ParticipantId, Channel] = {}
        self._by_id: dict[ChannelId, Channel] = {}
        self._ahead = Ahead(lambda: self._room, self._do_ahead, self._check_transport)
        self._rosters: dict[ParticipantId, Mapping[str, object]] = {}
        """The last that was handed to each channel."""
        self._ledger = Ledger(store, self._turn, lambda: self._room)
        self._timer: asyncio.TimerHandle | None = None
        self._speakers = Speakers()
        self._silence: asyncio.TimerHandle | None = None
        self.readings = Readings(self.tell, lambda: self._room.pictures, f"pictures {self.visit}")
        self.used_at = clock.monotonic()
        """When somebody last asked for this home."""

    @property
    def busy(self) -> bool:
        """Whether a step is under way, or something is still to be written."""
        return self._turn.taken() or self._ledger.behind()

    @property
    def room(self) -> Room:
        return self._room

    @property
    def visit(self) -> VisitId:
        return self._room.visit.visit

    def check_knock(self, event: LinkPresented) -> None:
        """Raises `Refused` where a knock is refused as things stand: before it waits for its turn, and at no cost to anybody."""
        self._room.check_knock(event, now=clock.monotonic(), wall=clock.wall())

    async def join(self, channel: Channel, event: Event, answer: Answer) -> ParticipantId:
        """Take a join. Its answer goes out before anything that follows from it."""
        knocks = isinstance(event, LinkPresented)
        step = await self._step(lambda: event, joining=channel, answer=answer, knocks=knocks)
        assert step.participant is not None
        return step.participant

    async def ask(self, channel: Channel, participant: ParticipantId, asking: Asking, answer: Answer) -> None:
        """Take a request of a participant over its channel; its answer goes out after all that follows from it."""
        if isinstance(asking, OfferMessage):
            # Asked before the offer is read, and again when its turn has come: reading costs as much as a thousand other requests.
            self._check_is_of(channel, participant)
            self._room.check_may(participant, Ask.OFFER, now=clock.monotonic(), wall=clock.wall())
            offer = parse_offer(asking.sdp)
            send, receive = bind(asking, offer)

            def requested() -> Event:
                # Asked when its turn has come: what happened before it may have closed the transport.
                fresh = self._media.is_fresh(participant, offer)
                return Requested(participant, Offer(send, receive, fresh))

            await self._step(requested, asking=(channel, participant), answer=answer, offer=offer)
        else:
            if isinstance(asking, Pin) or (isinstance(asking, View) and not asking.paused):
                # Who may not ask sets nothing going.
                ask = Ask.PIN if isinstance(asking, Pin) else Ask.VIEW
                self._check_is_of(channel, participant)
                self._room.check_may(participant, ask, now=clock.monotonic(), wall=clock.wall())
                await self.readings.settle()
            request = Requested(participant, asking)
            await self._step(lambda: request, asking=(channel, participant), answer=answer)

    def lost(self, channel: Channel, participant: ParticipantId) -> None:
        """Nothing more that is handed to a channel is sure to arrive.

        The room is told when its turn has come. Whoever is let in until then is named on rosters that go nowhere; so what
        counts as told is what was handed to the channel until now.
        """
        self._by_id.pop(channel.id, None)
        if self._channels.get(participant) is channel:
            del self._channels[participant]
            event = ChannelLost(channel.id, participant, _named(self._rosters.pop(participant, {})))
            tasks.start(self.tell(event), name=f"channel lost {self.visit}")

    async def tell(self, event: Event, *, still: Callable[[], bool] | None = None) -> None:
        """Take an event that nobody waits for an answer to. `still`: whether it is so when its turn has come."""
        # Refused: whoever it was about has gone in the meantime, or the fault has been logged.
        with contextlib.suppress(Refused, StoreUnavailable):
            await self._step(lambda: event, still=still)

    def heard(self, levels: Iterable[tuple[TrackId, int]], now: float) -> None:
        """Audio levels of tracks (RFC 6464); whoever they make the speaker is told to all. What nobody hears makes no speaker."""
        tracks = tracks_on_roster(self._room.participants)
        for known, level in levels:
            owner, track = tracks.get(known, (None, None))
            if owner is not None and track is not None and track.heard:
                self._speakers.heard(owner, level, now)
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
        await self._step(lambda: event)

    def hand_out_relays(self) -> None:
        """Give everybody who is in a new credential for the relays."""
        for participant in self._room.participants:
            channel = self._channels.get(participant.participant)
            if participant.admitted and channel is not None:
                tell_relays(self._relays, channel)

    def arm(self) -> None:
        """Mind the time from now on. A room that was read from the store has people who may not come back."""
        self._arm(self._room.next_timer())

    async def flush(self) -> None:
        """Write what is still unwritten, once more. Raises StoreUnavailable."""
        async with self._turn.take():
            await self._ledger.catch_up()

    def close(self) -> None:
        """Stop its timers; the room is forgotten and can be read anew from the store."""
        self._disarm()
        self.readings.stop()
        self._ledger.stop()
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _step(
        self,
        occurred: Callable[[], Event],
        *,
        joining: Channel | None = None,
        asking: tuple[Channel, ParticipantId] | None = None,
        answer: Answer | None = None,
        still: Callable[[], bool] | None = None,
        offer: ParsedOffer | None = None,
        knocks: bool = False,
    ) -> Step:
        """`knocks`: by a stranger, whom everybody else goes before."""
        asked_at = clock.monotonic()

        def checked() -> Event:
            if asking is not None:
                self._check_is_of(*asking)
            if still is not None and not still():
                raise Refused(Code.PARTICIPANT_UNKNOWN, "That is over.")
            return occurred()

        # What an offer drops is its owner's own to hear: it need not end before its turn.
        waits = self._turn.taken() and not knocks and offer is None
        closed = self._ahead.close(checked) if waits else None
        try:
            return await self._take(checked, asked_at, joining=joining, answer=answer, offer=offer, knocks=knocks)
        finally:
            if closed is not None:
                self._ahead.make_good(closed)

    async def _take(
        self,
        occurred: Callable[[], Event],
        asked_at: float,
        *,
        joining: Channel | None,
        answer: Answer | None,
        offer: ParsedOffer | None,
        knocks: bool,
    ) -> Step:
        async with self._turn.take(last=knocks):
            self.used_at = clock.monotonic()
            event = occurred()
            now, wall = clock.monotonic(), clock.wall()
            try:
                step = self._room.step(event, now=now, wall=wall)
            except EvisitError:
                raise
            except Exception as error:
                raise self._bug("a step failed", type(event).__name__, error) from error
            record = step.commands[0] if step.commands and isinstance(step.commands[0], Record) else None
            commands = step.commands[1:] if record else step.commands
            if record and record.lets_in:
                await self._ledger.write(record)
                self._counters.recorded(record, wall, now)
                record = None
            self._room = step.room
            fields = dict(step.answer or {})
            if joining is not None and step.participant is not None:
                self._bind(step.participant, joining)
                if answer is not None:
                    answer(with_relays(self._relays, fields))
                    answer = None
            failed = self._apply(commands, fields, offer, now)
            if any(isinstance(command, Notify) and command.replaces == "roster" for command in commands):
                self._counters.roster_lag.observe(clock.monotonic() - asked_at)
            self._arm(self._room.next_timer())
            if record:
                self._counters.recorded(record, wall, now)
                await self._ledger.write_when_it_can(record)
            if answer is not None and failed is None:
                answer(fields)
            self._part(commands)
            if failed is not None:
                raise self._failed(event, failed) from failed
            return step

    def _check_is_of(self, channel: Channel, participant: ParticipantId) -> None:
        if self._channels.get(participant) is not channel:
            raise Refused(Code.JOIN_REQUIRED, "Another channel has taken this one's place.")

    def _do_ahead(self, command: Command) -> None:
        failed = self._attempt(command, {}, None, 0.0)
        if failed is not None and isinstance(command, AddRoute | SetLayer):
            self._bug("a route could not be put back", type(command).__name__, failed)

    def _check_transport(self, participant: ParticipantId) -> None:
        expected = any(each.media is not None for each in self._room.participants if each.participant == participant)
        if expected and not self._media.has(participant):
            tell = self.tell(MediaLost(participant), still=lambda: not self._media.has(participant))
            tasks.start(tell, name=f"media lost {self.visit}")

    def _failed(self, event: Event, error: Exception) -> Refused:
        """A command could not be carried out. Whose offer it was loses the transport, and may offer anew; the visit goes on."""
        if isinstance(event, Requested) and isinstance(event.request, Offer):
            self._media.close(event.participant)
            tasks.start(self.tell(MediaLost(event.participant)), name=f"media lost {self.visit}")
        return self._bug("a command failed", type(event).__name__, error)

    def _bug(self, what: str, step: str, error: Exception) -> Refused:
        self._counters.bugs += 1
        log.error(what, visit=self.visit, step=step, exc_info=error)
        return Refused(Code.INTERNAL, "That went wrong on our side. Try again.")

    def _bind(self, participant: ParticipantId, channel: Channel) -> None:
        self._channels[participant] = channel
        self._by_id[channel.id] = channel
        self._rosters.pop(participant, None)

    def _apply(
        self, commands: Iterable[Command], fields: dict[str, object], offer: ParsedOffer | None, started: float
    ) -> Exception | None:
        """Do what the room commands, in its order; adds to `fields` what the answer to an offer needs.

        Gives the first fault. From there on nothing is opened any more, and all that is to be closed still is.
        """
        failed: Exception | None = None
        for command in commands:
            if failed is not None and isinstance(command, OpenMedia | AddRoute | SetLayer | RequestKeyframe):
                continue
            failed = self._attempt(command, fields, offer, started) or failed
        return failed

    def _attempt(
        self, command: Command, fields: dict[str, object], offer: ParsedOffer | None, started: float
    ) -> Exception | None:
        try:
            self._do(command, fields, offer, started)
        except Exception as error:
            if isinstance(command, DropRoute):
                # What cannot be taken off a transport goes with the transport.
                self._media.close(command.receiver)
            return error
        return None

    def _do(self, command: Command, fields: dict[str, object], offer: ParsedOffer | None, started: float) -> None:
        match command:
            case Notify(participant, message, replaces):
                channel = self._channels.get(participant)
                if channel is not None:
                    if message["type"] == "state" and message["state"] == "admitted":
                        tell_relays(self._relays, channel)
                    channel.notify(message, replaces)
                    if replaces == "roster" and participant in self._channels:  # else it was too slow, and has closed
                        self._rosters[participant] = message
            case OpenMedia():
                assert offer is not None, "media opens by an offer alone"
                fields["sdp"] = self._media.open(self.visit, command, offer, started)
            case CloseMedia(participant):
                self._media.close(participant)
                self._speakers.gone(participant)
            case AddRoute(track, receiver, mid):
                self._media.add_route(track, receiver, mid)
                self._ahead.added(receiver, mid)
            case DropRoute(_, receiver, mid):
                self._media.drop_route(receiver, mid)
            case SetLayer(_, receiver, mid, spatial, temporal, precedence):
                self._media.set_layer(receiver, mid, spatial, temporal, precedence)
            case RequestKeyframe(track):
                self._media.request_keyframe(track)
            case Disconnect():
                pass  # the last of all, when the answer is out: `_part`
            case Record():
                raise AssertionError("a record stands first or not at all")

    def _part(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, Disconnect) and command.channel in self._by_id:
                self._by_id[command.channel].close(command.reason)

    def _arm(self, due: float | None) -> None:
        self._disarm()
        if due is not None:
            loop = asyncio.get_running_loop()
            delay = max(0.0, due - clock.monotonic())
            self._timer = loop.call_later(delay, self._time_has_come)

    def _time_has_come(self) -> None:
        tasks.start(self.tell(TimeHasCome()), name=f"time {self.visit}")


def _named(roster: Mapping[str, object]) -> frozenset[ParticipantId]:
    entries = cast(list[Mapping[str, ParticipantId]], roster.get("participants", []))
    return frozenset(entry["participant"] for entry in entries)
