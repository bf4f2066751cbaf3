from __future__ import annotations

import pytest

from bench import compare
from bench.__main__ import cautions
from bench.compare import MEDIANS, summary
from bench.orders import Shape
from bench.report import Row
from bench.run import ScenarioFailed
from bench.server import JanusServer


def run(cpu: float, **more: object) -> Row:
    return {
        **dict.fromkeys(MEDIANS, 1.0),
        "cpu_us_per_packet_out": cpu,
        "srtp_profile": "P",
        "metrics_agree": None,
    } | more


def test_figures_are_medians_and_ratios_are_of_runs_of_the_same_round() -> None:
    runs = {"sfu": [run(10.0), run(40.0), run(10.0)], "janus": [run(30.0), run(80.0), run(20.0)]}
    row = summary("janus", Shape(3, 3), 8, runs)
    assert (row["server"], row["receivers"], row["rounds"]) == ("janus", 2, 3)
    assert row["cpu_us_per_packet_out"] == 30.0
    assert row["cpu_ratio_to_sfu"] == 2.0
    assert row["runs"] == runs["janus"]


def test_a_figure_that_no_round_has_is_none() -> None:
    row = summary("sfu", Shape(3, 3), 8, {"sfu": [run(10.0, latency_ms_p99=None)]})
    assert row["latency_ms_p99"] is None
    assert row["cpu_ratio_to_sfu"] == 1.0


def test_metrics_agree_where_they_do_in_every_round() -> None:
    rounds = [run(10.0, metrics_agree=True), run(10.0, metrics_agree=False)]
    assert summary("sfu", Shape(3, 3), 8, {"sfu": rounds})["metrics_agree"] is False
    assert summary("sfu", Shape(3, 3), 8, {"sfu": rounds[:1]})["metrics_agree"] is True


def test_a_machine_with_one_core_cannot_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.compare.os.sched_getaffinity", lambda _: {0})
    with pytest.raises(ScenarioFailed, match="two cores"):
        compare.cores()


def test_a_peer_that_is_not_installed_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.server.shutil.which", lambda _: None)
    missing = JanusServer.missing()
    assert missing is not None
    assert "apt-get install janus" in missing
    assert cautions({"scenario": "compare", "server": "janus", "missing": missing}) == [missing]
