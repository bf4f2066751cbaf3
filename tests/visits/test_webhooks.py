"""What a step is told as, how it is signed, when it is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.records import AccessEntry, Action
from sfu.admission.roles import Role
from sfu.visits.webhooks import Endpoint, Event, events, headers, read_secret, seconds_until_next
from tests.visits.sample import WALL, entry, participant

DATA = {"visit": "v_1", "participant": "p_1", "role": "patient"}


def told(entries: Sequence[AccessEntry], *, first: bool = False) -> list[tuple[str, dict[str, str]]]:
    return [(event.type, dict(event.data)) for event in events(entries, [participant()], first=first)]


@pytest.mark.parametrize(
    ("action", "kind", "more"),
    [
        (Action.JOINED, "participant.waiting", {}),
        (Action.HELD, "participant.waiting", {}),
        (Action.ADMITTED, "participant.admitted", {}),
        (Action.DENIED, "participant.denied", {}),
        (Action.LEFT, "participant.left", {"reason": "left"}),
        (Action.EXPIRED, "participant.left", {"reason": "expired"}),
        (Action.REMOVED, "participant.removed", {}),
    ],
)
def test_a_step_of_a_participant_is_told(action: Action, kind: str, more: dict[str, str]) -> None:
    assert told([entry(action, subject="p_1")]) == [(kind, {**DATA, **more})]


@pytest.mark.parametrize("action", [Action.ENDED, Action.CANCELLED])
def test_the_end_is_told_once_and_not_for_each_who_was_in(action: Action) -> None:
    steps = [entry(action), entry(Action.ENDED, subject="p_1")]
    assert told(steps) == [("visit.ended", {"visit": "v_1", "state": action.value})]


def test_the_first_to_come_opens_the_visit() -> None:
    steps = [entry(Action.JOINED, subject="p_1")]
    assert [kind for kind, _ in told(steps, first=True)] == ["visit.opened", "participant.waiting"]
    assert [kind for kind, _ in told(steps)] == ["participant.waiting"]


def test_staff_who_are_in_at_once_have_not_waited() -> None:
    steps = [entry(Action.JOINED, subject="p_1"), entry(Action.ADMITTED, subject="p_1")]
    assert [kind for kind, _ in told(steps, first=True)] == ["visit.opened", "participant.admitted"]


def test_nothing_else_is_told() -> None:
    listed = {
        *(Action.JOINED, Action.HELD, Action.ADMITTED, Action.DENIED, Action.LEFT, Action.EXPIRED, Action.REMOVED),
    }
    for action in set(Action) - listed:
        assert told([entry(action, subject="p_1")]) == [], action


def test_no_name_and_no_person_is_in_any_body() -> None:
    steps = [entry(action, subject="p_1", subject_person="1177:7f3", actor_person="hsa:1") for action in Action]
    bodies = "".join(event.body() for event in events([*steps, entry(Action.ENDED)], [participant()], first=True))
    for personal in ("Per", "1177", "hsa"):
        assert personal not in bodies


def test_a_body_is_json_with_type_timestamp_and_data() -> None:
    body = json.loads(Event("visit.ended", WALL, {"visit": "v_1"}).body())
    assert body == {"type": "visit.ended", "timestamp": "2026-11-23T08:45:00.123456Z", "data": {"visit": "v_1"}}


def test_an_endpoint_hears_what_it_asked_for_of_the_portals_it_asked_for() -> None:
    event = Event("visit.ended", WALL, {})
    all_ = Endpoint(id="a", events=frozenset({"visit.ended"}), portals=frozenset())
    one = Endpoint(id="a", events=frozenset({"visit.ended"}), portals=frozenset({"cosmic"}))
    none = Endpoint(id="a", events=frozenset(), portals=frozenset())
    assert [each.hears(event, "1177") for each in (all_, one, none)] == [True, False, False]
    assert one.hears(event, "cosmic")


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of Standard Webhooks' own reference libraries."""
    secret = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert (signed["webhook-id"], signed["webhook-timestamp"]) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330")


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200))
def test_anybody_with_the_secret_can_check_a_signature(secret: bytes, body: bytes) -> None:
    assert read_secret("whsec_" + base64.b64encode(secret).decode()) == secret
    expected = base64.b64encode(hmac.new(secret, b"msg_1.7." + body, hashlib.sha256).digest()).decode()
    assert headers(secret, "msg_1", 7, body)["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_ä", "whsec_AAAA", "A" * 44, "whsec_" + "A" * 100])
def test_what_is_no_secret_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r'^must be "whsec_" and the base64 of 24 to 64 bytes$'):
        read_secret(text)


def test_retries_come_further_and_further_apart() -> None:
    pauses = [seconds_until_next(attempt) for attempt in range(1, 100)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, 1800.0)


def test_roles_are_the_ones_of_the_record() -> None:
    told_ = list(events([entry(Action.ADMITTED, subject="p_1")], [participant(role=Role.INTERPRETER)], first=False))
    assert told_[0].data["role"] == "interpreter"
