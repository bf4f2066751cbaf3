from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bench import svg
from bench.html import page
from bench.report import Row

ROWS: list[Row] = [
    {"scenario": "forward", "server": "sfu", "receivers": count, "cpu_us_per_packet_out": 30.0 / count, "loss": 0.0}
    for count in (1, 4)
]
SAMPLES = [{"at": float(second), "memory": 100, "descriptors": 5, "tasks": 2} for second in range(5)]


class Reader(HTMLParser):
    """What a page is made of, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.counts: dict[str, int] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_asks_nobody_for_anything() -> None:
    text = page(ROWS, "machine  X")
    read = Reader(text)
    assert read.open == []
    assert read.addresses == []
    assert "http" not in text
    assert "url(" not in text
    assert read.counts["svg"] == 2
    assert read.counts["rect"] == 4
    assert "script" not in read.counts


def test_what_a_run_held_is_drawn_over_its_time() -> None:
    assert Reader(page([{**ROWS[0], "samples": SAMPLES}], "")).counts["polyline"] == 3


def test_a_peer_that_was_not_measured_is_said_so() -> None:
    missing: Row = {"scenario": "compare", "server": "janus", "missing": "janus is not <installed>"}
    assert "janus is not &lt;installed&gt;" in page([*ROWS, missing], "")


def test_names_and_headers_are_escaped() -> None:
    text = page([{**ROWS[0], "server": "<b>"}], "<script>")
    assert "<b>" not in text
    assert "<script>" not in text


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (0.12345, "0.123"), (12.345, "12.3"), (123456.0, "123,456")])
def test_figures_are_as_short_as_their_meaning_allows(value: float, shown: str) -> None:
    assert svg.figure(value) == shown


def test_bars_are_as_long_as_their_values() -> None:
    drawn = svg.bars("t", "", [("a", 1.0), ("b", 4.0), ("c", 0.0)])
    widths = [float(part.split('"')[0]) for part in drawn.split('width="')[1:]]
    assert widths[1] == pytest.approx(4 * widths[0], abs=0.2)
    assert widths[2] == 1.0
