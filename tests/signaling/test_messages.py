"""What a client can say, and how it is told what was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sfu.admission.roles import Role
from sfu.errors import Code, Refused
from sfu.ids import ParticipantId, TrackId
from sfu.rooms import requests
from sfu.rooms.requests import SendSection, Source
from sfu.signaling.decoding import decode_asking, decode_join, decode_test, message_type
from sfu.signaling.messages import (
    Asking,
    EchoByLink,
    EchoByTicket,
    JoinByLink,
    JoinByResume,
    JoinByTicket,
    OfferMessage,
    ReceiveBinding,
)

ANA, CAMERA = ParticipantId("p_ana"), TrackId("t_camera")
LINK = {"visit": "v_1", "key": "k", "name": "Amina Tolk", "role": "interpreter"}


def refusal(fields: Mapping[str, Any]) -> str:
    decode = {"join": decode_join, "test": decode_test}.get(str(fields.get("type")), decode_asking)
    with pytest.raises(Refused) as caught:
        decode(fields)
    assert caught.value.code is Code.BAD_MESSAGE
    return caught.value.message


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"type": "admit", "participant": "p_ana"}, requests.Admit(ANA)),
        ({"type": "admit", "participant": "p_ana", "agreed": True}, requests.Admit(ANA, True)),
        ({"type": "deny", "participant": "p_ana"}, requests.Deny(ANA)),
        ({"type": "deny", "participant": "p_ana", "reason": "Fel besök"}, requests.Deny(ANA, "Fel besök")),
        ({"type": "hold", "participant": "p_ana"}, requests.Hold(ANA)),
        ({"type": "remove", "participant": "p_ana", "reason": ""}, requests.Remove(ANA)),
        ({"type": "allow", "participant": "p_ana"}, requests.Allow(ANA)),
        ({"type": "lock", "locked": False}, requests.Lock(False)),
        ({"type": "notice", "text": "Snart."}, requests.SendNotice("Snart.")),
        ({"type": "notice", "text": "Snart.", "participant": None}, requests.SendNotice("Snart.")),
        ({"type": "notice", "text": "Snart.", "participant": "p_ana"}, requests.SendNotice("Snart.", ANA)),
        ({"type": "silence", "track": "t_camera"}, requests.Silence(CAMERA)),
        ({"type": "pin", "participant": "p_ana", "pinned": True}, requests.Pin(ANA, True)),
        ({"type": "end"}, requests.End()),
        ({"type": "mute", "track": "t_camera", "muted": True}, requests.Mute(CAMERA, True)),
        ({"type": "view", "track": "t_camera", "width": 640, "height": 0}, requests.View(CAMERA, 640, 0)),
        (
            {
                "type": "view",
                "track": "t_camera",
                "width": 1,
                "height": 2,
                "frame_rate": 15,
                "priority": 3,
                "paused": True,
            },
            requests.View(CAMERA, 1, 2, 15, 3, True),
        ),
        ({"type": "text", "text": ""}, requests.SendText("")),
        ({"type": "text", "text": "Hej\n", "final": False}, requests.SendText("Hej\n", False)),
        ({"type": "leave"}, requests.Leave()),
        ({"type": "link"}, requests.ReadLink()),
        ({"type": "offer", "sdp": "v=0"}, OfferMessage("v=0", (), ())),
        (
            {
                "type": "offer",
                "sdp": "v=0",
                "send": [{"mid": "0", "source": "screen_audio"}],
                "receive": [{"mid": "1", "track": "t_camera"}],
            },
            OfferMessage("v=0", (SendSection("0", Source.SCREEN_AUDIO),), (ReceiveBinding("1", CAMERA),)),
        ),
    ],
)
def test_every_request_is_decoded(fields: dict[str, Any], asked: Asking) -> None:
    assert decode_asking({"id": 1, **fields}) == asked
    assert message_type(fields) == fields["type"]


def test_the_three_joins_are_decoded() -> None:
    assert decode_join({"type": "join", "ticket": "a.b.c"}) == JoinByTicket("a.b.c")
    assert decode_join({"type": "join", **LINK}) == JoinByLink("v_1", "k", "Amina Tolk", Role.INTERPRETER)
    assert decode_join({"type": "join", "resume": "r"}) == JoinByResume("r")


@pytest.mark.parametrize("more", [{}, {"ticket": "t", "resume": "r"}, {"ticket": "t", **LINK}])
def test_a_join_has_exactly_one_way_in(more: dict[str, str]) -> None:
    assert refusal({"type": "join", **more}).startswith("A join has exactly one of")


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert decode_asking({"type": "leave", "id": 1, "participant": "somebody else", "new": {}}) == requests.Leave()


@pytest.mark.parametrize("name", ["Åsa Öberg-Lind", "O'Neill", "علی‌رضا", "渡辺 さくら", "👩‍⚕️ Eva", "N"])
def test_names_of_all_scripts_are_taken(name: str) -> None:
    join = decode_join({"type": "join", **LINK, "name": f" {name} "})
    assert isinstance(join, JoinByLink)
    assert join.name == name


@pytest.mark.parametrize(
    "name", ["a\nb", "a\n", "a\x00", "a\u202eb", "\u200f", "a\u200bb", "a\u2028b", "a\ue000", "a\u2066", "\ufeffa"]
)
def test_a_name_that_could_deceive_the_eye_is_refused(name: str) -> None:
    assert refusal({"type": "join", **LINK, "name": name}) == (
        "name: should hold no control, formatting or line-breaking characters."
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "join", **LINK, "name": "   "}, "name: should not be blank."),
        ({"type": "join", **LINK, "name": "x" * 81}, "name: should have at most 80 characters."),
        ({"type": "join", **LINK, "role": "doctor"}, "role: should be 'clinician', 'patient', 'guardian', 'interpreter' or 'external'."),
        ({"type": "join", "visit": "v_1", "key": "k", "role": "patient"}, "name: is required."),
        ({"type": "join", "ticket": ""}, "ticket: should have at least 1 character."),
        ({"type": "join", "ticket": "x" * 4097}, "ticket: should have at most 4096 characters."),
        ({"type": "join", "resume": 7}, "resume: should be a string."),
        ({"type": "admit"}, "participant: is required."),
        ({"type": "admit", "participant": "p", "agreed": 1}, "agreed: should be true or false."),
        ({"type": "admit", "participant": "p", "agreed": "true"}, "agreed: should be true or false."),
        ({"type": "deny", "participant": "p", "reason": "x" * 201}, "reason: should have at most 200 characters."),
        ({"type": "lock", "locked": None}, "locked: should be true or false."),
        ({"type": "notice", "text": ""}, "text: should have at least 1 character."),
        ({"type": "notice", "text": "x" * 501}, "text: should have at most 500 characters."),
        ({"type": "text", "text": "x" * 501}, "text: should have at most 500 characters."),
        ({"type": "text", "text": "\ud800"}, "text: should be Unicode text without lone surrogates."),
        ({"type": "view", "track": "t", "width": 1.5, "height": 1}, "width: should be an integer."),
        ({"type": "view", "track": "t", "width": True, "height": 1}, "width: should be an integer."),
        ({"type": "view", "track": "t", "width": -1, "height": 1}, "width: should be greater than or equal to 0."),
        ({"type": "view", "track": "t", "width": 1, "height": 1, "frame_rate": 0}, "frame_rate: should be greater than or equal to 1."),
        ({"type": "offer", "send": []}, "sdp: is required."),
        ({"type": "offer", "sdp": "", "send": {}}, "send: should be an array."),
        ({"type": "offer", "sdp": "", "send": ["x"]}, "send[0]: should be an object."),
        ({"type": "offer", "sdp": "", "send": [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "x"}]},
         "send[1].source: should be 'microphone', 'camera', 'screen' or 'screen_audio'."),
        ({"type": "offer", "sdp": "", "receive": [{"mid": "0" * 17, "track": "t"}]}, "receive[0].mid: should have at most 16 characters."),
        ({"type": "offer", "sdp": "", "receive": [{"mid": "0", "track": "t"}] * 25}, "receive: should have at most 24 items."),
        ({"type": "join-me"}, "type: should be that of a request of this protocol."),
        ({"type": ["join"]}, "type: should be that of a request of this protocol."),
        ({}, "type: should be that of a request of this protocol."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(fields: dict[str, Any], message: str) -> None:
    assert refusal(fields) == message


def test_no_refusal_repeats_the_input() -> None:
    secret = "kanariefågel"
    hostile: list[dict[str, Any]] = [
        {"type": secret},
        {"type": "join", **LINK, "role": secret},
        {"type": "join", **LINK, "name": secret + "\u202e"},
        {"type": "join", "ticket": [secret]},
        {"type": "offer", "sdp": secret, "send": [{"mid": "0", "source": secret, secret: secret}]},
        {"type": "admit", "participant": {secret: secret}},
    ]
    assert all(secret not in refusal(fields) for fields in hostile)


def test_what_identifies_a_person_is_not_printed() -> None:
    secret = "kanariefågel"
    printed = repr(
        [
            JoinByTicket(secret),
            JoinByLink("v", secret, secret, Role.PATIENT),
            JoinByResume(secret),
            OfferMessage(secret, (), ()),
        ]
    )
    assert secret not in printed


def test_a_test_is_asked_for_by_ticket_or_by_link() -> None:
    assert decode_test({"type": "test", "ticket": "a.b.c"}) == EchoByTicket("a.b.c")
    assert decode_test({"type": "test", "visit": "v_1", "key": "k"}) == EchoByLink("v_1", "k")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "A test has exactly one of ticket, visit (with key)."),
        ({"resume": "r"}, "A test has exactly one of ticket, visit (with key)."),
        ({"ticket": "t", "visit": "v", "key": "k"}, "A test has exactly one of ticket, visit (with key)."),
        ({"visit": "v"}, "key: is required."),
        ({"ticket": 1}, "ticket: should be a string."),
    ],
)
def test_anything_else_is_no_test(fields: Mapping[str, Any], message: str) -> None:
    assert refusal({"type": "test", **fields}) == message
