"""Behind a NAT that gives out another port: a peer whose packets come from elsewhere is asked there, and nobody else is."""

from __future__ import annotations

import pytest

from sfu.transport.address import source
from sfu.transport.drops import DropReason
from sfu.transport.roaming import LOOK_EVERY, SILENCE
from tests.transport.client import answer_to, check
from tests.transport.endpoint_net import AWAY, HOME, SRTP, STRANGER, Net

SSRC = 0x01020304
PACKET = b"\x80\x60" + bytes(6) + SSRC.to_bytes(4, "big") + bytes(30)
REPORTS = b"\x80\xc9\x00\x01" + SSRC.to_bytes(4, "big") + bytes(30)


class Roaming(Net):
    """A connected peer at HOME that was heard of last at 10.0, and has sent under SSRC."""

    def __init__(self) -> None:
        super().__init__()
        self.peer, self.local, _ = self.connect()
        self.plane.ssrcs[SSRC] = self.peer
        self.plane.authentic |= {(self.peer, PACKET), (self.peer, REPORTS)}
        assert self.send(HOME, PACKET, now=10.0) == []


@pytest.mark.parametrize("packet", [PACKET, REPORTS], ids=["media", "reports"])
def test_a_peer_whose_packets_come_from_elsewhere_is_asked_there_and_its_answer_brings_it_over(packet: bytes) -> None:
    net = Roaming()
    [asked] = net.send(AWAY, packet, now=10.01 + SILENCE)
    assert len(net.plane.received) == 1, "the packet itself counts for nothing"
    assert net.plane.destinations[net.peer] == source(HOME)
    assert net.send(AWAY, answer_to(asked, net.local.ice_ufrag), now=10.2) == []
    assert net.plane.destinations[net.peer] == source(AWAY)
    assert net.endpoint.is_valid(source(AWAY))
    net.send(AWAY, packet, now=10.3)
    assert net.plane.received[-1] == (net.peer, packet)
    assert net.dropped() == {DropReason.UNKNOWN_SOURCE: 1}


def test_who_is_still_heard_of_is_not_asked_elsewhere() -> None:
    net = Roaming()
    assert net.send(STRANGER, PACKET, now=10.0 + SILENCE / 2) == []


@pytest.mark.parametrize("forged", [PACKET[:-1] + b"x", REPORTS + b"x", PACKET[:12], PACKET * 40])
def test_who_forges_packets_of_a_silent_peer_gets_silence(forged: bytes) -> None:
    net = Roaming()
    for tick in range(200):
        assert net.send(STRANGER, forged, now=11.0 + tick / 10) == []
    assert net.plane.destinations[net.peer] == source(HOME)
    [_] = net.send(AWAY, PACKET, now=40.0)


def test_a_stranger_s_ssrc_asks_nobody_and_a_flood_is_hardly_looked_at() -> None:
    net = Roaming()
    assert net.send(STRANGER, SRTP, now=11.0) == []
    assert net.send(AWAY, PACKET, now=11.0 + LOOK_EVERY / 2) == [], "a look was just taken"
    assert len(net.send(AWAY, *[PACKET] * 50, now=11.0 + LOOK_EVERY)) == 1
    assert net.send(STRANGER, PACKET[:11], now=12.0) == []


def test_an_answer_from_elsewhere_or_with_another_key_moves_nobody() -> None:
    net = Roaming()
    [asked] = net.send(STRANGER, PACKET, now=11.0)
    answer = answer_to(asked, net.local.ice_ufrag)
    forged = answer_to(asked, net.local.ice_ufrag, pwd=net.local.ice_pwd)
    assert net.send(STRANGER, forged, now=11.1) == []
    assert net.send(AWAY, answer, now=11.1) == []
    assert net.plane.destinations[net.peer] == source(HOME)
    assert not net.endpoint.is_valid(source(STRANGER))
    assert net.dropped() == {
        DropReason.UNKNOWN_SOURCE: 1,
        DropReason.STUN_UNAUTHENTICATED: 1,
        DropReason.STUN_REPLAYED: 1,
    }


def test_an_answer_to_nothing_and_one_of_a_peer_that_has_gone_are_dropped() -> None:
    net = Roaming()
    [asked] = net.send(AWAY, PACKET, now=11.0)
    answer = answer_to(asked, net.local.ice_ufrag)
    net.endpoint.close_peer(net.peer)
    assert net.send(AWAY, answer, now=11.1) == []
    assert net.send(AWAY, answer[:8] + bytes(12) + answer[20:], now=11.1) == []
    assert net.send(AWAY, answer[:-1], now=11.1) == []
    assert net.dropped() == {
        DropReason.UNKNOWN_SOURCE: 1,
        DropReason.STUN_REPLAYED: 2,
        DropReason.MALFORMED_STUN: 1,
    }


def test_an_answer_from_a_source_that_is_another_s_by_now_takes_nothing_away() -> None:
    net = Roaming()
    [asked] = net.send(AWAY, PACKET, now=11.0)
    other, local = net.open(11.0)
    net.send(AWAY, check(local), now=11.1)
    net.send(AWAY, answer_to(asked, net.local.ice_ufrag), now=11.2)
    assert net.plane.destinations == {net.peer: source(HOME), other: source(AWAY)}
    assert net.dropped()[DropReason.SOURCE_TAKEN] == 1
