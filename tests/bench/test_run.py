"""The scenario as a person runs it: a real server, a real generator, real sockets on loopback."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import main


def test_forward_measures_a_real_server(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["forward", "--rooms", "2", "--receivers", "2", "--seconds", "0.5", "--json"])
    shown = capfd.readouterr()
    assert code == 0, shown.err
    (row,) = json.loads(shown.out)
    assert (row["scenario"], row["receivers"], row["rooms"]) == ("forward", 2, 2)
    assert row["packets_out_per_second"] > row["packets_in_per_second"] > 0
    assert row["cpu_us_per_packet_out"] >= 0
    assert 0 <= row["loss"] < 1
    assert row["content_checked"] == 1.0
    assert 0 < row["latency_ms_p50"] <= row["latency_ms_p99"]
