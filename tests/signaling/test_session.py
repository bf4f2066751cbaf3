"""One channel, from its opening to its close, told as a transcript."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sfu.errors import CloseCode, Code, Refused
from sfu.rooms.requests import Leave, Lock
from sfu.signaling.messages import EchoByTicket, JoinByResume, JoinByTicket, OfferMessage
from sfu.signaling.session import Asked, Close, Joining, Limits, Output, Send, Session, Stage, Trying

JOIN = {"type": "join", "id": 1, "ticket": "a.b.c"}


class Channel:
    """A session and a clock that stands still unless it is moved."""

    def __init__(self, **limits: Any) -> None:
        self.now = 1_000.0
        self.session = Session(now=self.now, limits=Limits(**limits))

    def says(self, message: object) -> tuple[Output, ...]:
        frame = message if isinstance(message, str) else json.dumps(message)
        return self.session.receive_text(frame, now=self.now)

    def hears(self, message: object) -> dict[str, Any]:
        """Say something that is answered by the session itself; gives the answer."""
        (output,) = self.says(message)
        assert isinstance(output, Send)
        answer: dict[str, Any] = json.loads(output.text)
        return answer


def joined(**limits: Any) -> Channel:
    channel = Channel(**limits)
    assert channel.says(JOIN) == (Joining(JoinByTicket("a.b.c")),)
    (answer,) = channel.session.accept({"participant": "p_1"})
    assert isinstance(answer, Send)
    assert json.loads(answer.text) == {"type": "ok", "id": 1, "participant": "p_1"}
    return channel


def test_after_a_join_requests_are_handed_on() -> None:
    channel = joined()
    assert channel.says({"type": "lock", "id": 2, "locked": True}) == (Asked(2, "lock", Lock(True)),)
    assert channel.says({"type": "leave", "id": 9}) == (Asked(9, "leave", Leave()),)


def test_a_ping_is_answered_at_once_and_asks_nothing_of_the_room() -> None:
    assert joined().hears({"type": "ping", "id": 2}) == {"type": "ok", "id": 2}
    assert trying().hears({"type": "ping", "id": 2}) == {"type": "ok", "id": 2}


@pytest.mark.parametrize("kind", ["offer", "admit", "leave", "ping"])
def test_before_a_join_nothing_else_is_let_through(kind: str) -> None:
    channel = Channel()
    assert channel.hears({"type": kind, "id": 1})["code"] == Code.JOIN_REQUIRED
    channel.says({**JOIN, "id": 2})
    assert channel.hears({"type": kind, "id": 3})["code"] == Code.JOIN_REQUIRED


def test_a_second_join_is_refused_and_changes_nothing() -> None:
    channel = joined()
    assert channel.hears({**JOIN, "id": 2})["code"] == Code.BAD_MESSAGE
    assert channel.says({"type": "leave", "id": 3}) == (Asked(3, "leave", Leave()),)


def test_a_join_that_cannot_be_read_may_be_tried_again() -> None:
    channel = Channel()
    assert channel.hears({"type": "join", "id": 1})["code"] == Code.BAD_MESSAGE
    assert channel.says({"type": "join", "id": 2, "resume": "r"}) == (Joining(JoinByResume("r")),)


@pytest.mark.parametrize("kind", ["join", "admit", "nonsense"])
def test_who_has_not_joined_has_few_tries(kind: str) -> None:
    channel = Channel()
    for number in range(1, 5):
        assert channel.hears({"type": kind, "id": number})["type"] == "error"
    answer, end = channel.says({"type": kind, "id": 5})
    assert isinstance(answer, Send)
    assert end == Close(CloseCode.RATE_LIMITED)
    assert channel.says(JOIN | {"id": 6}) == ()


def test_the_last_try_may_be_the_right_one_and_later_faults_are_not_counted() -> None:
    channel = Channel()
    for number in range(1, 5):
        channel.hears({"type": "join", "id": number})
    channel.says(JOIN | {"id": 5})
    channel.session.accept({})
    for number in range(6, 20):
        assert channel.hears({"type": "nonsense", "id": number})["code"] == Code.BAD_MESSAGE


@pytest.mark.parametrize(
    ("code", "close"),
    [
        (Code.TICKET_INVALID, CloseCode.JOIN_REFUSED),
        (Code.FULL, CloseCode.JOIN_REFUSED),
        (Code.INTERNAL, CloseCode.GOING_AWAY),
        (Code.DENIED, CloseCode.TURNED_AWAY),
        (Code.REMOVED, CloseCode.TURNED_AWAY),
        (Code.VISIT_ENDED, CloseCode.VISIT_ENDED),
        (Code.RATE_LIMITED, CloseCode.RATE_LIMITED),
        (Code.DRAINING, CloseCode.GOING_AWAY),
    ],
)
def test_a_refused_join_is_answered_and_closed(code: Code, close: int) -> None:
    channel = Channel()
    channel.says(JOIN)
    answer, end = channel.session.refuse(Refused(code, "No."))
    assert isinstance(answer, Send)
    assert json.loads(answer.text) == {"type": "error", "id": 1, "code": code, "message": "No."}
    assert end == Close(close)
    assert channel.session.stage is Stage.CLOSED


def test_a_join_is_answered_once() -> None:
    channel = joined()
    assert channel.session.accept({}) == ()
    assert channel.session.refuse(Refused(Code.DENIED, "No.")) == ()


def test_who_does_not_join_in_time_is_closed() -> None:
    channel = Channel()
    assert channel.session.next_timer() == 1_010.0
    assert channel.session.handle_timer(now=1_009.9) == ()
    assert channel.session.handle_timer(now=1_010.0) == (Close(CloseCode.TOO_SLOW),)
    assert channel.session.next_timer() is None


def test_nonsense_does_not_put_the_deadline_off() -> None:
    channel = Channel()
    channel.now += 9.0
    channel.hears({"type": "join", "id": 1})
    assert channel.session.next_timer() == 1_010.0


def test_a_join_that_we_are_still_deciding_is_not_hurried() -> None:
    channel = Channel()
    channel.says(JOIN)
    assert channel.session.next_timer() is None
    assert channel.session.handle_timer(now=2_000.0) == ()


@pytest.mark.parametrize("frame", ["", "[]", "hello", '{"id":1,"id":1}', '{"a":"' + "x" * 65_536 + '"}'])
def test_a_frame_that_is_no_object_closes(frame: str) -> None:
    channel = joined()
    assert channel.says(frame) == (Close(CloseCode.BAD_FRAME),)


def test_a_binary_frame_closes() -> None:
    assert joined().session.receive_binary() == (Close(CloseCode.BAD_FRAME),)


@pytest.mark.parametrize("bad", [{}, {"id": None}, {"id": "2"}, {"id": 2.0}, {"id": True}, {"id": -1}])
def test_a_request_without_an_id_is_answered_without_one(bad: dict[str, Any]) -> None:
    answer = joined().hears({"type": "leave", **bad})
    assert (answer["id"], answer["code"]) == (None, Code.BAD_MESSAGE)


@pytest.mark.parametrize("again", [0, 1, 5])
def test_ids_rise(again: int) -> None:
    channel = joined()
    channel.says({"type": "leave", "id": 5})
    answer = channel.hears({"type": "leave", "id": again})
    assert (answer["id"], answer["code"]) == (again, Code.BAD_MESSAGE)
    assert channel.says({"type": "leave", "id": 6}) == (Asked(6, "leave", Leave()),)


def test_a_bad_request_is_answered_with_its_id() -> None:
    answer = joined().hears({"type": "lock", "id": 2, "locked": "yes"})
    assert answer == {"type": "error", "id": 2, "code": "bad_message", "message": "locked: should be true or false."}


def test_a_burst_is_let_through_and_then_the_channel_is_closed() -> None:
    channel = joined(messages_per_second=20.0, messages_burst=60)
    outputs = [channel.says("{}") for _ in range(60)]
    assert all(isinstance(output, Send) for (output,) in outputs[:59]), "the join was one"
    assert outputs[59] == (Close(CloseCode.RATE_LIMITED),)


def test_the_allowed_rate_can_go_on_for_ever() -> None:
    channel = joined(messages_per_second=20.0, messages_burst=60)
    for _ in range(59):
        channel.says("{}")
    for _ in range(500):
        channel.now += 0.051
        (output,) = channel.says("{}")
        assert isinstance(output, Send)


def test_after_the_close_nothing_comes_out() -> None:
    channel = joined()
    assert channel.session.close(CloseCode.LEFT) == (Close(CloseCode.LEFT),)
    assert channel.session.close(CloseCode.LEFT) == ()
    assert channel.says({"type": "leave", "id": 2}) == ()
    assert channel.session.receive_binary() == ()
    assert channel.session.handle_timer(now=5_000.0) == ()


def test_a_join_accepted_after_the_close_is_not_answered() -> None:
    channel = Channel()
    channel.says(JOIN)
    channel.session.close(CloseCode.GOING_AWAY)
    assert channel.session.accept({"participant": "p_1"}) == ()


def trying() -> Channel:
    channel = Channel()
    assert channel.says({"type": "test", "id": 1, "ticket": "a.b.c"}) == (Trying(EchoByTicket("a.b.c")),)
    (answer,) = channel.session.accept({"seconds": 20})
    assert isinstance(answer, Send)
    assert json.loads(answer.text) == {"type": "ok", "id": 1, "seconds": 20}
    return channel


def test_a_channel_that_tests_may_offer_and_leave() -> None:
    channel = trying()
    assert channel.session.stage is Stage.TESTING
    assert channel.says({"type": "offer", "id": 2, "sdp": "v=0"}) == (Asked(2, "offer", OfferMessage("v=0", (), ())),)
    assert channel.says({"type": "leave", "id": 3}) == (Asked(3, "leave", Leave()),)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (JOIN, Code.BAD_MESSAGE),
        ({"type": "test", "ticket": "a.b.c"}, Code.BAD_MESSAGE),
        ({"type": "admit", "participant": "p_1", "agreed": True}, Code.JOIN_REQUIRED),
        ({"type": "text", "text": "hej"}, Code.JOIN_REQUIRED),
        ({"type": "end"}, Code.JOIN_REQUIRED),
    ],
)
def test_a_channel_that_tests_never_takes_part(message: dict[str, Any], code: Code) -> None:
    assert trying().hears({**message, "id": 2})["code"] == code


def test_a_channel_that_has_joined_does_not_test() -> None:
    assert joined().hears({"type": "test", "id": 2, "ticket": "a.b.c"})["code"] == Code.BAD_MESSAGE


def test_a_test_that_is_refused_closes_the_channel() -> None:
    channel = Channel()
    channel.says({"type": "test", "id": 1, "ticket": "a.b.c"})
    answer, close = channel.session.refuse(Refused(Code.RATE_LIMITED, "Later."))
    assert isinstance(answer, Send)
    assert json.loads(answer.text)["code"] == Code.RATE_LIMITED
    assert close == Close(CloseCode.RATE_LIMITED)


def test_offers_have_a_bucket_of_their_own() -> None:
    channel = joined(offers_per_second=1.0, offers_burst=2)
    offer = {"type": "offer", "sdp": "v=0", "send": [], "receive": []}
    assert [type(output) for number in (2, 3) for output in channel.says({**offer, "id": number})] == [Asked, Asked]
    assert channel.hears({**offer, "id": 4})["code"] == Code.RATE_LIMITED
    assert channel.says({"type": "leave", "id": 5}) == (Asked(5, "leave", Leave()),), "other requests go on"
    channel.now += 1.0
    assert [type(output) for output in channel.says({**offer, "id": 6})] == [Asked]


def test_pings_are_counted_as_messages() -> None:
    channel = joined(messages_burst=3)
    assert channel.session.receive_control(now=channel.now) == ()
    assert channel.session.receive_control(now=channel.now) == ()
    assert channel.session.receive_control(now=channel.now) == (Close(CloseCode.RATE_LIMITED),)
