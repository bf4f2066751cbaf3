"""A receiver that tells what has come over a link, and what the plane makes of it."""

from __future__ import annotations

from dataclasses import replace

from sfu.rtp.extensions import TRANSPORT_CC, URI_TRANSPORT_CC
from sfu.rtp.transport_feedback import DELTA_UNIT, REFERENCE_UNIT, TransportFeedback
from sfu.transport.parameters import Estimates, PeerReceptions, Receptions
from tests.transport.plane_world import (
    AUDIO_EXTENSIONS,
    CONTINUATION,
    INTERFRAME,
    KEYFRAME,
    OPUS,
    VIDEO_EXTENSIONS,
    VP8,
    Received,
    Stream,
    World,
    element,
    receives,
    sends,
)

NUMBER = 5  # the extension's id
VIDEO = {
    "extensions": (*VIDEO_EXTENSIONS, (NUMBER, URI_TRANSPORT_CC)),
    "codecs": (replace(VP8, transport_cc=True),),
}
AUDIO = {
    "extensions": (*AUDIO_EXTENSIONS, (NUMBER, URI_TRANSPORT_CC)),
    "codecs": (replace(OPUS, transport_cc=True),),
}


def numbered(number: int) -> bytes:
    return element(NUMBER, (number & 0xFFFF).to_bytes(2, "big"))


class Watched:
    """One who sends video to one who tells, every tenth of a second, of what has come over a link of `link` bits per second."""

    def __init__(self, *, video: dict[str, object] | None = None) -> None:
        self.world = World()
        self.sender = self.world.client(sends("0", "video", ssrcs=(1,)))
        self.receiver = self.world.client(receives("0", "video", **(VIDEO if video is None else video)))
        self.world.route(self.sender, "0", self.receiver, "0")
        self.stream = Stream(self.sender, 1, 96)
        self.link = 1e9
        self.lost = 0
        """Of each hundred packets."""
        self.estimates: list[int] = []
        self.receptions: list[PeerReceptions] = []
        self.media: list[Received] = []
        self.padding: list[Received] = []
        self._free = 0.0
        self._count = 0
        self._arrivals: list[tuple[int, float | None]] = []
        self._tell_at = 0.0

    def show(self, seconds: float, bits_per_second: float, *, keyframes: bool = True) -> None:
        """Thirty frames a second, of packets of 1,000 bytes."""
        end = self.world.now + seconds
        while self.world.now < end:
            packets = max(1, round(bits_per_second / 8 / 30 / 1_000))
            first = KEYFRAME if keyframes or self.stream.sequence == 100 else INTERFRAME
            for index in range(packets):
                kind = first if index == 0 else CONTINUATION
                self.stream.send(kind + bytes(1_000 - len(kind)), marker=index == packets - 1)
            for _ in range(16):
                self._pass(1 / 480)

    def wait(self, seconds: float) -> None:
        """Time passes, and nothing is sent."""
        end = self.world.now + seconds
        while self.world.now < end:
            self._pass(1 / 480)

    def _pass(self, seconds: float) -> None:
        self.world.run(seconds)
        now = self.world.now
        for packet in self.receiver.take_rtp():
            self._count += 1
            (self.padding if packet.padding else self.media).append(packet)
            self._free = max(self._free, now) + 8 * len(packet.clear) / self.link
            if TRANSPORT_CC in packet.elements:
                number = int.from_bytes(packet.elements[TRANSPORT_CC], "big")
                gone = self._count % 100 < self.lost
                self._arrivals.append((number, None if gone else self._free))
        if now >= self._tell_at and self._arrivals:
            self._tell_at = now + 0.1
            self._tell()
        for report in self.world.plane.take_reports():
            if isinstance(report, Estimates):
                self.estimates += [rate for peer, rate in report.estimates if peer == self.receiver.number]
            elif isinstance(report, Receptions):
                self.receptions += [each for each in report.receptions if each.peer == self.receiver.number]

    def _tell(self) -> None:
        told, self._arrivals = self._arrivals, []
        came = [arrival for _, arrival in told if arrival is not None]
        reference = int(came[0] / REFERENCE_UNIT)
        units = round(reference * REFERENCE_UNIT / DELTA_UNIT)
        deltas: list[int | None] = []
        for _, arrival in told:
            if arrival is None:
                deltas.append(None)
                continue
            now = round(arrival / DELTA_UNIT)
            deltas.append(now - units)
            units = now
        self.receiver.send_control(TransportFeedback(9, 1, told[0][0], reference, 0, tuple(deltas)))
