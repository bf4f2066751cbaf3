"""A scripted visit on a real home and a real store, killed (SIGKILL) at a commit of the database.

`python crash_visit.py FOLDER [SOCKETS TEMPLATE]` plays it once to the end, then once for each commit and side of it: just before the
commit, and just after, when nothing has been told yet. Each run has a folder with its database's `url` (a file in it, or a copy of
TEMPLATE on the server at SOCKETS) and `told`: a line for each step that was answered. `states` is what the store knows after each step.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

from sfu import clock
from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.admission.visit import VisitState
from sfu.app.counters import Counters
from sfu.app.home import Home
from sfu.app.media import Media
from sfu.ids import ChannelId, ParticipantId, PersonId
from sfu.rooms.commands import Reason
from sfu.rooms.events import Event, LinkPresented, LinkRenewed, TicketPresented, TicketRevoked, VisitClosed
from sfu.rooms.requests import Admit, Allow, Deny, Hold, Lock, Remove
from sfu.rooms.room import Limits, Room
from sfu.signaling.messages import Asking
from sfu.visits.bookings import BookedVisit, Changes
from sfu.visits.store import MintedTicket, Store
from sfu.web.channel import Channel
from tests.databases import in_file
from tests.postgresql import Sockets
from tests.visits.sample import UNIT, booked, entry

VISIT = booked().visit.visit
NEVER = 10**6


class Silent:
    """A channel, or the media of a process: takes whatever it is told."""

    def __init__(self, number: int = 0) -> None:
        self.id = ChannelId(number)

    def notify(self, message: Mapping[str, object], replaces: str | None = None) -> None:
        pass

    def close(self, reason: Reason | ParticipantId) -> None:
        pass


class Script:
    """The visit. Each step is answered when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._channels: dict[str, Channel] = {}
        self.ids: dict[str, ParticipantId] = {}
        self.resume: dict[ParticipantId, str] = {}
        self._home: Home | None = None

    def steps(self) -> list[Callable[[], Awaitable[Any]]]:
        now = clock.wall()
        today = booked(
            starts_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", ends_at=f"{now + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
        )

        def renamed(visit: BookedVisit) -> BookedVisit:
            return Changes(title="Nybesök").applied(visit, guardian_age=13)

        return [
            lambda: self._store.create_visit(today, entry(Action.CREATED)),
            *(lambda name=name: self._mint(name) for name in ("eva", "per", "maria")),
            lambda: self.ticket("eva", Role.CLINICIAN, (UNIT,)),
            lambda: self.ticket("per", Role.PATIENT),
            lambda: self.link("tolk"),
            lambda: self.ask(Admit(self.ids["per"])),
            lambda: self.ask(Admit(self.ids["tolk"], agreed=True)),
            lambda: self.ask(Hold(self.ids["tolk"])),
            lambda: self.ask(Deny(self.ids["tolk"])),
            lambda: self.ask(Allow(self.ids["tolk"])),
            lambda: self.link("stranger"),
            lambda: self.ask(Remove(self.ids["stranger"])),
            lambda: self.ask(Lock(True)),
            lambda: self.ask(Lock(False)),
            lambda: self.ticket("maria", Role.GUARDIAN),
            lambda: self.ask(Admit(self.ids["maria"])),
            lambda: self._store.change_visit(VISIT, renamed, entry(Action.CHANGED)),
            lambda: self._store.renew_link(VISIT, entry(Action.LINK_RENEWED)),
            lambda: self._change(LinkRenewed(2)),
            lambda: self._store.ticket_revoked(VISIT, "k_maria", entry(Action.TICKET_REVOKED)),
            lambda: self._change(TicketRevoked("k_maria")),
            lambda: self._change(VisitClosed(VisitState.ENDED, "portal:cosmic")),
        ]

    async def home(self) -> Home:
        if self._home is None:
            stored = await self._store.load_room(VISIT)
            assert stored is not None
            tokens = count(1)
            room = Room(stored.visit, Limits(), lambda: f"{next(tokens):032x}")
            self._home = Home(room, self._store, cast(Media, Silent()), Counters())
        return self._home

    async def _mint(self, name: str) -> None:
        ticket = MintedTicket(
            visit=VISIT, ticket=f"k_{name}", person=PersonId(name), role=Role.PATIENT, expires_at=clock.wall()
        )
        await self._store.ticket_minted(ticket, entry(Action.TICKET_MINTED))

    async def ticket(self, name: str, role: Role, units: tuple[str, ...] = ()) -> None:
        person = {"eva": "hsa:SE-A1", "per": "1177:7f3", "maria": "1177:a01"}.get(name, name)
        ticket = Ticket(
            jti=f"k_{name}",
            issuer="cosmic",
            person=PersonId(person),
            visit=VISIT,
            role=role,
            name=name,
            units=units,
            expires_at=clock.wall() + timedelta(minutes=15),
        )
        await self._join(name, TicketPresented(ChannelId(len(self.ids)), ticket))

    async def link(self, name: str) -> None:
        await self._join(name, LinkPresented(ChannelId(len(self.ids)), 1, name, Role.INTERPRETER))

    async def _join(self, name: str, event: Event) -> None:
        channel = self._channels[name] = cast(Channel, Silent(len(self.ids)))
        answers: list[Mapping[str, object]] = []
        who = self.ids[name] = await (await self.home()).join(channel, event, answers.append)
        self.resume[who] = str(answers[0]["resume"])

    async def ask(self, request: Asking) -> None:
        home = await self.home()
        await home.ask(self._channels["eva"], self.ids["eva"], request, lambda fields: None)

    async def _change(self, event: Event) -> None:
        await (await self.home()).change(event)


async def state(store: Store) -> Any:
    """What the store knows of the visit, without times."""
    found = await store.load_room(VISIT)
    return found and [
        [found.visit.title, found.visit.link_generation, found.visit.locked, found.visit.closed],
        {each.participant: each.state for each in found.participants},
        sorted(found.record.turned_away),
        sorted(found.tickets_used),
        sorted(found.tickets_revoked),
    ]


async def play(folder: Path, url: str, die_at: int, *, after: bool, states: list[Any] | None = None) -> int:
    """Play on the database at `url`, and die at a commit; gives how many there were."""
    store = await Store.open(url)
    dialect = store._write_engine.dialect
    commit = dialect.do_commit
    commits = count(1)
    last = 0

    def dying(connection: Any) -> None:
        nonlocal last
        last = next(commits)
        if last == die_at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)
        if last == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    dialect.do_commit = dying  # type: ignore[method-assign, assignment]  # what kills it
    script = Script(store)
    with (folder / "told").open("w", buffering=1) as told:
        for number, step in enumerate(script.steps()):
            await step()
            told.write(f"{number}\n")
            if states is not None:
                states.append(await state(store))
    (await script.home()).close()
    await store.close()
    return last


def main(folder: Path, new: Callable[[Path], str]) -> None:
    """`new` makes an empty database for the run in a folder; its URL."""

    def run(name: str) -> tuple[Path, str]:
        made = folder / name
        made.mkdir()
        (made / "url").write_text(url := new(made))
        return made, url

    states: list[Any] = [None]
    commits = asyncio.run(play(*run("whole"), NEVER, after=False, states=states))
    (folder / "states").write_text(json.dumps(states))
    for number in range(1, commits + 1):
        for side in ("before", "after"):
            made, url = run(f"{side}-{number}")
            child = os.fork()
            if child == 0:
                asyncio.run(play(made, url, number, after=side == "after"))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), made
    print(commits)


def new_database(arguments: list[str]) -> Callable[[Path], str]:
    if not arguments:
        return lambda made: in_file(made / "evisit.db").url
    sockets, template = Sockets(Path(arguments[0])), arguments[1]
    return lambda made: sockets.url(sockets.create(template, strategy="file_copy"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), new_database(sys.argv[2:]))
