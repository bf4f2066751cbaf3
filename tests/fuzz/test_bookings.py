"""Whatever is sent as a body: it is read, or it is a `ValidationError`; never anything else, and never an echo of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sfu.ids import VisitId
from sfu.visits.bookings import Body, Booking, NotAGuardian, TicketWanted
from sfu.web.problems import Problem
from tests.visits.sample import body

WANTED = {"person": "hsa:SE-A1", "role": "clinician", "name": "Dr Eva Ek", "units": ["a"]}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.from_regex(r"20\d\d-\d\d-\d\d.{0,12}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def read(kind: type[Body], sent: bytes) -> None:
    refused: Problem | None = None
    try:
        found = kind.model_validate_json(sent)
        if isinstance(found, Booking):
            found.booked(VisitId("v_1"), portal="p", guardian_age=13)
    except NotAGuardian:
        return
    except ValidationError as error:
        refused = Problem.of_body(error)
    assert refused is None or refused.response().status in (400, 422)


@given(st.sampled_from(sorted(body())), values)
def test_any_value_in_any_field_of_a_booking(field: str, value: Any) -> None:
    read(Booking, json.dumps(body(**{field: value})).encode("utf-8", "surrogatepass"))


@given(st.sampled_from(sorted(WANTED)), values)
def test_any_value_in_any_field_of_a_ticket(field: str, value: Any) -> None:
    read(TicketWanted, json.dumps({**WANTED, field: value}).encode("utf-8", "surrogatepass"))


@given(st.sampled_from((Booking, TicketWanted)), st.integers(0, 900), st.binary(max_size=20), st.integers(0, 20))
def test_a_cut_and_spliced_body(kind: type[Body], at: int, put: bytes, cut: int) -> None:
    good = json.dumps(body() if kind is Booking else WANTED, ensure_ascii=False).encode()
    read(kind, good[:at] + put + good[at + cut :])


@given(st.dates(), st.datetimes(), st.datetimes())
def test_any_times(born: Any, starts_at: Any, ends_at: Any) -> None:
    patient = {"person": "a", "name": "b", "birth_date": born.isoformat()}
    times = {"starts_at": f"{starts_at.isoformat()}Z", "ends_at": f"{ends_at.isoformat()}+01:00"}
    read(Booking, json.dumps(body(patient=patient, **times)).encode())
