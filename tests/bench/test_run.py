"""Scenarios as a person runs them: a real server, a real generator, real sockets on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main


def rows(arguments: str, capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The rows of a scenario that must go well."""
    code = main([*arguments.split(), "--json"])
    shown = capfd.readouterr()
    assert code == 0, shown.err
    found: list[dict[str, Any]] = json.loads(shown.out)
    return found


def run(arguments: str, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Its one row."""
    (row,) = rows(arguments, capfd)
    return row


def test_forward_measures_a_real_server(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    row = run(f"forward --rooms 2 --receivers 2 --seconds 0.5 --html {page}", capfd)
    assert (row["scenario"], row["server"], row["receivers"], row["rooms"]) == ("forward", "sfu", 2, 2)
    assert row["packets_out_per_second"] > row["packets_in_per_second"] > 0
    assert row["cpu_us_per_packet_out"] >= 0
    assert row["limit_us_per_packet_out"] > 0
    assert row["limit_ratio"] >= 0
    assert 0 <= row["loss"] < 1
    assert row["content_checked"] == 1.0
    assert 0 < row["latency_ms_p50"] <= row["latency_ms_p99"]
    assert row["metrics_agree"] is True
    assert row["server_packets_in"] > 0
    assert "<svg" in page.read_text()


def test_visits_come_and_go_and_leave_nothing_behind(capfd: pytest.CaptureFixture[str]) -> None:
    row = run("steady --visits 2 --seconds 3 --stay 2", capfd)
    assert (row["scenario"], row["visits"], row["people"]) == ("steady", 2, 5)
    assert row["visits_begun"] >= 2
    assert row["admit_to_media_ms_p50"] > 0
    assert row["tasks_left"] == 0
    assert row["metrics_agree"] is True
    assert len(row["samples"]) >= 4


def test_a_storm_fills_the_lobby_and_drains_from_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.lobby.IDLE", 0.5)
    row = run("lobby --visits 2 --waiting 5", capfd)
    assert (row["scenario"], row["visits"], row["waiting"]) == ("lobby", 2, 10)
    assert row["joins_per_second"] > 0
    assert 0 < row["join_ms_p50"] <= row["join_ms_p99"]
    assert row["descriptors_per_waiting"] == pytest.approx(1.0, abs=0.3)


def test_wrong_links_and_tokens_are_answered_alike_and_timed(capfd: pytest.CaptureFixture[str]) -> None:
    found = rows("refusals --times 3", capfd)
    visits = ("runs", "is booked", "is over", "never was")
    assert [(row["shown"], row["visit"]) for row in found] == [(k, v) for k in ("link", "resume token") for v in visits]
    assert all(row["answers"] == 3 for row in found)
    assert all(0 < row["ms_p50"] <= row["ms_p95"] for row in found)
    assert [row["ms_p95_above_unknown"] for row in found if row["visit"] == "never was"] == [0, 0]
