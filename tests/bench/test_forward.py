from __future__ import annotations

from dataclasses import replace

import pytest

from bench.forward import COLUMNS, ScenarioFailed, row
from bench.generator import Measured, Order

ORDER = Order("http://127.0.0.1:1", "key", server_pid=1, rooms=10, receivers=4, seconds=8.0)
MEASURED = Measured(
    seconds=8.0, join_seconds=1.5, sent=16_000, expected=64_000, received=63_936, checked=31_968, reordered=1, corrupt=0,
    refused=0, unexpected=0, nacks=0, keyframes_asked=2, socket_drops=0, server_user=0.6, server_system=0.2,
    generator_cpu=1.6, late_ms_p99=0.5, latency_ms_p50=0.3, latency_ms_p99=1.2, latency_ms_p999=3.0,
    srtp_profile="SRTP_AEAD_AES_128_GCM",
)  # fmt: skip


def test_a_row_has_what_the_figures_are_asked_for() -> None:
    made = row(ORDER, MEASURED)
    assert made["scenario"] == "forward"
    assert made["receivers"] == 4
    assert made["packets_in_per_second"] == 2_000.0
    assert made["packets_out_per_second"] == 7_992.0
    assert made["cpu_us_per_packet_out"] == pytest.approx(0.8e6 / 63_936, abs=1e-3)
    assert made["cpu_user_us_per_packet_out"] == pytest.approx(0.6e6 / 63_936, abs=1e-3)
    assert made["server_load"] == 0.1
    assert made["loss"] == pytest.approx(0.001)
    assert made["lost"] == 64
    assert made["content_checked"] == 0.5
    assert (made["latency_ms_p50"], made["latency_ms_p99"]) == (0.3, 1.2)
    assert made["generator_cpu_us_per_packet"] == pytest.approx(1.6e6 / 63_936, abs=1e-3)
    assert COLUMNS.keys() <= made.keys()


@pytest.mark.parametrize("fault", [{"received": 0}, {"corrupt": 1}, {"unexpected": 1}])
def test_figures_of_packets_that_are_not_the_right_ones_are_refused(fault: dict[str, int]) -> None:
    with pytest.raises(ScenarioFailed):
        row(ORDER, replace(MEASURED, **fault))  # type: ignore[arg-type]  # each is a field of int
