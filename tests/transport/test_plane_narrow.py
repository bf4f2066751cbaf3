"""Ways that are full, that nothing flows on, or of which little is known: what is held to an estimate, and what is not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.rtp import rtcp
from sfu.rtp.bandwidth.estimator import REMB_LASTS, SETTLING
from sfu.rtp.packet import build
from sfu.rtp.rtcp import ReceiverReport, Remb, ReportBlock
from sfu.transport.drops import DropReason
from sfu.transport.incoming import IncomingStream
from sfu.transport.parameters import Codec
from sfu.transport.selection import Selection
from tests.rtp.descriptors_made import Made, Template, descriptor
from tests.rtp.layered import Picture
from tests.transport.plane_world import CONTINUATION, INTERFRAME, KEYFRAME, Received, Stream, World, receives, sends
from tests.transport.simulcast import Camera, Viewer, pictures
from tests.transport.watched import AUDIO, VIDEO, Watched

# What is known


def after_sound_alone(seconds: float) -> Watched:
    """Somebody who has heard another for so long, and seen nobody."""
    watched = Watched()
    talker = watched.world.client(sends("0", "audio", ssrcs=(7,)))
    watched.receiver.negotiate(receives("0", "video", **VIDEO), receives("1", "audio", **AUDIO))
    watched.world.route(talker, "0", watched.receiver, "1")
    sound = Stream(talker, 7, 111)
    for _ in range(round(seconds / 0.02)):
        sound.send(b"opus")
        watched.wait(0.02)
    return watched


def test_a_picture_that_is_held_back_where_nothing_flows_comes_back_by_probes_alone() -> None:
    watched = Watched()
    watched.show(2.0, 8e5)
    watched.link = 1e5
    watched.show(3.0, 8e5)
    low = watched.estimates[-1]
    assert low < 2e5
    watched.world.plane.set_layer(watched.receiver.number, "0", -1, 0)
    watched.wait(1.0)
    watched.link = 1e9
    watched.padding.clear()
    watched.wait(20.0)
    assert watched.padding, "nothing is told, for nothing is sent: it is tried all the same"
    assert watched.estimates[-1] > 4 * low


def test_a_receiver_that_never_had_a_picture_is_held_to_no_estimate() -> None:
    """What sound alone has shown of a way is no more than what sound takes."""
    watched = after_sound_alone(4.0)
    assert watched.estimates == []
    watched.show(SETTLING + 0.5, 3e5)
    assert watched.estimates, "with a picture there is something to probe with"


def test_pictures_that_come_late_have_as_long_as_at_the_start_to_show_what_the_way_takes() -> None:
    """Two seconds of sound have told nothing of it, and a camera that is turned on then would be held to a guess."""
    watched = after_sound_alone(10.0)
    watched.show(SETTLING - 0.2, 1.5e6)
    assert watched.estimates == []
    watched.show(1.5, 1.5e6)
    assert min(watched.estimates) > 1.5e6


def test_a_way_that_is_too_narrow_for_a_late_picture_is_told_of_at_once() -> None:
    watched = after_sound_alone(10.0)
    watched.link = 2e5
    watched.show(1.0, 1.5e6)
    assert watched.estimates
    assert watched.estimates[-1] < 3e5


def test_remb_that_is_not_repeated_is_known_no_more_and_that_is_told_once() -> None:
    watched = Watched(video={})
    for _ in range(2):
        watched.receiver.send_control(Remb(9, 700_000, (watched.receiver.egress["0"].ssrc,)))
        watched.show(0.4, 3e5)
    watched.show(REMB_LASTS + 3.0, 3e5)
    assert watched.estimates[-1] == 0
    assert watched.estimates.count(0) == 1
    assert set(watched.estimates) == {700_000, 0}


# Frames


def test_a_late_packet_on_a_full_way_does_not_cut_the_frame_at_hand() -> None:
    """It is of a frame that has been looked at, and looking is not done anew because of it."""
    watched = Watched()
    watched.show(2.0, 1.6e6, keyframes=False)
    outgoing = watched.world.plane._peers[watched.receiver.number].outgoing["0"]
    downlink = watched.world.plane._peers[watched.receiver.number].downlink
    watched.link = 3e5
    while not downlink.limited:
        watched.show(1 / 30, 1.6e6, keyframes=False)
    watched.wait(2.0)
    assert (downlink.limited, outgoing.restraint.left_out) == (True, False)
    stream = watched.stream
    watched.media.clear()
    stream.send(INTERFRAME, marker=False)
    late = watched.sender.uplink.protect(stream.packet(CONTINUATION))
    for index in range(100):
        stream.send((CONTINUATION if index else INTERFRAME) + bytes(1_000), marker=index == 99)
        if index == 90:
            watched.sender.inject(late)
    watched.wait(0.01)
    # More than may be sent at once: the next frame is left out, and this one is whole.
    assert len(watched.media) == 1 + 100 + 1
    stream.send(INTERFRAME)
    watched.wait(0.01)
    assert (len(watched.media), outgoing.restraint.left_out) == (102, True)


def hostile(templates: list[Template]) -> Made:
    return Made(templates, sizes=())


def test_a_first_packet_that_its_own_descriptor_leaves_out_takes_no_number_and_harms_nobody() -> None:
    """A key frame that says of itself that no target has it: whatever follows, late or asked for again, ends no receiver."""
    codec = Codec(45, "AV1", 90_000, "", 46, nack=True, pli=True)
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), codecs=(codec,)))
    receiver = world.client(receives("v", "video", codecs=(codec,)))
    world.route(sender, "0", receiver, "v")
    world.plane.set_layer(receiver.number, "v", 0, 0)
    absent = hostile([Template(0, 0, "-"), Template(0, 0, "S", (1,))])

    def packet(sequence: int, template: int, *, key: bool = False) -> bytes:
        data = descriptor(template, sequence, structure=absent if key else None)
        head = bytes((12, len(data))) + data
        return build(45, sequence, 3000 * sequence, 1, b"payload", marker=True, extension=(0x1000, head))

    sender.send(packet(10, 0, key=True))
    assert receiver.take_rtp() == []
    sender.send(packet(9, 0))
    assert receiver.take_rtp() == [], "what is before the first has no moment of its own"
    sender.send(packet(11, 1))
    (first,) = receiver.take_rtp()
    receiver.send_control(rtcp.Nack(5, first.ssrc, ((first.sequence - 1) & 0xFFFF, first.sequence)))
    (again,) = receiver.take_rtp()
    assert again.payload[2:] == first.payload
    assert world.plane.bugs == 0


def test_nothing_is_sent_again_that_has_no_moment_any_more() -> None:
    watched = Watched()
    watched.show(0.2, 3e5)
    lost = watched.media[-1]
    outgoing = watched.world.plane._peers[watched.receiver.number].outgoing["0"]
    outgoing.timestamps.switch()
    watched.receiver.send_control(rtcp.Nack(9, lost.ssrc, (lost.sequence,)))
    assert watched.receiver.take_rtp() == []
    assert watched.world.plane.bugs == 0


# What ends


def test_a_bye_said_many_times_is_work_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,)))
    receiver = world.client(receives("0", "video"))
    world.route(sender, "0", receiver, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME)
    departed: list[IncomingStream] = []
    depart = Selection.depart

    def counted(selection: Selection, gone: IncomingStream) -> None:
        departed.append(gone)
        depart(selection, gone)

    monkeypatch.setattr(Selection, "depart", counted)
    for _ in range(5):
        sender.send_control(*[rtcp.Bye((1,) * 31) for _ in range(5)])
    assert len(departed) == 1
    stream.send(KEYFRAME)
    sender.send_control(rtcp.Bye((1,)))
    assert len(departed) == 2, "a stream that goes on may end again"


def test_what_was_told_of_a_stream_is_forgotten_with_its_section() -> None:
    world = World()
    receiver = world.client(receives("0", "video"))
    ways = world.plane._control.ways
    for round_ in range(50):
        egress = receiver.negotiate(receives(str(round_), "video"))[str(round_)]
        receiver.send_control(ReceiverReport(9, (ReportBlock(egress.ssrc, 0, 0, 1_000, 0, 0, 0),)))
    assert len(ways.down(receiver.number)._highest) == 1


# Layers


def layered(estimate: int, seconds: float) -> tuple[Camera, Viewer, list[Picture]]:
    """A camera of three temporal layers, 480 kbit/s of them, on a way that takes so many bits per second; and what came of it."""
    world = World()
    camera = Camera(world, layers=1)
    camera.body = [bytes(1_000)]
    viewer = Viewer(world, camera)
    camera.run(1.0)
    found: list[Picture] = []
    packets: list[Received] = viewer.take()
    camera.asked.clear()
    for _ in range(round(seconds)):
        viewer.client.send_control(Remb(9, estimate, (viewer.client.egress["v"].ssrc,)))
        camera.run(1.0)
        packets += viewer.take()
    assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in pairwise(packets))
    found = pictures(packets)
    for one, following in pairwise(found):
        assert (following.picture_id - one.picture_id) % 32_768 == 1
        assert (following.tl0 - one.tl0) % 256 == (following.temporal == 0)
    return camera, viewer, found


@pytest.mark.parametrize(("estimate", "most"), [(400_000, 1), (150_000, 0)])
def test_above_a_full_way_upper_temporal_layers_are_left_out_before_whole_pictures(estimate: int, most: int) -> None:
    camera, _, found = layered(estimate, 12)
    assert camera.world.dropped(DropReason.ABOVE_ESTIMATE) > 0
    assert camera.asked == [], "what goes on needs no key frame"
    base = [picture.frame for picture in found if picture.temporal == 0]
    kept = [picture.frame for picture in found if picture.temporal <= most]
    assert {later - earlier for earlier, later in pairwise(kept)} == {4 >> most}, "the lower layers are all there"
    rounds = [{picture.temporal for picture in found if one <= picture.frame < one + 8} for one in base[::2]]
    assert set(range(most + 1)) in rounds, "without the upper ones, for a while"
    assert {0, 1, 2} in rounds[len(rounds) // 2 :], "and with them again, when what waits has drained"


def test_where_the_lowest_layer_is_too_much_whole_pictures_are_left_out_until_a_key_frame() -> None:
    camera, _, found = layered(60_000, 12)
    assert camera.asked
    missing = [following for one, following in pairwise(found) if following.frame - one.frame > 8]
    assert missing
    assert all(picture.keyframe for picture in missing)


def test_a_thin_picture_is_whole_again_with_another_route() -> None:
    camera, viewer, _ = layered(150_000, 3)
    outgoing = camera.world.plane._peers[viewer.client.number].outgoing["v"]
    assert outgoing.restraint.thinned < 2
    camera.world.plane.drop_route(viewer.client.number, "v")
    camera.world.route(camera.client, "0", viewer.client, "v")
    assert outgoing.restraint.thinned > 2


@pytest.mark.parametrize("frames", range(8, 12))
def test_numbers_go_on_over_pictures_that_are_left_out_wherever_that_begins(frames: int) -> None:
    """What fills the way at once is another's: the camera had nothing left out before, of any layer."""
    world = World()
    camera, other = Camera(world, layers=1), Camera(world, layers=1, seed=2)
    viewer = Viewer(world, camera)
    viewer.client.negotiate(receives("v", "video"), receives("w", "video"))
    world.route(other.client, "0", viewer.client, "w")
    for _ in range(frames):
        camera.frame()
    viewer.client.send_control(Remb(9, 100_000, (viewer.client.egress["v"].ssrc,)))
    camera.frame()
    for _ in range(90):
        for sent in other.sources[0].next(keyframe=other.frames == 0):
            other.client.send(other.packet(0, sent) + bytes(900))
        other.frames += 1
    before = viewer.take()
    camera.frame()
    assert viewer.take() == [], "it is left out at once"
    for _ in range(3):
        viewer.client.send_control(Remb(9, 5_000_000, (viewer.client.egress["v"].ssrc,)))
        world.run(1.0)
    for _ in range(8):
        camera.frame()
    found = pictures(before + viewer.take())
    assert found[-1].frame == frames + 10
    resumed = next(following for one, following in pairwise(found) if following.frame > one.frame + 1)
    assert resumed.keyframe
    for one, following in pairwise(found):
        assert (following.picture_id - one.picture_id) % 32_768 == 1
        assert (following.tl0 - one.tl0) % 256 == (following.temporal == 0)


def test_a_signer_keeps_every_frame_while_others_on_the_same_full_way_can_give() -> None:
    """The frames of all come in any order, and whoever comes first would be the one to lose."""
    world = World()
    cameras = [Camera(world, layers=1, seed=seed) for seed in range(3)]
    signer, *others = cameras
    client = world.client(*(receives(mid, "video") for mid in "abc"))
    for mid, camera, precedence in zip("abc", (others[0], signer, others[1]), (1, 0, 2), strict=True):
        camera.body = [bytes(1_000)]
        world.route(camera.client, "0", client, mid)
        world.plane.set_layer(client.number, mid, 0, 2, precedence)
    packets: list[Received] = []
    for round_ in range(240):
        if round_ % 30 == 0:
            client.send_control(Remb(9, 700_000, (client.egress["a"].ssrc,)))
        for camera in cameras:
            camera.read_feedback()
            for sent in camera.sources[0].next(keyframe=camera.frames == 0 or 0 in camera.due):
                camera.client.send(camera.packet(0, sent))
            camera.due.clear()
            camera.frames += 1
        world.run(1 / 30)
        packets += client.take_rtp()

    def frames(mid: str) -> list[int]:
        return [
            picture.frame for picture in pictures([each for each in packets if each.ssrc == client.egress[mid].ssrc])
        ]

    assert frames("b") == list(range(frames("b")[0], frames("b")[0] + 240)), "every frame, at 30 a second"
    assert len(frames("c")) < len(frames("a")) < 240, "the last gives more than who is before it"
    assert world.dropped(DropReason.ABOVE_ESTIMATE) > 0
