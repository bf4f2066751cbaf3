"""The key of the shared link: derived, told apart by generation, and silent to strangers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.links import GENERATIONS_TOLD, generation_of, link_key, visit_unknown
from sfu.admission.visit import Visit
from sfu.errors import Code, Refused
from sfu.ids import VisitId
from tests.rooms.sample import VISIT

SECRET = bytes(range(32))


def opened(visit: Visit | None, key: str) -> int:
    return generation_of(SECRET, VISIT.visit, None, key) if visit is None else of(visit, key)


def of(visit: Visit, key: str) -> int:
    return generation_of(SECRET, visit.visit, visit.link_generation, key)


def refusal(visit: Visit | None, key: str) -> Refused:
    with pytest.raises(Refused) as refused:
        opened(visit, key)
    return refused.value


def test_a_key_has_256_bits_that_fit_a_fragment() -> None:
    key = link_key(SECRET, VISIT.visit, 1)
    assert len(key) == 43
    assert len(base64.urlsafe_b64decode(key + "=")) == 32
    by_hand = hmac.new(SECRET, b"evisit shared link 1\0v_9f2c\x001", hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(key + "=") == by_hand


def test_a_key_is_of_one_visit_generation_and_secret() -> None:
    keys = {
        link_key(secret, visit, generation)
        for secret in (SECRET, SECRET[::-1])
        for visit in (VISIT.visit, VisitId("v_9f2"))
        for generation in (1, 2, 11)
    }
    assert len(keys) == 12


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_a_key_tells_its_generation(generation: int) -> None:
    visit = replace(VISIT, link_generation=3)
    assert of(visit, link_key(SECRET, visit.visit, generation)) == generation


def test_very_old_generations_are_forgotten() -> None:
    visit = replace(VISIT, link_generation=GENERATIONS_TOLD + 2)
    assert of(visit, link_key(SECRET, visit.visit, 2)) == 2
    assert refusal(visit, link_key(SECRET, visit.visit, 1)).code is Code.VISIT_UNKNOWN


@pytest.mark.parametrize("generation", [-1, 0, 2])
def test_a_key_of_a_generation_that_never_was_is_unknown(generation: int) -> None:
    assert refusal(VISIT, link_key(SECRET, VISIT.visit, generation)).code is Code.VISIT_UNKNOWN


@given(st.text(max_size=60))
def test_a_wrong_key_and_a_visit_that_is_not_are_answered_alike(key: str) -> None:
    stranger, nowhere, known = refusal(VISIT, key), refusal(None, key), visit_unknown()
    for refused in (stranger, nowhere):
        assert (refused.code, refused.message, refused.details) == (known.code, known.message, known.details)


def test_no_key_opens_a_visit_that_is_not() -> None:
    assert refusal(None, link_key(SECRET, VisitId("v_"), 0)).code is Code.VISIT_UNKNOWN


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        link_key(bytes(31), VISIT.visit, 1)
