from __future__ import annotations

from sfu.rtp.resends import MIN_ALLOWANCE, MIN_INTERVAL, Resends

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
    assert sum(resends.may_resend(7, 100, 0, float(second), 0.1) for second in range(50)) == 10


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
    assert media * 0.23 < spent <= media * 0.25 * 1.01


def test_in_half_a_second_no_more_goes_out_again_than_a_quarter_of_what_went_out_in_it_or_before_it() -> None:
    """At 1.5 Mbit/s half a second is 93,750 bytes. All are asked for again at once, at the begin of each half second and in its middle."""
    resends = Resends()
    media = 0
    spent = [0] * 40
    for tick in range(4_000):
        now = tick / 200
        media += 937
        if tick % 50 == 0:
            for number in range(100):
                if resends.may_resend(number + 100 * tick & 0xFFFF, 900, media, now, 0.05):
                    spent[tick // 100] += 900
    assert max(spent) <= 93_750 / 4
    assert min(spent[1:]) >= 0.95 * 93_750 / 4


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
    assert spent <= max(MIN_ALLOWANCE, PLENTY * 0.25 * 0.5 / 1000)
