"""What is kept of a mail, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.visit import VisitState
from sfu.ids import VisitId
from sfu.redact import Redacted
from sfu.visits.deliveries import GIVE_UP_AFTER, Content, Envelope, WaitingMail, fate, next_attempt
from sfu.visits.webhooks import Outcome
from tests.visits.sample import WALL, booked

MAIL = WaitingMail(
    mail="m_1",
    invitation="i_1",
    visit=VisitId("v_1"),
    language="sv",
    link_generation=1,
    sealed=b"",
    at=WALL,
    attempts=0,
)
KEY = Redacted(bytes(range(32)))
CLOSES = WALL + timedelta(hours=3)


@given(st.text(max_size=300), st.text(max_size=2_000))
def test_what_was_closed_opens_for_its_mail_and_key_alone(address: str, message: str) -> None:
    content = Content(Redacted(address), Redacted(message))
    sealed = Envelope(KEY).close("m_1", content)
    assert Envelope(KEY).open("m_1", sealed) == content
    assert Envelope(KEY).open("m_2", sealed) is None
    assert Envelope(Redacted(bytes(32))).open("m_1", sealed) is None
    assert Envelope(KEY).open("m_1", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None


def test_two_mails_to_one_address_do_not_look_alike() -> None:
    content = Content(Redacted("a@b.se"), Redacted(""))
    assert Envelope(KEY).close("m_1", content) != Envelope(KEY).close("m_1", content)
    assert "a@b.se" not in repr(content)


def test_a_mail_of_a_visit_that_can_be_joined_is_sent() -> None:
    assert fate(MAIL, booked(), CLOSES, WALL) is None
    assert fate(MAIL, booked(), CLOSES, CLOSES - timedelta(seconds=1)) is None


@pytest.mark.parametrize("state", [VisitState.ENDED, VisitState.CANCELLED])
def test_a_mail_whose_link_is_dead_is_cancelled(state: VisitState) -> None:
    whole = booked()
    assert fate(MAIL, None, None, WALL) is Outcome.CANCELLED
    assert fate(MAIL, whole, CLOSES, CLOSES) is Outcome.CANCELLED
    assert fate(MAIL, replace(whole, visit=whole.visit.with_closed(state)), CLOSES, WALL) is Outcome.CANCELLED
    assert fate(replace(MAIL, link_generation=2), whole, CLOSES, WALL) is Outcome.CANCELLED


def test_attempts_come_further_apart_for_a_day() -> None:
    pauses = []
    for attempts in range(7):
        due = next_attempt(replace(MAIL, attempts=attempts), WALL)
        assert due is not None
        pauses.append((due - WALL).total_seconds())
    assert pauses == [5, 30, 120, 600, 1800, 3600, 3600]
    assert next_attempt(MAIL, WALL + GIVE_UP_AFTER - timedelta(seconds=1)) is not None
    assert next_attempt(MAIL, WALL + GIVE_UP_AFTER) is None
