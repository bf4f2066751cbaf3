"""Whatever a client sends, a session answers it or closes; nothing is raised, and nothing that was sent is repeated."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import CloseCode, Code
from sfu.signaling import frames
from sfu.signaling.decoding import message_type
from sfu.signaling.session import Asked, Close, Joining, Limits, Send, Session, Trying

GOOD: list[dict[str, Any]] = [
    {"type": "join", "ticket": "a.b.c"},
    {"type": "join", "visit": "v_1", "key": "k", "name": "Amina Tolk", "role": "interpreter"},
    {"type": "join", "resume": "r"},
    {"type": "admit", "participant": "p_1", "agreed": True},
    {"type": "remove", "participant": "p_1", "reason": "x"},
    {"type": "lock", "locked": True},
    {"type": "notice", "text": "x", "participant": "p_1"},
    {"type": "offer", "sdp": "v=0", "send": [{"mid": "0", "source": "camera"}], "receive": [{"mid": "1", "track": "t"}]},
    {"type": "view", "track": "t", "width": 1, "height": 1, "frame_rate": 1, "priority": 1, "paused": False},
    {"type": "text", "text": "x", "final": False},
    {"type": "end"},
]  # fmt: skip
CANARY = "kanariefågel"

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=90), st.just(CANARY), st.just("\ud800")
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def check(frame: str, *, joined: bool) -> None:
    session = Session(now=0.0, limits=Limits())
    if joined:
        session.receive_text('{"type":"join","id":0,"ticket":"t"}', now=0.0)
        session.accept({})
    (output,) = session.receive_text(frame, now=0.0)
    match output:
        case Close(code):
            assert code == CloseCode.BAD_FRAME
            assert frames.parse(frame) is None
        case Send(text):
            answer = json.loads(text)
            assert answer["type"] == "error"
            assert answer["code"] in (Code.BAD_MESSAGE, Code.JOIN_REQUIRED)
            assert CANARY not in text
            assert len(text) < 400
        case Joining() | Trying():
            assert not joined
        case Asked(_, kind, _):
            assert joined
            assert message_type({"type": kind}) == kind


@given(frame=st.text(max_size=200), joined=st.booleans())
def test_any_text(frame: str, joined: bool) -> None:
    check(frame, joined=joined)


@given(
    fields=st.dictionaries(st.sampled_from(["type", "id", "ticket", "resume", CANARY]), values), joined=st.booleans()
)
def test_any_object(fields: dict[str, object], joined: bool) -> None:
    check(json.dumps(fields), joined=joined)


@given(data=st.data(), joined=st.booleans())
@settings(max_examples=400)
def test_a_good_message_with_a_field_changed_dropped_or_added(data: st.DataObject, joined: bool) -> None:
    fields = {"id": 1, **data.draw(st.sampled_from(GOOD))}
    name = data.draw(st.sampled_from([*fields, "new"]))
    if data.draw(st.booleans()):
        fields[name] = data.draw(values)
    else:
        fields.pop(name, None)
    check(json.dumps(fields), joined=joined)


@given(data=st.data(), joined=st.booleans())
def test_a_good_frame_cut_repeated_or_with_characters_changed(data: st.DataObject, joined: bool) -> None:
    frame = json.dumps({"id": 1, **data.draw(st.sampled_from(GOOD))})
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, len(frame)))
    check(
        frame[:start] + data.draw(st.text(max_size=5)) + frame[end:] + frame[: data.draw(st.integers(0, 3))],
        joined=joined,
    )
