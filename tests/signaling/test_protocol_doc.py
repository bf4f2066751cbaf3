"""Every example in docs/protocol.md is read by the code that serves it, and every message and code stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfu.errors import CloseCode, Code
from sfu.signaling import frames
from sfu.signaling.decoding import message_type
from sfu.signaling.sdp import EgressStream, LocalAnswer, answer, parse_offer
from sfu.signaling.session import Asked, Joining, Limits, Send, Session, Trying

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()

REQUESTS = set(
    [
        "join",
        "test",
        "admit",
        "deny",
        "hold",
        "remove",
        "allow",
        "lock",
        "notice",
        "silence",
        "pin",
        "link",
        "end",
        "offer",
        "mute",
        "view",
        "text",
        "leave",
        "ping",
    ]
)
EVENTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "state": {"state": str, "reason": str},
    "lobby_status": {"staff_present": bool},
    "notice": {"text": str},
    "visit": {"visit": dict},
    "roster": {"version": int, "locked": bool, "participants": list},
    "lobby": {"version": int, "waiting": list, "turned_away": list},
    "ice_servers": {"ice_servers": list},
    "speaker": {"participant": (str, type(None))},
    "text": {"participant": str, "text": str, "final": bool},
    "quality": {"participants": list},
    "track_paused": {"track": str, "paused": bool, "reason": str},
    "layers": {"track": str, "wanted": list},
}
"""The fields of each event, as rooms make them."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def examples() -> Iterator[dict[str, Any]]:
    """The JSON objects of every example, one after the other."""
    decoder = json.JSONDecoder()
    for block in blocks("json"):
        rest = block.strip()
        while rest:
            message, end = decoder.raw_decode(rest)
            yield message
            rest = rest[end:].lstrip()


MADE_OF = {"join": Joining, "test": Trying, "ping": Send}
"""What a session makes of a request; of all others an `Asked`."""
CLIENT = [message for message in examples() if "id" in message and message["type"] not in ("ok", "error")]
ANSWERS = [message for message in examples() if message["type"] in ("ok", "error")]
SERVER_EVENTS = [message for message in examples() if "id" not in message]


def name_of(message: dict[str, Any]) -> str:
    return f"{message['type']}-{message.get('id', 'event')}"


@pytest.mark.parametrize("message", CLIENT, ids=name_of)
def test_a_session_takes_every_request(message: dict[str, Any]) -> None:
    session = Session(now=0.0, limits=Limits())
    if message["type"] not in ("join", "test"):
        session.receive_text('{"type":"join","id":0,"ticket":"t"}', now=0.0)
        session.accept({})
    (output,) = session.receive_text(json.dumps(message), now=0.0)
    assert isinstance(output, MADE_OF.get(message["type"], Asked))


@pytest.mark.parametrize("message", SERVER_EVENTS, ids=name_of)
def test_every_event_has_the_fields_that_rooms_give_it(message: dict[str, Any]) -> None:
    fields = EVENTS[message["type"]]
    assert set(message) == {"type", *fields}
    assert all(isinstance(message[name], kind) for name, kind in fields.items())
    assert json.loads(frames.event(message)) == message


@pytest.mark.parametrize("message", ANSWERS, ids=name_of)
def test_every_answer_has_the_shape_of_an_answer(message: dict[str, Any]) -> None:
    assert isinstance(message["id"], int)
    if message["type"] == "error":
        assert set(message) == {"type", "id", "code", "message"}
        assert message["code"] in set(Code)


def test_every_request_and_every_event_has_an_example() -> None:
    assert {message["type"] for message in CLIENT} == REQUESTS
    assert {message["type"] for message in SERVER_EVENTS} == set(EVENTS)
    assert all(message_type({"type": kind}) == kind for kind in REQUESTS)


def test_every_code_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", TEXT.partition("## Codes")[2], flags=re.MULTILINE) == [
        code.value for code in Code
    ]
    codes = {value for name, value in vars(CloseCode).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| (\d{4}) \| ", TEXT, flags=re.MULTILINE)} == codes


def test_the_offer_has_the_answer_that_stands_below_it() -> None:
    offered, answered = blocks("sdp")
    local = LocalAnswer(
        ice_ufrag="Lite",
        ice_pwd="0123456789abcdefghijkl",
        fingerprint=("sha-256", ":".join(["A7"] * 32)),
        candidates=(("203.0.113.7", 44444),),
        tcp_candidates=(("203.0.113.7", 44444),),
    )
    egress = {"1": EgressStream(ssrc=2001, rtx_ssrc=2002, stream="p_01aa", track="t_7c01")}
    assert answer(parse_offer(offered), local, egress) == answered.replace("\n", "\r\n")
