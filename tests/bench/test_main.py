from __future__ import annotations

import json

import pytest

from bench.__main__ import cautions, main
from bench.report import Row, Watcher, as_json
from bench.run import ScenarioFailed

ROW: Row = {
    "scenario": "forward",
    "receivers": 1,
    "generator_load": 0.5,
    "generator_socket_drops": 0,
    "generator_late_ms_p99": 1.0,
}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["forward", "--receivers", "0"],
        ["forward", "--receivers", "1,x"],
        ["forward", "--rooms", "-1"],
        ["forward", "--seconds", "0"],
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m bench" in capsys.readouterr().err


def test_help_lists_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "forward" in capsys.readouterr().out


def test_json_alone_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forward(rooms: int, receivers: list[int], seconds: float, watcher: Watcher, *, simulcast: bool) -> list[Row]:
        watcher.tell("10 rooms of 1 + 4", "measure", 1, 2)
        return [
            {**ROW, "rooms": rooms, "receivers": count, "seconds": seconds, "simulcast": simulcast}
            for count in receivers
        ]

    monkeypatch.setattr("bench.forward.forward", forward)
    assert main(["forward", "--receivers", "4,16", "--rooms", "3", "--seconds", "2", "--simulcast", "--json"]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    told = [(row["receivers"], row["rooms"], row["seconds"], row["simulcast"]) for row in rows]
    assert told == [(4, 3, 2.0, True), (16, 3, 2.0, True)]
    assert "10 rooms of 1 + 4: measure" in shown.err
    assert "commit" in shown.err


def test_a_failure_is_told_and_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forward(rooms: int, receivers: list[int], seconds: float, watcher: Watcher, *, simulcast: bool) -> list[Row]:
        raise ScenarioFailed("not one packet arrived")

    monkeypatch.setattr("bench.forward.forward", forward)
    assert main(["forward", "--json"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "failed: not one packet arrived" in shown.err


def test_a_generator_that_is_busy_or_late_or_drops_is_cautioned_of() -> None:
    assert cautions(ROW) == []
    assert "95%" in cautions({**ROW, "generator_load": 0.95})[0]
    assert "40 ms late" in cautions({**ROW, "generator_late_ms_p99": 40.0})[0]
    assert "7 packets" in cautions({**ROW, "generator_socket_drops": 7})[0]


def test_rows_are_a_json_list() -> None:
    assert json.loads(as_json([ROW, ROW])) == [ROW, ROW]
    assert json.loads(as_json([])) == []
