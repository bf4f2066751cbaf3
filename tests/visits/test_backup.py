"""A backup that is taken while the server writes is whole, private, and can be put in the place of the original."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sfu.__main__ import main
from sfu.admission.records import Action
from sfu.errors import ConfigError, StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import audit
from sfu.visits.backup import backup
from sfu.visits.keys import load_or_create
from sfu.visits.store import Store
from tests.databases import InFile, OnServer
from tests.visits.conftest import on_postgresql, on_sqlite
from tests.visits.sample import WALL, booked, entry, participant


@on_sqlite
async def test_a_backup_under_writing_is_one_moment_and_can_be_served(store: Store, database: InFile) -> None:
    file, url = database.file, database.url
    keys = load_or_create(file.parent / "keys", WALL)
    await store.create_visit(booked(), entry(Action.CREATED))

    async def write() -> None:
        for number in range(60):
            await store.write(entries=[entry()], participants=[participant(f"p_{number}")])

    into = file.parent.parent / "backup"
    _, verdict = await asyncio.gather(write(), asyncio.to_thread(backup, url, file.parent / "keys", into))
    assert verdict.fault is None

    copy = f"sqlite:///{into / 'evisit.db'}"
    restored = await Store.open(copy)
    room = await restored.load_room(VisitId("v_1"))
    assert room is not None
    # Each participant came with one row of the log: the copy holds both or neither.
    assert len(room.participants) == verdict.head.number - 1
    await restored.note(entry(Action.LINK_READ))
    await restored.close()
    assert audit.verify(copy, verdict.head).fault is None
    again = load_or_create(into / "keys", WALL)
    assert again.link.reveal() == keys.link.reveal()
    assert [each.kid for each in again.tickets] == [each.kid for each in keys.tickets]


@on_sqlite
def test_a_backup_is_readable_by_nobody_else(database: InFile, capsys: pytest.CaptureFixture[str]) -> None:
    file = database.file
    load_or_create(file.parent / "keys", WALL)
    asyncio.run(_opened(f"sqlite:///{file}"))
    into = file.parent.parent / "backup"
    assert main(["backup", "--data", str(file.parent), str(into)]) == 0
    assert "its access log is whole" in capsys.readouterr().out
    modes = {path.name: path.stat().st_mode & 0o777 for path in into.rglob("*")}
    assert into.stat().st_mode & 0o777 == 0o700
    assert modes.pop("keys") == 0o700
    assert set(modes.values()) == {0o600}
    assert not {name for name in modes if name.endswith(("-wal", "-shm"))}


@on_sqlite
async def test_nothing_is_written_over_and_nothing_half_made_is_left(store: Store, database: InFile) -> None:
    file, url = database.file, database.url
    load_or_create(file.parent / "keys", WALL)
    with pytest.raises(ConfigError, match="new folder"):
        await asyncio.to_thread(backup, url, file.parent / "keys", file.parent)
    into = file.parent.parent / "backup"
    with pytest.raises(StoreUnavailable):
        await asyncio.to_thread(backup, "sqlite:////nowhere/evisit.db", file.parent / "keys", into)
    with pytest.raises(StoreUnavailable):
        await asyncio.to_thread(backup, url, file.parent / "none", into)
    assert "backup" not in {path.name for path in file.parents[1].iterdir()}


@on_postgresql
async def test_postgresql_is_left_to_its_own_tools_and_that_is_said(
    store: Store, database: OnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[database]\nurl = {json.dumps(database.url)}\n")
    assert main(["--config", str(config), "backup", str(tmp_path / "backup")]) == 2
    assert "back it up with pg_dump" in capsys.readouterr().err
    assert not (tmp_path / "backup").exists()


@on_postgresql
async def test_a_dump_under_writing_is_one_moment_and_can_be_served(
    store: Store, database: OnServer, tmp_path: Path
) -> None:
    """What docs/operations.md tells to do."""
    cluster, dump = database.cluster, tmp_path / "evisit.dump"
    await store.create_visit(booked(), entry(Action.CREATED))

    async def write() -> None:
        for number in range(60):
            await store.write(entries=[entry()], participants=[participant(f"p_{number}")])

    dumping = asyncio.to_thread(cluster.run, "pg_dump", "--format=custom", f"--file={dump}", database.name)
    await asyncio.gather(write(), dumping)
    restored = cluster.create("template0")
    await asyncio.to_thread(
        cluster.run,
        "pg_restore",
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        f"--dbname={restored}",
        str(dump),
    )
    copy = cluster.url(restored)
    verdict = audit.verify(copy)
    assert verdict.fault is None
    again = await Store.open(copy)
    room = await again.load_room(VisitId("v_1"))
    assert room is not None
    assert len(room.participants) == verdict.head.number - 1
    await again.note(entry(Action.LINK_READ))
    await again.close()
    assert audit.verify(copy, verdict.head).fault is None
    # Its triggers have come along.
    with pytest.raises(database.refusal):
        OnServer(cluster, restored).execute("DELETE FROM access_log")
    cluster.drop(restored)


async def _opened(url: str) -> None:
    await (await Store.open(url)).close()
