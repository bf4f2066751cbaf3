"""Resume tokens name their room and prove nothing by that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.resume import is_token_of, parse_resume_token, resume_digest, resume_token
from sfu.ids import ParticipantId, VisitId, new_token

VISIT, PARTICIPANT = VisitId(f"v_{'9' * 32}"), ParticipantId(f"p_{'4' * 32}")


def test_a_token_names_its_visit_and_participant() -> None:
    token = resume_token(VISIT, PARTICIPANT, new_token())
    assert parse_resume_token(token) == (VISIT, PARTICIPANT)


def test_a_token_is_known_by_its_digest_alone() -> None:
    token = resume_token(VISIT, PARTICIPANT, "0" * 32)
    assert is_token_of(token, resume_digest(token))
    assert not is_token_of(resume_token(VISIT, PARTICIPANT, "0" * 31 + "1"), resume_digest(token))
    assert not is_token_of(token, bytes(32))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "v_1.p_1",
        "v_1.p_1.",
        "v_.p_1.aa",
        "p_1.v_1.aa",
        "v_1.p_1.aa.bb",
        "v_1.p_1.aa\n",
        " v_1.p_1.aa",
        "v_1.p_1.AA",
        "v_1.p_1.å",
        "v_/../x.p_1.aa",
        "v_1.p_1." + "a" * 65,
        "v_" + "1" * 300 + ".p_1.aa",
    ],
)
def test_what_has_another_form_is_no_token(token: str) -> None:
    assert parse_resume_token(token) is None


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    parse_resume_token(text)
    assert not is_token_of(text, bytes(32))


def test_even_a_lone_surrogate_has_a_digest() -> None:
    assert len(resume_digest("\ud800")) == 32
