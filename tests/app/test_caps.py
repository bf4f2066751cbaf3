"""What `[media]` says that one participant may send, and is sent at most, is what the plane goes by."""

from __future__ import annotations

from sfu import clock
from sfu.app.server import new_plane
from sfu.config.sections import Media
from sfu.rtp import rtcp
from tests.transport.plane_world import FakeSender, Stream, World, receives, sends


def world(config: Media) -> World:
    """Clients of a plane as the server makes it, now."""
    made = World()
    made.now = clock.monotonic()
    faults: list[Exception] = []
    made.sender = FakeSender()
    made.plane = new_plane(config, made.sender, faults.append)
    return made


def test_a_participant_is_given_leave_for_no_more_than_the_cap() -> None:
    meeting = world(Media(sender_cap_kbps=700))
    sender = meeting.client(sends("0", "video", ssrcs=(1,)))
    Stream(sender, 1, 96).send(b"\x10\x00\x9d\x01\x2a")
    meeting.run(3.0)
    leaves = [packet.bitrate for packet in sender.take_control() if isinstance(packet, rtcp.Remb)]
    assert set(leaves) == {700_000}


def test_a_participant_is_thought_to_take_no_more_than_the_cap() -> None:
    meeting = world(Media(receiver_cap_kbps=900))
    sender = meeting.client(sends("0", "video", ssrcs=(1,)))
    receiver = meeting.client(receives("0", "video"))
    meeting.route(sender, "0", receiver, "0")
    receiver.send_control(rtcp.Remb(9, 5_000_000, (receiver.egress["0"].ssrc,)))
    downlink = meeting.plane._peers[receiver.number].downlink
    assert downlink.estimator.rate(meeting.now) == 900_000
