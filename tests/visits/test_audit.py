"""`audit verify` and `audit export`: the log on disk, as somebody may have left it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from sfu.__main__ import main
from sfu.admission.records import Action
from sfu.errors import StoreUnavailable
from sfu.ids import PersonId, VisitId
from sfu.visits import audit, retention
from sfu.visits.access_log import Fault, Head
from sfu.visits.audit import NothingLogged
from sfu.visits.store import Store
from tests.databases import Database
from tests.postgresql import Cluster
from tests.visits.conftest import on_sqlite
from tests.visits.sample import UNIT, WALL, booked, entry

LATER = WALL + timedelta(days=40)


@pytest.fixture
async def logged(store: Store, url: str) -> str:
    """Six rows: two visits, each with three."""
    for visit in ("v_1", "v_2"):
        await store.create_visit(booked(visit), entry(Action.CREATED, visit, actor="portal:cosmic"))
        for number in range(2):
            await store.note(entry(Action.LINK_READ, visit, number, actor="portal:cosmic"))
    return url


def test_a_whole_log_is_whole(logged: str) -> None:
    verdict = audit.verify(logged)
    assert verdict.fault is None
    assert verdict.head.number == 6
    assert audit.verify(logged, verdict.head) == verdict


@pytest.mark.parametrize(
    ("statements", "fault", "row"),
    [
        (["UPDATE access_log SET actor = 'portal:other' WHERE number = 3"], Fault.CHANGED, 3),
        (["UPDATE access_log SET at = 'yesterday' WHERE number = 3"], Fault.CHANGED, 3),
        (["UPDATE access_log SET subject = '' WHERE number = 3"], Fault.CHANGED, 3),
        (["UPDATE access_log SET hash = {short} WHERE number = 3"], Fault.CHANGED, 3),
        (["UPDATE access_log SET unit = 'elsewhere' WHERE number = 1"], Fault.CHANGED, 1),
        (["DELETE FROM access_log WHERE number = 4"], Fault.MISSING, 4),
        (["DELETE FROM access_log WHERE number = 6"], Fault.MISSING, 6),
        (["DELETE FROM access_log"], Fault.MISSING, 1),
        (["DELETE FROM access_log_head"], Fault.HEAD_CHANGED, None),
        (["UPDATE access_log_head SET hash = {short}"], Fault.HEAD_CHANGED, 6),
        (["UPDATE access_log_head SET hash = {zeros}"], Fault.HEAD_CHANGED, 6),
        (["UPDATE access_log_head SET number = 5"], Fault.BEYOND_HEAD, 6),
        (
            [
                "UPDATE access_log SET number = 99 WHERE number = 2",
                "UPDATE access_log SET number = 2 WHERE number = 3",
                "UPDATE access_log SET number = 3 WHERE number = 99",
            ],
            Fault.CHANGED,
            2,
        ),
    ],
)
def test_what_was_done_to_the_log_is_found(
    logged: str, database: Database, statements: list[str], fault: Fault, row: int | None
) -> None:
    literals = {"zeros": database.bytes(bytes(32)), "short": database.bytes(b"x")}
    database.tamper(*(statement.format(**literals) for statement in statements))
    verdict = audit.verify(logged)
    assert (verdict.fault, verdict.row) == (fault, row)


@on_sqlite
@pytest.mark.parametrize(
    ("statement", "fault", "row"),
    [
        ("UPDATE access_log SET detail = x'00' WHERE number = 3", Fault.CHANGED, 3),
        ("UPDATE access_log SET hash = 'text' WHERE number = 3", Fault.CHANGED, 3),
        ("UPDATE access_log_head SET number = 'x'", Fault.HEAD_CHANGED, None),
        ("UPDATE access_log_head SET hash = 'x'", Fault.HEAD_CHANGED, None),
        ("UPDATE access_log_cut SET hash = 'text'", Fault.CUT_CHANGED, None),
    ],
)
def test_what_is_not_of_its_columns_type_is_found(
    logged: str, database: Database, statement: str, fault: Fault, row: int | None
) -> None:
    """SQLite takes anything in any column."""
    database.tamper(statement)
    verdict = audit.verify(logged)
    assert (verdict.fault, verdict.row) == (fault, row)


def test_a_tail_cut_off_with_its_head_is_found_by_the_head_noted_before(logged: str, database: Database) -> None:
    noted = audit.verify(logged).head
    ((fourth,),) = database.rows("SELECT hash FROM access_log WHERE number = 4")
    database.tamper(
        "DELETE FROM access_log WHERE number > 4",
        f"UPDATE access_log_head SET number = 4, hash = {database.bytes(fourth)}",
    )
    assert audit.verify(logged).fault is None
    verdict = audit.verify(logged, Head.read(str(noted)))
    assert (verdict.fault, verdict.row) == (Fault.MISSING, 5)


def test_an_export_tells_a_visit_and_that_it_was_read(logged: str) -> None:
    lines = [json.loads(audit.as_json(row)) for row in audit.export(logged, WALL, VisitId("v_2"))]
    assert [(line["number"], line["action"]) for line in lines] == [
        (4, "created"),
        (5, "link_read"),
        (6, "link_read"),
        (7, "audit_read"),
    ]
    assert {(line["visit"], line["unit"]) for line in lines} == {("v_2", UNIT)}
    assert (lines[-1]["actor"], lines[-1]["detail"]) == ("operator", "export")
    assert audit.verify(logged).fault is None


def test_an_export_of_all_tells_all(logged: str) -> None:
    lines = [json.loads(audit.as_json(row)) for row in audit.export(logged, WALL)]
    assert [line["number"] for line in lines] == list(range(1, 9))
    assert [line["visit"] for line in lines[-2:]] == ["v_1", "v_2"]


def test_what_is_exported_can_be_checked_by_anybody(logged: str) -> None:
    """The chain needs no key and none of our code: JSON and SHA-256."""
    previous = bytes(32)
    for exported in audit.export(logged, WALL):
        row = json.loads(audit.as_json(exported))
        claimed = bytes.fromhex(row.pop("hash"))
        words = json.dumps([1, *row.values()], separators=(",", ":")).encode()
        assert claimed == hashlib.sha256(previous + words).digest()
        previous = claimed


def test_a_visit_that_the_log_does_not_know_is_said(logged: str) -> None:
    with pytest.raises(NothingLogged):
        list(audit.export(logged, WALL, VisitId("v_3")))
    assert audit.verify(logged).head.number == 6


@pytest.mark.parametrize("content", [None, b"", b"something else entirely" * 100])
def test_where_there_is_no_log_nothing_is_made(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "evisit.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        audit.verify(f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable):
        list(audit.export(f"sqlite:///{file}", WALL))
    assert file.exists() is (content is not None)


def test_a_server_without_the_log_is_told_so(cluster: Cluster) -> None:
    for name in ("postgres", "not_there"):
        with pytest.raises(StoreUnavailable, match="no access log"):
            audit.verify(cluster.url(name))
        with pytest.raises(StoreUnavailable, match="no access log"):
            list(audit.export(cluster.url(name), WALL))


PER, OTHER = PersonId("1177:7f3"), PersonId("1177:other")


@pytest.fixture
async def of_two_patients(store: Store, url: str) -> str:
    """Two visits of Per, one of somebody else, in which Per is a guardian."""
    for visit, patient in (("v_1", PER), ("v_2", OTHER), ("v_3", PER)):
        created = entry(Action.CREATED, visit, actor="portal:cosmic", subject_person=patient)
        await store.create_visit(booked(visit), created)
        joined = entry(Action.JOINED, visit, actor_person=PER, subject_person=PER)
        let_in = entry(Action.ADMITTED, visit, actor_person=PersonId("hsa:eva"), subject_person=PER)
        await store.write(entries=[joined, let_in])
    return url


async def test_a_patients_log_is_that_of_their_visits_also_when_those_are_deleted(
    store: Store, of_two_patients: str
) -> None:
    await store.change(lambda connection: retention.forget_visits(connection, ended_before=LATER, at=LATER))
    rows = list(audit.export(of_two_patients, WALL, patient=PER))
    assert {row["visit"] for row in rows} == {"v_1", "v_3"}
    assert [row["action"] for row in rows if row["visit"] == "v_3"] == [
        *("created", "joined", "admitted", "deleted", "audit_read"),
    ]
    with pytest.raises(NothingLogged, match="patient"):
        list(audit.export(of_two_patients, WALL, patient=PersonId("1177:nobody")))


def test_what_a_patient_reads_is_time_unit_and_what_and_no_other_person(
    of_two_patients: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[database]\nurl = {json.dumps(of_two_patients)}\n")
    asked = ["--config", str(config), "audit", "export", "--patient", PER]
    assert main([*asked, "--visit", "v_1", "--readable"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"2026-11-23T08:45:00Z\t{UNIT}\tthe visit was booked\t",
        f"2026-11-23T08:45:00Z\t{UNIT}\tsomebody came to the waiting room\tyou",
        f"2026-11-23T08:45:00Z\t{UNIT}\tsomebody was let in\t",
    ]
    assert lines[3].endswith(f"Z\t{UNIT}\tthis log was read\t")
    assert main(asked) == 0
    assert {json.loads(line)["visit"] for line in capsys.readouterr().out.splitlines()} == {"v_1", "v_3"}
    assert main(["--config", str(config), "audit", "export", "--readable"]) == 2


def test_a_patient_can_read_of_every_action_but_those_that_are_left_out_by_name() -> None:
    assert {*audit.WORDS} | audit.MACHINERY == set(Action)
    assert not {*audit.WORDS} & audit.MACHINERY
