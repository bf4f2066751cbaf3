"""A visit as the scenarios need it: a clinician who sends, and people who came by the shared link, were let in, and receive."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime
from typing import Any

import aiohttp

from bench.client import Client
from bench.incoming import Incoming
from bench.latency import Latencies
from bench.media import Media
from bench.outgoing import Canned, Outgoing
from bench.portal import Portal
from bench.sdp import Answer, BadAnswer, MediaSection, read_answer
from bench.signalling import Channel
from sfu.clock import monotonic

HANDSHAKES = 4  # of a room at a time; the server allows a visit 8
CONNECT_TIMEOUT = 15.0  # seconds from the answer to SRTP keys
POLL = 0.01  # seconds


class JoinFailed(Exception):
    """A client could not get its media connected."""


class Room:
    """One visit. `source` numbers of its audio and video are `2 * number` and `2 * number + 1`."""

    def __init__(self, number: int, http: aiohttp.ClientSession, base_url: str, media: Media) -> None:
        self._number = number
        self._http = http
        self._base_url = base_url
        self._media = media
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._channels: list[Channel] = []
        self._visit = ""
        self._key = ""
        self.sender = Client()
        self.streams: list[Outgoing] = []
        """Audio, video."""
        self.receivers: list[Client] = []

    async def open(self, portal: Portal, audio: Canned, video: Canned, wall: datetime) -> None:
        """Book the visit, and have its clinician join and connect."""
        self._visit = await portal.create_visit(self._number, wall)
        self._key = await portal.link_key(self._visit)
        channel = await self._channel()
        await channel.join(ticket=await portal.clinician_ticket(self._visit, self._number))
        if channel.state != "admitted":
            raise JoinFailed(f"the clinician's state is {channel.state}")
        sound, picture, repair = (secrets.randbits(31) for _ in range(3))
        answer = await self._negotiate(
            channel,
            self.sender,
            [MediaSection("0", "audio", (sound,)), MediaSection("1", "video", (picture, repair))],
            send=[{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}],
            receive=[],
        )
        cname = self.sender.cname
        self.streams = [
            Outgoing(audio, 2 * self._number, sound, "0", cname),
            Outgoing(video, 2 * self._number + 1, picture, "1", cname),
        ]
        self.sender.outgoing = {stream.ssrc: stream for stream in self.streams}
        await self._connect(self.sender, answer)

    async def add_receiver(self, latencies: Latencies, open_one_in: int) -> None:
        """One more comes by the shared link, is admitted by the clinician, and receives both tracks.

        It opens one packet in `open_one_in` (see `Incoming`).
        """
        clinician = self._channels[0]
        channel = await self._channel()
        await channel.join(visit=self._visit, key=self._key, name="Guest", role="interpreter")
        await clinician.request("admit", participant=channel.participant, agreed=True)
        await channel.until(lambda c: c.state == "admitted" and {"microphone", "camera"} <= c.tracks().keys())
        tracks = channel.tracks()
        client = Client()
        async with self._handshakes:
            answer = await self._negotiate(
                channel,
                client,
                [MediaSection("0", "audio"), MediaSection("1", "video")],
                send=[],
                receive=[{"mid": "0", "track": tracks["microphone"]}, {"mid": "1", "track": tracks["camera"]}],
            )
            for mid, source in (("0", 2 * self._number), ("1", 2 * self._number + 1)):
                ssrcs = answer.sections[mid].ssrcs
                if not ssrcs:
                    raise BadAnswer(f"section {mid} names no SSRC")
                client.incoming[ssrcs[0]] = Incoming(ssrcs[0], mid == "1", source, latencies, open_one_in)
            await self._connect(client, answer)
        self.receivers.append(client)

    async def close(self) -> None:
        """Everybody goes."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def _channel(self) -> Channel:
        channel = await Channel.open(self._http, self._base_url)
        self._channels.append(channel)
        return channel

    async def _negotiate(
        self,
        channel: Channel,
        client: Client,
        sections: list[MediaSection],
        send: list[dict[str, str]],
        receive: list[dict[str, str]],
    ) -> Answer:
        reply: dict[str, Any] = await channel.request("offer", sdp=client.offer(sections), send=send, receive=receive)
        answer = read_answer(reply["sdp"])
        if any(section.mid not in answer.sections or answer.sections[section.mid].rejected for section in sections):
            raise BadAnswer("the server rejected a section")
        return answer

    async def _connect(self, client: Client, answer: Answer) -> None:
        client.accept(answer, monotonic())
        self._media.connect(client, answer.address)
        deadline = monotonic() + CONNECT_TIMEOUT
        while client.srtp is None:
            if self._media.failure is not None:
                raise self._media.failure
            if monotonic() > deadline:
                raise JoinFailed("no SRTP keys in time")
            await asyncio.sleep(POLL)
