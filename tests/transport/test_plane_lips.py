"""Lips and voice: whatever becomes of the layers, a receiver that goes by our reports shows and plays together what belongs together.

As receivers do it (RFC 3550 6.4.1): the newest sender report of each stream says what moment of one clock a timestamp is. What a packet was
captured at is known here, so how far the two streams are apart is what our renumbering has done.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfu.rtp import rtcp
from sfu.rtp.ntp import to_seconds
from sfu.rtp.seq import distance32
from tests.transport.plane_world import Received, Stream, World, receives, sends
from tests.transport.simulcast import FRAME, RIDS, Camera

SOUND, PICTURE = 48_000, 90_000  # Hz
EXACT = 0.001
"""Seconds: what is rounded to whole timestamps."""
AIM = 0.1
"""Seconds that lips and voice may be apart, whatever happens."""
REPORT = 30  # frames from report to report of the sender


@dataclass
class Clock:
    """What a receiver knows of one stream."""

    rate: int
    report: rtcp.SenderReport | None = None
    off: float | None = None
    """Seconds by which the newest packet is later, by the reports, than it was captured."""

    def heard(self, timestamp: int, captured: float) -> None:
        if self.report is not None:
            since = distance32(timestamp, self.report.rtp_timestamp) / self.rate
            self.off = to_seconds(self.report.ntp) + since - captured


@dataclass
class Meeting:
    """Somebody with a camera in three sizes and a microphone, and somebody who sees and hears them."""

    seed: int
    skews: list[float] = field(default_factory=list)
    """Of each frame, how far apart they are, in seconds."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.world = World()
        self.camera = Camera(self.world, seed=self.seed)
        self.camera.bases = [2**32 - self.rng.randrange(400_000) for _ in RIDS]
        self.camera.client.negotiate(sends("0", "video", rids=RIDS), sends("1", "audio", ssrcs=(77,)))
        self.voice = Stream(self.camera.client, 77, 111)
        self.voice_base = 2**32 - self.rng.randrange(200_000)
        self.receiver = self.world.client(receives("v", "video"), receives("a", "audio"))
        self.world.route(self.camera.client, "0", self.receiver, "v")
        self.world.route(self.camera.client, "1", self.receiver, "a")
        self.picture, self.sound = Clock(PICTURE), Clock(SOUND)
        self.silent = False
        self.offset = self.rng.uniform(-1e6, 1e6)
        """Of the sender's clock."""
        self.unsure: set[int] = set()
        """SSRCs whose timestamps or reports went on by when packets came, and of which no packet has come with a report since."""
        self.told: set[int] = set()
        """Those that a report has told of since."""
        self.asked: Received | None = None
        self.last: Received | None = None
        self.resent = 0

    @property
    def ssrcs(self) -> tuple[int, int]:
        """The receiver's, of picture and sound."""
        return self.receiver.egress["v"].ssrc, self.receiver.egress["a"].ssrc

    @property
    def captured(self) -> float:
        return self.camera.frames * FRAME

    def report(self) -> None:
        """Of one moment, but each on its way for a time of its own."""
        clock = int((self.captured + 5e6 + self.offset) * 2**32)
        reports = [
            rtcp.SenderReport(camera_ssrc, clock, self.camera.timestamp(layer), 1, 1)
            for layer, camera_ssrc in enumerate(map(self.camera.ssrc, range(3)))
        ]
        reports.append(rtcp.SenderReport(77, clock, self._voice_timestamp(), 1, 1))
        self.rng.shuffle(reports)
        for each in reports:
            self.camera.client.send_control(each)

    def _voice_timestamp(self) -> int:
        return (self.voice_base + round(self.captured * SOUND)) & 0xFFFFFFFF

    def frame(self) -> None:
        """A frame of each size and a packet of sound, which take some time to come."""
        camera = self.camera
        late = self.rng.uniform(0, FRAME * 0.9)
        self.world.run(late)
        camera.read_feedback()
        if not self.silent:
            self.voice.timestamp = self._voice_timestamp()
            self.voice.send(camera.frames.to_bytes(4, "big"))
        for layer, source in enumerate(camera.sources):
            keyframe = layer in camera.due
            camera.due.discard(layer)
            for sent in source.next(keyframe=keyframe):
                camera.client.send(camera.packet(layer, sent))
        if camera.frames % REPORT == 0:
            self.report()
        camera.frames += 1
        self.world.run(FRAME - late)
        self._watch()

    def _watch(self) -> None:
        picture, sound = self.ssrcs
        for received in self.receiver.take_rtp():
            if received.ssrc in self.told and received.payload:
                self.unsure.discard(received.ssrc)
            if received.ssrc == sound:
                self.sound.heard(received.timestamp, int.from_bytes(received.payload, "big") * FRAME)
            elif received.ssrc != picture:
                # Sent again (RFC 4588): with the timestamp of the first time, so of the same moment.
                assert self.asked is not None
                assert received.timestamp == self.asked.timestamp
                self.resent += 1
            elif received.payload:
                self.picture.heard(received.timestamp, (int.from_bytes(received.payload[-6:-2], "big") - 1) * FRAME)
                self.last = received
        if self.picture.off is not None and self.sound.off is not None:
            skew = abs(self.picture.off - self.sound.off)
            assert skew < AIM
            assert self.unsure or skew < EXACT
            self.skews.append(skew)
        for packet in self.receiver.take_control():
            if isinstance(packet, rtcp.SenderReport):
                (self.picture if packet.ssrc == picture else self.sound).report = packet
                self.told.add(packet.ssrc)

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.frame()

    def doubt(self, *ssrcs: int) -> None:
        self.unsure.update(ssrcs)
        self.told.difference_update(ssrcs)

    # What happens

    def want(self, layer: int) -> None:
        if layer < 0:
            self.doubt(self.ssrcs[0])
        self.world.plane.set_layer(self.receiver.number, "v", layer, 2)
        self.world.deliver()

    def hold(self) -> None:
        """Both routes are gone for a while."""
        for mid in "va":
            self.world.plane.drop_route(self.receiver.number, mid)
        self.doubt(*self.ssrcs)
        self.run(self.rng.randrange(1, 60))
        self.world.route(self.camera.client, "0", self.receiver, "v")
        self.world.route(self.camera.client, "1", self.receiver, "a")

    def mute(self) -> None:
        self.silent = not self.silent

    def ask_again(self) -> None:
        """The newest packet of the picture was lost on its way."""
        self.asked = self.last
        if self.last is not None:
            self.receiver.send_control(rtcp.Nack(9, self.last.ssrc, (self.last.sequence,)))

    def set_clock(self) -> None:
        """The sender's clock is set anew, by its network perhaps, and it says so at once."""
        self.offset += self.rng.choice((-1, 1)) * self.rng.uniform(100, 10_000)
        self.doubt(*self.ssrcs)
        self.report()

    def begin_anew(self) -> None:
        """The encoder of a size begins anew, with other numbers, and says later what time they are."""
        layer = self.rng.randrange(3)
        self.camera.bases[layer] = self.rng.randrange(2**32)
        self.camera.sources[layer].sequence += 20_000
        self.camera.due.add(layer)
        self.doubt(self.ssrcs[0])
        self.run(REPORT)
        self.doubt(self.ssrcs[0])


def test_over_every_change_of_size_they_stay_exactly_together() -> None:
    meeting = Meeting(1)
    meeting.run(2 * REPORT)
    for layer in (0, 2, 1, 0, 1, 2, 0):
        meeting.want(layer)
        meeting.run(4 * REPORT)
    assert len(meeting.skews) > 800
    assert not meeting.unsure


@pytest.mark.parametrize("seed", range(4))
def test_what_is_sent_again_is_of_the_moment_that_it_was_captured_at(seed: int) -> None:
    meeting = Meeting(seed)
    meeting.run(2 * REPORT)
    for layer in (0, 1, 2):
        meeting.want(layer)
        meeting.run(REPORT)
        meeting.ask_again()
        meeting.run(1)
    assert meeting.resent > 0


HAPPENINGS: dict[str, Callable[[Meeting], None]] = {
    "smallest": lambda meeting: meeting.want(0),
    "middle": lambda meeting: meeting.want(1),
    "largest": lambda meeting: meeting.want(2),
    "pause": lambda meeting: meeting.want(-1),
    "hold": Meeting.hold,
    "mute": Meeting.mute,
    "ask again": Meeting.ask_again,
    "set clock": Meeting.set_clock,
    "begin anew": Meeting.begin_anew,
}


@settings(max_examples=15, deadline=None)
@example(0, [("hold", 1)] * 3)
@given(st.integers(0, 10_000), st.lists(st.tuples(st.sampled_from(sorted(HAPPENINGS)), st.integers(1, 50)), max_size=8))
def test_whatever_happens_they_are_never_far_apart_and_exact_again_with_the_next_reports(
    seed: int, course: list[tuple[str, int]]
) -> None:
    meeting = Meeting(seed)
    meeting.run(2 * REPORT)
    for happening, frames in course:
        HAPPENINGS[happening](meeting)
        meeting.run(frames)
    meeting.silent = False
    meeting.want(0)
    # Whoever has had its three keyframes of ten seconds waits for the next.
    meeting.run(14 * REPORT)
    assert not meeting.unsure
    assert meeting.skews[-1] < EXACT
