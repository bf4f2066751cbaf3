"""The log tells what happened, never to whom."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
import structlog

from sfu.log import PRIVATE, configure, logger
from sfu.redact import Redacted


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure(level="debug", form="json", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_level_time_and_opaque_ids(stream: io.StringIO) -> None:
    logger("test").info("participant joined", visit="v_01", participant="p_02")
    (line,) = lines(stream)
    assert line["event"] == "participant joined"
    assert line["level"] == "info"
    assert line["visit"] == "v_01"
    assert str(line["timestamp"]).endswith("Z")


def test_a_redacted_value_prints_as_stars(stream: io.StringIO) -> None:
    logger("test").info("joined", name=Redacted("Per P"))
    assert lines(stream)[0]["name"] == "***"
    assert "Per" not in stream.getvalue()


@pytest.mark.parametrize(
    "private",
    [
        "203.0.113.7",
        "2001:db8::17",
        "::1",
        "fe80::1%eth0",
        "anna@example.se",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln",
        "20180302-2383",
        "180302-2383",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n",
        "join#ticket=abcdef",
        "visit=v_1&key=Zm9v",
        "203.0.113.7.",
        "203.0.113.7, and",
        "203.0.113.7:4444",
        "v_4b1d9a0e8c7f4b1d9a0e8c7f4b1d9a0e.p_4b1d9a0e8c7f4b1d9a0e8c7f4b1d9a0e.4b1d9a0e8c7f4b1d9a0e8c7f4b1d9a0e",
    ],
)
def test_what_looks_private_is_blanked_in_every_text_of_a_line(stream: io.StringIO, private: str) -> None:
    structlog.stdlib.get_logger("elsewhere").warning(f"from {private}", note=private, notes=[private])
    logging.getLogger("library").warning("heard of %s", private)
    assert not PRIVATE.search(stream.getvalue().replace("\\r\\n", "\r\n").partition('"timestamp"')[0])
    assert private not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_lies_within_a_value_is_blanked_and_an_object_is_not_printed(form: str, stream: io.StringIO) -> None:
    configure(level="debug", form=form, stream=stream)
    inside = {"from": {"address": "203.0.113.7"}, "others": [["per@example.se"], {"::1": 2}], "count": 3, "known": None}
    structlog.stdlib.get_logger("elsewhere").warning(
        "a step", inside=inside, at=IPv4Address("203.0.113.8"), raw=b"203.0.113.9", several={"203.0.113.10"}
    )
    told = stream.getvalue()
    assert not re.search(r"203\.|per@|::1", told)
    assert "count" in told
    assert "3" in told


def test_an_exception_is_told_by_type_and_place_not_by_its_text(stream: io.StringIO) -> None:
    try:
        raise ValueError("Per P said 203.0.113.7")
    except ValueError as error:
        logger("test").error("a step failed", exc_info=error)
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert "test_log.py" in str(line["at"])
    assert "Per P" not in stream.getvalue()


def test_ids_times_and_versions_pass() -> None:
    for harmless in (
        "p_4b1d9a0e8c7f4b1d9a0e8c7f4b1d9a0e",
        "0.1.0",
        "1.2.3.4.5",
        "2026-11-23T09:00:00Z",
        "sfu.web.channel",
    ):
        assert not PRIVATE.search(harmless), harmless
