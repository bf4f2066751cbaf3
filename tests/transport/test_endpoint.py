"""The endpoint: who is believed, who is answered, and where a peer's packets go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfu.transport.address import source
from sfu.transport.drops import DropReason
from sfu.transport.ice import CONSENT_LOST, MAX_SOURCES, PREVIOUS_CREDENTIALS_LIFETIME
from sfu.transport.parameters import Connected, Failed, LocalParameters, Stage
from tests.transport.client import OTHER_CERTIFICATE, UFRAG, DtlsClient, check, client_context
from tests.transport.endpoint_net import AWAY, CANDIDATES, HOME, SERVER, SRTP, STRANGER, Net, run_timers
from tests.transport.fakes import batch


@pytest.fixture
def net() -> Iterator[Net]:
    net = Net()
    yield net
    assert net.faults == []


def test_the_answer_says_who_we_are_and_where(net: Net) -> None:
    (first, one), (second, two) = net.open(), net.open()
    assert (first, second) == (1, 2)
    assert one.candidates == CANDIDATES
    assert one.fingerprint == SERVER.fingerprint
    assert one.ice_ufrag != two.ice_ufrag
    assert one.ice_pwd != two.ice_pwd


def test_a_peer_connects_and_its_media_reaches_the_plane(net: Net) -> None:
    peer, _, client = net.connect()
    assert net.plane.destinations[peer] == source(HOME)
    assert (net.plane.keys[peer].receive, net.plane.keys[peer].send) == client.keys(28)
    assert net.send(HOME, SRTP) == []
    assert net.plane.received == [(peer, SRTP)]
    assert net.dropped() == {}


def test_the_times_to_connect_are_observed(net: Net) -> None:
    peer, local = net.open(0.0)
    net.send(HOME, check(local), now=0.2)
    client = DtlsClient()
    answer = net.send(HOME, *client.receive(), now=0.3)
    net.send(HOME, *client.receive(*answer), now=0.7)
    assert net.endpoint.take_reports() == [Connected(peer)]
    assert net.endpoint.ice_connected_seconds.total == pytest.approx(0.2)
    assert net.endpoint.dtls_handshake_seconds.total == pytest.approx(0.4)
    assert sum(net.endpoint.ice_connected_seconds.counts) == sum(net.endpoint.dtls_handshake_seconds.counts) == 1


def test_ipv6_connects_as_well(net: Net) -> None:
    peer, _, _ = net.connect(("2001:db8::5", 7000))
    assert net.plane.destinations[peer] == source(("2001:db8::5", 7000))


def test_dtls_may_begin_before_the_nomination(net: Net) -> None:
    peer, local = net.open()
    net.send(HOME, check(local, nominate=False))
    net.shake_hands(HOME)
    assert net.endpoint.take_reports() == [Connected(peer)]
    assert net.plane.destinations[peer] == source(HOME)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", DropReason.EMPTY),
        (b"\x00", DropReason.MALFORMED_STUN),
        (b"\x03" + bytes(30), DropReason.MALFORMED_STUN),
        (b"\x04", DropReason.UNKNOWN_PROTOCOL),
        (b"\x13", DropReason.UNKNOWN_PROTOCOL),
        (b"\x14", DropReason.UNKNOWN_SOURCE),
        (b"\x16", DropReason.UNKNOWN_SOURCE),
        (b"\x3f", DropReason.UNKNOWN_SOURCE),
        (b"\x40", DropReason.UNKNOWN_PROTOCOL),
        (b"\x7f", DropReason.UNKNOWN_PROTOCOL),
        (b"\x80", DropReason.UNKNOWN_SOURCE),
        (SRTP, DropReason.UNKNOWN_SOURCE),
        (b"\xbf", DropReason.UNKNOWN_SOURCE),
        (b"\xc0", DropReason.UNKNOWN_PROTOCOL),
        (b"\xff" * 2000, DropReason.UNKNOWN_PROTOCOL),
    ],
)
def test_what_a_stranger_sends_is_dropped_with_a_reason(net: Net, data: bytes, reason: DropReason) -> None:
    net.connect()
    assert net.send(STRANGER, data) == []
    assert net.dropped() == {reason: 1}


def test_a_strangers_checks_are_not_answered(net: Net) -> None:
    peer, local, _ = net.connect()
    unknown = LocalParameters("f" * 16, "p" * 32, local.fingerprint, ())
    assert net.send(STRANGER, check(unknown)) == []
    assert net.send(STRANGER, check(local, pwd="guessed")) == []
    assert net.send(STRANGER, check(local, ufrag="other")) == []
    assert net.send(STRANGER, check(local, without="MESSAGE-INTEGRITY")) == []
    assert net.send(STRANGER, check(local, without="USERNAME")) == []
    assert net.send(STRANGER, check(local)[:-8]) == []
    assert net.send(("203.0.113.66", 0), check(local)) == []
    assert net.dropped() == {
        DropReason.UNKNOWN_UFRAG: 1,
        DropReason.STUN_UNAUTHENTICATED: 2,
        DropReason.MALFORMED_STUN: 3,
        DropReason.BAD_SOURCE: 1,
    }
    assert net.plane.destinations[peer] == source(HOME)


def test_media_and_handshakes_count_only_from_a_checked_source(net: Net) -> None:
    peer, local = net.open()
    hello = DtlsClient().receive()
    assert net.send(HOME, *hello, SRTP) == []
    assert net.dropped() == {DropReason.UNKNOWN_SOURCE: 2}
    net.send(HOME, check(local))
    assert net.send(AWAY, *hello) == []
    net.shake_hands(HOME)
    net.send(AWAY, SRTP)
    assert net.plane.received == []
    assert net.endpoint.take_reports() == [Connected(peer)]


def test_media_before_the_keys_is_dropped(net: Net) -> None:
    _, local = net.open()
    net.send(HOME, check(local), SRTP)
    assert net.dropped() == {DropReason.NO_KEYS: 1}


def test_a_peer_may_roam_and_the_plane_follows(net: Net) -> None:
    peer, local, _ = net.connect()
    assert len(net.send(AWAY, check(local, nominate=False))) == 1
    assert net.plane.destinations[peer] == source(HOME)
    net.send(AWAY, SRTP)
    net.send(AWAY, check(local))
    assert net.plane.destinations[peer] == source(AWAY)
    net.send(AWAY, SRTP)
    net.send(HOME, SRTP)
    assert net.plane.received == [(peer, SRTP)] * 3


def test_a_source_pushed_out_by_others_is_a_strangers_again(net: Net) -> None:
    peer, local, _ = net.connect()
    places = [("198.51.100.7", 1000 + index) for index in range(MAX_SOURCES)]
    for place in places:
        net.send(place, check(local, nominate=False))
    for place in places:
        net.send(place, SRTP)
    assert len(net.plane.received) == MAX_SOURCES - 1
    assert net.dropped() == {DropReason.UNKNOWN_SOURCE: 1}
    net.send(HOME, SRTP)
    assert net.plane.received[-1] == (peer, SRTP)


def test_a_source_in_use_cannot_be_taken_by_another_peer(net: Net) -> None:
    peer, _, _ = net.connect()
    _, other = net.open()
    assert net.send(HOME, check(other), now=2.0) == []
    assert net.dropped() == {DropReason.SOURCE_TAKEN: 1}
    net.send(HOME, SRTP)
    assert net.plane.received == [(peer, SRTP)]


def test_a_source_left_behind_goes_to_who_has_it_now(net: Net) -> None:
    peer, local, _ = net.connect()
    net.send(AWAY, check(local), now=2.0)
    second, other = net.open(2.0)
    net.send(AWAY, check(local), now=1.0 + CONSENT_LOST)
    assert len(net.send(HOME, check(other), now=1.0 + CONSENT_LOST)) == 1
    assert net.plane.destinations == {peer: source(AWAY), second: source(HOME)}
    net.send(HOME, SRTP)
    assert net.plane.received == []


def test_a_silent_peer_whose_address_now_is_another_peers_is_gone(net: Net) -> None:
    peer, _, _ = net.connect()
    second, other = net.open(2.0)
    assert len(net.send(HOME, check(other), now=1.0 + CONSENT_LOST)) == 1
    assert net.endpoint.take_reports() == [Failed(peer, Stage.CONSENT)]
    assert net.plane.destinations == {second: source(HOME)}


def test_a_closed_peer_is_silent_at_once(net: Net) -> None:
    peer, local, client = net.connect()
    net.endpoint.close_peer(peer)
    net.endpoint.close_peer(peer)
    assert net.edge.take() == []
    assert net.plane.open == set()
    assert net.send(HOME, check(local), SRTP, client.close_notify()) == []
    assert net.dropped() == {DropReason.UNKNOWN_UFRAG: 1, DropReason.UNKNOWN_SOURCE: 2}
    assert (net.endpoint.take_reports(), net.endpoint.peers, net.endpoint.next_timer()) == ([], 0, None)


def test_close_notify_ends_the_transport(net: Net) -> None:
    peer, _, client = net.connect()
    assert net.send(HOME, client.close_notify()) == []
    assert net.endpoint.take_reports() == [Failed(peer, Stage.CLOSED_BY_PEER)]
    assert net.plane.open == set()


def test_another_certificate_than_signalled_fails_and_gets_no_keys(net: Net) -> None:
    peer, local = net.open()
    net.send(HOME, check(local))
    net.shake_hands(HOME, DtlsClient(client_context(OTHER_CERTIFICATE)))
    assert net.endpoint.take_reports() == [Failed(peer, Stage.DTLS)]
    assert net.plane.keys == {}
    assert net.endpoint.half_open == 0


def test_bad_hellos_from_a_checked_source_fail_that_peer_alone(net: Net) -> None:
    healthy, _, _ = net.connect(AWAY)
    peer, local = net.open()
    bad = b"\x16\xfe\xfd" + bytes(8) + b"\0\x0e" + b"\1\0\0\2" + bytes(7) + b"\2" + b"\xff\xff"
    net.send(HOME, check(local))
    assert net.send(HOME, *[bad] * 4) == []
    assert net.endpoint.take_reports() == [Failed(peer, Stage.DTLS)]
    net.send(AWAY, SRTP)
    assert net.plane.received == [(healthy, SRTP)]


def test_an_ice_restart_keeps_the_call(net: Net) -> None:
    peer, local, _ = net.connect()
    renewed = net.endpoint.restart_ice(peer, "fresh", "fresh-client-password", 10.0)
    assert {renewed.ice_ufrag, renewed.ice_pwd}.isdisjoint({local.ice_ufrag, local.ice_pwd})
    assert renewed.fingerprint == local.fingerprint
    assert len(net.send(HOME, check(local), now=11.0)) == 1
    assert len(net.send(AWAY, check(renewed, ufrag="fresh"), now=12.0)) == 1
    assert net.send(AWAY, check(renewed, ufrag=UFRAG), now=12.0) == []
    net.send(AWAY, SRTP)
    assert net.plane.received == [(peer, SRTP)]
    assert net.plane.destinations[peer] == source(AWAY)
    run_timers(net, 10.0 + PREVIOUS_CREDENTIALS_LIFETIME)
    assert net.send(HOME, check(local), now=10.0 + PREVIOUS_CREDENTIALS_LIFETIME) == []
    assert net.endpoint.drops.counts[DropReason.UNKNOWN_UFRAG] == 1
    with pytest.raises(KeyError):
        net.endpoint.restart_ice(peer + 1, "x", "y", 11.0)


def test_restarts_and_closing_leave_nothing_behind(net: Net) -> None:
    peer, _, _ = net.connect()
    for index in range(5):
        net.endpoint.restart_ice(peer, f"fresh{index}", "fresh-client-password", 10.0 + index)
    net.endpoint.close_peer(peer)
    assert net.endpoint._peers.by_ufrag == {}
    assert net.endpoint._peers.by_source == {}
    assert net.endpoint._peers.media == {}


def test_handshakes_under_way_are_capped() -> None:
    net = Net(max_half_open=2)
    places = [("192.0.2.1", 1000 + index) for index in range(3)]
    for place in places:
        net.send(place, check(net.open()[1]))
    begun = [bool(net.send(place, *DtlsClient().receive())) for place in places]
    assert begun == [True, True, False]
    assert net.endpoint.half_open == 2
    assert net.dropped() == {DropReason.HANDSHAKES_FULL: 1}
    net.endpoint.close_peer(1)
    assert net.send(places[2], *DtlsClient().receive())


def test_a_fault_in_one_peer_closes_that_peer_alone() -> None:
    net = Net()
    faulty, _, _ = net.connect(HOME)
    healthy, _, _ = net.connect(AWAY)
    net.plane.faulty.add(faulty)
    slab, laid = batch((HOME, SRTP), (AWAY, SRTP), (HOME, SRTP))
    net.endpoint.receive_batch(slab, laid, 2.0)
    assert net.plane.received == [(healthy, SRTP)]
    assert net.endpoint.take_reports() == [Failed(faulty, Stage.BUG)]
    assert net.plane.open == {healthy}
    assert net.endpoint.bugs == len(net.faults) == 1
    assert net.endpoint.failures[Stage.BUG] == 1


def test_a_fault_while_closing_is_counted_too() -> None:
    net = Net()
    peer, _, client = net.connect()
    net.plane.open.clear()  # so that the plane's close_peer fails
    assert net.send(HOME, client.close_notify()) == []
    assert net.endpoint.take_reports() == [Failed(peer, Stage.CLOSED_BY_PEER)]
    assert (net.endpoint.bugs, net.endpoint.peers) == (1, 0)


def test_a_thousand_peers_come_and_go_and_nothing_stays(net: Net) -> None:
    for number in range(1000):
        peer, local = net.open(float(number))
        net.send(("192.0.2.1", 1 + number), check(local), now=float(number))
        run_timers(net, float(number))
        if number % 2:
            net.endpoint.close_peer(peer)
    run_timers(net, 2000.0)
    assert net.endpoint.peers == 0
    peers = net.endpoint._peers
    assert (peers.by_ufrag, peers.by_source, peers.media, peers._timers, net.endpoint._heard) == ({}, {}, {}, [], {})
    assert net.plane.open == set()
