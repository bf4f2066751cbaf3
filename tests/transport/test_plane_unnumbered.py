"""Peers that know nothing of transport-wide numbers: senders are told by REMB, receivers tell by REMB, or by what they have lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfu.rtp import rtcp
from sfu.rtp.extensions import URI_TRANSPORT_CC
from sfu.rtp.rtcp import ReceiverReport, ReportBlock
from sfu.transport.drops import DropReason
from sfu.transport.plane import BITRATE_CAP
from tests.transport.plane_world import INTERFRAME, OPUS, VIDEO_EXTENSIONS, Client, Stream, World, sends
from tests.transport.watched import Watched

# Up


def told(sender: Client) -> list[int]:
    """The bit rates that the sender was given leave for, since the last time."""
    return [packet.bitrate for packet in sender.take_control() if isinstance(packet, rtcp.Remb)]


def show(world: World, stream: Stream, seconds: float, gap: float = 1 / 30) -> None:
    """Pictures of thirty a second, 480 kbit/s; `gap` seconds lie between two that come."""
    for _ in range(round(seconds / gap)):
        stream.send(INTERFRAME + bytes(1_000), marker=False)
        stream.send(INTERFRAME + bytes(1_000))
        world.run(gap)


@pytest.mark.parametrize("numbered", [False, True])
def test_a_sender_is_told_by_remb_when_its_pictures_come_ever_later(numbered: bool) -> None:
    world = World()
    extensions = (*VIDEO_EXTENSIONS, (5, URI_TRANSPORT_CC)) if numbered else VIDEO_EXTENSIONS
    sender = world.client(sends("1", "video", ssrcs=(2,), extensions=extensions))
    stream = Stream(sender, 2, 96)
    show(world, stream, 3.0)
    assert set(told(sender)) == {BITRATE_CAP}
    show(world, stream, 3.0, gap=1 / 25)
    narrow = told(sender)
    if numbered:
        assert set(narrow) == {BITRATE_CAP}, "it finds out by itself, from feedback"
        return
    assert narrow[-1] < 400_000, "what arrives is 400 kbit/s"
    show(world, stream, 10.0)
    assert told(sender)[-1] > 1.3 * narrow[-1], "the queue is gone"


def test_a_sender_is_told_by_remb_when_much_of_its_pictures_is_lost() -> None:
    world = World()
    sender = world.client(sends("1", "video", ssrcs=(2,)))
    stream = Stream(sender, 2, 96)
    show(world, stream, 3.0)
    assert set(told(sender)) == {BITRATE_CAP}
    for _ in range(120):
        stream.send(INTERFRAME + bytes(1_000), marker=False)
        stream.sequence += 1
        stream.send(INTERFRAME + bytes(1_000))
        world.run(1 / 30)
    lossy = told(sender)
    assert lossy[-1] < 600_000, "a third is lost, and what arrives is 480 kbit/s"
    show(world, stream, 10.0)
    assert told(sender)[-1] > 1.3 * lossy[-1], "nothing is lost any more"


def test_a_way_that_is_full_is_told_at_once() -> None:
    world = World()
    sender = world.client(sends("1", "video", ssrcs=(2,)))
    stream = Stream(sender, 2, 96)
    show(world, stream, 3.0)
    estimator = world.plane._peers[sender.number].unnumbered
    assert estimator is not None
    while estimator.rate == BITRATE_CAP:
        show(world, stream, 1 / 25, gap=1 / 25)
    told(sender)
    world.run(0.06)
    assert told(sender) == [pytest.approx(estimator.rate, rel=1e-4)]


def test_what_ended_or_began_anew_says_nothing_of_the_way() -> None:
    world = World()
    sender = world.client(sends("1", "video", ssrcs=(2,)), sends("2", "video", ssrcs=(3,)))
    show(world, Stream(sender, 2, 96), 0.5)
    show(world, Stream(sender, 3, 96), 0.5)
    world.run(0.1)
    estimator = world.plane._peers[sender.number].unnumbered
    assert estimator is not None
    assert set(estimator._streams) == {2, 3}
    sender.negotiate(sends("1", "video", ssrcs=(2,)))
    assert set(estimator._streams) == {2}


def test_a_sender_that_begins_to_number_its_packets_is_given_the_cap_again() -> None:
    world = World()
    sender = world.client(sends("1", "video", ssrcs=(2,)))
    stream = Stream(sender, 2, 96)
    show(world, stream, 3.0)
    show(world, stream, 3.0, gap=1 / 25)
    assert told(sender)[-1] < BITRATE_CAP
    sender.negotiate(sends("1", "video", ssrcs=(2,), extensions=(*VIDEO_EXTENSIONS, (5, URI_TRANSPORT_CC))))
    show(world, stream, 3.0)
    assert set(told(sender)) == {BITRATE_CAP}


def test_sound_is_no_measure_of_the_way() -> None:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,), codecs=(replace(OPUS, remb=True),)))
    stream = Stream(sender, 1, 111, step=960)
    for _ in range(50):
        stream.send(b"opus")
        world.run(0.02)
    assert world.plane._peers[sender.number].unnumbered is None


# Down


def report(watched: Watched, lost: float) -> None:
    """What the receiver lost since its report before."""
    ssrc = watched.receiver.egress["0"].ssrc
    highest = watched.media[-1].sequence if watched.media else 0
    watched.receiver.send_control(ReceiverReport(9, (ReportBlock(ssrc, round(lost * 256), 0, highest, 0, 0, 0),)))


def test_a_receiver_that_tells_of_loss_alone_is_held_to_what_gets_through_and_let_go_again() -> None:
    """Without transport-wide feedback and without REMB: a third of all is lost for some seconds, then nothing."""
    watched = Watched(video={})
    for second in range(8):
        report(watched, 0.33 if second > 1 else 0.0)
        watched.show(1.0, 1.6e6, keyframes=False)
        if second < 2:
            assert watched.estimates == [], "until something is lost nothing is known"
    low = watched.estimates[-1]
    assert low < 1_000_000
    assert watched.world.dropped(DropReason.ABOVE_ESTIMATE) > 0
    for _ in range(20):
        report(watched, 0.0)
        watched.show(1.0, 6e5)
    assert watched.estimates[-1] > 1.5 * low, "five per cent a second, once the mean says that it is over"


def test_a_little_loss_holds_nothing_back() -> None:
    watched = Watched(video={})
    for _ in range(10):
        report(watched, 0.05)
        watched.show(1.0, 1.6e6, keyframes=False)
    assert watched.estimates == []
    assert watched.world.dropped(DropReason.ABOVE_ESTIMATE) == 0
