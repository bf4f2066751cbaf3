from __future__ import annotations

import json

import pytest

from bench import page
from bench.__main__ import main
from bench.browser import BrowserFailed, Held, NoBrowser
from bench.first_load import FirstLoad
from bench.hour import Hour
from bench.report import Row, table

SMALL = Hour(2, (Held(2_048_000, 600, 80), Held(2_068_480, 610, 80)), Held(1_024_000, 50, 40))


def load(interactive_ms: float, octets: int = 100_000) -> FirstLoad:
    return FirstLoad(octets, 30, 7, interactive_ms - 10, interactive_ms, octets + 60_000, interactive_ms + 500)


def made(**changes: object) -> Row:
    return {**page.row([load(100.0)], [load(900.0)], SMALL), **changes}


def test_a_row_has_the_median_of_times_and_the_most_of_weights() -> None:
    loads = [load(300.0), load(100.0, 120_000), load(200.0)]
    row = page.row(loads, loads, SMALL)
    assert (row["interactive_ms"], row["paint_ms_phone"], row["in_visit_ms_phone"]) == (200.0, 190.0, 700.0)
    assert (row["bytes_first_load"], row["bytes_in_visit"]) == (120_000, 180_000)
    assert (row["heap_kib_first"], row["heap_kib_last"], row["heap_kib_a_minute"]) == (2000, 2020, 20.0)
    assert (row["nodes_after"], row["listeners_after"]) == (50, 40)


def test_a_row_is_json_and_fits_the_table() -> None:
    assert json.loads(json.dumps(made())) == made()
    table([made()], page.COLUMNS)


def test_too_heavy_a_page_and_listeners_that_stay_are_excesses() -> None:
    assert page.excesses(made()) == []
    assert "150,001 bytes" in page.excesses(made(bytes_first_load=150_001))[0]
    assert "3 event listeners" in page.excesses(made(listeners_last=83))[0]
    assert page.excesses({"scenario": "forward", "server": "sfu"}) == []


def test_an_excess_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bench.page.page", lambda minutes, watcher: [made(minutes=minutes, bytes_first_load=200_000)])
    assert main(["page", "--minutes", "7", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)[0]["minutes"] == 7
    assert "failed, sfu: the first load is 200,000 bytes" in shown.err


@pytest.mark.parametrize(
    "failure",
    [
        NoBrowser("chromium is not installed (Debian: apt-get install chromium)"),
        BrowserFailed("Page.wait_for_function: Timeout 60000ms exceeded."),
    ],
)
def test_what_the_browser_lacks_or_does_not_come_to_is_said(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def chromium() -> None:
        raise failure

    monkeypatch.setattr("bench.page.chromium", chromium)
    assert main(["page"]) == 1
    assert f"failed: {failure}" in capsys.readouterr().err


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_two_minutes_of_a_visit_are_measured_in_a_real_browser(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.page.RUNS", 1)
    assert main(["page", "--minutes", "2", "--json"]) == 0, capsys.readouterr().err
    (row,) = json.loads(capsys.readouterr().out)
    assert 0 < row["bytes_first_load"] <= page.MOST_BYTES < row["bytes_in_visit"]
    assert row["interactive_ms_phone"] > row["interactive_ms"] > 0
    assert row["in_visit_ms_phone"] > row["interactive_ms_phone"]
    assert 0 < row["requests_interactive"] <= 8 < row["requests_first_load"]
    assert len(row["samples"]) == 2
    assert row["nodes_after"] < row["nodes_first"]
    assert row["listeners_last"] == row["listeners_first"]
