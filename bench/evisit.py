"""Our own server, by its protocol: portal API, a clinician with a ticket, others by the shared link, let in by the clinician."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp

from bench.adapter import AUDIO_MID, VIDEO_MID, JoinFailed, Kit, Person, all_answered, ssrcs
from bench.client import Client
from bench.portal import Portal
from bench.sdp import MediaSection, read_answer
from bench.signalling import Channel
from bench.trailer import now_ns
from sfu.clock import monotonic, wall

HANDSHAKES = 4  # of a visit at a time; the server allows 8
KNOCKS = 12  # of a visit at a time; the server lets 16 wait for their turn


class Evisit:
    """An `Adapter`."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, portal_key: str, kit: Kit) -> None:
        self.http = http
        self.base_url = base_url
        self.portal = Portal(http, base_url, portal_key)
        self.kit = kit

    def meeting(self, number: int) -> Visit:
        return Visit(self, number)


class Seat:
    """One person's channel, and what it has been told."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.client: Client | None = None
        self.sent: list[MediaSection] = []
        self.tracks: dict[str, str] = {}
        """Its own tracks by mid."""
        self.watched: dict[str, tuple[str, Person, bool]] = {}
        """What it receives, by mid: track, from whom, whether it is a picture."""


class Visit:
    """A `Meeting`: one booked visit."""

    def __init__(self, server: Evisit, number: int) -> None:
        self._server = server
        self._kit = server.kit
        self._number = number
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._knocks = asyncio.Semaphore(KNOCKS)
        self._seats: dict[Person, Seat] = {}
        self._channels: list[Channel] = []
        self._visit = ""
        self._key = ""

    async def book(self) -> None:
        """Book the visit, and have its clinician come in; `enter` does so where it has not been done."""
        portal = self._server.portal
        self._visit = await portal.create_visit(self._number, wall())
        self._key = await portal.link_key(self._visit)

    async def enter(self, person: Person, others: Sequence[Person]) -> None:
        if self._channels:
            await self._admit(await self.knock(person), person)
        else:
            await self._staff(person)
        if person.sends or others:
            await self._offer(person, others)

    async def watch(self, person: Person, others: Sequence[Person]) -> None:
        await self._offer(person, others)

    @property
    def staff(self) -> Channel:
        """The clinician's channel."""
        return self._channels[0]

    @property
    def link(self) -> tuple[str, str]:
        """The visit's id, and the key of its shared link."""
        return self._visit, self._key

    async def knock(self, person: Person) -> Channel:
        """Come by the shared link, to wait."""
        began = monotonic()
        async with self._knocks:
            channel = await self._open()
            await channel.join(visit=self._visit, key=self._key, name="Guest", role="interpreter")
        person.joined_seconds = monotonic() - began
        return channel

    async def end(self) -> None:
        """The clinician ends the visit for everybody."""
        await self._channels[0].request("end")

    async def close(self) -> None:
        for seat in self._seats.values():
            if seat.client is not None:
                self._kit.media.disconnect(seat.client)
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def staff_ticket(self) -> str:
        """Another way in for the clinician: for a browser beside the client."""
        return await self._server.portal.clinician_ticket(self._visit, self._number)

    async def write(self, text: str, *, final: bool) -> None:
        """The clinician writes to everybody."""
        await self._channels[0].request("text", text=text, final=final)

    async def part(self, person: Person) -> None:
        """Somebody who is in leaves; whoever sends for them has stopped."""
        seat = self._seats.pop(person)
        if seat.client is not None:
            self._kit.media.disconnect(seat.client)
        await self.leave(seat.channel)

    async def leave(self, channel: Channel) -> None:
        """Give up waiting."""
        await channel.request("leave")
        self._channels.remove(channel)
        await channel.close()

    async def _staff(self, person: Person) -> None:
        if not self._visit:
            await self.book()
        ticket = await self._server.portal.clinician_ticket(self._visit, self._number)
        began = monotonic()
        channel = await self._open()
        await channel.join(ticket=ticket)
        person.joined_seconds = monotonic() - began
        if channel.state != "admitted":
            raise JoinFailed(f"the clinician's state is {channel.state}")
        self._seats[person] = Seat(channel)

    async def _admit(self, channel: Channel, person: Person) -> None:
        person.admitted_ns = now_ns()
        await self._channels[0].request("admit", participant=channel.participant, agreed=True)
        await channel.until(lambda c: c.state == "admitted")
        self._seats[person] = Seat(channel)

    async def _offer(self, person: Person, others: Sequence[Person]) -> None:
        seat = self._seats[person]
        if person.sends and not seat.sent:
            seat.sent = self._kit.sections()
        self._watch(seat, others)
        client = seat.client or Client()
        sections = [*seat.sent]
        sections += [MediaSection(mid, "video" if video else "audio") for mid, (_, _, video) in seat.watched.items()]
        send = [{"mid": AUDIO_MID, "source": "microphone"}, {"mid": VIDEO_MID, "source": "camera"}]
        receive = [{"mid": mid, "track": track} for mid, (track, _, _) in seat.watched.items()]
        async with self._handshakes:
            reply: dict[str, Any] = await seat.channel.request(
                "offer", sdp=client.offer(sections), send=send if seat.sent else [], receive=receive
            )
            answer = read_answer(reply["sdp"])
            all_answered(answer, [section.mid for section in sections])
            for mid, (_, other, video) in seat.watched.items():
                self._kit.receives(client, ssrcs(answer, mid), other, video=video)
            seat.tracks = {sent["mid"]: sent["track"] for sent in reply["send"]}
            if seat.client is None:
                seat.client = client
                person.clients = [client]
                if seat.sent:
                    self._kit.sends(person, client, seat.sent, answer)
                await self._kit.connect(client, answer)

    def _watch(self, seat: Seat, others: Sequence[Person]) -> None:
        """Sections for what `others` send that have none yet. Mids of what is received begin at 10."""
        watched = {track for track, _, _ in seat.watched.values()}
        for other in others:
            for mid, track in self._seats[other].tracks.items():
                if track not in watched:
                    seat.watched[str(10 + len(seat.watched))] = track, other, mid == VIDEO_MID

    async def _open(self) -> Channel:
        channel = await Channel.open(self._server.http, self._server.base_url)
        self._channels.append(channel)
        return channel
