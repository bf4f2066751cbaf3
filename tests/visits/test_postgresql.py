"""What PostgreSQL is asked for, and what a server that goes, hangs or comes back does to the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from sfu.admission.records import Action
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.visits import audit, postgresql, transaction
from sfu.visits import store as store_module
from sfu.visits.engine import open_engine
from sfu.visits.store import Store
from sfu.visits.transaction import Unsure
from tests.databases import OnServer, on_server
from tests.postgresql import PASSWORD, WITH_PASSWORD, Cluster
from tests.visits.sample import booked, entry, participant
from tests.visits.test_store_faults import available

CREATED = entry(Action.CREATED)
V1 = VisitId("v_1")


@pytest.fixture
def database(cluster: Cluster) -> Iterator[OnServer]:
    with on_server(cluster) as database:
        yield database


@pytest.fixture
async def store(database: OnServer) -> AsyncIterator[Store]:
    store = await Store.open(database.url, busy_seconds=0.01)
    await store.create_visit(booked(), CREATED)
    yield store
    await store.close()


def setting(store: Store, name: str) -> Any:
    with store._write_engine.connect() as connection:
        return connection.exec_driver_sql(f"SHOW {name}").scalar()


@pytest.mark.parametrize(
    ("configured", "used"), [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
async def test_a_commit_waits_for_the_disk_whatever_the_server_is_set_to(
    database: OnServer, configured: str, used: str
) -> None:
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = {configured}")
    store = await Store.open(database.url)
    assert await asyncio.to_thread(setting, store, "synchronous_commit") == used
    await store.close()


async def test_a_reader_can_write_nothing(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        await store.look(lambda connection: connection.exec_driver_sql("DELETE FROM visits"))
    assert await store.visit(V1) == booked()


async def test_a_reader_sees_one_moment(store: Store, database: OnServer) -> None:
    def look(connection: Any) -> tuple[int, int]:
        count = "SELECT count(*) FROM people"
        first = connection.exec_driver_sql(count).scalar_one()
        database.execute("DELETE FROM people")
        return first, connection.exec_driver_sql(count).scalar_one()

    assert await store.look(look) == (4, 4)


async def test_a_user_with_a_password_gets_in_with_it(cluster: Cluster, database: OnServer) -> None:
    with cluster.connect() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(sql.Identifier(WITH_PASSWORD), PASSWORD)
        )
    url = make_url(cluster.url(database.name, WITH_PASSWORD))
    store = await Store.open(url.set(password=PASSWORD).render_as_string(hide_password=False))
    assert await store.visit(V1) is None
    await store.close()
    with pytest.raises(StoreUnavailable):
        await Store.open(url.set(password="wrong").render_as_string(hide_password=False))


async def test_another_machine_is_spoken_to_by_tls_alone() -> None:
    """127.0.0.2 is ours to listen on, and not by its name this machine."""
    heard: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(8))
        writer.write(b"N")  # a server without TLS, or somebody in between
        heard.append(await reader.read())
        writer.close()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StoreUnavailable):
        await Store.open(f"postgresql://evisit@127.0.0.2:{port}/evisit")
    async with asyncio.timeout(60):
        await over.wait()
    server.close()
    assert heard == [bytes.fromhex("0000000804d2162f"), b""]  # SSLRequest, and nothing after it


@contextmanager
def gone(cluster: Cluster) -> Iterator[None]:
    cluster.stop("immediate")
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def frozen(cluster: Cluster) -> Iterator[None]:
    cluster.freeze()
    try:
        yield
    finally:
        cluster.thaw()


async def test_a_server_that_was_started_anew_is_not_even_noticed(store: Store, cluster: Cluster) -> None:
    with gone(cluster):
        pass
    await store.write(entries=[entry()])
    assert await store.visit(V1) == booked()


@pytest.mark.parametrize("loss", [gone, frozen], ids=lambda loss: loss.__name__)
async def test_a_server_that_is_gone_or_hangs_is_unavailable_and_recovers(
    database: OnServer, monkeypatch: pytest.MonkeyPatch, loss: Any
) -> None:
    monkeypatch.setattr(store_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 2)
    store = await Store.open(database.url)
    await store.create_visit(booked(), CREATED)
    with loss(database.cluster):
        with pytest.raises(StoreUnavailable):
            await store.write(entries=[entry()])
        with pytest.raises(StoreUnavailable):
            await store.visit(V1)
        assert not available(store)
    await store.write(entries=[entry()])
    assert available(store)
    assert await store.visit(V1) == booked()
    assert audit.verify(database.url).head.number == 2
    await store.close()


def cut_off(store: Store, monkeypatch: pytest.MonkeyPatch, *, committed: bool) -> None:
    """The next commit is never answered: the connection is lost just before the server does it, or just after."""
    dialect = store._write_engine.dialect
    commit = dialect.do_commit

    def lose(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if committed:
            commit(connection)
        connection.driver_connection.pgconn.finish()
        raise psycopg.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", lose)


async def test_a_commit_that_happened_though_its_answer_was_lost_has_happened(
    store: Store, database: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(store, monkeypatch, committed=True)
    await store.write(entries=[entry()], participants=[participant()])
    assert len(await store.participants(V1)) == 1
    assert audit.verify(database.url).head.number == 2
    assert store.available


async def test_a_commit_that_was_lost_before_it_happened_has_not_happened(
    store: Store, database: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(store, monkeypatch, committed=False)
    with pytest.raises(StoreUnavailable) as caught:
        await store.write(entries=[entry()], participants=[participant()])
    assert not isinstance(caught.value, Unsure)
    assert await store.participants(V1) == ()
    assert audit.verify(database.url).head.number == 1


async def test_a_lost_transaction_whose_number_was_given_out_again_has_not_happened(
    store: Store, database: OnServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash, and on a standby that took over without having heard of the last transactions."""
    dialect = store._write_engine.dialect
    commit = dialect.do_commit
    lost: list[str] = []

    def lose(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        lost.append(connection.driver_connection.execute("SELECT pg_current_xact_id()::text").fetchone()[0])
        cluster.stop("immediate")
        cluster.start()
        with cluster.connect(database.name) as other:
            while int(other.execute("SELECT pg_current_xact_id()::text").fetchone()[0]) < int(lost[0]):  # type: ignore[index]
                pass
        commit(connection)

    monkeypatch.setattr(dialect, "do_commit", lose)
    with pytest.raises(StoreUnavailable) as caught:
        await store.write(entries=[entry()], participants=[participant()])
    assert not isinstance(caught.value, Unsure)
    assert database.rows(f"SELECT pg_xact_status('{lost[0]}'::xid8)") == [("committed",)]
    assert await store.participants(V1) == ()
    assert audit.verify(database.url).head.number == 1


async def test_a_commit_of_which_nobody_can_tell_is_unsure(
    store: Store, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "LEARN_SECONDS", 0.1)
    dialect = store._write_engine.dialect

    def lose(connection: Any) -> None:
        cluster.stop("immediate")
        connection.commit()

    with monkeypatch.context() as context:
        context.setattr(dialect, "do_commit", lose)
        with pytest.raises(Unsure):
            await store.write(entries=[entry()], participants=[participant()])
    cluster.start()
    await store.write(entries=[entry()])


async def test_an_operation_whose_turn_comes_too_late_is_not_tried(
    store: Store, database: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "TURN_SECONDS", -1.0)
    with pytest.raises(StoreUnavailable, match="kept up"):
        await store.write(entries=[entry()])
    assert audit.verify(database.url).head.number == 1


async def test_errors_do_not_quote_what_was_to_be_stored(store: Store) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await store.create_visit(booked(), CREATED)
    assert "SQLSTATE 23505" in str(caught.value.__cause__)


def test_a_writer_waits_for_another_and_then_sees_what_it_wrote(database: OnServer) -> None:
    """What the store reads before it writes is true when it writes."""
    engine = open_engine(database.url, writes=True, busy_seconds=0.05)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE store_probe SET count = count + 1")
        other = open_engine(database.url, writes=True, busy_seconds=0.05)
        with pytest.raises(Exception, match="SQLSTATE 55P03"), other.begin():
            pass
    with other.begin() as connection:
        assert connection.exec_driver_sql("SELECT count FROM store_probe").scalar_one() == 1
    engine.dispose()
    other.dispose()
