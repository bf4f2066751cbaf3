"""Every visit that is live in this process, and the way of a channel, a portal or a transport to its home."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from sfu import clock, tasks
from sfu.admission.links import visit_unknown
from sfu.admission.relays import Relays
from sfu.admission.tickets import TicketKeys
from sfu.admission.visit import Visit, VisitState
from sfu.app.counters import Counters
from sfu.app.home import Answer, Home
from sfu.app.media import Media
from sfu.app.proofs import Proofs, crowded
from sfu.app.reporting import Reporting
from sfu.app.restoring import Restoring
from sfu.app.strays import Strays
from sfu.app.testing import EchoTests
from sfu.errors import Code, EvisitError, Refused, StoreUnavailable
from sfu.ids import ChannelId, ParticipantId, VisitId, new_token
from sfu.log import logger
from sfu.rooms.events import (
    BookingChanged,
    Event,
    LinkPresented,
    LinkRenewed,
    ResumePresented,
    TicketPresented,
    TicketRevoked,
    VisitClosed,
)
from sfu.rooms.requests import ReadLink
from sfu.rooms.room import Limits, Room
from sfu.signaling.messages import Echo, EchoByLink, EchoByTicket, Join, JoinByLink, JoinByResume, JoinByTicket
from sfu.signaling.session import Asked
from sfu.transport.parameters import Report
from sfu.visits.store import Store, StoredRoom
from sfu.web.channel import Channel
from sfu.web.portal import Present

IDLE_SECONDS = 3600.0
"""How long a room without people is kept: as long as its count of knocks an hour is worth keeping."""
SWEEP_SECONDS = 600.0
KNOCKS_AT_ONCE = 16
"""Joins by one visit's link that wait for their turn: they hold memory, and those behind more of them would wait for long."""

log = logger(__name__)


@dataclass(slots=True)
class Seat:
    """Where a channel belongs since it joined."""

    home: Home
    participant: ParticipantId


class Homes:
    """Homes by visit, read from the store when somebody first needs one."""

    def __init__(
        self,
        store: Store,
        media: Media,
        counters: Counters,
        limits: Limits,
        ticket_keys: TicketKeys,
        link_secret: bytes,
        share_url: Callable[[VisitId, int], str],
        tests: int,
        relays: Relays,
    ) -> None:
        """`share_url` makes the shared link of a generation; `tests` is how many may try their equipment at a time."""
        self._store = store
        self._media = media
        self._counters = counters
        self._limits = limits
        self._ticket_keys = ticket_keys
        self._share_url = share_url
        self._tests = EchoTests(media, tests)
        self._relays = relays
        self._homes: dict[VisitId, Home] = {}
        self._proofs = Proofs(store, self._homes, link_secret)
        self.strays = Strays(media, self._homes, self._tests)
        self._reporting = Reporting(media, self._homes, self._tests, counters, self.strays)
        self._restoring = Restoring(store, self._homes, self._new_home)
        self._recovering: asyncio.Task[None] | None = None
        self._seats: dict[ChannelId, Seat] = {}
        self._knocking: Counter[VisitId] = Counter()
        self._draining = False
        self._sweeping: asyncio.TimerHandle | None = None

    # Signalling channels

    async def join(self, channel: Channel, join: Join, answer: Answer) -> None:
        """Let a channel join; raises Refused where it may not."""
        if not isinstance(join, JoinByResume):
            await self._join(channel, join, answer)
            return

        def resumed(fields: Mapping[str, object]) -> None:
            self._counters.resumes["ok"] += 1
            answer(fields)

        try:
            await self._join(channel, join, resumed)
        except EvisitError:
            self._counters.resumes["refused"] += 1
            raise

    async def _join(self, channel: Channel, join: Join, answer: Answer) -> None:
        home, event = await self._knock(channel, join)

        def joined(fields: Mapping[str, object]) -> None:
            # Before anything else can fail, so that a channel that was told it is in is never without its seat.
            self._seats[channel.id] = Seat(home, ParticipantId(str(fields["participant"])))
            answer(fields)

        by_link = isinstance(event, LinkPresented)
        if isinstance(event, LinkPresented):
            home.check_knock(event)
            if self._knocking[home.visit] >= KNOCKS_AT_ONCE:
                raise crowded()
        self._knocking[home.visit] += by_link
        try:
            await home.join(channel, event, joined)
        finally:
            self._knocking[home.visit] -= by_link
            if not self._knocking[home.visit]:
                del self._knocking[home.visit]

    async def test(self, channel: Channel, echo: Echo, answer: Answer) -> None:
        """Let a channel try its equipment; raises Refused where it may not. Nothing of the visit changes, no ticket is used up."""
        if self._draining:
            raise _draining()
        self._tests.begin(channel, await self._entitled(echo), answer)

    async def _entitled(self, echo: Echo) -> str:
        """The ticket or link that lets somebody try their equipment, for the count of its tests. Raises Refused."""
        now, wall = clock.monotonic(), clock.wall()
        match echo:
            case EchoByTicket(token):
                ticket = self._ticket_keys.verify(token, wall)
                (await self._home(ticket.visit)).room.check_test(ticket, now=now, wall=wall)
                return f"ticket {ticket.jti}"
            case EchoByLink(visit, key):
                found, generation = await self._linked(visit, key)
                found.room.check_test(generation, now=now, wall=wall)
                return f"link {visit} {generation}"

    async def ask(self, channel: Channel, asked: Asked, answer: Answer) -> None:
        """Take a request of a channel that has joined, or that tests."""
        if channel.id in self._tests:
            self._tests.ask(channel, asked.request, answer)
            return
        seat = self._seats[channel.id]
        if isinstance(asked.request, ReadLink):
            answer = partial(self._tell_link, seat.home.visit, answer)
        await seat.home.ask(channel, seat.participant, asked.request, answer)

    def _tell_link(self, visit: VisitId, answer: Answer, fields: Mapping[str, object]) -> None:
        """The room knows which generation of the link is good; its key is derived here, and kept nowhere."""
        generation = fields["link_generation"]
        assert isinstance(generation, int)
        answer({"share_url": self._share_url(visit, generation)})

    def lost(self, channel: Channel) -> None:
        self._tests.lost(channel)
        seat = self._seats.pop(channel.id, None)
        if seat is not None:
            seat.home.lost(channel, seat.participant)

    def on_reports(self, reports: list[Report]) -> None:
        """Take what the endpoint and the plane report."""
        self._reporting.take(reports)

    # Portals (`LiveVisits` of the portal API)

    def draining(self) -> bool:
        return self._draining

    def active(self, visit: VisitId) -> bool:
        home = self._homes.get(visit)
        return home is not None and any(each.admitted and each.connected for each in home.room.participants)

    async def participants(self, visit: VisitId) -> list[Present]:
        room = (await self._home(visit, for_portal=True)).room
        return [Present(each.record(room.visit), each.connected) for each in room.participants]

    async def booking_changed(self, visit: Visit) -> None:
        # One that is being read now may have been read before the change; one that is not here is read as it is then.
        if visit.visit in self._homes or self._restoring.under_way(visit.visit):
            await (await self._home(visit.visit, for_portal=True)).change(BookingChanged(visit))

    async def link_renewed(self, visit: VisitId, generation: int, *, unsure: bool = False) -> int:
        # A visit that is not here is read with what the store has.
        if not unsure and visit not in self._homes and not self._restoring.under_way(visit):
            return generation
        home = await self._home(visit, for_portal=True)
        await home.change(LinkRenewed(generation, unsure))
        return home.room.visit.link_generation

    async def ticket_revoked(self, visit: VisitId, ticket: str) -> None:
        await (await self._home(visit, for_portal=True)).change(TicketRevoked(ticket))

    async def close(self, visit: VisitId, state: VisitState, by: str) -> None:
        await (await self._home(visit, for_portal=True)).change(VisitClosed(state, by))

    # The process

    def start(self) -> None:
        """Read the visits that people were in when the process before this ended, and forget empty rooms from time to time."""
        self._recovering = tasks.spawn(self._restoring.read_unended(), name="read visits under way")
        self._sweep_later()

    def _sweep_later(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def drain(self) -> None:
        """Take no visit that is not here already."""
        self._draining = True

    async def stop(self) -> None:
        """Stop all timers and write what is still unwritten; nothing may be asked after."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._recovering is not None:
            self._recovering.cancel()
        for home in self._homes.values():
            home.close()
            try:
                await home.flush()
            except StoreUnavailable:
                log.error("a visit's last steps could not be written", visit=home.visit)
        self._tests.stop()

    def live(self) -> list[Home]:
        return list(self._homes.values())

    def occupied(self) -> bool:
        """Whether anybody waits or is in, or may still come back."""
        return any(home.room.occupied for home in self._homes.values())

    def _sweep(self) -> None:
        """Forget rooms without people, but not before their end. The store has all of them but the count of knocks, hence the hour."""
        now = clock.monotonic()
        for visit, home in list(self._homes.items()):
            if (
                not home.room.occupied
                and home.room.next_timer() is None
                and not home.busy
                and now - home.used_at > IDLE_SECONDS
            ):
                home.close()
                del self._homes[visit]
        self._sweep_later()

    async def _knock(self, channel: Channel, join: Join) -> tuple[Home, Event]:
        """The home that a join leads to, and what it presents there."""
        match join:
            case JoinByTicket(token):
                ticket = self._ticket_keys.verify(token, clock.wall())
                return await self._home(ticket.visit), TicketPresented(channel.id, ticket)
            case JoinByLink(visit, key, name, role):
                found, generation = await self._linked(visit, key)
                return found, LinkPresented(channel.id, generation, name, role)
            case JoinByResume(token):
                visit, participant = await self._proofs.resume(token)
                return await self._home(visit), ResumePresented(channel.id, participant, token)

    async def _linked(self, visit: str, key: str) -> tuple[Home, int]:
        """Where a shared link leads, and the generation of its key."""
        generation = await self._proofs.link(VisitId(visit), key)
        return await self._home(VisitId(visit)), generation

    async def _home(self, visit: VisitId, *, for_portal: bool = False) -> Home:
        """The home of a visit. A portal's calls are bounded by its key, and while draining a visit can still be looked at and ended."""
        home = await self._find(visit, for_portal=for_portal)
        if home is None:
            raise visit_unknown()
        return home

    async def _find(self, visit: VisitId, *, for_portal: bool) -> Home | None:
        home = self._homes.get(visit)
        if home is not None:
            home.used_at = clock.monotonic()
            return home
        if self._draining and not for_portal:
            raise _draining()
        return await self._restoring.read(visit, for_stranger=not for_portal)

    def _new_home(self, stored: StoredRoom, lost_at: float) -> Home:
        room = Room.restored(
            stored.visit,
            self._limits,
            new_token,
            stored.participants,
            stored.record,
            stored.tickets_used,
            stored.tickets_revoked,
            now=lost_at,
        )
        return Home(room, self._store, self._media, self._counters, self._relays)


def _draining() -> Refused:
    return Refused(Code.DRAINING, "This server takes no new visits. Try again in a moment.")
