from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sfu.visits.store import Store
from tests.databases import Database

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def url(database: Database) -> str:
    return database.url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An empty store. A database that is held by somebody else is given up at once."""
    store = await Store.open(url, busy_seconds=0.01)
    yield store
    await store.close()
