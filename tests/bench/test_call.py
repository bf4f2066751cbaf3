from __future__ import annotations

import json

import pytest

from bench import call
from bench.__main__ import main
from bench.browser import NoBrowser
from bench.report import Row, table
from bench.watched import Gap, Totals, longest_gap


def made(case: str, **figures: object) -> Row:
    return {**dict.fromkeys(call.COLUMNS), "scenario": "call", "server": "sfu", "case": case, **figures}


def test_the_longest_gap_counts_from_the_beginning_and_to_the_end() -> None:
    seen = [(9.0, 640), (10.5, 640), (10.6, 640), (12.0, 640)]
    assert longest_gap(seen, 10.0, 11.0) == Gap(0.0, 0.5)
    between = longest_gap(seen, 10.0, 12.5)
    assert between.after == pytest.approx(0.6)
    assert between.lasted == pytest.approx(1.4)
    assert longest_gap(seen, 10.55, 10.7).lasted == pytest.approx(0.1)
    assert longest_gap([], 10.0, 13.0) == Gap(0.0, 3.0)


def test_sound_that_was_made_up_is_a_share_of_what_came_meanwhile() -> None:
    before, after = (Totals(0.0, 0, 0, 0, samples, made_up, 0, 0, 1) for samples, made_up in ((1000, 900), (3000, 940)))
    assert after.concealed_since(before) == 0.02
    assert before.concealed_since(before) == 0.0


def test_aims_that_are_missed_are_told_and_kept_ones_are_not() -> None:
    assert call.misses(made("loss", freeze_ratio=0.005, concealed_ratio=0.02, gap_ms=9000.0)) == []
    [told] = call.misses(made("loss", freeze_ratio=0.006, concealed_ratio=0.0))
    assert told == "freeze_ratio is 0.006, and is meant to be at most 0.005"
    assert "same layer" in call.misses(made("layers", width=320, width_other=320))[0]
    assert call.misses(made("layers", width=640, width_other=320)) == []
    assert "no processor to spare" in call.misses(made("lips", skew_ms=10, limited_by="cpu"))[0]
    assert call.misses({"scenario": "forward", "server": "sfu"}) == []
    assert set(call.AIMS) <= set(call.CASES)


def test_a_row_fits_the_table() -> None:
    table([made("narrow", width=640)], call.COLUMNS)


def test_a_case_that_is_none_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["call", "--cases", "loss,fog"])
    assert ended.value.code == 2
    assert "there is no case fog" in capsys.readouterr().err


def test_without_a_browser_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def chromium(frame_rate: int) -> None:
        raise NoBrowser("chromium is not installed (Debian: apt-get install chromium)")

    monkeypatch.setattr("bench.call.chromium", chromium)
    assert main(["call"]) == 1
    assert "chromium is not installed" in capsys.readouterr().err


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_call_over_tcp_and_one_that_moves_are_measured_in_a_real_browser(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "--cases", "tcp,address", "--seconds", "2", "--json"]) == 0, capsys.readouterr().err
    tcp, address = json.loads(capsys.readouterr().out)
    assert (tcp["case"], address["case"]) == ("tcp", "address")
    assert tcp["freeze_ratio"] >= 0
    assert tcp["gap_ms"] > 0
    assert address["connections"] == 1
