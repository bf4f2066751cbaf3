"""The chain: what was written verifies, and whatever is done to it afterwards is found at its first row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.admission.records import Action
from sfu.visits.access_log import BEGINNING, COLUMNS, Fault, Head, Row, Verdict, chained, timestamp, verify
from tests.visits.sample import UNIT, entry

Rows = list[Row]


def log(length: int = 6) -> Rows:
    actions = list(Action)
    return chained(BEGINNING, [entry(actions[n], number=n, detail=f"d{n}") for n in range(length)], UNIT)


def judged(rows: Rows, head: Row | None, anchor: Head | None = None) -> Verdict:
    last = Head(head.number, head.hash) if head else BEGINNING
    return verify((astuple(row) for row in rows), last, anchor)


@pytest.mark.parametrize("length", [0, 1, 6])
def test_what_was_written_verifies(length: int) -> None:
    rows = log(length)
    verdict = judged(rows, rows[-1] if rows else None)
    assert verdict.fault is None
    assert verdict.head.number == length


def test_writing_in_parts_gives_the_same_chain() -> None:
    entries = [entry(number=n) for n in range(5)]
    first = chained(BEGINNING, entries[:2], UNIT)
    rest = chained(Head(first[-1].number, first[-1].hash), entries[2:], UNIT)
    assert first + rest == chained(BEGINNING, entries, UNIT)


def test_the_encoding_stays_what_it_was() -> None:
    """Rows of years ago must verify: neither this text nor what is done with it may ever change."""
    told = entry(Action.ADMITTED, subject="p_2", subject_person="1177:å", detail="agreed")
    row = chained(Head(6, b"\7" * 32), [told], UNIT)[0]
    canonical = b'[1,7,"v_1","SE2321000016-1HZ3","2026-11-23T08:45:00.123456Z","admitted","p_1",null,"p_2","1177:\\u00e5","agreed"]'
    assert row.hash == hashlib.sha256(b"\7" * 32 + canonical).digest()


@pytest.mark.parametrize("column", COLUMNS[1:])
@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_changed_word_is_found_at_its_row(column: str, place: int) -> None:
    rows = log()
    words = [list(astuple(row)) for row in rows]
    words[place][COLUMNS.index(column)] = b"\1" * 32 if column == "hash" else "other"
    verdict = verify((tuple(row) for row in words), Head(6, rows[-1].hash))
    assert verdict == Verdict(Head(place, rows[place - 1].hash if place else bytes(32)), Fault.CHANGED, place + 1)


@pytest.mark.parametrize("odd", [b"blob", 7, 1.5, None])
def test_a_value_of_another_type_is_a_change_and_no_crash(odd: object) -> None:
    rows = log()
    words = [list(astuple(row)) for row in rows]
    words[2][COLUMNS.index("action")] = odd
    assert verify((tuple(row) for row in words), Head(6, rows[-1].hash)).row == 3
    words[2][COLUMNS.index("number")] = odd
    assert verify((tuple(row) for row in words), Head(6, rows[-1].hash)).row == 3


@pytest.mark.parametrize("place", range(5))
def test_a_row_taken_out_is_missing(place: int) -> None:
    rows = log()
    verdict = judged(rows[:place] + rows[place + 1 :], rows[-1])
    assert (verdict.fault, verdict.row) == (Fault.MISSING, place + 1)


def test_rows_numbered_anew_after_one_was_taken_out_are_found() -> None:
    rows = log()
    moved = [replace(row, number=number) for number, row in enumerate(rows[:2] + rows[3:], 1)]
    assert judged(moved, moved[-1]).row == 3


@given(places=st.permutations(range(6)))
def test_any_other_order_is_found_at_the_first_row_that_moved(places: list[int]) -> None:
    rows = log()
    shuffled = [replace(rows[place], number=number) for number, place in enumerate(places, 1)]
    moved = next((number for number, place in enumerate(places, 1) if place != number - 1), None)
    verdict = judged(shuffled, rows[-1])
    assert verdict.row == moved
    assert verdict.fault is (Fault.CHANGED if moved else None)


@pytest.mark.parametrize("left", range(6))
def test_a_tail_cut_off_is_found_by_the_head(left: int) -> None:
    rows = log()
    verdict = judged(rows[:left], rows[-1])
    assert (verdict.fault, verdict.row) == (Fault.MISSING, left + 1)


def test_rows_put_behind_the_head_are_found() -> None:
    rows = log()
    verdict = judged(rows, rows[3])
    assert (verdict.fault, verdict.row) == (Fault.BEYOND_HEAD, 5)


def test_a_changed_head_is_found() -> None:
    rows = log()
    verdict = judged(rows, replace(rows[-1], hash=bytes(32)))
    assert (verdict.fault, verdict.row) == (Fault.HEAD_CHANGED, 6)


FORGERIES: dict[str, tuple[Callable[[Rows], Rows], Fault, int]] = {
    "the end cut off, the head set back": (lambda rows: rows[:4], Fault.MISSING, 5),
    "everything from row 3 on written anew": (
        lambda rows: rows[:2] + chained(Head(2, rows[1].hash), [entry(number=9)] * 4, UNIT),
        Fault.REWRITTEN,
        6,
    ),
    "all of it deleted": (lambda _rows: [], Fault.MISSING, 1),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_whole_is_found_by_a_head_noted_elsewhere_and_by_that_alone(forgery: str) -> None:
    rows = log()
    forge, fault, place = FORGERIES[forgery]
    forged = forge(rows)
    last = forged[-1] if forged else None
    assert judged(forged, last).fault is None
    verdict = judged(forged, last, Head(6, rows[-1].hash))
    assert (verdict.fault, verdict.row) == (fault, place)


def test_an_anchor_of_earlier_days_holds_while_the_log_grows() -> None:
    rows = log()
    assert judged(rows, rows[-1], Head(3, rows[2].hash)).fault is None


def test_a_head_is_written_and_read_alike() -> None:
    head = Head(7, bytes(range(32)))
    assert Head.read(str(head)) == head


@pytest.mark.parametrize("text", ["", "7", "7:", "7:00", "x:" + "0" * 64, "-1:" + "0" * 64, "7:" + "g" * 64])
def test_anything_else_is_no_head(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Head.read(text)


def test_moments_are_written_in_utc_whatever_their_zone() -> None:
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 1, 1, 1, 0, tzinfo=east)) == "2025-12-31T23:00:00.000000Z"
    assert timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
