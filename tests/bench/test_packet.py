"""The micro benchmark measures what it says: every packet goes the whole way."""

from __future__ import annotations

import json

import pytest

from bench import packet


@pytest.mark.parametrize(("receivers", "burst"), [(1, 1), (3, 5)])
def test_a_row_says_what_a_packet_costs(receivers: int, burst: int) -> None:
    row = packet.forward(receivers, burst, 100)
    assert row["us_per_packet_in"] == pytest.approx(row["us_per_packet_out"] * receivers, rel=0.01, abs=0.1)
    assert row["us_per_packet_out"] > 0


def test_the_command_prints_one_json_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["packet", "--receivers", "1,2", "--packets", "100", "--json"])
    packet.main()
    document = json.loads(capsys.readouterr().out)
    assert [row["receivers"] for row in document["forward"]] == [1, 1, 2, 2]
    assert any(name.startswith("receiver: protect") for name in document["parts_us"])
