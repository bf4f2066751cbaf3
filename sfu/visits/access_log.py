"""The access log's chain: each row holds the SHA-256 of the row before it and of its own words.

    hash(n) = SHA-256( hash(n-1) ‖ canonical(row n) )        hash(0) = 32 zero bytes

The *head*, kept apart from the rows, names the last row and its hash. What `verify` proves, and what it cannot:

- a row changed, taken out, put in, or moved: found, and the first such row is named;
- rows taken from the end: found by the head;
- rows taken from the end and the head set back, or everything after some row written anew by somebody who may write to
  the database: the database alone cannot tell. An *anchor* can: a head noted outside it (`audit verify` prints it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum

from sfu.admission.records import AccessEntry

VERSION = 1
"""Of the canonical encoding. A later one may add fields; rows keep the encoding that they were written with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as stored. All of it but `hash` is hashed."""

    number: int
    """From 1, without gaps, over all visits."""
    visit: str
    unit: str
    at: str
    """RFC 3339, UTC, microseconds."""
    action: str
    actor: str
    actor_person: str | None
    subject: str | None
    subject_person: str | None
    detail: str
    hash: bytes


COLUMNS = tuple(field.name for field in fields(Row))
_ACTION, _SUBJECT, _DETAIL = (COLUMNS.index(name) for name in ("action", "subject", "detail"))
CUT = "cut"
"""The action of a row that tells that the log was cut (sfu/visits/retention.py)."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row's number and hash. Written as `number:hash`, for people to note."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def read(cls, text: str) -> Head:
        """Reads what `str` gives. Raises `ValueError` for anything else."""
        number, _, digest = text.partition(":")
        head = cls(int(number), bytes.fromhex(digest))
        if head.number < 0 or len(head.hash) != 32:
            raise ValueError("a head is a row's number, a colon, and 64 hex digits")
        return head


BEGINNING = Head(0, bytes(32))


class Fault(StrEnum):
    """How a log is wrong."""

    MISSING = "missing"
    """The row is not there."""
    CHANGED = "changed"
    """The row is not what was written, or not where it was written."""
    BEYOND_HEAD = "beyond_head"
    """The row stands after the last one that was written."""
    HEAD_CHANGED = "head_changed"
    """The row is whole, but the head names another hash for it."""
    REWRITTEN = "rewritten"
    """The row is not the one that the anchor was noted for."""
    CUT_CHANGED = "cut_changed"
    """The row is the last one that is said not to be kept any more, but no row of the log tells of that."""
    ANCHOR_CUT = "anchor_cut"
    """The row that the anchor was noted for is not kept any more: it proves nothing now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: how far the chain holds, and the first fault with the row's number."""

    head: Head
    fault: Fault | None = None
    row: int | None = None


def timestamp(at: datetime) -> str:
    """The form in which the log holds a moment."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def digest(previous: bytes, words: Iterable[object]) -> bytes:
    """The hash of a row whose fields, `hash` left out and in `COLUMNS`' order, are `words`. Raises `TypeError` for what JSON lacks."""
    canonical = json.dumps([VERSION, *words], ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(previous + canonical.encode("ascii")).digest()


def chained(head: Head, entries: Iterable[AccessEntry], unit: str) -> list[Row]:
    """The rows that follow `head` for `entries` of one visit, in their order."""
    rows = []
    for entry in entries:
        row = Row(
            number=head.number + 1,
            visit=entry.visit,
            unit=unit,
            at=timestamp(entry.at),
            action=entry.action.value,
            actor=entry.actor,
            actor_person=entry.actor_person,
            subject=entry.subject,
            subject_person=entry.subject_person,
            detail=entry.detail,
            hash=b"",
        )
        words = [getattr(row, name) for name in COLUMNS[:-1]]
        row = replace(row, hash=digest(head.hash, words))
        head = Head(row.number, row.hash)
        rows.append(row)
    return rows


def verify(
    rows: Iterable[tuple[object, ...]], head: Head, anchor: Head | None = None, cut: Head = BEGINNING
) -> Verdict:
    """Check rows, given as the database holds them (`COLUMNS`, by rising number), against their chain, the head, and the anchor.

    `cut` is the last row that is not kept any more. One of the rows has to tell of it.
    """
    if anchor is not None and anchor.number < cut.number:
        return Verdict(cut, Fault.ANCHOR_CUT, anchor.number)
    if anchor is not None and anchor.number == cut.number and anchor.hash != cut.hash:
        return Verdict(cut, Fault.REWRITTEN, anchor.number)
    good = cut
    told = cut == BEGINNING
    for row in rows:
        *words, found = row
        if words[0] != good.number + 1:
            return Verdict(good, Fault.MISSING, good.number + 1)
        if good.number >= head.number:
            return Verdict(good, Fault.BEYOND_HEAD, good.number + 1)
        try:
            expected = digest(good.hash, words)
        except (TypeError, ValueError):
            expected = None  # a blob or a number where text was: nothing that was ever written
        if expected is None or found != expected:
            return Verdict(good, Fault.CHANGED, good.number + 1)
        good = Head(good.number + 1, expected)
        told = told or (words[_ACTION], words[_SUBJECT], words[_DETAIL]) == (CUT, str(cut.number), cut.hash.hex())
        if anchor is not None and anchor.number == good.number and anchor.hash != good.hash:
            return Verdict(good, Fault.REWRITTEN, good.number)
    if good.number < max(head.number, anchor.number if anchor else 0):
        return Verdict(good, Fault.MISSING, good.number + 1)
    if good.hash != head.hash:
        return Verdict(good, Fault.HEAD_CHANGED, good.number)
    if not told:
        return Verdict(good, Fault.CUT_CHANGED, cut.number)
    return Verdict(good)
