"""Reports: what senders are told of their way in, and what receivers are told of time."""

from __future__ import annotations

import pytest

from sfu.rtp import rtcp
from sfu.rtp.ntp import from_seconds, middle, short, to_seconds
from sfu.transport.parameters import Codec, Receptions
from tests.transport.plane_world import (
    INTERFRAME,
    KEYFRAME,
    NTP_EPOCH,
    Client,
    Stream,
    World,
    receives,
    sends,
)


def of(client: Client, kind: type[rtcp.Packet]) -> list[rtcp.Packet]:
    return [packet for packet in client.control if isinstance(packet, kind)]


def av_call() -> tuple[World, Client, Client, Stream, Stream]:
    world = World()
    sender = world.client(sends("0", "audio", ssrcs=(1,)), sends("1", "video", ssrcs=(2,)))
    receiver = world.client(receives("a", "audio"), receives("v", "video"))
    world.route(sender, "0", receiver, "a")
    world.route(sender, "1", receiver, "v")
    return world, sender, receiver, Stream(sender, 1, 111, step=960), Stream(sender, 2, 96)


def test_a_sender_hears_of_loss_and_jitter_about_once_a_second() -> None:
    world, sender, _, audio, _ = av_call()
    for index in range(250):
        if index % 10 == 9:
            audio.lose(b"opus")
        else:
            audio.send(b"opus")
        world.run(0.02)
    blocks = [block for packet in of(sender, rtcp.ReceiverReport) for block in getattr(packet, "reports", ())]
    assert 3 <= len(blocks) <= 11
    assert {block.ssrc for block in blocks} == {1}
    last = blocks[-1]
    assert last.fraction_lost == pytest.approx(25.6, abs=6)
    assert 15 <= last.cumulative_lost <= 25
    assert last.jitter < 10
    assert sum(world.plane.counters.loss_in.counts) == len(blocks)
    assert sum(world.plane.counters.jitter.counts) == len(blocks)


def test_a_sender_can_measure_its_round_trip_from_our_reports() -> None:
    world, sender, _, audio, _ = av_call()
    audio.send(b"opus")
    ntp = from_seconds(5_000_000_000.25)
    sender.send_control(rtcp.SenderReport(1, ntp, 7, 1, 4))
    sent_at = world.now
    audio.send(b"opus")
    world.run(0.3)
    block = next(
        block for packet in of(sender, rtcp.ReceiverReport) for block in getattr(packet, "reports", ()) if block.last_sr
    )
    assert block.last_sr == middle(ntp)
    assert 0 < block.delay_since_last_sr <= short(world.now - sent_at)


def test_a_sender_of_video_gets_its_bit_rate_soon_and_then_every_second() -> None:
    world, sender, _, _, video = av_call()
    world.run(3)
    assert of(sender, rtcp.Remb) == []
    video.send(KEYFRAME)
    world.run(0.06)
    (first,) = of(sender, rtcp.Remb)
    assert isinstance(first, rtcp.Remb)
    assert (first.bitrate, first.ssrcs) == (1_500_000, (2,))
    for _ in range(100):
        video.send(INTERFRAME)
        world.run(0.05)
    assert 4 <= len(of(sender, rtcp.Remb)) <= 12


def test_the_bit_rate_is_the_configured_one_and_only_for_who_negotiated_it() -> None:
    world = World(bitrate_cap=700_000)
    asked = world.client(sends("1", "video", ssrcs=(2,)))
    silent = world.client(sends("1", "video", ssrcs=(2,), codecs=(Codec(96, "VP8", 90_000),)))
    audio = world.client(sends("1", "audio", ssrcs=(2,)))
    for client, payload_type in ((asked, 96), (silent, 96), (audio, 111)):
        Stream(client, 2, payload_type).send(KEYFRAME)
    world.run(3)
    assert {getattr(packet, "bitrate", 0) for packet in of(asked, rtcp.Remb)} == {700_000}
    assert of(silent, rtcp.Remb) == of(audio, rtcp.Remb) == []


def test_sound_and_picture_stay_together() -> None:
    """The sender's clock is far from ours, its two reports take different times to come: the receiver still finds that both
    streams' timestamps of one moment map to one moment."""
    world, sender, receiver, audio, video = av_call()
    their_clock = 1_700_000_000.0 - world.now
    audio.timestamp, video.timestamp = 123_456, 4_294_900_000
    start = world.now
    audio_start, video_start = audio.timestamp, video.timestamp

    def report(ssrc: int, delay: float) -> None:
        """A sender report made `delay` ago."""
        at = world.now - delay
        rate, base = (48_000, audio_start) if ssrc == 1 else (90_000, video_start)
        timestamp = (base + round((at - start) * rate)) & 0xFFFFFFFF
        sender.send_control(rtcp.SenderReport(ssrc, from_seconds(at + their_clock), timestamp, 1, 1))

    for index in range(150):
        audio.send(b"opus")
        if index % 2 == 0:
            video.send(KEYFRAME)
            video.timestamp = (video_start + 3600 * (index // 2 + 1)) & 0xFFFFFFFF
        world.run(0.02)
        if index == 20:
            report(1, 0.010)
        if index == 40:
            report(2, 0.180)
        if index == 90:
            report(1, 0.150)
    got = receiver.rtp
    reports = [packet for packet in receiver.control if isinstance(packet, rtcp.SenderReport)]
    ssrcs = {mid: egress.ssrc for mid, egress in receiver.egress.items()}
    first = {mid: next(packet for packet in got if packet.ssrc == ssrc) for mid, ssrc in ssrcs.items()}
    captured = {}
    for mid, rate in (("a", 48_000), ("v", 90_000)):
        last = [packet for packet in reports if packet.ssrc == ssrcs[mid]][-1]
        behind = (last.rtp_timestamp - first[mid].timestamp) & 0xFFFFFFFF
        captured[mid] = to_seconds(last.ntp) - behind / rate
    assert captured["a"] == pytest.approx(captured["v"], abs=0.001)
    assert captured["a"] == pytest.approx(start + NTP_EPOCH, abs=0.25)
    names = {name for packet in of(receiver, rtcp.SourceDescription) for name in getattr(packet, "cnames", ())}
    assert names == {(ssrc, b"cname") for ssrc in ssrcs.values()}


def test_a_receiver_is_reported_to_soon_after_a_route_begins() -> None:
    world, sender, receiver, audio, _ = av_call()
    audio.send(b"opus")
    sender.send_control(rtcp.SenderReport(1, from_seconds(1000.0), audio.timestamp, 1, 1))
    audio.send(b"opus")
    world.run(0.06)
    (made,) = of(receiver, rtcp.SenderReport)
    assert isinstance(made, rtcp.SenderReport)
    assert (made.packet_count, made.octet_count) == (2, 8)
    late = world.client(receives("a", "audio"))
    world.run(0.5)
    world.route(sender, "0", late, "a")
    audio.send(b"opus")
    world.run(0.06)
    assert len(of(late, rtcp.SenderReport)) == 1


def test_reports_of_a_receiver_give_round_trip_loss_and_jitter() -> None:
    world, sender, receiver, audio, _ = av_call()
    audio.send(b"opus")
    sender.send_control(rtcp.SenderReport(1, from_seconds(1000.0), 1, 1, 1))
    audio.send(b"opus")
    world.run(0.06)
    (made,) = of(receiver, rtcp.SenderReport)
    assert isinstance(made, rtcp.SenderReport)
    heard_at = to_seconds(made.ntp) - NTP_EPOCH
    world.run(0.5)
    delay = world.now - heard_at - 0.080
    counters = world.plane.counters
    jitter_before = counters.jitter.total
    receiver.send_control(
        rtcp.ReceiverReport(
            9, (rtcp.ReportBlock(made.ssrc, 64, 5, 10, 480, middle(made.ntp), short(delay)), _block(12345))
        )
    )
    assert sum(counters.round_trip.counts) == 1
    assert counters.round_trip.total == pytest.approx(0.080, abs=0.001)
    assert counters.loss_out.total == 0.25
    assert counters.jitter.total - jitter_before == pytest.approx(0.01)


def test_one_report_that_comes_late_does_not_hold_back_what_is_sent_again() -> None:
    world, sender, receiver, audio, video = av_call()
    for highest, passed in ((10, 0.050), (20, 0.450)):
        for ssrc in (1, 2):
            sender.send_control(rtcp.SenderReport(ssrc, from_seconds(1000.0 + world.now), 1, 1, 1))
        audio.send(b"opus")
        video.send(KEYFRAME)
        world.run(3)
        blocks = (_answer(world, receiver, egress.ssrc, highest, passed) for egress in receiver.egress.values())
        receiver.send_control(rtcp.ReceiverReport(9, tuple(blocks)))
    video.send(INTERFRAME)
    _is_sent_again_after_150_ms(world, receiver)
    world.run(2.1)
    (told,) = [report for report in world.plane.take_reports() if isinstance(report, Receptions)]
    (of_receiver,) = [each for each in told.receptions if each.peer == receiver.number]
    assert of_receiver.round_trip == pytest.approx(0.150, abs=0.002), "once a report, however many streams it tells of"


def test_the_first_report_of_another_stream_is_weighed_against_what_is_known() -> None:
    """A browser that begins to show somebody is at its busiest just then."""
    world, sender, receiver, audio, video = av_call()
    for ssrc in (1, 2):
        sender.send_control(rtcp.SenderReport(ssrc, from_seconds(1000.0 + world.now), 1, 1, 1))
    audio.send(b"opus")
    video.send(KEYFRAME)
    world.run(3)
    sound, picture = (egress.ssrc for egress in receiver.egress.values())
    for ssrc, passed in (*((sound, 0.050),) * 5, (picture, 0.450)):
        receiver.send_control(rtcp.ReceiverReport(9, (_answer(world, receiver, ssrc, 10, passed),)))
    video.send(INTERFRAME)
    _is_sent_again_after_150_ms(world, receiver)


def _answer(world: World, receiver: Client, ssrc: int, highest: int, passed: float) -> rtcp.ReportBlock:
    """What a receiver says of the newest sender report of a stream, `passed` seconds being the round trip."""
    made = next(packet for packet in reversed(receiver.control) if getattr(packet, "ssrc", 0) == ssrc)
    assert isinstance(made, rtcp.SenderReport)
    delay = world.now - (to_seconds(made.ntp) - NTP_EPOCH) - passed
    return rtcp.ReportBlock(ssrc, 0, 0, highest, 0, middle(made.ntp), short(delay))


def _is_sent_again_after_150_ms(world: World, receiver: Client) -> None:
    """The newest packet, asked for three times: 0.05 s, and a quarter of the way from there to 0.45 s."""
    lost = receiver.take_rtp()[-1]
    for waited, answered in ((0.0, 1), (0.140, 0), (0.015, 1)):
        world.run(waited)
        receiver.send_control(rtcp.Nack(9, lost.ssrc, (lost.sequence,)))
        assert len(receiver.take_rtp()) == answered, waited


def _block(ssrc: int) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(ssrc, 0, 0, 0, 0, 0, 0)


def test_a_sender_whose_clock_was_set_anew_keeps_its_streams_together() -> None:
    world, sender, receiver, audio, video = av_call()
    made: list[rtcp.SenderReport] = []
    for theirs in (1_000.0, 900_000.0):
        receiver.control.clear()
        for ssrc in (1, 2):
            audio.send(b"opus")
            video.send(KEYFRAME)
            sender.send_control(rtcp.SenderReport(ssrc, from_seconds(theirs), 0, 1, 1))
        audio.send(b"opus")
        video.send(KEYFRAME)
        world.run(2)
        made = [packet for packet in receiver.control if isinstance(packet, rtcp.SenderReport)]
        assert len({packet.ssrc for packet in made}) == 2
    zero = {}
    for packet in made:
        mid = next(mid for mid, egress in receiver.egress.items() if egress.ssrc == packet.ssrc)
        stream = world.plane._peers[receiver.number].outgoing[mid]
        behind = (packet.rtp_timestamp - stream.timestamps.translate(0)) & 0xFFFFFFFF
        zero[mid] = to_seconds(packet.ntp) - behind / (48_000 if mid == "a" else 90_000)
    assert zero["a"] == pytest.approx(zero["v"], abs=0.001)


def test_a_source_that_begins_anew_is_reported_again_only_once_it_has_said_its_new_time() -> None:
    world, sender, receiver, audio, _ = av_call()
    audio.send(b"opus")
    sender.send_control(rtcp.SenderReport(1, from_seconds(1000.0), audio.timestamp, 1, 1))
    audio.send(b"opus")
    world.run(1)
    assert of(receiver, rtcp.SenderReport)
    audio.sequence += 20_000
    audio.timestamp += 900_000_000
    receiver.control.clear()
    receiver.rtp.clear()
    for _ in range(100):
        audio.send(b"opus")
        world.run(0.02)
    assert len(receiver.rtp) > 90
    assert of(receiver, rtcp.SenderReport) == []
    sender.send_control(rtcp.SenderReport(1, from_seconds(1003.0), audio.timestamp, 1, 1))
    audio.send(b"opus")
    world.run(0.06)
    (made,) = of(receiver, rtcp.SenderReport)
    assert isinstance(made, rtcp.SenderReport)
    behind = (receiver.rtp[-1].timestamp - made.rtp_timestamp + 2**31 & 0xFFFFFFFF) - 2**31
    assert abs(behind) < 48_000


def test_every_compound_begins_with_a_report_from_one_ssrc_of_ours() -> None:
    world, sender, _, audio, video = av_call()
    for _ in range(20):
        audio.send(b"opus")
        video.send(KEYFRAME)
        world.run(0.2)
    reports = of(sender, rtcp.ReceiverReport)
    assert len({getattr(packet, "ssrc", None) for packet in reports}) == 1
    assert isinstance(sender.control[0], rtcp.ReceiverReport)


def test_a_silent_house_sends_nothing_and_its_timers_rest() -> None:
    world, sender, receiver, audio, video = av_call()
    audio.send(b"opus")
    video.send(KEYFRAME)
    world.run(5)
    sender.take_control()
    receiver.take_control()
    world.sender.runs.clear()
    world.run(60)
    assert world.sender.runs == []
    world.plane.close_peer(sender.number)
    world.plane.close_peer(receiver.number)
    world.run(60)
    assert world.plane.next_timer() is None


def test_a_report_for_many_streams_is_cut_into_datagrams() -> None:
    world = World()
    senders = [world.client(sends("0", "audio", ssrcs=(1,), stream="c" * 200)) for _ in range(20)]
    receiver = world.client(*(receives(f"m{index}", "audio") for index in range(20)))
    for index, sender in enumerate(senders):
        world.route(sender, "0", receiver, f"m{index}")
        stream = Stream(sender, 1, 111)
        stream.send(b"opus")
        sender.send_control(rtcp.SenderReport(1, from_seconds(1000.0), 1, 1, 1))
        stream.send(b"opus")
    world.run(2)
    named = {name for packet in of(receiver, rtcp.SourceDescription) for name, _ in getattr(packet, "cnames", ())}
    assert named == {egress.ssrc for egress in receiver.egress.values()}
    assert max(segment for _, segment in world.sender.runs) <= 1_300
