from __future__ import annotations

from dataclasses import replace

import pytest

from bench.forward import COLUMNS, row
from bench.limit import Limit
from bench.orders import Measured, Shape
from bench.run import ScenarioFailed, agreement

SHAPE = Shape(people=5, senders=1)
LIMIT = Limit(receive_us=1.0, unprotect_us=1.0, protect_us=1.0, send_us=2.0)
MEASURED = Measured(
    seconds=8.0, people=50, join_seconds=1.5, sent=16_000, expected=64_000, by_gaps=False, received=63_936,
    octets=60_000_000, checked=31_968, reordered=1, corrupt=0, refused=0, unexpected=0, nacks=0, keyframes_asked=2,
    socket_drops=0, server_user=0.6, server_system=0.2, generator_cpu=1.6, memory_before=100 << 20,
    memory_after=110 << 20, late_ms_p99=0.5, latency_ms_p50=0.3, latency_ms_p99=1.2, latency_ms_p999=3.0,
    srtp_profile="SRTP_AEAD_AES_128_GCM", server_packets_in=16_000, server_packets_out=64_000,
    server_bytes_out=60_060_000, loop_lag_ms_p99=1.0,
)  # fmt: skip


def test_a_row_has_what_the_figures_are_asked_for() -> None:
    made = row("forward", SHAPE, 10, MEASURED, LIMIT)
    assert made["scenario"] == "forward"
    assert made["server"] == "sfu"
    assert made["receivers"] == 4
    assert made["packets_in_per_second"] == 2_000.0
    assert made["packets_out_per_second"] == 7_992.0
    assert made["packets_out_per_second_per_core"] == 79_920
    assert made["cpu_us_per_packet_out"] == pytest.approx(0.8e6 / 63_936, abs=1e-3)
    assert made["cpu_user_us_per_packet_out"] == pytest.approx(0.6e6 / 63_936, abs=1e-3)
    assert made["cpu_us_per_packet_in"] == pytest.approx(50.0)
    assert made["server_load"] == 0.1
    assert made["loss"] == pytest.approx(0.001)
    assert made["lost"] == 64
    assert made["content_checked"] == 0.5
    assert (made["latency_ms_p50"], made["latency_ms_p99"], made["latency_ms_p999"]) == (0.3, 1.2, 3.0)
    assert made["memory_kib_per_participant"] == pytest.approx(10 * 1024 / 50, abs=0.1)
    assert made["generator_cpu_us_per_packet"] == pytest.approx(1.6e6 / 63_936, abs=1e-3)
    assert COLUMNS.keys() <= made.keys()


def test_the_limit_counts_what_comes_in_once_and_what_goes_out_for_each() -> None:
    assert LIMIT.per_packet_out(packets_in=100, packets_out=400) == pytest.approx(2.0 / 4 + 3.0)
    made = row("forward", SHAPE, 10, replace(MEASURED, received=64_000), LIMIT)
    assert made["limit_us_per_packet_out"] == pytest.approx(3.5)
    assert made["limit_ratio"] == pytest.approx(12.5 / 3.5, abs=1e-3)


@pytest.mark.parametrize("fault", [{"received": 0}, {"corrupt": 1}, {"unexpected": 1}])
def test_figures_of_packets_that_are_not_the_right_ones_are_refused(fault: dict[str, int]) -> None:
    with pytest.raises(ScenarioFailed):
        row("forward", SHAPE, 10, replace(MEASURED, **fault), LIMIT)  # type: ignore[arg-type]  # each is a field of int


WHOLE = replace(MEASURED, received=64_000, octets=60_060_000)


@pytest.mark.parametrize(
    ("measured", "agree"),
    [
        (MEASURED, True),
        (WHOLE, True),
        (replace(WHOLE, server_bytes_out=60_060_001), False),
        (replace(MEASURED, server_packets_in=16_001), False),
        (replace(MEASURED, server_packets_out=63_935), False),
        (replace(MEASURED, server_packets_out=64_001), False),
        (replace(MEASURED, server_packets_out=64_001, by_gaps=True), True),
        (replace(MEASURED, server_packets_out=None), None),
    ],
)
def test_between_the_server_s_count_and_the_clients_only_losses_may_lie(measured: Measured, agree: bool | None) -> None:
    assert agreement(measured)["metrics_agree"] is agree
