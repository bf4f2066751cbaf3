"""Simulcast through the whole server, by a client that shares no code with it: who is sent which layer, and who is told what."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPsfbPacket, RtpPacket, pack_remb_fci

from tests.e2e.client import MID_ID, MID_URI, VP8, Client
from tests.e2e.server import Server
from tests.e2e.test_second_implementation import receiving

Connect = Callable[[], Awaitable[Client]]

pytestmark = pytest.mark.timeout(120)

RID_ID, RID_URI = 10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
LAYERS = {"q": (320, 180, 300), "h": (640, 360, 600), "f": (1280, 720, 1150)}
"""Of each rid the width, the height, and the bytes of a frame: 48, 96 and 184 kbit/s at twenty frames a second."""
FRAME = 0.05  # seconds
REMB = 15  # RFC 4585 feedback message type "application layer"


class Camera(Client):
    """A client whose camera is sent in three layers. Each frame is one packet and a keyframe that names its rid."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self._playing: asyncio.Task[None] | None = None
        self.encoding = set(LAYERS)

    def play(self) -> None:
        self._playing = asyncio.get_running_loop().create_task(self._play())

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            with suppress(asyncio.CancelledError):
                await self._playing
        await super().close()

    async def _play(self) -> None:
        for number in itertools.count():
            for index, (rid, (width, height, size)) in enumerate(LAYERS.items()):
                if rid not in self.encoding:
                    continue
                head = b"\x10" + b"\x10\x02\x00" + b"\x9d\x01\x2a"
                head += width.to_bytes(2, "little") + height.to_bytes(2, "little")
                packet = RtpPacket(
                    payload_type=VP8,
                    marker=1,
                    sequence_number=(1000 * index + number) % 65536,
                    timestamp=number * round(90_000 * FRAME),
                    ssrc=3001 + index,
                    payload=(head + rid.encode()).ljust(size, b"."),
                )
                packet.extensions.mid = "0"
                packet.extensions.rtp_stream_id = rid
                assert self._dtls is not None
                await self._dtls._send_rtp(packet.serialize(self._extensions()))
            await asyncio.sleep(FRAME)

    @staticmethod
    def _extensions() -> HeaderExtensionsMap:
        extensions = HeaderExtensionsMap()
        named = [RTCRtpHeaderExtensionParameters(MID_ID, MID_URI), RTCRtpHeaderExtensionParameters(RID_ID, RID_URI)]
        extensions.configure(RTCRtpParameters(headerExtensions=named))
        return extensions

    def _sdp(self) -> str:
        declared = "a=ssrc:2001 cname:test\r\n"
        rids = "".join(f"a=rid:{rid} send\r\n" for rid in LAYERS)
        return (
            super()
            ._sdp()
            .replace(declared, f"a=extmap:{RID_ID} {RID_URI}\r\n{rids}a=simulcast:send {';'.join(LAYERS)}\r\n")
        )


def rids(viewer: Client, mid: str) -> list[str]:
    """Of which layer the frames were that have come, one after the other."""
    return [payload[11:12].decode() for payload in viewer.payloads(mid)]


def shows(mid: str, rid: str) -> Callable[[Client], bool]:
    return lambda viewer: rids(viewer, mid)[-5:] == [rid] * 5


async def allow(viewer: Client, mid: str, bits_per_second: int) -> None:
    """Tell the server what the way takes."""
    fci = pack_remb_fci(bits_per_second, [viewer.egress[mid]])
    await viewer.report(bytes(RtcpPsfbPacket(fmt=REMB, ssrc=1, media_ssrc=0, fci=fci)))


@pytest.fixture
async def camera(server: Server, client: Connect) -> AsyncIterator[Camera]:
    made = Camera(server.base_url)
    await made.connect()
    yield made
    await made.close()


async def test_each_receiver_gets_the_layer_that_it_shows_and_that_its_way_takes(
    server: Server, client: Connect, camera: Camera
) -> None:
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    await camera.join(ticket=await server.patient(visit))
    guest = await (await client()).join(visit=visit, key=await server.link_key(visit), name="Amina", role="interpreter")
    for who in (camera, guest):
        await clinician.ask("admit", participant=who.id, agreed=True)
        await who.until(lambda c: c.state == "admitted" and len(c.roster) >= 2)
    await camera.publish(audio=False)
    camera.play()
    for viewer in (clinician, guest):
        await viewer.until(lambda c: len(c.tracks) == 1)
        await viewer.subscribe()
    track = next(iter(clinician.tracks))
    large, small = receiving(clinician, camera, "video"), receiving(guest, camera, "video")

    # By what they show.
    await clinician.ask("view", track=track, width=1280, height=720)
    await guest.ask("view", track=track, width=160, height=90)
    await clinician.until(shows(large, "f"))
    await guest.until(shows(small, "q"))

    # By what the way takes: less resolution, then nothing, which is told; and back again by itself.
    await allow(clinician, large, 120_000)
    await clinician.until(shows(large, "h"))
    await allow(clinician, large, 1)
    await clinician.until(lambda c: c.last("track_paused") is not None)
    assert clinician.last("track_paused") == {
        "type": "track_paused",
        "track": track,
        "paused": True,
        "reason": "bandwidth",
    }
    paused = len(clinician.payloads(large))
    await allow(clinician, large, 5_000_000)
    await clinician.until(lambda c: len(c.payloads(large)) > paused)
    await clinician.until(lambda c: (c.last("track_paused") or {}).get("paused") is False)
    await guest.until(shows(small, "q"))
    assert guest.last("track_paused") is None

    # One stream, without a gap, whatever changed.
    for viewer, mid in ((clinician, large), (guest, small)):
        numbers = [packet.sequence_number for packet in viewer.packets if packet.ssrc == viewer.egress[mid]]
        assert [(after - before) % 65536 for before, after in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)

    # Of the layers that nobody shows the sender is told, and of everybody's connection everybody.
    await clinician.ask("view", track=track, width=160, height=90)
    await camera.until(lambda c: c.last("layers") is not None)
    told = camera.last("layers")
    assert told is not None
    assert (told["track"], told["wanted"]) == (track, ["q"])
    await guest.until(lambda c: c.last("quality") is not None)
    quality = guest.last("quality")
    assert quality is not None
    assert {entry["participant"] for entry in quality["participants"]} <= guest.roster
    assert all(1.0 <= entry["score"] <= 5.0 for entry in quality["participants"])
