from __future__ import annotations

import pytest

from sfu.rtp.bandwidth.arrival_groups import MAX_REORDERED, ArrivalGroups


def deltas(packets: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """(send delta, arrival delta) of each pair of groups, in milliseconds; packets as (sent, arrived) in milliseconds."""
    groups = ArrivalGroups()
    return [
        (round(groups.send_delta * 1000, 6), round(groups.arrival_delta * 1000, 6))
        for sent, arrived in packets
        if groups.add(sent / 1000, arrived / 1000)
    ]


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        # A packet every 20 ms; the third group is what ends the second.
        ([(0, 50), (20, 70), (40, 95), (60, 115)], [(20, 20), (20, 25)]),
        # A frame's packets within 5 ms are one group, as of its last packet.
        ([(0, 50), (2, 53), (4, 58), (33, 83), (35, 84), (66, 116), (99, 150)], [(31, 26), (31, 32)]),
        # Sent apart, but let go at once by a link that holds packets back: one group.
        ([(0, 50), (20, 90), (40, 91), (60, 110), (80, 130)], [(40, 41), (20, 19)]),
        # Reordered: what was sent before the group at hand says nothing.
        ([(0, 50), (20, 70), (10, 75), (40, 90)], [(20, 20)]),
    ],
)
def test_groups_are_compared_with_the_one_before(
    packets: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert deltas(packets) == expected


def test_a_receiver_whose_clock_was_set_back_is_compared_with_itself_again() -> None:
    before = [(20.0 * index, 5_000 + 20.0 * index) for index in range(5)]
    after = [(20.0 * index, 20.0 * index) for index in range(5, 12 + MAX_REORDERED)]
    assert all(delta == (20, 20) for delta in deltas(before + after))
    assert len(deltas(before + after)) > 8
