"""The endpoint's timers: who does not come, or falls silent, is told of and freed in time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfu.transport.dtls import HANDSHAKE_TIMEOUT
from sfu.transport.ice import CONNECT_TIMEOUT
from sfu.transport.parameters import Consent, ConsentChanged, Failed, Stage
from tests.transport.client import DtlsClient, check
from tests.transport.endpoint_net import AWAY, HOME, SRTP, Net, run_timers

WEAK, LOST, EXPIRED = 5.0, 15.0, 30.0
"""Seconds of silence: what the roster tells, when routes close, when all is freed."""


@pytest.fixture
def net() -> Iterator[Net]:
    net = Net()
    yield net
    assert net.faults == []


def test_a_peer_that_never_comes_is_reaped(net: Net) -> None:
    peer, _ = net.open(100.0)
    run_timers(net, 100.0 + CONNECT_TIMEOUT - 0.01)
    assert net.endpoint.take_reports() == []
    run_timers(net, 100.0 + CONNECT_TIMEOUT)
    assert net.endpoint.take_reports() == [Failed(peer, Stage.ICE)]
    assert net.endpoint.next_timer() is None
    assert net.endpoint.failures[Stage.ICE] == 1


def test_a_peer_that_never_shakes_hands_is_reaped(net: Net) -> None:
    peer, local = net.open()
    net.send(HOME, check(local), now=5.0)
    assert run_timers(net, 5.0 + HANDSHAKE_TIMEOUT) == []
    assert net.endpoint.take_reports() == [Failed(peer, Stage.DTLS)]


def test_a_handshake_that_stops_is_retransmitted_and_reaped(net: Net) -> None:
    peer, local = net.open()
    net.send(HOME, check(local), now=5.0)
    assert net.send(HOME, *DtlsClient().receive(), now=5.0)
    assert net.endpoint.half_open == 1
    assert run_timers(net, 60.0) == [6.0, 8.0, 12.0]
    assert net.endpoint.take_reports() == [Failed(peer, Stage.DTLS)]
    assert net.endpoint.half_open == 0


def test_a_peer_that_falls_silent_is_freed_after_thirty_seconds(net: Net) -> None:
    peer, local, _ = net.connect(now=1.0)
    net.send(HOME, check(local), now=20.0)
    run_timers(net, 20.0 + WEAK - 0.01)
    assert net.endpoint.take_reports() == []
    run_timers(net, 20.0 + WEAK)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.WEAK)]
    run_timers(net, 20.0 + LOST - 0.01)
    assert net.endpoint.take_reports() == []
    run_timers(net, 20.0 + LOST)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.LOST)]
    run_timers(net, 20.0 + EXPIRED - 0.01)
    assert net.endpoint.take_reports() == []
    assert net.endpoint.consent(peer, 20.0 + LOST) is Consent.LOST
    run_timers(net, 20.0 + EXPIRED)
    assert net.endpoint.take_reports() == [Failed(peer, Stage.CONSENT)]
    assert net.endpoint.consent(peer, 21.0) is Consent.EXPIRED


@pytest.mark.parametrize(("silence", "told"), [(WEAK, Consent.WEAK), (LOST, Consent.LOST)])
def test_a_check_ends_the_silence_and_the_next_one_is_told_in_time(net: Net, silence: float, told: Consent) -> None:
    peer, local, _ = net.connect(now=1.0)
    run_timers(net, 1.0 + silence)
    assert net.endpoint.take_reports()[-1] == ConsentChanged(peer, told)
    back = 1.0 + silence + 3.0
    net.send(AWAY, check(local), now=back)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.FRESH)]
    run_timers(net, back + WEAK - 0.01)
    assert net.endpoint.take_reports() == []
    run_timers(net, back + WEAK)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.WEAK)]


def test_who_sends_media_is_not_weak_between_two_checks_but_lost_without_any(net: Net) -> None:
    """Firefox checks every 4 to 6 s."""
    peer, local, _ = net.connect(now=1.0)
    for second in range(1, 1 + 15):
        run_timers(net, float(second))
        net.send(HOME, SRTP, now=float(second))
    assert net.endpoint.take_reports() == []
    run_timers(net, 1.0 + LOST)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.LOST)]
    net.send(HOME, check(local), now=17.0)
    net.send(HOME, SRTP, now=19.5)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.FRESH)]
    run_timers(net, 24.4)
    assert net.endpoint.take_reports() == []
    run_timers(net, 24.5)
    assert net.endpoint.take_reports() == [ConsentChanged(peer, Consent.WEAK)]


def test_nothing_is_told_of_the_consent_of_who_has_not_connected(net: Net) -> None:
    peer, local = net.open(0.0)
    net.send(HOME, check(local), now=1.0)
    run_timers(net, 1.0 + HANDSHAKE_TIMEOUT)
    assert net.endpoint.take_reports() == [Failed(peer, Stage.DTLS)]
