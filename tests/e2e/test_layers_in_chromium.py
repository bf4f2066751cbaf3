"""Layers of a real browser's camera, forwarded by the real plane over real sockets: what each receiver decodes.

The parts of a server in this process, and no signalling: a page's connections are answered here, and layers are set on the plane.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from sfu import clock
from sfu.rtp.keyframes import REQUEST_INTERVAL
from sfu.signaling.sdp import EgressStream, LocalAnswer, answer, parse_offer
from sfu.signaling.sdp.plan import sections
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import Codec, LayerRates, PeerId, RemoteParameters, Report, Section
from sfu.transport.plane import Plane

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGE = """
  window.connections = {};
  window.negotiate = async (name, pc) => {
    window.connections[name] = pc;
    await pc.setLocalDescription();
    const sdp = pc.localDescription.sdp.split("\\r\\n").filter((line) => !line.startsWith("a=candidate:")).join("\\r\\n");
    await pc.setRemoteDescription({type: "answer", sdp: await window.answered(name, sdp)});
  };
  const preferring = (transceiver, mime) => {
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
    const profile = (codec) => !/profile-id=[123]/.test(codec.sdpFmtpLine ?? "");
    const rank = (codec) => (codec.mimeType.toLowerCase() === mime && profile(codec) ? 0 : 1);
    transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
  };
  window.send = async (mime, sendEncodings) => {
    const stream = await navigator.mediaDevices.getUserMedia({video: {width: 1280, height: 720, frameRate: 20}});
    const pc = new RTCPeerConnection();
    preferring(pc.addTransceiver(stream.getTracks()[0], {direction: "sendonly", sendEncodings}), mime);
    await negotiate("sender", pc);
  };
  window.receive = async (name, mime) => {
    const pc = new RTCPeerConnection();
    const transceiver = pc.addTransceiver("video", {direction: "recvonly"});
    preferring(transceiver, mime);
    // Chromium offers dependency descriptors by itself only where it sends layers on one stream, and AV1's it can show by nothing else.
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions)
      if (extension.uri.includes("dependency-descriptor")) extension.direction = "sendrecv";
    transceiver.setHeaderExtensionsToNegotiate(extensions);
    const video = document.createElement("video");
    video.muted = video.autoplay = true;
    document.body.append(video);
    pc.ontrack = ({track}) => { video.srcObject = new MediaStream([track]); };
    await negotiate(name, pc);
  };
  window.keyframes = async (name) => {
    let [made, asked] = [0, 0];
    for (const stat of (await window.connections[name].getStats()).values()) {
      if (stat.type === "outbound-rtp") [made, asked] = [made + stat.keyFramesEncoded, asked + stat.pliCount + stat.firCount];
      if (stat.type === "inbound-rtp") made += stat.keyFramesDecoded;
    }
    return [made, asked];
  };
  window.decoded = async (name) => {
    for (const stat of (await window.connections[name].getStats()).values())
      if (stat.type === "inbound-rtp")
        return [stat.frameWidth ?? 0, stat.framesDecoded];
    return [0, 0];
  };
"""


class Parts:
    """Endpoint, plane and port, and the page's connections by name."""

    def __init__(self) -> None:
        self.port = MediaPort.bind("127.0.0.1", 0, tcp=False)
        self.bugs: list[Exception] = []
        self.plane = Plane(self.port, clock.monotonic, on_bug=self.bugs.append)
        self.endpoint = Endpoint(self.plane, self.port, Certificate(), self.port.candidates(), on_bug=self.bugs.append)
        self.peers: dict[str, PeerId] = {}
        self.mids: dict[str, str] = {}
        self.offers: dict[str, str] = {}
        self.rates: LayerRates | None = None
        self.port.start(self.endpoint, self.plane, self._reported)

    def _reported(self, reports: list[Report]) -> None:
        for report in reports:
            if isinstance(report, LayerRates) and report.layers:
                self.rates = report

    def answered(self, name: str, sdp: str) -> str:
        self.offers[name] = sdp
        offer = parse_offer(sdp)
        remote = RemoteParameters(offer.ice_ufrag, offer.ice_pwd, offer.fingerprints)
        peer, local = self.endpoint.open_peer(remote, clock.monotonic())
        plan = sections(offer)[0]
        self.peers[name], self.mids[name] = peer, plan.mid
        section = Section(
            plan.mid,
            plan.kind,
            plan.peer_sends,
            plan.peer_receives,
            tuple(
                Codec(**{field: getattr(codec, field) for field in Codec.__dataclass_fields__}) for codec in plan.codecs
            ),
            plan.extensions,
            plan.ssrcs,
            plan.rtx_ssrcs,
            plan.rids,
            "camera",
        )
        egress = {
            mid: EgressStream(stream.ssrc, stream.rtx_ssrc, "camera", "picture")
            for mid, stream in self.plane.set_sections(peer, (section,)).items()
        }
        if name != "sender":
            self.plane.add_route(self.peers["sender"], self.mids["sender"], peer, plan.mid)
        self.port.wake()
        return answer(offer, LocalAnswer(local.ice_ufrag, local.ice_pwd, local.fingerprint, local.candidates), egress)

    def want(self, name: str, spatial: int, temporal: int) -> None:
        self.plane.set_layer(self.peers[name], self.mids[name], spatial, temporal)
        self.port.wake()


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts()
    yield made
    made.port.close()
    assert made.bugs == []


@pytest.fixture
async def tab(chromium: Browser, parts: Parts) -> Page:
    context = await chromium.new_context(permissions=["camera"])
    page = await context.new_page()
    await page.expose_function("answered", parts.answered)
    await page.route(
        "https://test.invalid/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
    )
    await page.goto("https://test.invalid/")
    await page.evaluate(f"() => {{ {PAGE} }}")
    return page


async def until(page: Page, name: str, width: int, *, frames: int = 10) -> None:
    """Wait until so many frames more of this width have been decoded there."""
    first = -1
    told = [0, 0]
    for _ in range(600):
        told = await page.evaluate("(name) => window.decoded(name)", name)
        if told[0] != width:
            first = -1
        elif first < 0:
            first = told[1]
        elif told[1] >= first + frames:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} shows {told}, not {width} wide")


async def keyframes(page: Page, name: str) -> tuple[int, int]:
    """How many this connection has encoded, or decoded, and how often it was asked for one."""
    made, asked = await page.evaluate("(name) => window.keyframes(name)", name)
    return int(made), int(asked)


async def told(parts: Parts, layers: set[tuple[int, int]]) -> None:
    """Wait until these (spatial layers, widths) are told to come. A busy browser leaves the larger ones out for a while."""
    found: set[tuple[int, int]] = set()
    for _ in range(600):
        found = {(rate.spatial, rate.width) for rate in parts.rates.layers} if parts.rates is not None else set()
        if found == layers:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{found} come, not {layers}")


SIMULCAST = """[{rid: "q", scaleResolutionDownBy: 4, scalabilityMode: "L1T3"}, {rid: "h", scaleResolutionDownBy: 2,
    scalabilityMode: "L1T3"}, {rid: "f", scalabilityMode: "L1T3"}]"""


async def test_receivers_of_one_camera_decode_the_layers_that_each_is_to_get(tab: Page, parts: Parts) -> None:
    began = clock.monotonic()
    await tab.evaluate(f"() => window.send('video/vp8', {SIMULCAST})")
    for name in ("one", "other"):
        await tab.evaluate("(name) => window.receive(name, 'video/vp8')", name)
    parts.want("one", 2, 2)
    parts.want("other", 0, 2)
    await until(tab, "other", 320)
    await until(tab, "one", 1280)
    await told(parts, {(0, 320), (1, 640), (2, 1280)})
    assert parts.rates is not None
    assert parts.rates.rids == ("q", "h", "f")
    assert {rate.temporal for rate in parts.rates.layers} == {0, 1, 2}

    # Each changes to the other's, and on, and up and down in frames: it goes on being decoded.
    before = {name: (await keyframes(tab, name))[0] for name in ("one", "other")}
    parts.want("one", 0, 2)
    parts.want("other", 1, 2)
    await until(tab, "one", 320)
    await until(tab, "other", 640)
    for name in ("one", "other"):
        assert (await keyframes(tab, name))[0] > before[name], "another size begins with a keyframe"
    parts.want("other", 1, 0)
    await until(tab, "other", 640)
    parts.want("other", 1, 2)
    await until(tab, "other", 640)
    made, asked = await keyframes(tab, "sender")
    assert made >= 3 + 2, "one a layer to begin with, and one for each change of size"
    assert asked <= 3 * (1 + (clock.monotonic() - began) / REQUEST_INTERVAL), (
        "each layer's sender is asked no more often than this"
    )


@pytest.mark.parametrize("mime", ["video/vp9", "video/av1"])
async def test_layers_on_one_stream_are_left_out_and_come_back(tab: Page, parts: Parts, mime: str) -> None:
    await tab.evaluate(f"() => window.send('{mime}', [{{scalabilityMode: 'L2T2'}}])")
    for name in ("one", "other"):
        await tab.evaluate(f"(name) => window.receive(name, '{mime}')", name)
    await until(tab, "one", 1280)
    parts.want("other", 0, 1)
    await until(tab, "other", 640)
    parts.want("other", 0, 0)
    await until(tab, "other", 640)
    parts.want("other", 1, 1)
    await until(tab, "other", 1280)
    await until(tab, "one", 1280)
