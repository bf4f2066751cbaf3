from __future__ import annotations

from sfu.rtp.resends import MAX_RESENDS, MIN_ALLOWANCE, MIN_INTERVAL, SHARE, WINDOW, Resends

PLENTY = 10_000_000


def test_a_packet_goes_out_again_once_a_round_trip() -> None:
    resends = Resends()
    sent = [tick for tick in range(100) if resends.may_resend(7, 100, 0, tick / 100, 0.25)]
    assert sent == [0, 25, 50, 75]


def test_an_unknown_round_trip_still_has_a_pace() -> None:
    resends = Resends()
    assert resends.may_resend(7, 100, 0, 0.0, 0.0)
    assert not resends.may_resend(7, 100, 0, MIN_INTERVAL * 0.9, 0.0)
    assert resends.may_resend(7, 100, 0, MIN_INTERVAL, -1.0)


def test_a_packet_goes_out_again_ten_times_at_most() -> None:
    resends = Resends()
    assert sum(resends.may_resend(7, 100, 0, float(second), 0.1) for second in range(50)) == MAX_RESENDS


def test_a_number_used_by_another_packet_since_begins_anew() -> None:
    resends = Resends()
    for second in range(20):
        resends.may_resend(7, 100, 0, float(second), 0.1)
    assert resends.may_resend(7 + 512, 100, 0, 20.0, 0.1)
    assert resends.may_resend(7, 100, 0, 21.0, 0.1)


def test_retransmissions_are_a_quarter_of_the_media() -> None:
    """A receiver that asks for everything, all the time, at 1.5 Mbit/s."""
    resends = Resends()
    media = spent = 0
    for packet in range(10_000):
        now = packet * 0.0064
        media += 1200
        for back in range(17):
            if resends.may_resend((packet - back) & 0xFFFF, 1200, media, now, 0.05):
                spent += 1200
    assert media * SHARE * 0.9 < spent <= media * SHARE * 1.05


def test_the_nacks_of_one_hostile_packet_cost_no_more_than_the_allowance() -> None:
    """347 items of 17 packets each: threats, NACK amplification."""
    resends = Resends()
    sent = sum(resends.may_resend(number & 0xFFFF, 1200, 100_000, 1.0, 0.05) for number in range(5899))
    assert sent * 1200 <= MIN_ALLOWANCE


def test_a_silent_route_can_still_have_its_last_packets_again() -> None:
    resends = Resends()
    assert resends.may_resend(1, 1200, 5000, 0.0, 0.05)
    assert resends.may_resend(1, 1200, 5000, 100.0, 0.05)


def test_media_before_a_long_silence_is_not_a_credit() -> None:
    resends = Resends()
    assert resends.may_resend(0, 100, 0, 0.0, 0.05)
    spent = sum(1200 for number in range(1, 400) if resends.may_resend(number, 1200, PLENTY, 1000.0, 0.05))
    assert spent <= max(MIN_ALLOWANCE, PLENTY * SHARE * WINDOW / 1000)
