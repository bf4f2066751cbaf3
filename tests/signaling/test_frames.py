"""Frames in and out."""

from __future__ import annotations

import json

import pytest

from sfu.errors import Code, Refused
from sfu.signaling import frames


def nested(depth: int) -> str:
    return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def test_a_json_object_is_given_as_it_is() -> None:
    assert frames.parse('{"type":"leave","id":7}') == {"type": "leave", "id": 7}


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        '"text"',
        "7",
        "{",
        "{'type':1}",
        '{"id":NaN}',
        '{"id":-Infinity}',
        '{"id":1,"id":2}',
        '{"a":{"b":1,"b":1}}',
        '{"a":1}{"b":2}',
        '{"id":' + "9" * 5_000 + "}",
        nested(frames.MAX_DEPTH + 1),
        "[" * 60_000,
        '{"a":' * 10_000,
    ],
)
def test_what_is_not_one_object_of_ours_is_nothing(frame: str) -> None:
    assert frames.parse(frame) is None


def test_the_depth_is_counted_from_the_object_itself() -> None:
    assert frames.parse(nested(frames.MAX_DEPTH)) is not None


def test_the_size_is_counted_in_bytes() -> None:
    room = frames.MAX_BYTES - len('{"a":""}')
    assert frames.parse('{"a":"' + "x" * room + '"}') is not None
    assert frames.parse('{"a":"' + "x" * (room + 1) + '"}') is None
    assert frames.parse('{"a":"' + "å" * (room // 2 + 1) + '"}') is None


@pytest.mark.parametrize("value", [0, 1, frames.MAX_ID])
def test_an_id_is_an_integer_that_javascript_can_count_to(value: int) -> None:
    assert frames.message_id({"id": value}) == value


@pytest.mark.parametrize("value", [None, -1, frames.MAX_ID + 1, 1.0, True, "1", [1]])
def test_anything_else_is_no_id(value: object) -> None:
    assert frames.message_id({"id": value}) is None
    assert frames.message_id({}) is None


def test_answers_and_events_are_compact_json() -> None:
    assert frames.ok(7, {"track": "t_1"}) == '{"type":"ok","id":7,"track":"t_1"}'
    assert frames.event({"type": "speaker", "participant": None}) == '{"type":"speaker","participant":null}'
    refused = Refused(Code.VISIT_NOT_OPEN, "Too early.", opens_at="2026-11-23T08:30:00Z")
    assert json.loads(frames.error(7, refused)) == {
        "type": "error",
        "id": 7,
        "code": "visit_not_open",
        "message": "Too early.",
        "opens_at": "2026-11-23T08:30:00Z",
    }


def test_whatever_a_string_holds_the_frame_can_be_sent() -> None:
    text = frames.event({"type": "notice", "text": "Återbesök \ud800 \u2028"})
    assert text.encode("utf-8").isascii()
    assert json.loads(text)["text"] == "Återbesök \ud800 \u2028"


def test_many_small_values_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of empty arrays costs a hundred times what a text of the same size does, and anybody can send one."""
    room = frames.MAX_VALUES - 2
    assert frames.parse('{"a":[' + ",".join(["1"] * (room + 1)) + "]}") is not None
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it is not to be read"))
    assert frames.parse('{"a":[' + ",".join(["1"] * (room + 2)) + "]}") is None
    assert frames.parse('{"a":[' + ",".join(["{}"] * 20_000) + "]}") is None
    assert frames.parse('{"a":"' + "," * frames.MAX_VALUES + '"}') is None
