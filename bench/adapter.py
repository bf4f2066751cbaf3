"""What the bench asks of a kind of server. Whoever wants another one measured writes an `Adapter` (docs/bench-adapters.md)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.client import Client
from bench.clip import RIDS
from bench.incoming import Incoming
from bench.latency import Latencies
from bench.media import Media
from bench.outgoing import Canned, Outgoing
from bench.sdp import Answer, BadAnswer, MediaSection
from sfu.clock import monotonic

CONNECT_TIMEOUT = 15.0  # seconds from the answer to SRTP keys
POLL = 0.01  # seconds
AUDIO_MID, VIDEO_MID = "0", "1"  # of what a person sends


class JoinFailed(Exception):
    """A client could not get in, or could not get its media connected."""


@dataclass(eq=False, slots=True)
class Person:
    """Somebody in a meeting. Trailers of its audio and video carry the sources `2 * number` and `2 * number + 1`."""

    number: int
    """Within the run."""
    sends: bool
    """Camera and microphone."""
    clients: list[Client] = field(default_factory=list)
    """Its transports: one, or one for each direction."""
    sender: Client | None = None
    """Whose keys protect `streams`."""
    streams: list[Outgoing] = field(default_factory=list)
    """What it sends: audio, video; of simulcast every layer, which carry the same source."""
    joined_seconds: float | None = None
    """From opening its channel to its place in the waiting room, or in the meeting."""
    admitted_ns: int | None = None
    """CLOCK_REALTIME of staff's click, where somebody had to let it in."""

    @property
    def incoming(self) -> list[Incoming]:
        """The streams that it receives."""
        return [stream for client in self.clients for stream in client.incoming.values()]


@dataclass(frozen=True, slots=True)
class Kit:
    """What adapters connect people with."""

    media: Media
    audio: Canned
    video: Canned
    latencies: Latencies
    open_one_in: int
    layers: tuple[Canned, ...] = ()
    """The picture as simulcast, one for each of `RIDS`, in place of `video`; empty: none."""

    def sections(self) -> list[MediaSection]:
        """Two sections that send, audio and video, with SSRCs of their own."""
        sound, picture, repair = (secrets.randbits(31) for _ in range(3))
        pictures = MediaSection(
            VIDEO_MID, "video", rids=RIDS if self.layers else (), ssrcs=() if self.layers else (picture, repair)
        )
        return [MediaSection(AUDIO_MID, "audio", (sound,)), pictures]

    def sends(self, person: Person, client: Client, sections: Sequence[MediaSection], answer: Answer) -> None:
        """What `person` sends on sections that `client` has offered, as they were answered."""
        person.sender = client
        person.streams = []
        for index, (canned, section) in enumerate(zip((self.audio, self.video), sections, strict=False)):
            numbers_id = answer.sections[section.mid].numbers
            streams = (
                [(layer, secrets.randbits(31), rid) for layer, rid in zip(self.layers, section.rids, strict=True)]
                if section.rids
                else [(canned, section.ssrcs[0], "")]
            )
            for clip, ssrc, rid in streams:
                stream = Outgoing(clip, 2 * person.number + index, ssrc, section.mid, client.cname, rid)
                if numbers_id:
                    stream.number(client.numbers, numbers_id)
                person.streams.append(stream)
        client.outgoing = {stream.ssrc: stream for stream in person.streams}

    def receives(self, client: Client, ssrcs: Sequence[int], other: Person, *, video: bool) -> None:
        """`client` will get the picture, or the sound, of `other` on the first of `ssrcs`, and repairs of it on the others."""
        ssrc, *repairs = ssrcs
        client.repairs.update(repairs)
        if ssrc not in client.incoming:
            client.incoming[ssrc] = Incoming(ssrc, video, 2 * other.number + video, self.latencies, self.open_one_in)

    async def connect(self, client: Client, remote: Answer, *, controlling: bool = True) -> None:
        """Bring a client's transport up. Raises `JoinFailed`."""
        client.accept(remote, monotonic(), controlling=controlling)
        self.media.connect(client, remote.address)
        deadline = monotonic() + CONNECT_TIMEOUT
        while client.srtp is None:
            if self.media.failure is not None:
                raise self.media.failure
            if monotonic() > deadline:
                raise JoinFailed("no SRTP keys in time")
            await asyncio.sleep(POLL)


class Meeting(Protocol):
    """One meeting on the server under test. Calls for one person come one after the other; for different people at once."""

    async def enter(self, person: Person, others: Sequence[Person]) -> None:
        """Bring somebody in: connected, ready to send where `person.sends`, and receiving all that `others` send.

        The first to enter is staff, who lets the others in where a server has such a thing. Raises one of `FAILURES`.
        """
        ...

    async def watch(self, person: Person, others: Sequence[Person]) -> None:
        """From now on `person`, who is in, receives all that `others` send: the whole list, which only grows."""
        ...

    async def close(self) -> None:
        """Everybody leaves. Never raises for what the server does."""
        ...


class Adapter(Protocol):
    """A kind of server, spoken to in the generator's process."""

    def meeting(self, number: int) -> Meeting:
        """A new meeting; `number` is its own within the run."""
        ...


def all_answered(answer: Answer, mids: Sequence[str]) -> None:
    """Raise `BadAnswer` where one of these sections was rejected or left out."""
    if any(mid not in answer.sections or answer.sections[mid].rejected for mid in mids):
        raise BadAnswer("the server rejected a section")


def ssrcs(answer: Answer, mid: str) -> list[int]:
    """The SSRCs on which the server sends a section, the media's first. Raises `BadAnswer`."""
    section = answer.sections.get(mid)
    if section is None or not section.ssrcs:
        raise BadAnswer(f"section {mid} names no SSRC")
    return section.ssrcs
