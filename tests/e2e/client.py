"""A second implementation of a client: aiohttp for signalling; ICE, DTLS, SRTP and RTP by aiortc, with nothing of ours.

It sends packets that it is given and keeps packets that arrive, so that payloads can be compared to the bit.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
from aiortc import RTCCertificate, RTCIceCandidate, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import AnyRtcpPacket, HeaderExtensionsMap, RtcpPacket, RtpPacket
from aiortc.sdp import SessionDescription

TIMEOUT = 10.0  # seconds until something that must come is missed

OPUS, VP8, VP8_RTX = 111, 96, 97
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID_ID, LEVEL_ID = 4, 1


class ProtocolError(Exception):
    """The server answered `error`; `code` is the protocol's."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["code"])
        self.code: str = answer["code"]
        self.answer = answer


@dataclass
class Section:
    """One media section of the client's offer."""

    mid: str
    kind: str
    direction: str
    ssrc: int = 0
    source: str = ""
    track: str = ""


@dataclass
class Client:
    """One participant. Start with `connect` and `join`; leave with `close`."""

    base_url: str
    events: list[dict[str, Any]] = field(default_factory=list)
    joined: dict[str, Any] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)
    packets: list[RtpPacket] = field(default_factory=list)
    reports: list[AnyRtcpPacket] = field(default_factory=list)
    egress: dict[str, int] = field(default_factory=dict)
    """SSRC that the server sends with, by mid."""
    named: set[tuple[str, str]] = field(default_factory=set)
    """Every (participant, admitted_at) that a roster has told."""
    heard: list[tuple[bytes, bool]] = field(default_factory=list)
    """Each payload, with whether a roster had named whom it says it comes from (its first two words) when it arrived."""
    sent: int = 0
    session: aiohttp.ClientSession | None = None
    socket: aiohttp.ClientWebSocketResponse | None = None
    close_code: int | None = None
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reader: asyncio.Task[None] | None = None
    _ice: RTCIceTransport | None = None
    _dtls: RTCDtlsTransport | None = None
    _gatherer: RTCIceGatherer | None = None
    _pump: asyncio.Task[None] | None = None

    # Signalling

    async def connect(self) -> Client:
        self.session = aiohttp.ClientSession()
        self.socket = await self.session.ws_connect(
            self.base_url + "/api/v1/signal", protocols=("evisit.v1",), origin=self.base_url
        )
        self._reader = asyncio.get_running_loop().create_task(self._read())
        return self

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One request; its `ok` answer, or ProtocolError."""
        assert self.socket is not None
        number = next(self._ids)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_str(json.dumps({"type": kind, "id": number} | fields))
        answer: dict[str, Any] = await asyncio.wait_for(future, TIMEOUT)
        if answer["type"] == "error":
            raise ProtocolError(answer)
        return answer

    async def join(self, **how: Any) -> Client:
        self.joined = await self.ask("join", **how)
        return self

    @property
    def id(self) -> str:
        return cast(str, self.joined["participant"])

    async def until(self, found: Callable[[Client], bool]) -> None:
        """Wait until something is so; it is looked at again whenever anything has arrived."""

        async def wait() -> None:
            async with self._changed:
                await self._changed.wait_for(lambda: found(self))

        await asyncio.wait_for(wait(), TIMEOUT)

    def last(self, kind: str) -> dict[str, Any] | None:
        return next((event for event in reversed(self.events) if event["type"] == kind), None)

    @property
    def roster(self) -> set[str]:
        """Who is on the last roster, by participant id."""
        roster = self.last("roster")
        return {entry["participant"] for entry in roster["participants"]} if roster else set()

    @property
    def admitted_at(self) -> str:
        """When this participant was last admitted, as its own last roster tells."""
        roster = self.last("roster") or {"participants": []}
        times = {entry["participant"]: entry["admitted_at"] for entry in roster["participants"]}
        return cast(str, times[self.id])

    @property
    def tracks(self) -> dict[str, tuple[str, str]]:
        """(owner, kind) of each track on the last roster."""
        roster = self.last("roster") or {"participants": []}
        return {
            track["track"]: (entry["participant"], track["kind"])
            for entry in roster["participants"]
            for track in entry["tracks"]
        }

    @property
    def state(self) -> str:
        event = self.last("state")
        return cast(str, event["state"] if event else self.joined["state"])

    async def drop(self) -> None:
        """Lose the channel without a word; media goes on."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        if self.socket is not None:
            # Closes the connection under the WebSocket, which sends no close frame then.
            self.socket._response.close()
        if self.session is not None:
            await self.session.close()

    async def close(self) -> None:
        await self.drop_media()
        await self.drop()

    async def _read(self) -> None:
        assert self.socket is not None
        async for frame in self.socket:
            message = json.loads(frame.data)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            else:
                self.events.append(message)
                if message["type"] == "roster":
                    self.named |= {(entry["participant"], entry["admitted_at"]) for entry in message["participants"]}
            async with self._changed:
                self._changed.notify_all()
        self.close_code = self.socket.close_code
        async with self._changed:
            self._changed.notify_all()

    # Media

    async def publish(self, *, video: bool = True, audio: bool = True) -> None:
        """Offer a microphone and a camera."""
        if audio:
            self.sections.append(Section(str(len(self.sections)), "audio", "sendonly", 1001, "microphone"))
        if video:
            self.sections.append(Section(str(len(self.sections)), "video", "sendonly", 2001, "camera"))
        await self.offer()

    async def subscribe(self) -> None:
        """Offer a receiving section for each track of others. Sections of tracks that have gone are used again."""
        receiving = [section for section in self.sections if not section.source]
        for section in receiving:
            if section.track not in self.tracks:
                section.direction, section.track = "inactive", ""
        bound = {section.track for section in receiving}
        for track, (owner, kind) in self.tracks.items():
            if owner == self.id or track in bound:
                continue
            free = next((each for each in receiving if not each.track and each.kind == kind), None)
            if free is None:
                free = Section(str(len(self.sections)), kind, "recvonly")
                self.sections.append(free)
            free.direction, free.track = "recvonly", track
        await self.offer()

    async def offer(self) -> dict[str, Any]:
        if self._gatherer is None:
            await self._gather()
        answer = await self.ask(
            "offer",
            sdp=self._sdp(),
            send=[{"mid": s.mid, "source": s.source} for s in self.sections if s.direction == "sendonly"],
            receive=[{"mid": s.mid, "track": s.track} for s in self.sections if s.direction == "recvonly"],
        )
        described = SessionDescription.parse(answer["sdp"])
        self.egress = {media.rtp.muxId: media.ssrc[0].ssrc for media in described.media if media.ssrc}
        if self._dtls is None:
            await self._start(described)
        return answer

    async def send(self, mid: str, payload: bytes, sequence: int, timestamp: int, *, marker: int = 0) -> None:
        assert self._dtls is not None
        section = next(section for section in self.sections if section.mid == mid)
        packet = RtpPacket(
            payload_type=OPUS if section.kind == "audio" else VP8,
            marker=marker,
            sequence_number=sequence % 65536,
            timestamp=timestamp % 2**32,
            ssrc=section.ssrc,
            payload=payload,
        )
        packet.extensions.mid = mid
        if section.kind == "audio":
            packet.extensions.audio_level = (True, 30)
        await self._dtls._send_rtp(packet.serialize(self._extensions()))
        self.sent += 1

    async def report(self, packet: bytes) -> None:
        """Send RTCP."""
        assert self._dtls is not None
        await self._dtls._send_rtp(packet)

    def payloads(self, mid: str) -> list[bytes]:
        """Payloads received on a section, in order of arrival."""
        return [packet.payload for packet in self.packets if packet.ssrc == self.egress.get(mid)]

    @property
    def connected(self) -> bool:
        return self._dtls is not None and self._dtls.state == "connected"

    async def drop_media(self) -> None:
        """Close the transport, as a fresh RTCPeerConnection would find it."""
        if self._dtls is not None:
            await self._dtls.stop()
        if self._ice is not None:
            await self._ice.stop()
            # Closes the sockets of a gatherer whose ICE was never started, too.
            await self._ice._connection.close()
        self._gatherer = self._ice = self._dtls = None
        self.sections = []

    @property
    def local_ports(self) -> set[int]:
        """UDP ports that this client's ICE has opened."""
        assert self._gatherer is not None
        return {candidate.port for candidate in self._gatherer.getLocalCandidates()}

    async def _gather(self) -> None:
        self._gatherer = RTCIceGatherer(iceServers=[])
        await self._gatherer.gather()
        self._ice = RTCIceTransport(self._gatherer)
        self._ice._connection.ice_controlling = True
        self._certificate = RTCCertificate.generateCertificate()

    async def _start(self, answer: SessionDescription) -> None:
        assert self._ice is not None
        media = answer.media[0]
        assert media.ice is not None
        assert media.dtls is not None
        for candidate in media.ice_candidates:
            assert isinstance(candidate, RTCIceCandidate)
            await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        self._ice._connection.remote_is_lite = True
        await self._ice.start(media.ice)
        self._dtls = RTCDtlsTransport(self._ice, [self._certificate])
        self._dtls._set_role("client")
        self._dtls._handle_rtp_data = self._received  # type: ignore[method-assign]
        self._dtls._handle_rtcp_data = self._reported  # type: ignore[method-assign]
        await asyncio.wait_for(self._dtls.start(RTCDtlsParameters(media.dtls.fingerprints, "server")), TIMEOUT)

    async def _received(self, data: bytes, arrival_time_ms: int) -> None:
        packet = RtpPacket.parse(data, self._extensions())
        words = packet.payload.decode("ascii", "replace").split(" ")
        self.heard.append((packet.payload, tuple(words[:2]) in self.named))
        self.packets.append(packet)
        async with self._changed:
            self._changed.notify_all()

    async def _reported(self, data: bytes) -> None:
        self.reports.extend(RtcpPacket.parse(data))
        async with self._changed:
            self._changed.notify_all()

    @staticmethod
    def _extensions() -> HeaderExtensionsMap:
        extensions = HeaderExtensionsMap()
        extensions.configure(
            RTCRtpParameters(
                headerExtensions=[
                    RTCRtpHeaderExtensionParameters(MID_ID, MID_URI),
                    RTCRtpHeaderExtensionParameters(LEVEL_ID, LEVEL_URI),
                ]
            )
        )
        return extensions

    def _sdp(self) -> str:
        assert self._gatherer is not None
        ice = self._gatherer.getLocalParameters()
        fingerprint = self._certificate.getFingerprints()[0]
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE " + " ".join(section.mid for section in self.sections),
        ]
        for section in self.sections:
            audio = section.kind == "audio"
            formats = f"{OPUS}" if audio else f"{VP8} {VP8_RTX}"
            lines += [
                f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {formats}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{section.mid}",
                f"a={section.direction}",
                "a=rtcp-mux",
                f"a=ice-ufrag:{ice.usernameFragment}",
                f"a=ice-pwd:{ice.password}",
                f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
                "a=setup:actpass",
                f"a=extmap:{MID_ID} {MID_URI}",
            ]
            if audio:
                lines += [f"a=extmap:{LEVEL_ID} {LEVEL_URI}", f"a=rtpmap:{OPUS} opus/48000/2"]
            else:
                lines += [
                    f"a=rtpmap:{VP8} VP8/90000",
                    f"a=rtcp-fb:{VP8} nack",
                    f"a=rtcp-fb:{VP8} nack pli",
                    f"a=rtcp-fb:{VP8} goog-remb",
                    f"a=rtpmap:{VP8_RTX} rtx/90000",
                    f"a=fmtp:{VP8_RTX} apt={VP8}",
                ]
            if section.ssrc:
                lines.append(f"a=ssrc:{section.ssrc} cname:test")
        return "\r\n".join(lines) + "\r\n"
